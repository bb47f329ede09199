"""What a prior is."""

from __future__ import annotations

import keras

from tfvae.draw import Known

__all__ = ["Prior"]


class Prior(keras.layers.Layer):
    """Abstract: p(z), or p(z | what is known of the example).

    A sub-class says `distribution`: what a draw costs under it is computed in one place,
    `tfvae.distributions.rate`. One that is told labels, reads the encoder or stands below another
    level says `given`.

    Args:
        event_shape: of one z, `(D,)` or `(n, D)`.
    """

    committed_rate = None
    """The least rate of each group that a posterior of the family can have, nats, if there is one."""

    proper = True
    """Whether it has a sum: without one distortion + rate bounds nothing, and there are no draws."""

    estimated = False
    """Whether its density is an estimate by noise, which each set of draws needs anew."""

    everywhere = True
    """Whether it has a density of any numbers."""

    asks_encoder = False
    """Whether it encodes inputs of its own."""

    asks_label = False
    """Whether it differs with the label that the model is told."""

    def __init__(self, event_shape, **kwargs):
        super().__init__(**kwargs)
        self.event_shape = tuple(event_shape)

    @property
    def unit_widths(self) -> tuple[int, ...]:
        """See `tfvae.latents.Posterior.unit_widths`."""
        return (1,) * self.event_shape[-1]

    def given(self, known: Known):
        """What has the `distribution` of these examples: the same for all, unless it asks.

        Args:
            known: labels, the encoder, the levels above; see `tfvae.draw.Known`.
        """
        del known
        return self

    def neighbours(self):
        """The `NeighbourPrior` that it is or began as, if any."""

    def distribution(self):
        """p(z), a `tfd.Distribution` of batch shape [], or [B] where `given` told examples apart."""
        raise NotImplementedError(type(self).__name__)

    def get_config(self):
        return {**super().get_config(), "event_shape": self.event_shape}
