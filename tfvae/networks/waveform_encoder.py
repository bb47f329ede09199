"""The encoder of waveforms: strided convolutions.

Legend: B batch, T samples, r downsampling, n = T / r frames, F features.
"""

from __future__ import annotations

import keras
from keras import ops

from tfvae.checks import UserError
from tfvae.configured import Configured
from tfvae.networks.mlp import build_chain, flat_size

__all__ = ["WaveformEncoder", "halvings"]

_WINDOW = 4  # of a strided convolution


def halvings(downsampling: int) -> int:
    """log2 of it.

    Raises:
        UserError: it is no power of two above 1.
    """
    if downsampling < 2 or downsampling & (downsampling - 1):
        raise UserError(f"downsampling must be a power of 2 from 2 on, got {downsampling}")
    return downsampling.bit_length() - 1


@keras.saving.register_keras_serializable(package="tfvae")
class WaveformEncoder(Configured, keras.layers.Layer):
    """h_0 = x,  h_i = relu(K_i * h_{i-1}), stride 2 and window 4;  h <- h + W relu(K * relu(h));  N(h).

    van den Oord, Vinyals and Kavukcuoglu, "Neural Discrete Representation Learning", NeurIPS 2017,
    section 4.3: six strided convolutions, a code map 64 times shorter than the waveform. The residual
    blocks at the frames' rate are those of its image encoder. N, which normalises the features of each
    frame, is not in the paper: with it the frames differ as soon as training begins, on one scale.

    Args:
        filters: F of a frame; strided convolutions have as many.
        downsampling: r, a power of 2; one strided convolution for each factor of 2.
        blocks: residual blocks behind them.
        anti_causal: frame i depends on the samples from r i on alone (for a prior that goes forward
            and a decoder that knows the past: Razavi et al. 2019).
        units: features of one vector instead of a frame's: relu(W h + b), h flattened; None for
            frames.
    """

    def __init__(
        self,
        filters: int,
        downsampling: int = 64,
        blocks: int = 2,
        anti_causal: bool = False,
        units: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.downsampling = downsampling
        self.blocks = blocks
        self.anti_causal = anti_causal
        self.units = units
        self.strided = [
            self._convolution(_WINDOW, 2, "relu") for _ in range(halvings(downsampling))
        ]
        self.inner = [self._convolution(3, 1, "relu") for _ in range(blocks)]
        self.outer = [self._convolution(1, 1, None) for _ in range(blocks)]
        self.normalise = keras.layers.LayerNormalization(dtype=self.dtype_policy)
        self.vector = None
        if units is not None:
            self.vector = keras.layers.Dense(units, "relu", dtype=self.dtype_policy)

    def _convolution(self, window, stride, activation):
        start = "glorot_uniform" if activation is None else "he_uniform"
        policy = {"kernel_initializer": start, "dtype": self.dtype_policy}
        return keras.layers.Conv1D(
            self.filters, window, stride, padding="valid", activation=activation, **policy
        )

    def build(self, input_shape):
        """Builds the layers for waveforms [B, T].

        Raises:
            UserError: T does not divide into frames.
        """
        length = input_shape[1]
        if length is None or length % self.downsampling:
            raise UserError(
                f"a waveform's length must be a multiple of downsampling={self.downsampling}, "
                f"got {length}"
            )
        frames = (None, length // self.downsampling, self.filters)
        shape = (None, None, 1)
        for layer in self.strided:
            if not layer.built:
                layer.build(shape)
            shape = (None, None, self.filters)
        for inner, outer in zip(self.inner, self.outer):
            build_chain([inner, outer], shape)
        build_chain([self.normalise], shape)
        if self.vector is not None and not self.vector.built:
            self.vector.build((None, flat_size(frames)))

    def call(self, x):
        """[B, T] in [-1, 1] -> frames [B, n, F], or one vector [B, units]."""
        h = ops.cast(x, self.compute_dtype)[..., None]
        for layer in self.strided:
            h = layer(self._padded(h, _WINDOW - 2))
        for inner, outer in zip(self.inner, self.outer):
            h = h + outer(inner(self._padded(ops.relu(h), 2)))
        h = self.normalise(h)
        if self.vector is None:
            return h
        return self.vector(ops.reshape(h, (-1, flat_size(h.shape))))

    def _padded(self, h, number):
        """Zeros on both sides, or behind alone."""
        before = 0 if self.anti_causal else number // 2
        return ops.pad(h, [[0, 0], [before, number - before], [0, 0]])
