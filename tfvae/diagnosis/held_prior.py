"""The prior of a model whose encoder stands still: what posteriors of single examples are searched under."""

from __future__ import annotations

import tensorflow_probability as tfp

from tfvae.latents import Prior
from tfvae.randomness import seed_of

__all__ = ["HeldPrior", "with_held_prior"]


class HeldPrior(Prior):
    """What a prior that asks the encoder says while no weight moves, said once: its p(z), held.

    It needs no encoder: it may stand beside a posterior of another family, and a search of many steps does
    not encode the same inputs at each of them.

    Args:
        prior: which is held.
        density: its p(z), of batch shape [].
    """

    def __init__(self, prior: Prior, density: tfp.distributions.Distribution, **kwargs):
        super().__init__(prior.event_shape, **kwargs)
        self._density, self._widths = density, prior.unit_widths
        self.proper, self.everywhere = prior.proper, prior.everywhere
        self.committed_rate = prior.committed_rate

    @property
    def unit_widths(self) -> tuple[int, ...]:
        return self._widths

    def build(self, input_shape=None):
        del input_shape
        self.built = True

    def distribution(self) -> tfp.distributions.Distribution:
        return self._density


def with_held_prior(model):
    """The same model under a `HeldPrior` where its prior encodes inputs of its own; else the model itself.

    Its weights must not move while it is used.
    """
    prior = getattr(model.latent, "prior", None)
    if prior is None or not prior.asks_encoder:
        return model
    density = model.latent.given(model.passed(seed_of(0))).distribution()
    return model.with_prior(HeldPrior(prior, density))
