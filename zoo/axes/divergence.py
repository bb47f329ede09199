"""The objective axis, second half: what the codes of all examples together are charged with."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import keras

from tfvae import inference
from tfvae.checks import UserError
from tfvae.objectives import (
    MIXTURES,
    Critic,
    DensityRatio,
    DensityRatioLoss,
    MaximumMeanDiscrepancy,
    Objective,
    OffsetCritic,
    PriorCritic,
    PriorCriticLoss,
    inverse_multiquadratic,
    radial_basis,
    total_correlation,
)
from tfvae.procedures import Player, Update
from zoo.settings import ON, field

_KERNEL = {"mmd_weight": ON}
_CRITIC = {"ratio_weight": ON, "adversary_weight": ON}

__all__ = ["Divergence", "DivergenceSettings", "make"]


@dataclasses.dataclass(frozen=True)
class DivergenceSettings:
    """Penalties of the aggregated posterior q(z), by kernels, by the batch's mixture or by critics."""

    mmd_weight: float = field(
        0.0, "of MMD^2(q(z), p(z)); it belongs to the scale of the distortion", low=0.0
    )
    mmd_weight_of: str = field(
        "example",
        "whose nats that weight is weighed against: an example's, or those of each of its numbers, as "
        "published for InfoVAE (it is then multiplied by how many there are)",
        choices=("example", "number"),
        of={"mmd_weight": ON},
    )
    mmd_kernel: str = field(
        "imq",
        "imq: C / (C + |d|^2); rbf: exp(-|d|^2 / (2 variance))",
        choices=("imq", "rbf"),
        of=_KERNEL,
    )
    mmd_scales: tuple[float, ...] = field(
        (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0),
        "of imq: C = scale * 2 D, added up",
        low=1e-6,
        length=(1, 100),
        of={"mmd_kernel": ("imq",)},
    )
    mmd_variance: float | None = field(
        None, "of rbf; none: D^2 / 2", low=1e-6, of={"mmd_kernel": ("rbf",)}
    )
    mmd_unbiased: bool = field(
        True, "without the pairs of a code with itself (then it may be < 0)", of=_KERNEL
    )
    tc_weight: float = field(
        0.0, "of the total correlation, from the mixture of the batch", low=0.0
    )
    tc_mixture: str = field(
        "unbiased",
        "weights of that mixture: unbiased, or minibatch_weighted as published (its value is off by "
        "a constant)",
        choices=MIXTURES,
        of={"tc_weight": ON},
    )
    ratio_weight: float = field(0.0, "of the total correlation, from a critic", low=0.0)
    adversary_weight: float = field(
        0.0, "of softplus(-D(z)): a critic tells codes from draws of the prior", low=0.0
    )
    adversary_offset: bool = field(
        False,
        "log p(z) is added to D(z): its critic learns -log q(z) alone",
        of={"adversary_weight": ON},
    )
    critic_layers: int = field(4, "hidden layers of a critic", low=1, high=20, of=_CRITIC)
    critic_units: int = field(256, "their width", low=1, high=65536, of=_CRITIC)
    critic_learning_rate: float = field(
        1e-3, "of a critic, constant", low=1e-12, high=1.0, of=_CRITIC
    )
    critic_steps: int = field(
        1, "of a critic after each of the model", low=1, high=1000, of=_CRITIC
    )


class Divergence(NamedTuple):
    """Terms for the objective, and the players whose critics they read."""

    terms: dict[str, Any]
    players: list[Player]


def make(settings, context) -> Divergence:
    """The penalties that the settings ask for; none is an empty `Divergence`.

    Raises:
        UserError: a penalty that compares codes with draws of the prior, and no prior of all examples
            or no two codes in a batch.
    """
    alone = context.batch_size == 1
    if alone and settings.mmd_weight and settings.mmd_unbiased:
        raise UserError(
            f"mmd_weight={settings.mmd_weight} with mmd_unbiased=true compares the codes of a batch in "
            "pairs, and --batch_size=1 has none: take more, or mmd_unbiased=false"
        )
    for name in ("mmd_weight", "adversary_weight", "moment_steps"):
        value = getattr(settings, name)
        if value and settings.prior == "label":
            raise UserError(
                f"{name}={value} compares the codes with draws of one prior, and prior=label has one "
                "for each label: take one of them"
            )
    made = Divergence({}, [])
    if settings.mmd_weight:
        kernel = (
            inverse_multiquadratic(settings.mmd_scales)
            if settings.mmd_kernel == "imq"
            else radial_basis(settings.mmd_variance)
        )
        mmd = MaximumMeanDiscrepancy(kernel, settings.mmd_unbiased, context.seed)
        times = context.space.numbers if settings.mmd_weight_of == "number" else 1
        made.terms["mmd"] = (settings.mmd_weight * times, mmd)
    if settings.tc_weight:
        tc = total_correlation(max(context.num_examples, 1), settings.tc_mixture)
        made.terms["total_correlation"] = (settings.tc_weight, tc)
    if settings.ratio_weight:
        critic = _critic(settings, 2)
        made.terms["density_ratio"] = (settings.ratio_weight, DensityRatio(critic))
        loss = DensityRatioLoss(critic, context.seed)
        made.players.append(_player("ratio_critic", critic, loss, _RATIO_BETAS, settings, context))
    if settings.adversary_weight:
        critic = _critic(settings, 1)
        if settings.adversary_offset:
            critic = OffsetCritic(critic)
        made.terms["adversary"] = (settings.adversary_weight, PriorCritic(critic))
        loss = PriorCriticLoss(critic, context.seed)
        made.players.append(_player("prior_critic", critic, loss, _PRIOR_BETAS, settings, context))
    return made


def _critic(settings, outputs: int) -> Critic:
    return Critic([settings.critic_units] * settings.critic_layers, outputs)


# published with a short memory of the gradient, as the game changes under the critic
_RATIO_BETAS = (0.5, 0.9)  # Kim and Mnih 2018
_PRIOR_BETAS = (0.5, 0.999)  # Tolstikhin et al. 2018, as released


def _player(name: str, critic: Critic, loss, betas, settings, context) -> Player:
    update = Update(
        Objective({"critic": loss}),
        keras.optimizers.Adam(settings.critic_learning_rate, *betas),
        variables=lambda model: critic.trainable_variables,
        inference=inference.code_only,
        jit_compile=context.jit_compile,
    )
    return Player(name, update, settings.critic_steps)
