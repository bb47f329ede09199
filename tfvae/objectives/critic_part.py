"""A term that reads a critic, and the second player that moves it."""

from __future__ import annotations

import dataclasses

from tfvae.objectives.bottleneck import Bottleneck, CriticInformation
from tfvae.objectives.critic import Critic
from tfvae.objectives.dual import DualVariable
from tfvae.objectives.parts import Opponent, TermPart
from tfvae.parts import ON, setting

__all__ = ["CriticPart"]

_PRICES = (0.0, 1e4)  # of what a critic knows


@dataclasses.dataclass(frozen=True)
class CriticPart(TermPart):
    """A term that reads a critic, with the critic's settings.

    With a `bottleneck_rate` I_c the critic sees what it judges through a code of its own, whose rate a dual
    variable moves to I_c (variational discriminator bottleneck, Peng et al. 2019):

        beta <- max(0, beta + alpha (rate of the code - I_c))     after each of its steps
    """

    critic_layers: int = setting(4, "hidden layers of the critic", low=1, high=20)
    critic_units: int = setting(256, "their width", low=1, high=65536)
    critic_learning_rate: float = setting(1e-3, "of the critic, constant", low=1e-12, high=1.0)
    critic_steps: int = setting(1, "of the critic after each of the model", low=1, high=1000)
    bottleneck_rate: float | None = setting(
        None, "I_c, nats that the critic may know of what it judges; none: all", low=1e-6
    )
    bottleneck_width: int = setting(
        16, "numbers of its code", low=1, high=65536, of={"bottleneck_rate": ON}
    )
    bottleneck_step_size: float = setting(
        1e-2,
        "alpha of their price (1e-5 as published, for runs of 100,000 steps and more)",
        low=1e-12,
        high=1.0,
        of={"bottleneck_rate": ON},
    )

    def critic(self, outputs: int) -> Critic | Bottleneck:
        """The network."""
        units = [self.critic_units] * self.critic_layers
        if self.bottleneck_rate is None:
            return Critic(units, outputs)
        return Bottleneck(Critic(units, 2 * self.bottleneck_width), Critic([], outputs))

    def opponent(self, name: str, critic, loss, betas) -> Opponent:
        """The critic's side."""
        terms = {}
        if self.bottleneck_rate is not None:
            price = DualVariable(
                "term/information",
                self.bottleneck_rate,
                "additive",
                self.bottleneck_step_size,
                ema=0.0,
                start=0.0,
                bounds=_PRICES,
            )
            terms = {"information": (price, CriticInformation(loss))}
        steps = self.critic_steps
        return Opponent(name, critic, loss, self.critic_learning_rate, betas, steps, terms)
