"""A listener: a small classifier of real recordings, which is then asked about others.

    features = log mel power, 32 bands of 32 ms every 10 ms, at most 60 dB below the recording's loudest
    p(label | features) = softmax(W h + b), h three 3x3 convolutions, normalised, each halved by its maxima

Legend: N recordings, T samples, M frames, F bands.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from tfvae.likelihoods import mu_law_decode

__all__ = ["Listener", "log_mel"]

_WINDOW, _HOP, _BANDS, _RATE = 256, 80, 32, 8000
_FLOOR = 6.0  # powers of ten
_SHIFT = 400  # samples by which training recordings are moved
_NOISE = (5.0, 40.0)  # decibels of signal to white noise in training: draws of a model are noisy


def log_mel(amplitude: np.ndarray) -> np.ndarray:
    """[N, T] amplitudes -> [N, M, F], from -1 (60 dB below the loudest) to 0; the level does not count."""
    frames = np.lib.stride_tricks.sliding_window_view(amplitude, _WINDOW, -1)[:, ::_HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(_WINDOW))) ** 2
    bands = tf.signal.linear_to_mel_weight_matrix(_BANDS, _WINDOW // 2 + 1, _RATE, 60.0, 3900.0)
    mel = power @ bands.numpy()
    mel = mel / np.maximum(mel.max((1, 2), keepdims=True), 1e-12)
    return np.log10(np.maximum(mel, 10.0**-_FLOOR)).astype(np.float32) / _FLOOR


class Listener:
    """Knows the labels of real recordings, from recordings that were moved and made noisy.

    Args:
        levels: of training recordings, [N, T].
        label: [N], 0 .. K - 1.
        seed: of the weights, the order, the shifts and the noise.
        epochs: presentations of each recording.
    """

    def __init__(self, levels: np.ndarray, label: np.ndarray, seed: int = 0, epochs: int = 10):
        keras.utils.set_random_seed(seed)
        rng = np.random.default_rng(seed)
        amplitude = mu_law_decode(levels)
        layers = [keras.layers.Reshape((*log_mel(amplitude[:1]).shape[1:], 1))]
        for filters in (16, 32, 64):
            layers += [
                keras.layers.Conv2D(filters, 3, padding="same", use_bias=False),
                keras.layers.BatchNormalization(momentum=0.9),
                keras.layers.ReLU(),
                keras.layers.MaxPooling2D(2),
            ]
        layers += [keras.layers.Flatten(), keras.layers.Dense(int(label.max()) + 1)]
        self.network = keras.Sequential(layers)
        steps = epochs * -(-len(levels) // 32)
        rate = keras.optimizers.schedules.CosineDecay(3e-3, steps)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.network.compile(keras.optimizers.Adam(rate), loss)
        for _ in range(epochs):
            features = log_mel(_disturbed(amplitude, rng))
            self.network.fit(features, label, batch_size=32, verbose=0)

    def hear(self, levels: np.ndarray) -> np.ndarray:
        """The likeliest label of each recording [N, T], [N]."""
        return np.argmax(self.network.predict(log_mel(mu_law_decode(levels)), verbose=0), -1)

    def accuracy(self, levels: np.ndarray, label: np.ndarray) -> float:
        """Share of the recordings that are heard as their label."""
        return float(np.mean(self.hear(levels) == label))


def _disturbed(amplitude: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each moved by up to `_SHIFT` samples, with white noise of its own strength."""
    number, length = amplitude.shape
    padded = np.pad(amplitude, ((0, 0), (_SHIFT, _SHIFT)))
    starts = rng.integers(0, 2 * _SHIFT + 1, number)
    moved = np.stack([row[start : start + length] for row, start in zip(padded, starts)])
    strength = 10.0 ** (-rng.uniform(*_NOISE, (number, 1)) / 20.0)
    noise = rng.standard_normal((number, length), np.float32)
    return moved + moved.std(1, keepdims=True) * strength * noise
