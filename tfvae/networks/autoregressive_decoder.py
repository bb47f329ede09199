"""The autoregressive image decoder: p(x | z) = prod_i p(x_i | x_<i, z), i in raster order.

Legend: B batch, H W C image, P parameters of a pixel, F features, z [B,D] or [B,n,d].
"""

from __future__ import annotations

import keras
import tensorflow as tf

from tfvae.checks import UserError
from tfvae.networks.decoder import Decoder
from tfvae.randomness import fold

__all__ = ["AutoregressiveDecoder"]


@keras.saving.register_keras_serializable(package="tfvae")
class AutoregressiveDecoder(Decoder):
    """parameters(y, x) = head(network(past pixels, conditioner(z)), this pixel).

    An image is drawn with the work of about one pass over it; pixel i and channel c with
    fold(seed, i, c).

    Args:
        image_shape: (H, W, C).
        network: a causal network, `GatedPixelCNN` or `PixelSNAIL`: `call(x, condition)` for a whole
            image, `begin`, `begin_row`, `pixel`, `put` for one that is being generated.
        head: a head; it alone sees the pixel itself (its earlier channels).
        conditioner: z -> map [B,H,W,c]; None for a decoder without a latent (z is ignored, but for
            its batch).
    """

    def __init__(self, image_shape, network, head, conditioner=None, **kwargs):
        super().__init__(**kwargs)
        self.image_shape = tuple(image_shape)
        self.network = network
        self.head = head
        self.conditioner = conditioner

    def build(self, z_shape, x_shape=None):
        image, condition = (None, *self.image_shape), None
        if x_shape is not None and tuple(x_shape[1:]) != self.image_shape:
            raise UserError(f"x must be images {self.image_shape}, got {tuple(x_shape[1:])}")
        if self.conditioner is not None:
            if not self.conditioner.built:
                self.conditioner.build(z_shape)
            condition = (None, *self.image_shape[:2], self.conditioner.filters)
        if not self.network.built:
            self.network.build(image, condition)
        if not self.head.built:
            self.head.build((None, *self.image_shape[:2], self.network.filters), image)

    @property
    def data_shape(self):
        """(H, W, C)."""
        return self.image_shape

    @property
    def sees(self) -> str:
        """How many pixels, where the network counts them (`past`)."""
        past = getattr(self.network, "past", None)
        if past is None:
            return ""
        height, width, _ = self.image_shape
        y, x = height // 2, width // 2
        here = [(y + b, x + a) for b, a in past]
        there = sum(b >= 0 and 0 <= a < width for b, a in here)
        above, left, right = (max(f(p) for p in past) for f in (_above, _left, _right))
        return (
            f"{len(past):,} pixels before it, up to {above} rows above, {left} columns to the left and "
            f"{right} to the right: {there:,} of the {y * width + x:,} before the middle one"
        )

    def call(self, z, x, seed=None):
        """z, preprocessed image x [B,H,W,C] -> parameters [B,H,W,P]; there is no noise to seed."""
        del seed
        return self.head(self.network(x, self._condition(z)), x)

    def _draw(self, z, likelihood, seed, greedy, progress):
        height, width, channels = self.image_shape
        batch = tf.shape(z)[0]
        state = self.network.begin(batch, self.image_shape, self._condition(z))
        above = tf.zeros([batch, width, channels])
        if tf.executing_eagerly():
            rows = []
            for y in range(height):
                state, above, row = _compiled_row(
                    self, likelihood, greedy, state, above, tf.constant(y), seed
                )
                rows.append(row)
                progress(y + 1, height)
            return tf.stack(rows, 1)

        def body(y, state, above, rows):
            state, above, row = _row(self, likelihood, greedy, state, above, y, seed)
            return y + 1, state, above, rows.write(y, row)

        rows = tf.TensorArray(tf.float32, height, element_shape=above.shape)
        *_, rows = tf.while_loop(
            lambda y, *_: y < height, body, (0, state, above, rows), parallel_iterations=1
        )
        return tf.transpose(rows.stack(), [1, 0, 2, 3])

    def _condition(self, z):
        return None if self.conditioner is None else self.conditioner(z)


def _above(place):
    return -place[0]


def _left(place):
    return -place[1]


def _right(place):
    return place[1]


def _row(decoder, likelihood, greedy, state, above, y, seed):
    """Generates row y.

    Args:
        above: [B,W,C], the preprocessed row above.

    Returns:
        state, the preprocessed row [B,W,C], the raw row [B,W,C].
    """
    _, width, channels = decoder.image_shape
    state = decoder.network.begin_row(state, y, above)

    def body(x, state, pixels):
        features, state = decoder.network.pixel(state, y, x)
        place = fold(seed, y * width + x)
        raw = _pixel(decoder.head, likelihood, features, channels, place, greedy)
        state = decoder.network.put(state, y, x, likelihood.preprocess(raw))
        return x + 1, state, pixels.write(x, raw)

    shape = [above.shape[0], channels]
    pixels = tf.TensorArray(tf.float32, width, element_shape=shape)
    _, state, pixels = tf.while_loop(
        lambda x, *_: x < width, body, (0, state, pixels), parallel_iterations=1
    )
    raw = tf.transpose(pixels.stack(), [1, 0, 2])
    return state, tf.cast(likelihood.preprocess(raw), tf.float32), raw


# One compiled row serves all rows of all images of a decoder; a module's function keeps only weak
# references to its decoders, where an attribute would travel into every export.
_compiled_row = tf.function(_row, autograph=False)


def _pixel(head, likelihood, features, channels, seed, greedy):
    """Draws one raw pixel [B,C], channel after channel if the head asks for it."""
    raw = tf.zeros([tf.shape(features)[0], channels])
    for channel in range(passes := head.passes(channels)):
        parameters = head(features, tf.cast(likelihood.preprocess(raw), features.dtype))
        drawn = (
            likelihood.mode(parameters)
            if greedy
            else likelihood.sample(parameters, fold(seed, channel))
        )
        drawn = tf.cast(drawn, tf.float32)
        if passes == 1:
            return drawn
        raw = tf.where(tf.range(channels) == channel, drawn, raw)
    return raw
