"""The factorised decoder and its networks: values, gradients, draws, round trips."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfvae.likelihoods import Bernoulli, Categorical256, DiscretizedLogisticMixture
from tfvae.networks.deconvolutional import DeconvolutionalImage
from tfvae.networks.factorised_decoder import FactorisedDecoder
from tfvae.networks.mlp import MLPImage
from tfvae.randomness import seed_of

SHAPE = (6, 5, 1)
NETWORKS = {
    "mlp": lambda p: MLPImage(SHAPE, (7, 9), p, "tanh"),
    "deconvolutional": lambda p: DeconvolutionalImage(SHAPE, (6, 4), p),
}
LATENTS = {"vector": (8,), "sequence": (4, 2)}


def make(name, latent="vector", parameter_size=1):
    keras.utils.set_random_seed(2)
    decoder = FactorisedDecoder(SHAPE, NETWORKS[name](parameter_size))
    decoder.build((None, *LATENTS[latent]), (None, *SHAPE))
    z = np.random.default_rng(0).normal(size=(3, *LATENTS[latent])).astype(np.float32)
    return decoder, z


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("latent", LATENTS)
def test_round_trip_reproduces_parameters(name, latent):
    decoder, z = make(name, latent, 3)
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(decoder))
    twin.build((None, *LATENTS[latent]))
    assert [w.shape for w in twin.weights] == [w.shape for w in decoder.weights]
    twin.set_weights(decoder.get_weights())
    expected = decoder(z, np.zeros((3, *SHAPE), np.float32))
    assert expected.shape == (3, 6, 5, 3) and twin.image_shape == SHAPE
    np.testing.assert_array_equal(twin(z), expected)


@pytest.mark.parametrize("name", NETWORKS)
def test_sequence_is_read_as_the_flat_vector(name):
    vector, z = make(name, "vector")
    sequence, _ = make(name, "sequence")
    sequence.set_weights(vector.get_weights())
    np.testing.assert_array_equal(sequence(z.reshape(3, 4, 2)), vector(z))


@pytest.mark.parametrize("name", NETWORKS)
def test_every_weight_has_a_gradient_and_the_image_none(name):
    decoder, z = make(name)
    x = tf.ones((3, *SHAPE))
    with tf.GradientTape() as tape:
        tape.watch(x)
        log_prob = tf.reduce_sum(Bernoulli().log_prob(decoder(z, x), tf.ones((3, *SHAPE))))
    *gradients, image = tape.gradient(log_prob, [*decoder.trainable_weights, x])
    assert image is None
    for weight, gradient in zip(decoder.trainable_weights, gradients):
        assert np.any(gradient.numpy() != 0), weight.path


@pytest.mark.parametrize("name", NETWORKS)
def test_every_pixel_depends_on_z(name):
    decoder, z = make(name, parameter_size=2)
    z = tf.constant(z[:1])
    with tf.GradientTape() as tape:
        tape.watch(z)
        parameters = decoder(z)
    jacobian = tape.jacobian(parameters, z)[0, ..., 0, :]  # [H, W, P, D]
    assert np.all(np.any(jacobian.numpy() != 0, -1))


def test_mlp_against_numpy():
    """Dense layers, then raster order with P fastest."""
    decoder, z = make("mlp", parameter_size=3)
    w1, b1, w2, b2, w3, b3 = (w.numpy() for w in decoder.weights)
    flat = np.tanh(np.tanh(z @ w1 + b1) @ w2 + b2) @ w3 + b3
    np.testing.assert_allclose(decoder(z), flat.reshape(3, 6, 5, 3), rtol=1e-5, atol=1e-6)


def test_deconvolution_against_numpy():
    """One stage, scattered by hand: out[2 i + k - 1] += in[i] w[k] for kernel 4, stride 2, same."""
    keras.utils.set_random_seed(3)
    network = DeconvolutionalImage((4, 4, 1), (2,), 1)
    z = np.random.default_rng(1).normal(size=(1, 3)).astype(np.float32)
    network.build((None, 3))
    dense, bias, kernel, kernel_bias, last, last_bias = (w.numpy() for w in network.weights)

    def elu(t):
        return np.where(t > 0, t, np.expm1(np.minimum(t, 0)))

    small = elu(z @ dense + bias).reshape(2, 2, 2)
    full = np.zeros((6, 6, 2))  # one pixel of margin on each side
    for i in range(2):
        for j in range(2):
            full[2 * i : 2 * i + 4, 2 * j : 2 * j + 4] += kernel @ small[i, j]
    middle = np.pad(elu(full[1:5, 1:5] + kernel_bias), ((1, 1), (1, 1), (0, 0)))
    expected = [
        [np.sum(middle[i : i + 3, j : j + 3] * last[..., 0]) + last_bias[0] for j in range(4)]
        for i in range(4)
    ]
    np.testing.assert_allclose(network(z)[0, ..., 0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "likelihood",
    [Bernoulli(), Categorical256(), DiscretizedLogisticMixture(2)],
    ids=lambda value: type(value).__name__,
)
def test_generate_is_the_likelihoods_draw_or_mean(likelihood):
    decoder, z = make("mlp", parameter_size=likelihood.parameter_size(1))
    parameters = decoder(z)
    calls = []
    draw = decoder.generate(z, likelihood, seed_of(5), progress=lambda *a: calls.append(a))
    assert calls == [(1, 1)]
    np.testing.assert_array_equal(draw, likelihood.sample(parameters, seed_of(5)))
    assert np.any(draw.numpy() != decoder.generate(z, likelihood, seed_of(6)).numpy())
    mean = decoder.generate(z, likelihood, seed_of(5), greedy=True)
    np.testing.assert_array_equal(mean, likelihood.mean(parameters))
    traced = tf.function(lambda z: decoder.generate(z, likelihood, seed_of(5)))(z)
    assert traced.shape == (3, *SHAPE) and traced.dtype == tf.float32
    # A traced graph may round a parameter differently, which moves a draw only at a boundary.
    assert np.mean(traced.numpy() != draw.numpy()) < 0.05


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_are_float32_under_bfloat16(name):
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        decoder, z = make(name)
        assert decoder.network.compute_dtype == "bfloat16"
        assert decoder(z).dtype == tf.float32
    finally:
        keras.config.set_dtype_policy(previous)
