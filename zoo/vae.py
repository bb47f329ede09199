"""`vae`: the plain variational auto-encoder, the baseline that collapses."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from tfvae.checks import UserError
from zoo.recipe import Context, Defaults, Stage
from zoo.settings import ImageSettings, field

CITATION = "Kingma and Welling, Auto-Encoding Variational Bayes, ICLR 2014"
DEFAULTS = Defaults(backbone="mlp", train_steps=3000)


@dataclasses.dataclass(frozen=True)
class Settings(ImageSettings):
    """q(z|x) = N(mu(x), diag sigma(x)^2),  p(z) = N(0, I)."""

    latent_width: int = field(32, "D, the size of z", low=1, high=4096)
    latent_grid: tuple[int, ...] = field(
        (), "h,w: a sequence of h * w latents over the image instead of one vector", low=1
    )
    encoder: str = field(
        "full",
        "of a latent grid: full sees the whole image, anti_causal what comes after",
        choices=("full", "anti_causal"),
    )
    beta: float = field(1.0, "weight of the rate", low=0.0)


def model(settings: Settings, context: Context):
    """The VAE at a point of the axes: backbone, Gaussian posterior, N(0, I) prior."""
    import tfvae
    from tfvae.latents import GaussianPosterior, StandardNormalPrior, StochasticLatent
    from zoo import backbones

    if len(settings.latent_grid) not in (0, 2):
        raise UserError(f"setting 'latent_grid' must be h,w, got {settings.latent_grid}")
    grid = settings.latent_grid or None
    length = () if grid is None else (grid[0] * grid[1],)
    shape = (*length, settings.latent_width)
    parts = backbones.build(
        settings, context, grid=grid, anti_causal=settings.encoder == "anti_causal"
    )
    latent = StochasticLatent(GaussianPosterior(shape), StandardNormalPrior(shape))
    return tfvae.VAE(parts.encoder, latent, parts.decoder, parts.likelihood, name="vae")


def stages(settings: Settings, context: Context, vae) -> Iterator[Stage]:
    """One: everything moves together."""
    from tfvae import objectives
    from zoo.training import joint_stage

    yield joint_stage(settings, context, vae, objectives.elbo(settings.beta))
