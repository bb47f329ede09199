"""What every decoder is: parameters of p(x | z) for a given x, and draws of x.

Legend: B batch.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf

from tfvae.configured import Configured

__all__ = ["Decoder", "in_one_loop", "the_last"]


class Decoder(Configured, keras.layers.Layer):
    """Abstract: `call(z, x, seed)` gives the parameters of p(x | z), `generate` draws x.

    A decoder has `data_shape`, `build(z_shape, x_shape=None)`, `call` and `_draw`.
    """

    factorised = False
    """Whether the parts of x are independent given z, so that some can be drawn given the others."""

    @property
    def data_shape(self) -> tuple[int | None, ...]:
        """Of one x; None is any length."""
        raise NotImplementedError(type(self).__name__)

    @property
    def sees(self) -> str:
        """What of the x before it a part of x is made from besides z, in words; empty: all or nothing."""
        return ""

    def generate(
        self,
        z,
        likelihood,
        seed,
        greedy: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ):
        """Draws x ~ p(x | z).

        Args:
            z: the latents, [B, ...].
            likelihood: what draws a part of x (a pixel, a token, a sample) from its parameters.
            seed: [2] int32; what comes i-th is drawn with fold(seed, i).
            greedy: take the mode of each part, given the modes before it; the mean of all, where they
                are independent.
            progress: called with (parts done, all of them); only outside of a `tf.function`.

        Returns:
            x in the data's raw units, [B, *data_shape]; see the class.
        """
        z = tf.convert_to_tensor(z)
        if not self.built:
            self.build(z.shape)
        told = progress if progress is not None and tf.executing_eagerly() else _nobody
        return self._draw(z, likelihood, seed, greedy, told)

    def _draw(self, z, likelihood, seed, greedy: bool, progress: Callable[[int, int], None]):
        """`generate` of a built decoder."""
        raise NotImplementedError(type(self).__name__)


def the_last(network, parts: str) -> str:
    """`Decoder.sees` of a causal network over time that has a `receptive_field`."""
    field = getattr(network, "receptive_field", None)
    return "" if field is None else f"the last {field:,} {parts}"


def _nobody(done: int, total: int) -> None:
    pass


def in_one_loop(decoder, *given):
    """`decoder.loop(*given)`, compiled."""
    return (_compiled if tf.executing_eagerly() else _loop)(decoder, *given)


def _loop(decoder, *given):
    return decoder.loop(*given)


# One compiled loop serves all decoders; a module's function keeps only weak references to them,
# where an attribute would travel into every export.
_compiled = tf.function(_loop, autograph=False)
