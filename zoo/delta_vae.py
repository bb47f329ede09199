"""`delta_vae`: a latent sequence whose prior no posterior of the family can match.

rate >= delta = sum_k 1/2 [(n-2) ln(1 + a_k^2) - ln(1 - a_k^2)] > 0
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from tfvae.checks import UserError
from zoo.recipe import Context, Defaults, Stage
from zoo.settings import ImageSettings, field

CITATION = "Razavi, van den Oord, Poole and Vinyals, Preventing Posterior Collapse with delta-VAEs, ICLR 2019"
DEFAULTS = Defaults(backbone="gated_pixelcnn", train_steps=1000)


@dataclasses.dataclass(frozen=True)
class Settings(ImageSettings):
    """AR(1) prior against a mean-field posterior; an auxiliary prior is fitted afterwards."""

    latent_grid: tuple[int, ...] = field(
        (),
        "h,w: positions of the latent sequence, in raster order; empty: about a quarter of the "
        "image's sides",
        low=1,
    )
    latent_width: int = field(4, "channels of each position", low=1, high=1024)
    committed_rate: float = field(
        2.0, "delta in nats, in total, split evenly over the channels", low=0.0, high=1e5
    )
    correlation: tuple[float, ...] = field(
        (),
        "AR(1) correlations, one or one per channel, instead of committed_rate",
        low=-0.9999999,
        high=0.9999999,
    )
    encoder: str = field(
        "anti_causal",
        "anti_causal: position t sees what comes after it; full: the whole image",
        choices=("anti_causal", "full"),
    )
    auxiliary: bool = field(True, "fit the auxiliary prior in a second stage")
    auxiliary_steps: int | None = field(
        None, "of the second stage; none: a half of train_steps", low=1
    )
    auxiliary_learning_rate: float = field(2e-3, "of the second stage", low=0.0, high=1.0)
    auxiliary_filters: int = field(64, "width of its causal network", low=1, high=4096)
    auxiliary_layers: int = field(6, "depth of its causal network", low=1, high=30)
    auxiliary_components: int = field(
        5, "Gaussians of its mixture at each position", low=1, high=500
    )


def _grid(settings: Settings, context: Context) -> tuple[int, int]:
    if len(settings.latent_grid) not in (0, 2):
        raise UserError(f"setting 'latent_grid' must be h,w, got {settings.latent_grid}")
    height, width, _ = context.image_shape
    h, w = settings.latent_grid or (max(2, height // 4), max(2, width // 4))
    if h > height or w > width:
        raise UserError(f"setting 'latent_grid' must fit the {height} x {width} image, got {h},{w}")
    return h, w


def model(settings: Settings, context: Context):
    """Backbone with a latent grid, Gaussian posterior, AR(1) prior along the raster order."""
    import tfvae
    from tfvae.latents import AR1Prior, GaussianPosterior, StochasticLatent
    from zoo import backbones

    grid = _grid(settings, context)
    shape = (grid[0] * grid[1], settings.latent_width)
    if settings.correlation:
        prior = AR1Prior(shape, settings.correlation)
    else:
        prior = AR1Prior.from_rate(shape, settings.committed_rate)
    parts = backbones.build(settings, context, grid, anti_causal=settings.encoder == "anti_causal")
    latent = StochasticLatent(GaussianPosterior(shape), prior)
    return tfvae.VAE(parts.encoder, latent, parts.decoder, parts.likelihood, name="delta_vae")


def stages(settings: Settings, context: Context, vae) -> Iterator[Stage]:
    """First encoder and decoder on the ELBO; then the auxiliary prior on the frozen posterior."""
    from tfvae.latents import AutoregressivePrior
    from zoo.training import joint_stage, prior_stage

    yield joint_stage(settings, context, vae)
    if settings.auxiliary:
        prior = AutoregressivePrior(
            vae.latent.prior,
            settings.auxiliary_filters,
            settings.auxiliary_layers,
            settings.auxiliary_components,
        )
        steps = settings.auxiliary_steps or max(1, context.train_steps // 2)
        yield prior_stage(context, vae.with_prior(prior), settings.auxiliary_learning_rate, steps)
