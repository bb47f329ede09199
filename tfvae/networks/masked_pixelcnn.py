"""PixelCNN of masked convolutions, whose field is as small as its layers say, and counted.

Legend: B batch, H W C image, F filters, c channels of the conditioning map, k kernel, r = k // 2 reach.
"""

from __future__ import annotations

from typing import NamedTuple

import keras
import tensorflow as tf

from tfvae.checks import UserError
from tfvae.configured import Configured
from tfvae.networks.masked import CausalConv2D, down_shift, right_shift, with_ones

__all__ = ["MaskedConv2D", "MaskedPixelCNN"]


class _State(NamedTuple):
    """What generation remembers between pixels; of each masked convolution's input.

    Attributes:
        condition: [B,H,W,F], what the map adds to the first convolution, or () without one.
        above: the last r rows, [B,r,W,.].
        handed: [B,W,F], what these rows add in this one.
        left: the last r pixels of this row, [B,r,.].
        row: this row as far as it is known, [W,B,.].
    """

    condition: tf.Tensor | tuple
    above: tuple
    handed: tuple
    left: tuple
    row: tuple


@keras.saving.register_keras_serializable(package="tfvae")
class MaskedConv2D(Configured, keras.layers.Layer):
    """A k x k convolution of the pixels before (y, x) in raster order, and of its own where `own`.

    Mask A (without its own) and mask B (with it) of van den Oord, Kalchbrenner and Kavukcuoglu 2016
    (Pixel Recurrent Neural Networks), section 3.4, as two kernels that hold only what they may see: the r
    rows above, r columns to each side, and r pixels to the left.

    Args:
        filters: output channels.
        kernel_size: k, odd, at least 3.
        own: whether a pixel sees itself.
    """

    def __init__(self, filters, kernel_size=3, own=True, **kwargs):
        super().__init__(**kwargs)
        if kernel_size % 2 == 0 or kernel_size < 3:
            raise UserError(f"kernel_size must be an odd number of at least 3, got {kernel_size!r}")
        self.filters, self.kernel_size, self.own = filters, kernel_size, own
        reach, policy = kernel_size // 2, {"dtype": self.dtype_policy}
        self.above = CausalConv2D(filters, (reach, kernel_size), right=reach, **policy)
        self.left = CausalConv2D(filters, (1, reach + own), use_bias=False, **policy)

    @property
    def past(self) -> frozenset[tuple[int, int]]:
        """(rows, columns) from the pixel to each one that it sees."""
        reach = self.kernel_size // 2
        above = {(-y, x) for y in range(1, reach + 1) for x in range(-reach, reach + 1)}
        return frozenset(above | {(0, -x) for x in range(1 - self.own, reach + 1)})

    def build(self, x_shape):
        for layer in (self.above, self.left):
            if not layer.built:
                layer.build(x_shape)

    def call(self, x):
        """[B,H,W,.] -> [B,H,W,filters]."""
        return self.above(down_shift(x)) + self.left(x if self.own else right_shift(x))


@keras.saving.register_keras_serializable(package="tfvae")
class MaskedPixelCNN(Configured, keras.layers.Layer):
    """features(y, x) = f(the pixels of `past`, the whole map s around (y, x)).

        h = A x + K * s,   then h <- h + B_i elu(h) for the other convolutions;
        after the first and after every second of them  h <- h + W_2 elu(W_1 elu(h)), pixel by pixel

    The decoder of Chen et al. 2017 (Variational Lossy Autoencoder), appendix A: what it cannot see only z
    can tell it. A small window must stay small: `past` counts it, and it grows with every convolution and
    not with what is done pixel by pixel. The map is known before any pixel is, so its k x k convolution
    K has no mask. The order of the blocks is ours; weight normalisation and its data-dependent start are
    left out. Masks leave a blind spot to the right in the rows above: 6 convolutions of 3 x 3 see 69
    pixels, 15 less than their rectangle.

    Args:
        filters: F.
        num_layers: masked convolutions, the first without the pixel itself.
        kernel_size: k, odd, at least 3.

    Raises:
        UserError: an even or too small kernel, or no layer.
    """

    def __init__(self, filters, num_layers, kernel_size=3, **kwargs):
        super().__init__(**kwargs)
        if num_layers < 1:
            raise UserError(f"num_layers must be at least 1, got {num_layers!r}")
        self.filters, self.num_layers, self.kernel_size = filters, num_layers, kernel_size
        policy = {"dtype": self.dtype_policy}
        self.masked = [
            MaskedConv2D(filters, kernel_size, own=i > 0, **policy) for i in range(num_layers)
        ]
        self.told = keras.layers.Conv2D(
            filters, kernel_size, padding="same", use_bias=False, **policy
        )
        self.inner = [
            [keras.layers.Dense(filters, **policy) for _ in range(2)] if _mixes(i) else []
            for i in range(num_layers)
        ]

    @property
    def past(self) -> frozenset[tuple[int, int]]:
        """(rows, columns) from a pixel to each one that it sees, if the image has it."""
        seen = self.masked[0].past
        for layer in self.masked[1:]:
            seen = frozenset((y + b, x + a) for y, x in seen for b, a in layer.past)
        return seen

    def build(self, x_shape, condition_shape=None):
        inner = (*x_shape[:-1], self.filters)
        padded = (*x_shape[:-1], x_shape[-1] + 1)
        for i, layer in enumerate(self.masked):
            if not layer.built:
                layer.build(inner if i else padded)
        for layer in (each for pair in self.inner for each in pair):
            if not layer.built:
                layer.build(inner)
        if condition_shape is not None and not self.told.built:
            self.told.build(condition_shape)

    def call(self, x, condition=None):
        """x [B,H,W,C], condition [B,H,W,c] or None -> features [B,H,W,F]."""
        h = self.masked[0](with_ones(x))
        if condition is not None:
            h = h + self.told(condition)
        h = self._mixed(h, 0)
        for i, layer in enumerate(self.masked[1:], 1):
            h = self._mixed(h + layer(tf.nn.elu(h)), i)
        return tf.nn.elu(h)

    def _mixed(self, h, i):
        """With what is done pixel by pixel after convolution i."""
        if not self.inner[i]:
            return h
        first, second = self.inner[i]
        return h + second(tf.nn.elu(first(tf.nn.elu(h))))

    # Generation: every convolution's rows above once a row, the pixels to the left one by one.

    def begin(self, batch, image_shape, condition=None) -> _State:
        """The state before the first row.

        Args:
            batch: scalar, B.
            image_shape: (H, W, C).
            condition: [B,H,W,c] or None.
        """
        _, width, channels = image_shape
        reach = self.kernel_size // 2
        inputs = [channels + 1] + [self.filters] * (self.num_layers - 1)

        def zeros(*shape):
            return tf.zeros(shape, self.compute_dtype)

        return _State(
            condition=() if condition is None else self.told(condition),
            above=tuple(zeros(batch, reach, width, n) for n in inputs),
            handed=tuple(zeros(batch, width, self.filters) for _ in inputs),
            left=tuple(zeros(batch, reach, n) for n in inputs),
            row=tuple(zeros(width, batch, n) for n in inputs),
        )

    def begin_row(self, state, y, above) -> _State:
        """Moves on by one row; what `pixel` and `put` remembered is all it needs."""
        del above
        rows = [
            tf.concat([cache[:, 1:], tf.transpose(row, [1, 0, 2])[:, None]], 1)
            for cache, row in zip(state.above, state.row)
        ]
        handed = [layer.above.row(cache) for layer, cache in zip(self.masked, rows)]
        if not isinstance(state.condition, tuple):
            handed[0] = handed[0] + state.condition[:, y]
        left, row = (tuple(map(tf.zeros_like, each)) for each in (state.left, state.row))
        return _State(state.condition, tuple(rows), tuple(handed), left, row)

    def pixel(self, state, y, x) -> tuple[tf.Tensor, _State]:
        """Features [B,F] of pixel (y, x), all pixels before it having been `put`."""
        del y
        h = state.handed[0][:, x] + self.masked[0].left.step(state.left[0])
        h = self._mixed(h, 0)
        left, row = [state.left[0]], [state.row[0]]
        for i, layer in enumerate(self.masked[1:], 1):
            own = tf.nn.elu(h)
            window = tf.concat([state.left[i], own[:, None]], 1)
            h = self._mixed(h + state.handed[i][:, x] + layer.left.step(window), i)
            left.append(window[:, 1:])
            row.append(_kept(state.row[i], x, own))
        return tf.nn.elu(h), state._replace(left=tuple(left), row=tuple(row))

    def put(self, state, y, x, pixel) -> _State:
        """Remembers the preprocessed pixel [B,C] drawn at (y, x)."""
        del y
        pixel = with_ones(tf.cast(pixel, self.compute_dtype))
        left = tf.concat([state.left[0], pixel[:, None]], 1)[:, 1:]
        row = _kept(state.row[0], x, pixel)
        return state._replace(left=(left, *state.left[1:]), row=(row, *state.row[1:]))


def _mixes(i: int) -> bool:
    """After which convolutions there is a block of 1 x 1."""
    return i == 0 or i % 2 == 1


def _kept(row, x, value):
    """`row` [W,B,.] with `value` [B,.] at x."""
    return tf.tensor_scatter_nd_update(row, [[x]], value[None])
