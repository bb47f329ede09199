"""Decoders into whose every layer z enters: NumPy, and what reaches the output when a layer is dead."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfvae.networks import (
    DeconvolutionalImage,
    MLPImage,
    SkipDeconvolutionalImage,
    SkipMLPImage,
)

SHAPE = (6, 5, 1)


def test_the_dense_form_is_that_of_numpy():
    keras.utils.set_random_seed(0)
    network = SkipMLPImage((2, 3, 1), (4, 5), 2, "tanh")
    z = np.random.default_rng(0).normal(size=(3, 2)).astype("float32")
    found = network(z).numpy()
    (w1, b1), (w2, b2) = ([v.numpy() for v in layer.weights] for layer in network.hidden)
    w, b = (v.numpy() for v in network.output_layer.weights)
    first = np.tanh(z @ w1 + b1)
    second = np.tanh(np.concatenate([first, z], 1) @ w2 + b2)
    exact = np.concatenate([second, z], 1) @ w + b
    np.testing.assert_allclose(found, exact.reshape(3, 2, 3, 2), rtol=1e-5, atol=1e-6)


def test_the_convolutional_form_without_skips_is_the_plain_one():
    keras.utils.set_random_seed(0)
    ours, plain = (
        make(SHAPE, (6, 4), 2) for make in (SkipDeconvolutionalImage, DeconvolutionalImage)
    )
    z = np.random.default_rng(0).normal(size=(3, 2)).astype("float32")
    with_skips = ours(z).numpy()
    plain(z)
    shared = [ours.first, *ours.stages, ours.output_layer]
    for layer, other in zip(shared, [plain.first, *plain.stages, plain.output_layer]):
        other.set_weights(layer.get_weights())
    assert np.abs(with_skips - plain(z)).max() > 1e-3
    for skip in (*ours.skips, ours.last_skip):
        skip.kernel.assign(np.zeros(skip.kernel.shape))
    np.testing.assert_allclose(ours(z), plain(z), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("make", "layers", "hears"),
    [
        (lambda: SkipMLPImage(SHAPE, (4, 5, 4), 1), "hidden", True),
        (lambda: MLPImage(SHAPE, (4, 5, 4), 1), "hidden", False),
        (lambda: SkipDeconvolutionalImage(SHAPE, (6, 4), 1), "stages", True),
        (lambda: DeconvolutionalImage(SHAPE, (6, 4), 1), "stages", False),
    ],
)
@pytest.mark.parametrize("dead", [0, 1])
def test_z_reaches_the_output_past_a_dead_layer(make, layers, hears, dead):
    keras.utils.set_random_seed(0)
    network = make()
    z = tf.constant(np.random.default_rng(0).normal(size=(3, 2)), tf.float32)
    network(z)
    layer = getattr(network, layers)[dead]
    layer.kernel.assign(np.zeros(layer.kernel.shape))
    with tf.GradientTape() as tape:
        tape.watch(z)
        found = network(z)
    gradient = tape.gradient(found, z)
    assert (gradient is not None and float(tf.reduce_max(tf.abs(gradient))) > 1e-4) == hears
