"""The latent axis: how large z is, and what it costs."""

from __future__ import annotations

import dataclasses

from tfvae.checks import UserError
from tfvae.latents import (
    AR1Prior,
    ConditionalNormalPrior,
    FixedScalePosterior,
    GaussianPosterior,
    MeanFieldPosterior,
    SharedScalePosterior,
    StandardNormalPrior,
    StochasticLatent,
)
from tfvae.latents.posteriors import HEADS
from zoo.settings import ON, field

_AUXILIARY = {"auxiliary": ON}

__all__ = ["LatentSettings", "make", "posterior"]


@dataclasses.dataclass(frozen=True)
class LatentSettings:
    """q(z|x) = N(mu(x), diag sigma(x)^2) against a prior."""

    latent_width: int = field(32, "D, the size of z (of each of its positions)", low=1, high=4096)
    posterior_scale: float | None = field(
        None, "sigma of q(z|x), the same for every x; none: learned", low=1e-4, high=1e3
    )
    shared_scale: bool = field(False, "a learned sigma of each number of z, the same for every x")
    posterior_head: str = field(
        "log_scale",
        "what the encoder's last layer gives of a learned sigma: log sigma, or log sigma^2 as most "
        "released codes (half the gradient)",
        choices=HEADS,
        of=({"posterior_scale": (None,)}, {"shared_scale": (False,)}, {"num_codes": (0,)}),
    )
    prior: str = field(
        "normal",
        "normal: N(0, I); ar1: correlated along the positions, so that no posterior reaches it; "
        "label: a Gaussian of each label (conditional=true)",
        choices=("normal", "ar1", "label"),
    )
    committed_rate: float = field(
        2.0,
        "of an ar1 prior: delta in nats, in total, split evenly over the width",
        low=1e-6,
        high=1e5,
        of=({"prior": ("ar1",)}, {"correlation": ((),)}),
    )
    correlation: tuple[float, ...] = field(
        (),
        "of an ar1 prior: one or one per channel, instead of committed_rate",
        low=-0.9999999,
        high=0.9999999,
        of={"prior": ("ar1",)},
    )
    auxiliary: bool = field(
        False, "fit an auxiliary autoregressive prior in a last stage, on the frozen posterior"
    )
    auxiliary_steps: int | None = field(
        None, "of that stage; none: a half of train_steps", low=1, of=_AUXILIARY
    )
    auxiliary_learning_rate: float = field(
        2e-3, "of that stage", low=1e-12, high=1.0, of=_AUXILIARY
    )
    auxiliary_filters: int = field(
        64, "width of its causal network", low=1, high=4096, of=_AUXILIARY
    )
    auxiliary_layers: int = field(6, "depth of its causal network", low=1, high=30, of=_AUXILIARY)
    auxiliary_components: int = field(
        5,
        "Gaussians of its mixture at each position",
        low=1,
        high=500,
        of=(_AUXILIARY, {"num_codes": (0,)}),
    )


def make(settings, length: int | None, condition=None, **heads) -> StochasticLatent:
    """Posterior and prior of one vector, or of a sequence of `length` positions.

    Args:
        settings: `LatentSettings` at least.
        length: n, or `None`.
        condition: what a prior of labels is told, or `None`.
        **heads: further arguments of `GaussianPosterior`.

    Raises:
        UserError: a prior along positions, and there are none.
    """
    if length is None and settings.prior == "ar1":
        raise UserError(
            "prior=ar1 needs a latent with positions (latent_grid of images, latent_positions of "
            "text, latent_frames of speech), and this one is a single vector"
        )
    shape = (settings.latent_width,) if length is None else (length, settings.latent_width)
    if settings.prior == "normal":
        prior = StandardNormalPrior(shape)
    elif settings.prior == "label":
        prior = ConditionalNormalPrior(shape, condition.size)
    elif settings.correlation:
        prior = AR1Prior(shape, settings.correlation)
    else:
        prior = AR1Prior.from_rate(shape, settings.committed_rate)
    return StochasticLatent(posterior(settings, shape, **heads), prior)


def posterior(settings, shape, **heads) -> MeanFieldPosterior:
    """q(z|x) over z of this shape, with a scale that is learned or not.

    Raises:
        UserError: a scale that is both fixed and learned.
    """
    if settings.shared_scale:
        if settings.posterior_scale is not None:
            raise UserError(
                f"shared_scale=true learns a scale, and posterior_scale={settings.posterior_scale} "
                "holds it: take one of them"
            )
        return SharedScalePosterior(shape)
    if settings.posterior_scale is None:
        return GaussianPosterior(shape, head=settings.posterior_head, **heads)
    return FixedScalePosterior(shape, settings.posterior_scale)
