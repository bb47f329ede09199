"""WaveNet: exactly causal, as far as it says, told of its frames, and generated as evaluated."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.networks.text_parts import normal, randomise, sensitivity
from tfvae.checks import UserError
from tfvae.likelihoods import MuLaw
from tfvae.networks import WaveNet, WaveNetDecoder
from tfvae.randomness import fold, seed_of

T, N, D = 24, 4, 3
LEVELS = MuLaw()


def _network(dilations=(1, 2, 4), kernel_size=2):
    network = WaveNet(5, 6, dilations, kernel_size)
    network.build((None, T, 1), (None, N, D))
    return randomise(network)


def _decoder(form="frames", kernel_size=2, parameters=256):
    shape = {"frames": (None, N, D), "vector": (None, D), "nothing": (None, 0)}[form]
    network = WaveNet(5, 6, (1, 2, 4), kernel_size)
    decoder = WaveNetDecoder(T, network, parameters, N, condition_filters=4)
    decoder.build(shape, (None, T))
    return randomise(decoder, 0.5)


def _z(form="frames", batch=3):
    return {
        "frames": normal(batch, N, D),
        "vector": normal(batch, D),
        "nothing": tf.zeros([batch, 0]),
    }[form]


FORMS = pytest.mark.parametrize("form", ["frames", "vector", "nothing"])
KERNELS = pytest.mark.parametrize("kernel_size", [2, 3])


@KERNELS
def test_a_feature_sees_its_field_and_nothing_else(kernel_size):
    network, told = _network(kernel_size=kernel_size), normal(2, N, D)
    found = sensitivity(lambda x: network(x, told), normal(2, T, 1, seed=3))
    field = network.receptive_field
    assert field == 1 + (kernel_size - 1) * 7
    back = np.arange(T)[:, None] - np.arange(T)
    assert np.all(found[(back < 0) | (back >= field)] == 0)
    assert np.all(found[(back >= 0) & (back < field)] > 0)


@FORMS
def test_parameters_depend_on_earlier_samples_alone(form):
    decoder, z = _decoder(form), _z(form, 2)
    found = sensitivity(lambda x: decoder(z, x[..., 0]), normal(2, T, 1, seed=3))
    assert np.all(found[np.triu_indices(T)] == 0)
    assert np.all(found[np.arange(1, T), np.arange(T - 1)] > 0)


def test_a_frame_reaches_its_samples_and_by_the_convolutions_two_frames_aside():
    decoder, x = _decoder(), normal(1, T, seed=3)
    with tf.GradientTape(persistent=True) as tape:
        z = _z(batch=1)
        tape.watch(z)
        rows = tf.unstack(tf.reduce_sum(decoder(z, x) * normal(1, T, 256, seed=7), [0, 2]))
    reach = np.array([np.abs(tape.gradient(row, z)).sum((0, 2)) for row in rows])
    frame = np.arange(T) // (T // N)
    assert np.all(reach[np.arange(T), frame] > 0)
    # the first sample has no past: what it knows of later frames came through the convolutions
    assert np.all(reach[0, :3] > 0) and reach[0, 3] == 0


def test_a_frame_says_when_something_happens_in_it():
    """U c is the transposed convolution whose stride and kernel are a frame, by Keras."""
    network, told = _network((1,)), normal(2, N, D)
    kernel = tf.reshape(network.upsample.kernel, [D, T // N, 5])
    spread = keras.layers.Conv1DTranspose(5, T // N, T // N, use_bias=False)
    spread.build((None, N, D))
    spread.kernel.assign(tf.transpose(kernel, [1, 2, 0]))
    x = normal(2, T, 1, seed=3)
    want = network.blocks[0](network.enter(x) + spread(told), told)[1]
    want = network.leave(tf.nn.relu(want))
    np.testing.assert_allclose(network(x, told), want, rtol=1e-5, atol=1e-6)


@KERNELS
@FORMS
def test_steps_with_rings_are_the_parallel_pass(form, kernel_size):
    decoder, z, x = _decoder(form, kernel_size), _z(form), normal(3, T, seed=3)
    want = decoder(z, x).numpy()
    state, before = decoder.begin(z), tf.zeros([3])
    for t in range(T):
        got, state = decoder.step(state, before, t)
        np.testing.assert_allclose(got, want[:, t], rtol=1e-4, atol=1e-4)
        before = x[:, t]


def _naive(decoder, z, draw):
    """One whole parallel pass for every sample. draw(parameters, t)."""
    x = np.zeros([len(z), T], np.float32)
    call = tf.function(lambda x: decoder(z, LEVELS.preprocess(x)))
    for t in range(T):
        x[:, t] = draw(call(tf.constant(x))[:, t], t)
    return x


@FORMS
def test_generation_is_the_naive_one(form):
    decoder, z, seed = _decoder(form), _z(form), seed_of(5)
    want = _naive(decoder, z, lambda p, t: LEVELS.sample(p, fold(seed, t)))
    np.testing.assert_array_equal(decoder.generate(z, LEVELS, seed), want)
    assert np.any(decoder.generate(z, LEVELS, seed_of(6)) != want)
    greedy = _naive(decoder, z, lambda p, t: LEVELS.mode(p))
    seen = []
    got = decoder.generate(z, LEVELS, seed, greedy=True, progress=lambda *p: seen.append(p))
    np.testing.assert_array_equal(got, greedy)
    assert seen == [(T, T)] and len(np.unique(want)) > 8


def test_the_graph_draws_what_the_eager_loop_draws():
    decoder, z, seed = _decoder(), _z(), seed_of(5)
    compiled = tf.function(
        lambda z, seed: decoder.generate(z, LEVELS, seed),
        input_signature=[tf.TensorSpec([None, N, D]), tf.TensorSpec([2], tf.int32)],
    )
    drawn = compiled(z, seed)
    assert drawn.shape == (3, T)
    np.testing.assert_array_equal(drawn, decoder.generate(z, LEVELS, seed))


def test_the_probabilities_of_all_short_waveforms_sum_to_1():
    """Four samples of three levels, 81 waveforms."""
    decoder = WaveNetDecoder(4, WaveNet(5, 6, (1, 2), dtype="float64"), 3, 2, 4, dtype="float64")
    decoder.build((None, 2, D), (None, 4))
    randomise(decoder)
    x = np.stack(np.meshgrid(*[np.arange(3)] * 4, indexing="ij"), -1).reshape(-1, 4)
    z = tf.repeat(tf.cast(normal(1, 2, D), tf.float64), len(x), 0)
    log_p = tf.nn.log_softmax(decoder(z, x - 1.0)).numpy()
    chosen = np.take_along_axis(log_p, x[..., None], -1)[..., 0].sum(1)
    assert np.exp(chosen).sum() == pytest.approx(1.0, abs=1e-10)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(UserError, match="frames must divide the length 24, got 5"):
        WaveNetDecoder(T, WaveNet(5, 6), 256, 5)
    fresh = WaveNetDecoder(T, WaveNet(5, 6), 256, N)
    with pytest.raises(UserError, match="z must have 4 frames, got 6"):
        fresh.build((None, 6, D))
    with pytest.raises(UserError, match="waveforms of 24 samples, got 30"):
        fresh.build((None, N, D), (None, 30))
    with pytest.raises(UserError, match="frames that divide its samples, got 5 and 24"):
        WaveNet(5, 6).build((None, T, 1), (None, 5, D))
    with pytest.raises(UserError, match="kernel_size of at least 2, got"):
        WaveNet(5, 6, (1, 2), 1)
