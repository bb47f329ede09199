"""Generation from caches equals what the parallel pass says, pixel by pixel."""

import numpy as np
import pytest
import tensorflow as tf

from tfvae.networks.autoregressive_decoder import AutoregressiveDecoder
from tfvae.networks.conditioners import VectorConditioner
from tfvae.networks.gated_pixelcnn import GatedPixelCNN
from tfvae.networks.heads import ChannelAutoregressiveHead, DenseHead
from tfvae.networks.pixel_snail import PixelSNAIL
from tfvae.randomness import fold, seed_of

H, W = 5, 6


def _pixelcnn(num_layers=2):
    return GatedPixelCNN(4, num_layers, kernel_size=5, first_kernel_size=7)


def _snail():
    return PixelSNAIL(4, 2, residuals_per_block=2, key_size=3, value_size=5)


NETWORKS = pytest.mark.parametrize("make", [_pixelcnn, _snail])


class _Bernoulli:
    """One logit a channel; written by hand, the networks owe nothing to the likelihoods."""

    def preprocess(self, x):
        return 2.0 * x - 1.0

    def mode(self, parameters):
        return tf.cast(parameters > 0, tf.float32)

    def sample(self, parameters, seed):
        uniform = tf.random.stateless_uniform(tf.shape(parameters), seed)
        return tf.cast(uniform < tf.sigmoid(parameters), tf.float32)


def _decoder(make, head=None, channels=1):
    decoder = AutoregressiveDecoder(
        (H, W, channels), make(), head or DenseHead(channels), VectorConditioner((H, W, 1), 3)
    )
    decoder.build((None, 2))
    rng = np.random.default_rng(0)
    for weight in decoder.weights:
        weight.assign(rng.normal(size=weight.shape) * 0.4)
    if head is None:  # as many ones as zeros: a constant image would prove nothing
        x = tf.constant(rng.choice([-1.0, 1.0], [64, H, W, channels]), tf.float32)
        z = tf.constant(rng.normal(size=[64, 2]) * 3, tf.float32)
        decoder.head.dense.bias.assign_sub([np.median(decoder(z, x))])
    return decoder


def _codes(batch=5):
    return tf.constant(np.random.default_rng(2).normal(size=[batch, 2]) * 3, tf.float32)


@NETWORKS
@pytest.mark.parametrize("conditioned", [True, False])
def test_features_from_the_caches_are_those_of_the_whole_image(make, conditioned):
    network = make()
    rng = np.random.default_rng(1)
    x = tf.constant(rng.uniform(-1, 1, [2, H, W, 2]), tf.float32)
    s = tf.constant(rng.normal(size=[2, H, W, 3]), tf.float32) if conditioned else None
    network.build(x.shape, s.shape if conditioned else None)
    for weight in network.weights:
        weight.assign(rng.normal(size=weight.shape) * 0.3)
    want = network(x, s).numpy()
    state = network.begin(2, (H, W, 2), s)
    for y in range(H):
        state = network.begin_row(state, y, x[:, y - 1])
        for column in range(W):
            features, state = network.pixel(state, y, column)
            np.testing.assert_allclose(features, want[:, y, column], rtol=1e-5, atol=1e-5)
            state = network.put(state, y, column, x[:, y, column])


def _naive(decoder, z, draw, channels=1):
    """One whole parallel pass for every pixel and channel. draw(parameters, index, channel)."""
    x = np.zeros([len(z), H, W, channels], np.float32)
    call = tf.function(lambda x: decoder(z, 2 * x - 1))
    for y in range(H):
        for column in range(W):
            for channel in range(channels):
                parameters = call(tf.constant(x))[:, y, column]
                x[:, y, column, channel] = draw(parameters, y * W + column, channel)[:, channel]
    return x


@NETWORKS
def test_greedy_generation_is_the_naive_one(make):
    decoder, z, likelihood = _decoder(make), _codes(), _Bernoulli()
    want = _naive(decoder, z, lambda p, *_: likelihood.mode(p))
    assert 0.1 < want.mean() < 0.9
    got = decoder.generate(z, likelihood, seed_of(0), greedy=True)
    np.testing.assert_array_equal(got, want)


@NETWORKS
def test_sampling_draws_each_pixel_with_its_own_seed(make):
    decoder, z, likelihood = _decoder(make), _codes(), _Bernoulli()
    seed = seed_of(7)
    want = _naive(decoder, z, lambda p, i, c: likelihood.sample(p, fold(seed, i, c)))
    got = decoder.generate(z, likelihood, seed)
    np.testing.assert_array_equal(got, want)
    assert np.any(got != decoder.generate(z, likelihood, seed_of(8)))


def test_channels_are_drawn_one_after_the_other():
    decoder = _decoder(_pixelcnn, ChannelAutoregressiveHead(3, 1, 4), channels=3)
    z, likelihood, seed = _codes(), _Bernoulli(), seed_of(3)
    want = _naive(decoder, z, lambda p, i, c: likelihood.sample(p, fold(seed, i, c)), channels=3)
    np.testing.assert_array_equal(decoder.generate(z, likelihood, seed), want)


@NETWORKS
def test_the_graph_draws_what_the_eager_loop_draws(make):
    decoder, likelihood = _decoder(make), _Bernoulli()

    @tf.function(input_signature=[tf.TensorSpec([None, 2]), tf.TensorSpec([2], tf.int32)])
    def draw(z, seed):
        return decoder.generate(z, likelihood, seed)

    z, seed = _codes(), seed_of(11)
    got = draw(z, seed)
    assert got.shape == (5, H, W, 1)
    np.testing.assert_array_equal(got, decoder.generate(z, likelihood, seed))


def test_progress_counts_the_rows():
    seen = []
    decoder = _decoder(_pixelcnn)
    decoder.generate(
        _codes(1), _Bernoulli(), seed_of(0), progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(y + 1, H) for y in range(H)]


def test_a_frequent_first_pixel_is_drawn_as_often_as_its_probability():
    """4,000 draws of the first pixel; 5 standard deviations, false-fail rate below 1e-6."""
    decoder = _decoder(_pixelcnn)
    z = tf.repeat(_codes(1), 4000, 0)
    p = tf.sigmoid(decoder(z[:1], tf.zeros([1, H, W, 1])))[0, 0, 0, 0].numpy()
    first = decoder.generate(z, _Bernoulli(), seed_of(5))[:, 0, 0, 0].numpy()
    assert 0.05 < p < 0.95
    assert abs(first.mean() - p) < 5 * (p * (1 - p) / 4000) ** 0.5
