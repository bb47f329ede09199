"""The latent axis, discrete: a codebook instead of a density."""

from __future__ import annotations

import dataclasses

from tfvae.checks import UserError, affordable
from tfvae.latents import Codebook, DiscreteLatent, UniformCodes
from tfvae.objectives import codebook_distance, commitment
from tfvae.procedures import MovingCodebook, RestartedCodebook
from zoo.settings import ON, field

_CODES = {"num_codes": ON}

__all__ = ["CodeSettings", "after", "make", "terms"]


@dataclasses.dataclass(frozen=True)
class CodeSettings:
    """The nearest of K vectors at each position, straight through."""

    num_codes: int = field(0, "K; 0: z is continuous", low=0, high=1_000_000)
    codebook: str = field(
        "average",
        "average: each code is the running mean of what chose it; gradient: a term pulls it there",
        choices=("average", "gradient"),
        of=_CODES,
    )
    codebook_decay: float = field(
        0.99,
        "of the running means, and of how often a code is chosen",
        low=0.0,
        high=0.99999,
        of=_CODES,
    )
    codebook_start: str = field(
        "kmeans",
        "kmeans: clusters of the first batch; random: the codebook's random weights",
        choices=("kmeans", "random"),
        of=_CODES,
    )
    revive_below: float = field(
        0.1,
        "a code that is chosen less than this share of the mean becomes a vector of the batch; "
        "0: never",
        low=0.0,
        high=1.0,
        of=_CODES,
    )
    commitment: float = field(
        0.25,
        "beta, which keeps the encoder at its codes; on the scale of the distortion",
        low=0.0,
        of=_CODES,
    )


_OF_DENSITIES = {
    "prior": "normal",
    "posterior_scale": None,
    "shared_scale": False,
    "inference": "amortised",
    "procedure": "joint",
    "on_collapse": "say",
    "free_bits": 0.0,
    "capacity": None,
    "target_rate": None,
    "target_distortion": None,
    "tc_weight": 0.0,
    "adversary_offset": False,
    "moment_steps": 0,
    "pretrain_steps": 0,
}


def make(settings, positions: int | None) -> DiscreteLatent:
    """One code, or one at each position.

    Raises:
        UserError: a setting that only a posterior with a density has.
    """
    for name, off in _OF_DENSITIES.items():
        value = getattr(settings, name)
        if value != off:
            raise UserError(
                f"num_codes={settings.num_codes} makes a discrete code, whose rate is constant in "
                f"training: {name}={value} cannot go with it"
            )
    if settings.ema_decay:
        raise UserError(
            f"ema_decay={settings.ema_decay} averages what the optimizer moves, and the codebook of "
            f"num_codes={settings.num_codes} moves beside it: take one of them"
        )
    shape = () if positions is None else (positions,)
    averaged = settings.codebook == "average"
    affordable(
        f"num_codes={settings.num_codes} of latent_width={settings.latent_width}",
        settings.num_codes * settings.latent_width,
    )
    book = Codebook((*shape, settings.latent_width), settings.num_codes, averaged)
    return DiscreteLatent(book, UniformCodes(shape, settings.num_codes))


def terms(settings) -> dict:
    """What ties encoder and codebook together; nothing for a continuous z."""
    if not settings.num_codes:
        return {}
    made = {"commitment": (settings.commitment, commitment)}
    if settings.codebook == "gradient":
        made["codebook"] = codebook_distance
    return made


def after(settings) -> MovingCodebook | RestartedCodebook | None:
    """What moves a codebook besides the optimizer."""
    if not settings.num_codes:
        return None
    kind = {"average": MovingCodebook, "gradient": RestartedCodebook}[settings.codebook]
    return kind(settings.codebook_decay, settings.revive_below, settings.codebook_start)
