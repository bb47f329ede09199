"""Gated PixelCNN with two stacks and no blind spot.

Legend: B batch, H W C image, F filters, c channels of the conditioning map, r = k // 2 reach.
"""

from __future__ import annotations

from typing import NamedTuple

import keras
import tensorflow as tf

from tfvae.checks import UserError
from tfvae.configured import Configured
from tfvae.networks.masked import CausalConv2D, down_shift, gate, right_shift, with_ones

__all__ = ["Field", "GatedPixelCNN", "PixelCNNState"]


class Field(NamedTuple):
    """The past pixels that a feature sees.

    Attributes:
        above: rows above the pixel.
        across: columns to the left and to the right of it in these rows, and to the left in its own.
    """

    above: int
    across: int


class PixelCNNState(NamedTuple):
    """What generation remembers between pixels.

    Attributes:
        condition: the map [B,H,W,c], or () without one.
        above: for the stem and every block, the last rows of the vertical stack's input.
        handed: for every block, [B,W,2F]: what the vertical stack and the condition add to the
            horizontal gate in this row.
        left: for the stem and every block, the left neighbours of the horizontal stack's input.
    """

    condition: tf.Tensor | tuple
    above: tuple
    handed: tuple
    left: tuple


@keras.saving.register_keras_serializable(package="tfvae")
class GatedBlock(Configured, keras.layers.Layer):
    """v' = gate(conv_v(v) + V s);  h' = h + W gate(conv_h(h) + U v' + V' s).

    van den Oord et al. 2016 (Conditional Image Generation with PixelCNN Decoders), Figure 2, Eq. 4.
    The conditioning map s is known before any pixel is, hence its 1x1 convolution has no mask.
    """

    def __init__(self, filters, kernel_size, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        reach, wide = kernel_size // 2, 2 * filters
        policy = {"dtype": self.dtype_policy}
        self.vertical = CausalConv2D(wide, (reach + 1, kernel_size), right=reach, **policy)
        self.horizontal = CausalConv2D(wide, (1, reach + 1), **policy)
        self.hand_over = keras.layers.Dense(wide, use_bias=False, **policy)
        self.residual = keras.layers.Dense(filters, use_bias=False, **policy)
        self.conditioning = None

    def build(self, v_shape, h_shape=None, condition_shape=None):
        for layer in (self.vertical, self.horizontal, self.hand_over, self.residual):
            if not layer.built:
                layer.build(v_shape)
        if condition_shape is not None and self.conditioning is None:
            self.conditioning = keras.layers.Dense(
                4 * self.filters, use_bias=False, dtype=self.dtype_policy
            )
            self.conditioning.build(condition_shape)

    def call(self, v, h, condition=None):
        """v, h [B,H,W,F], condition [B,H,W,c] -> v', h'."""
        v, handed = self.hand(self.vertical(v), condition)
        return v, h + self.residual(gate(self.horizontal(h) + handed))

    def hand(self, convolved, condition):
        """(v', U v' + V' s) from conv_v(v); [..., 2F] -> ([..., F], [..., 2F])."""
        if self.conditioning is None:
            v = gate(convolved)
            return v, self.hand_over(v)
        to_v, to_h = tf.split(self.conditioning(condition), 2, axis=-1)
        v = gate(convolved + to_v)
        return v, self.hand_over(v) + to_h

    def pixel(self, h, left, handed):
        """One pixel of the horizontal stack; h [B,F], left [B,r,F], handed [B,2F] -> h', left'."""
        window = tf.concat([left, h[:, None]], 1)
        return h + self.residual(gate(self.horizontal.step(window) + handed)), window[:, 1:]


@keras.saving.register_keras_serializable(package="tfvae")
class GatedPixelCNN(Configured, keras.layers.Layer):
    """features(y, x) = f(all pixels before (y, x) in raster order within the field, s).

    A vertical stack sees full rows above, a horizontal stack the pixels to the left and, in every
    block, the vertical stack. The image is shifted down once, before the vertical stack: shifted
    again in every layer, deep layers would lose the row just above. The colour channels of one
    pixel are the head's affair. No normalisation and no dropout: both could leak.

    van den Oord et al. 2016 (Conditional Image Generation with PixelCNN Decoders), Section 2.

    Args:
        filters: F.
        num_layers: gated blocks after the stem. With `kernel_size` it limits the field, see
            `receptive_field`.
        kernel_size: of the blocks, odd.
        first_kernel_size: of the stem, odd, at least 3.

    Raises:
        UserError: a kernel is even or too small, or there is no block.
    """

    def __init__(self, filters, num_layers, kernel_size=3, first_kernel_size=7, **kwargs):
        super().__init__(**kwargs)
        _odd("kernel_size", kernel_size, 1)
        _odd("first_kernel_size", first_kernel_size, 3)
        if num_layers < 1:
            raise UserError(f"num_layers must be at least 1, got {num_layers!r}")
        self.filters = filters
        self.num_layers = num_layers
        self.kernel_size = kernel_size
        self.first_kernel_size = first_kernel_size
        reach, policy = first_kernel_size // 2, {"dtype": self.dtype_policy}
        self.vertical_stem = CausalConv2D(
            filters, (reach + 1, first_kernel_size), right=reach, **policy
        )
        self.horizontal_stem = CausalConv2D(filters, (1, reach), **policy)
        self.blocks = [GatedBlock(filters, kernel_size, **policy) for _ in range(num_layers)]
        self.output_layer = keras.layers.Dense(filters, activation="elu", **policy)

    @property
    def receptive_field(self) -> Field:
        """`Field(R + 1, R)` with R = first_kernel_size // 2 + num_layers * (kernel_size // 2)."""
        reach = self.first_kernel_size // 2 + self.num_layers * (self.kernel_size // 2)
        return Field(reach + 1, reach)

    @property
    def past(self) -> frozenset[tuple[int, int]]:
        """(rows, columns) from a pixel to each one that it sees, if the image has it: all of the field."""
        above, across = self.receptive_field
        over = {(-y, x) for y in range(1, above + 1) for x in range(-across, across + 1)}
        return frozenset(over | {(0, -x) for x in range(1, across + 1)})

    def build(self, x_shape, condition_shape=None):
        padded = (*x_shape[:-1], x_shape[-1] + 1)
        inner = (*x_shape[:-1], self.filters)
        for stem in (self.vertical_stem, self.horizontal_stem):
            if not stem.built:
                stem.build(padded)
        for block in self.blocks:
            if not block.built:
                block.build(inner, inner, condition_shape)
        if not self.output_layer.built:
            self.output_layer.build(inner)

    def call(self, x, condition=None):
        """x [B,H,W,C], condition [B,H,W,c] or None -> features [B,H,W,F]."""
        x = with_ones(x)
        v = self.vertical_stem(down_shift(x))
        h = self.horizontal_stem(right_shift(x))
        for block in self.blocks:
            v, h = block(v, h, condition)
        return self.output_layer(tf.nn.elu(h))

    # Generation: the vertical stack row by row, the horizontal stack pixel by pixel.

    def begin(self, batch, image_shape, condition=None) -> PixelCNNState:
        """The state before the first row.

        Args:
            batch: scalar, B.
            image_shape: (H, W, C).
            condition: [B,H,W,c] or None.
        """
        _, width, channels = image_shape
        inputs = [channels + 1] + [self.filters] * self.num_layers
        layers = [self.vertical_stem] + [block.vertical for block in self.blocks]
        reaches = [self.first_kernel_size // 2] + [self.kernel_size // 2] * self.num_layers

        def zeros(*shape):
            return tf.zeros([batch, *shape], self.compute_dtype)

        return PixelCNNState(
            condition=() if condition is None else tf.cast(condition, self.compute_dtype),
            above=tuple(zeros(l.kernel_size[0] - 1, width, n) for l, n in zip(layers, inputs)),
            handed=tuple(zeros(width, 2 * self.filters) for _ in self.blocks),
            left=tuple(zeros(r, n) for r, n in zip(reaches, inputs)),
        )

    def begin_row(self, state, y, above) -> PixelCNNState:
        """Computes the vertical stack of row y.

        Args:
            state: after row y - 1.
            y: scalar.
            above: [B,W,C], the preprocessed row y - 1; not looked at for y = 0.
        """
        v = with_ones(tf.cast(above, self.compute_dtype)) * tf.cast(y > 0, self.compute_dtype)
        condition = None if isinstance(state.condition, tuple) else state.condition[:, y]
        rows = tf.concat([state.above[0], v[:, None]], 1)
        caches, handed = [rows[:, 1:]], []
        v = self.vertical_stem.row(rows)
        for block, cache in zip(self.blocks, state.above[1:]):
            rows = tf.concat([cache, v[:, None]], 1)
            caches.append(rows[:, 1:])
            v, given = block.hand(block.vertical.row(rows), condition)
            handed.append(given)
        left = tuple(tf.zeros_like(cache) for cache in state.left)
        return PixelCNNState(state.condition, tuple(caches), tuple(handed), left)

    def pixel(self, state, y, x) -> tuple[tf.Tensor, PixelCNNState]:
        """Features [B,F] of pixel (y, x), all pixels before it having been `put`."""
        h = self.horizontal_stem.step(state.left[0])
        left = [state.left[0]]
        for block, cache, handed in zip(self.blocks, state.left[1:], state.handed):
            h, cache = block.pixel(h, cache, handed[:, x])
            left.append(cache)
        return self.output_layer(tf.nn.elu(h)), state._replace(left=tuple(left))

    def put(self, state, y, x, pixel) -> PixelCNNState:
        """Remembers the preprocessed pixel [B,C] drawn at (y, x)."""
        pixel = with_ones(tf.cast(pixel, self.compute_dtype))
        stem = tf.concat([state.left[0], pixel[:, None]], 1)[:, 1:]
        return state._replace(left=(stem, *state.left[1:]))


def _odd(name, got, least):
    if got % 2 == 0 or got < least:
        raise UserError(f"{name} must be an odd number of at least {least}, got {got!r}")
