"""What the tests of the text networks share: tiny parts with random weights, sentences, Jacobians."""

import numpy as np
import pytest
import tensorflow as tf

from tfvae.likelihoods import Tokens
from tfvae.networks import CausalTransformer, DilatedCNN, LSTMNetwork, TextDecoder
from tfvae.networks.tokens import END

V, E, Z = 9, 4, 2
TOKENS = Tokens(V)
NETWORKS = {
    "lstm-tanh": lambda: LSTMNetwork(6, "tanh"),
    "lstm-linear": lambda: LSTMNetwork(6, "linear"),
    "lstm-zero": lambda: LSTMNetwork(6, "zero"),
    "dilated": lambda: DilatedCNN(8, 6, (1, 2)),
    "transformer": lambda: CausalTransformer(8, 2, 2, 12),
}
every_network = pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)


def randomise(layer, scale=0.6, seed=0):
    """Gives every weight, biases too, normal values; returns the layer."""
    rng = np.random.default_rng(seed)
    for weight in layer.trainable_weights:
        weight.assign(rng.normal(size=weight.shape) * scale)
    return layer


def normal(*shape, seed=1):
    return tf.constant(np.random.default_rng(seed).normal(size=shape), tf.float32)


def text_decoder(make, width=Z, vocabulary=V, max_length=7, seed=0, **settings):
    """A built decoder with random weights."""
    decoder = TextDecoder(vocabulary, max_length, make(), E, **settings)
    decoder.build((None, width))
    return randomise(decoder, seed=seed)


def sentences(*sizes, length=None, seed=2):
    """Random sentences of these lengths, `</s>` included (0: nothing at all), padded."""
    rng = np.random.default_rng(seed)
    x = np.zeros((len(sizes), length or max(sizes)), np.int32)
    for row, size in zip(x, sizes):
        row[:size] = rng.integers(3, V, size)
        row[size - 1 : size] = END
    return tf.constant(x)


def sensitivity(function, inputs):
    """[T, T']: the size of d output_t / d input_s, each output row weighted at random."""
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(inputs)
        out = function(inputs)
        rows = tf.unstack(tf.reduce_sum(out * normal(*out.shape, seed=7), [0, 2]))
    gradients = [tape.gradient(row, inputs) for row in rows]
    return np.array([np.abs(g).sum((0, 2)) for g in gradients])
