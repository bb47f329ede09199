"""Kernels whose largest singular value is 1, so that a critic has a slope of at most 1 by layer.

Legend: I inputs, O outputs of a layer.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from tfvae.randomness import fold, seed_of

__all__ = ["SpectralNorm"]

_ROUNDS = 20  # for the first vectors; later one round a step follows a kernel that hardly moves


class SpectralNorm:
    """W / s,  s = v' W u,  v = W u / |W u|,  u <- W' v / |W' v| after each step.

    Miyato, Kataoka, Koyama and Yoshida 2018, algorithm 1 (here W is [I, O]). For `Critic(normalised=...)`:
    the `Update` of the critic's loss moves u by itself. Checkpoints hold u.
    """

    def __init__(self):
        self._vectors = {}  # the layer, which its id is of as long as it lives, and u

    def build_for(self, layers) -> None:
        """Makes a vector u [O] for each kernel; a second call does nothing."""
        for layer in layers:
            if id(layer) in self._vectors:
                continue
            number, kernel = len(self._vectors), tf.convert_to_tensor(layer.kernel)
            vector = _unit(tf.random.stateless_normal([kernel.shape[1]], fold(seed_of(0), number)))
            for _ in range(_ROUNDS):
                vector = _round(kernel, vector)[1]
            held = keras.Variable(vector, trainable=False, name=f"spectral_vector_{number}")
            self._vectors[id(layer)] = layer, held

    def kernel(self, layer) -> tf.Tensor:
        """The layer's kernel as it is used, [I, O]."""
        kernel, (_, held) = tf.convert_to_tensor(layer.kernel), self._vectors[id(layer)]
        left, right = _round(tf.stop_gradient(kernel), tf.convert_to_tensor(held))
        return kernel / tf.tensordot(left, tf.linalg.matvec(kernel, right), 1)

    def build(self, model) -> None:
        """Nothing: the critic's own `build` has made the vectors."""

    def __call__(self, seen, step, seed) -> None:
        """One round, in replica context; the same on every replica, whose kernels are."""
        del seen, step, seed
        for layer, held in self._vectors.values():
            kernel = tf.convert_to_tensor(layer.kernel)
            held.assign(_round(kernel, tf.convert_to_tensor(held))[1])

    def state(self) -> dict[str, tf.Variable]:
        """The vectors."""
        return {f"vector_{i}": held.value for i, (_, held) in enumerate(self._vectors.values())}


def _unit(vector):
    return vector / tf.maximum(tf.norm(vector), 1e-12)


def _round(kernel, vector):
    """(v, u) of one round of the power iteration."""
    left = _unit(tf.linalg.matvec(kernel, vector))
    return left, _unit(tf.linalg.matvec(kernel, left, transpose_a=True))
