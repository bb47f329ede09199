"""PixelSNAIL: causal convolutions for what is near, causal attention for what is far.

Legend: B batch, H W C image, N = H W pixels, F filters, c channels of the conditioning map.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tfvae.configured import Configured
from tfvae.networks.masked import (
    CausalConv2D,
    RowCache,
    concat_elu,
    corner,
    down_shift,
    empty_rows,
    next_row,
    right_shift,
    with_ones,
)

__all__ = ["CausalAttention", "GatedResidual", "PixelSNAIL", "SNAILState"]


@keras.saving.register_keras_serializable(package="tfvae")
class GatedResidual(Configured, keras.layers.Layer):
    """x + a * sigmoid(b), (a, b) = conv(celu(conv(celu(x)) + W celu(extra))) + V s.

    celu is `concat_elu`. Salimans et al. 2017 (PixelCNN++), Section 2.4; Chen et al. 2018
    (PixelSNAIL), Figure 3.

    Args:
        filters: channels between the two convolutions.
        kernel_size: of both, (2, 2) down-right-shifted or (1, 1).
    """

    def __init__(self, filters, kernel_size, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = tuple(kernel_size)
        self.first = CausalConv2D(filters, self.kernel_size, dtype=self.dtype_policy)
        self.second: Any = None  # like the others, made by build
        self.side: Any = None
        self.conditioning: Any = None

    def build(self, x_shape, extra_shape=None, condition_shape=None):
        if self.second is not None:
            return
        channels, policy = x_shape[-1], {"dtype": self.dtype_policy}
        self.first.build((*x_shape[:-1], 2 * channels))
        self.second = CausalConv2D(2 * channels, self.kernel_size, **policy)
        self.second.build((*x_shape[:-1], 2 * self.filters))
        if extra_shape is not None:
            self.side = keras.layers.Dense(self.filters, use_bias=False, **policy)
            self.side.build((*extra_shape[:-1], 2 * extra_shape[-1]))
        if condition_shape is not None:
            self.conditioning = keras.layers.Dense(2 * channels, use_bias=False, **policy)
            self.conditioning.build(condition_shape)

    def call(self, x, extra=None, condition=None):
        """x [B,H,W,K], extra [B,H,W,E], condition [B,H,W,c] -> [B,H,W,K]."""
        y = self.first(concat_elu(x))
        if self.side is not None:
            y = y + self.side(concat_elu(extra))
        return self._close(x, self.second(concat_elu(y)), condition)

    def begin(self, width, batch) -> tuple[RowCache, RowCache]:
        """The caches of a 2 x 2 residual before the first row."""
        sizes = [int(conv.kernel.shape[2]) for conv in (self.first, self.second)]
        first, second = (empty_rows(width, batch, size, self.compute_dtype) for size in sizes)
        return first, second

    def pixel(self, x, caches, column, condition=None):
        """One pixel of a 2 x 2 residual: x [B,K], condition [B,c] -> [B,K], caches."""
        window, before = corner(caches[0], column, concat_elu(x))
        window, between = corner(caches[1], column, concat_elu(self.first.step(window)))
        return self._close(x, self.second.step(window), condition), (before, between)

    def _close(self, x, y, condition):
        if self.conditioning is not None:
            y = y + self.conditioning(condition)
        a, b = tf.split(y, 2, axis=-1)
        return x + a * tf.sigmoid(b)


@keras.saving.register_keras_serializable(package="tfvae")
class CausalAttention(Configured, keras.layers.Layer):
    """out_i = sum_{j < i} softmax_j(q_i . k_j / sqrt(key_size)) v_j, and 0 for i = 0.

    Keys and values know the raw pixel j, the features and the coordinates; queries only features
    and coordinates. So j must be *strictly* before i. The result is merged into the features by a
    gated residual. Chen et al. 2018 (PixelSNAIL), Section 2.2 and Figure 3.

    Args:
        filters: F.
        key_size: of keys and queries.
        value_size: of values.
    """

    def __init__(self, filters, key_size, value_size, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.key_size = key_size
        self.value_size = value_size
        policy = {"dtype": self.dtype_policy}
        self.memory = GatedResidual(filters, (1, 1), **policy)
        self.memory_out = keras.layers.Dense(key_size + value_size, **policy)
        self.question = GatedResidual(filters, (1, 1), **policy)
        self.question_out = keras.layers.Dense(key_size, **policy)
        self.merge = GatedResidual(filters, (1, 1), **policy)

    def build(self, h_shape, x_shape, places_shape=None):
        lead, filters = h_shape[:-1], h_shape[-1]
        remembered, asked = (*lead, x_shape[-1] + filters + 2), (*lead, filters + 2)
        for layer, shape in (
            (self.memory, remembered),
            (self.memory_out, remembered),
            (self.question, asked),
            (self.question_out, asked),
        ):
            if not layer.built:
                layer.build(shape)
        if not self.merge.built:
            self.merge.build(h_shape, (*lead, self.value_size))

    def call(self, h, x, places):
        """h [B,H,W,F], image x [B,H,W,C], places [B,H,W,2] -> [B,H,W,F]."""
        height, width = h.shape[1:3]
        flat = [-1, height * width]
        keys, values = self.remember(h, x, places)
        keys = tf.reshape(keys, [*flat, self.key_size])
        values = tf.reshape(values, [*flat, self.value_size])
        queries = tf.reshape(self.ask(h, places), [*flat, self.key_size])
        logits = tf.matmul(queries, keys, transpose_b=True)
        past = np.tril(np.ones([height * width] * 2, bool), -1)
        mixed = tf.matmul(self._weights(logits, past), values)
        return self.merge(h, tf.reshape(mixed, [-1, height, width, self.value_size]))

    def remember(self, h, x, places):
        """Keys [B,H,W,key_size] and values [B,H,W,value_size]."""
        both = self.memory_out(self.memory(tf.concat([x, h, places], -1)))
        return tf.split(both, [self.key_size, self.value_size], axis=-1)

    def ask(self, h, places):
        """Queries [B,H,W,key_size]."""
        return self.question_out(self.question(tf.concat([h, places], -1)))

    def pixel(self, h, places, keys, values, index):
        """One pixel: h, places [B,1,1,.], keys and values [N,B,.] known before `index`."""
        query = self.ask(h, places)[:, 0, 0]
        logits = tf.einsum("bk,nbk->bn", query, keys)
        past = tf.range(keys.shape[0]) < index
        mixed = tf.einsum("bn,nbv->bv", self._weights(logits, past), values)
        return self.merge(h, mixed[:, None, None])

    def _weights(self, logits, past):
        """Softmax over the past; an empty past has no weight at all."""
        wide = tf.cast(logits, tf.float32) if logits.dtype.size < 4 else logits
        wide = wide / tf.cast(self.key_size, wide.dtype) ** 0.5
        weights = tf.nn.softmax(tf.where(past, wide, tf.cast(-1e30, wide.dtype)), axis=-1)
        return tf.cast(tf.where(past, weights, tf.zeros_like(weights)), logits.dtype)


class SNAILState(NamedTuple):
    """What generation remembers between pixels.

    Attributes:
        condition: the map [B,H,W,c], or () without one.
        places: coordinates of every pixel [H,W,2].
        image: rows of the image with ones, [W + 2, B, C + 1] each, padded on both sides.
        residuals: for every block and residual, the caches of its two convolutions.
        keys: for every block [N, B, key_size].
        values: for every block [N, B, value_size].
        pending: for every block the features [B,F] of the pixel that has no value yet.
    """

    condition: tf.Tensor | tuple
    places: tf.Tensor
    image: RowCache
    residuals: tuple
    keys: tuple
    values: tuple
    pending: tuple


@keras.saving.register_keras_serializable(package="tfvae")
class PixelSNAIL(Configured, keras.layers.Layer):
    """features(y, x) = f(all pixels before (y, x) in raster order, s).

    Blocks of gated residuals with down-right-shifted 2x2 convolutions, each followed by causal
    attention over the whole past. Chen et al. 2018 (PixelSNAIL: An Improved Autoregressive
    Generative Model). The conditioning map is added inside every 2x2 residual. The published
    network's dropout is left out: inside a likelihood it would be one more source of randomness;
    weight normalisation and its data-dependent start are left out too. The attention holds N x N
    weights a block and image: 2.5 MB for 28 x 28.

    Args:
        filters: F.
        num_blocks: blocks (12 in the paper).
        residuals_per_block: gated residuals in each block.
        key_size: of the attention (16 in the paper).
        value_size: of the attention (F / 2 in the paper).
    """

    def __init__(
        self, filters, num_blocks, residuals_per_block=2, key_size=16, value_size=32, **kwargs
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.num_blocks = num_blocks
        self.residuals_per_block = residuals_per_block
        self.key_size = key_size
        self.value_size = value_size
        policy = {"dtype": self.dtype_policy}
        self.above_stem = CausalConv2D(filters, (1, 3), right=1, **policy)
        self.left_stem = CausalConv2D(filters, (2, 1), use_bias=False, **policy)
        self.residuals = [
            [GatedResidual(filters, (2, 2), **policy) for _ in range(residuals_per_block)]
            for _ in range(num_blocks)
        ]
        self.attentions = [
            CausalAttention(filters, key_size, value_size, **policy) for _ in range(num_blocks)
        ]
        self.output_layer = keras.layers.Dense(filters, activation="elu", **policy)

    def build(self, x_shape, condition_shape=None):
        padded = (*x_shape[:-1], x_shape[-1] + 1)
        inner = (*x_shape[:-1], self.filters)
        for stem in (self.above_stem, self.left_stem):
            if not stem.built:
                stem.build(padded)
        for residuals, attention in zip(self.residuals, self.attentions):
            for residual in residuals:
                if not residual.built:
                    residual.build(inner, None, condition_shape)
            if not attention.built:
                attention.build(inner, x_shape)
        if not self.output_layer.built:
            self.output_layer.build(inner)

    def call(self, x, condition=None):
        """x [B,H,W,C], condition [B,H,W,c] or None -> features [B,H,W,F]."""
        padded = with_ones(x)
        h = self.above_stem(down_shift(padded)) + self.left_stem(right_shift(padded))
        places = self._places(*x.shape[1:3])
        places = tf.tile(places[None], [tf.shape(x)[0], 1, 1, 1])
        for residuals, attention in zip(self.residuals, self.attentions):
            for residual in residuals:
                h = residual(h, condition=condition)
            h = attention(h, x, places)
        return self.output_layer(tf.nn.elu(h))

    def _places(self, height, width):
        """Coordinates [H,W,2]: (y - H/2) / H, (x - W/2) / W."""
        rows = (np.arange(height) - height / 2) / height
        columns = (np.arange(width) - width / 2) / width
        grid = np.stack(np.meshgrid(rows, columns, indexing="ij"), -1)
        return tf.constant(grid, self.compute_dtype)

    # Generation: every layer at one pixel only, from what it remembers of the others.

    def begin(self, batch, image_shape, condition=None) -> SNAILState:
        """The state before the first row.

        Args:
            batch: scalar, B.
            image_shape: (H, W, C).
            condition: [B,H,W,c] or None.
        """
        height, width, channels = image_shape
        pixels, dtype = height * width, self.compute_dtype
        residuals = tuple(
            tuple(residual.begin(width, batch) for residual in block) for block in self.residuals
        )

        def each(*shape):
            return tuple(tf.zeros(shape, dtype) for _ in self.attentions)

        return SNAILState(
            condition=() if condition is None else tf.cast(condition, dtype),
            places=self._places(height, width),
            image=empty_rows(width + 1, batch, channels + 1, dtype),
            residuals=residuals,
            keys=each(pixels, batch, self.key_size),
            values=each(pixels, batch, self.value_size),
            pending=each(batch, self.filters),
        )

    def begin_row(self, state, y, above) -> SNAILState:
        """Moves every cache on by one row; what `put` remembered is all it needs."""
        residuals = tuple(
            tuple(tuple(next_row(cache) for cache in caches) for caches in block)
            for block in state.residuals
        )
        return state._replace(image=next_row(state.image), residuals=residuals)

    def pixel(self, state, y, x) -> tuple[tf.Tensor, SNAILState]:
        """Features [B,F] of pixel (y, x), all pixels before it having been `put`."""
        condition = None if isinstance(state.condition, tuple) else state.condition[:, y, x]
        above, current = state.image
        left = tf.stack([above[x], current[x]], 1)
        over = tf.stack([above[x], above[x + 1], above[x + 2]], 1)
        h = self.above_stem.step(over) + self.left_stem.step(left)
        places, index = _place(state, y, x, tf.shape(h)[0])
        blocks, pending = [], []
        for i, (residuals, attention) in enumerate(zip(self.residuals, self.attentions)):
            caches = []
            for residual, cache in zip(residuals, state.residuals[i]):
                h, cache = residual.pixel(h, cache, x, condition)
                caches.append(cache)
            blocks.append(tuple(caches))
            pending.append(h)
            h = attention.pixel(h[:, None, None], places, state.keys[i], state.values[i], index)[
                :, 0, 0
            ]
        state = state._replace(residuals=tuple(blocks), pending=tuple(pending))
        return self.output_layer(tf.nn.elu(h)), state

    def put(self, state, y, x, pixel) -> SNAILState:
        """Remembers the preprocessed pixel [B,C] drawn at (y, x), and its keys and values."""
        pixel = tf.cast(pixel, self.compute_dtype)
        places, index = _place(state, y, x, tf.shape(pixel)[0])
        keys, values = [], []
        for i, attention in enumerate(self.attentions):
            h = state.pending[i][:, None, None]
            key, value = attention.remember(h, pixel[:, None, None], places)
            keys.append(_put(state.keys[i], index, key[:, 0, 0]))
            values.append(_put(state.values[i], index, value[:, 0, 0]))
        current = _put(state.image.current, x + 1, with_ones(pixel))
        image = state.image._replace(current=current)
        return state._replace(image=image, keys=tuple(keys), values=tuple(values))


def _place(state, y, x, batch):
    """Coordinates [B,1,1,2] of pixel (y, x), and its index in raster order."""
    here = state.places[y, x][None, None, None]
    return tf.tile(here, [batch, 1, 1, 1]), y * state.places.shape[1] + x


def _put(buffer, index, value):
    """`buffer` [N, B, K] with `value` [B, K] at `index`."""
    return tf.tensor_scatter_nd_update(buffer, [[index]], value[None])
