"""Causality, completeness and normalisation of the autoregressive image networks."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfvae.checks import UserError
from tfvae.networks.autoregressive_decoder import AutoregressiveDecoder
from tfvae.networks.conditioners import GridConditioner, VectorConditioner
from tfvae.networks.gated_pixelcnn import Field, GatedPixelCNN
from tfvae.networks.heads import ChannelAutoregressiveHead, DenseHead
from tfvae.networks.masked import CausalConv2D, gate
from tfvae.networks.pixel_snail import CausalAttention, PixelSNAIL

H, W = 5, 6


def _pixelcnn(**kwargs):
    return GatedPixelCNN(4, 2, kernel_size=3, first_kernel_size=3, **kwargs)


def _snail(**kwargs):
    return PixelSNAIL(4, 2, residuals_per_block=1, key_size=3, value_size=5, **kwargs)


NETWORKS = pytest.mark.parametrize("make", [_pixelcnn, _snail])


def _randomise(layer, seed=0, scale=0.4):
    """Weights without a zero among them, so that nothing is causal or silent by its start."""
    rng = np.random.default_rng(seed)
    for weight in layer.weights:
        weight.assign(rng.normal(size=weight.shape) * scale)
    return layer


def _images(batch, channels, seed=1):
    return tf.constant(
        np.random.default_rng(seed).uniform(-1, 1, [batch, H, W, channels]), tf.float64
    )


def _decoder(make, channels=1, head=None, conditioner=None, shape=(H, W)):
    head = DenseHead(channels, dtype="float64") if head is None else head
    decoder = AutoregressiveDecoder(
        (*shape, channels), make(dtype="float64"), head, conditioner, dtype="float64"
    )
    decoder.build((None, 12, 2) if isinstance(conditioner, GridConditioner) else (None, 2))
    return _randomise(decoder)


def _jacobian(function, x):
    """sum over channels of |d (a random projection of features_i) / d x_j|, [N, N]."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
        weights = np.random.default_rng(3).normal(size=y.shape[-1])
        y = tf.reduce_sum(y * weights, -1)
    jacobian = tape.jacobian(y, x)[0, :, :, 0]
    return np.abs(jacobian.numpy()).sum(-1).reshape(y.shape[1] * y.shape[2], -1)


def _before(field=None):
    """[N, N]: whether pixel j is before i in raster order and, if given, within the field."""
    out = np.zeros([H * W, H * W], bool)
    for i, j in itertools.product(range(H * W), repeat=2):
        dy, dx = i // W - j // W, i % W - j % W
        near = field is None or (dy <= field.above and abs(dx) <= field.across)
        out[i, j] = j < i and near
    return out


@NETWORKS
@pytest.mark.parametrize("conditioned", [True, False])
def test_the_features_see_every_past_pixel_and_no_other(make, conditioned):
    network = make(dtype="float64")
    condition = _images(1, 3, seed=2) if conditioned else None
    network.build((None, H, W, 2), (None, H, W, 3) if conditioned else None)
    _randomise(network)
    jacobian = _jacobian(lambda x: network(x, condition), _images(1, 2))
    seen = _before(getattr(network, "receptive_field", None))
    assert np.all(jacobian[~seen] == 0.0)
    assert np.all(jacobian[seen] > 0.0)


def test_the_declared_field_is_the_field():
    network = GatedPixelCNN(3, 1, kernel_size=3, first_kernel_size=3, dtype="float64")
    assert network.receptive_field == Field(3, 2)
    network.build((None, H, W, 1))
    _randomise(network)
    seen = _before(Field(3, 2))
    assert 0 < seen.sum() < _before().sum(), "the field must cut something off"
    np.testing.assert_array_equal(_jacobian(network, _images(1, 1)) > 0, seen)


@NETWORKS
def test_flipping_a_pixel_changes_only_what_comes_after(make):
    decoder = _decoder(make, 3, ChannelAutoregressiveHead(3, 2, 4, dtype="float64"))
    x = _images(1, 3)
    z = tf.zeros([1, 2], tf.float64)
    base = tf.reshape(decoder(z, x), [H * W, 6]).numpy()
    flips = tf.reshape(tf.repeat(x, H * W, 0), [H * W, H * W, 3]).numpy()
    flips[np.arange(H * W), np.arange(H * W)] *= -1
    moved = decoder(tf.zeros([H * W, 2], tf.float64), tf.reshape(flips, [H * W, H, W, 3]))
    moved = np.abs(tf.reshape(moved, [H * W, H * W, 6]).numpy() - base)
    for j in range(H * W):
        # Another batch size may round otherwise; the gradients above are exactly zero.
        assert moved[j, :j].max(initial=0.0) < 1e-13
        assert moved[j, j, :2].max() < 1e-13  # the first channel knows nothing of its own pixel
        assert moved[j, j, 2:].max() > 1e-6


def test_channels_are_drawn_in_their_order():
    decoder = _decoder(_pixelcnn, 3, ChannelAutoregressiveHead(3, 2, 4, dtype="float64"))
    x, z = _images(1, 3), tf.zeros([1, 2], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reshape(decoder(z, x), [1, H, W, 3, 2])
        y = tf.reduce_sum(y * [1.0, -0.7], -1)
    jacobian = np.abs(tape.jacobian(y, x)[0, :, :, :, 0].numpy()).reshape(H * W * 3, H * W * 3)
    assert np.all(np.triu(jacobian) == 0.0)  # pixel-major, channel-minor: the whole order at once
    for i in range(H * W):
        block = jacobian[3 * i : 3 * i + 3, 3 * i : 3 * i + 3]
        assert np.all(block[np.tril_indices(3, -1)] > 0.0)


def _bernoulli(logits, x):
    return tf.reduce_sum(x * logits - tf.math.softplus(logits), [1, 2, 3])


@NETWORKS
def test_the_probabilities_of_all_images_sum_to_one(make):
    decoder = _decoder(make, shape=(3, 3))
    images = np.array(list(itertools.product([0.0, 1.0], repeat=9))).reshape(-1, 3, 3, 1)
    logits = decoder(tf.zeros([512, 2], tf.float64), tf.constant(2 * images - 1))
    log_probs = _bernoulli(logits, images).numpy()
    assert np.ptp(log_probs) > 1.0, "a uniform distribution would prove nothing"
    np.testing.assert_allclose(np.exp(log_probs).sum(), 1.0, atol=1e-12)


@NETWORKS
@pytest.mark.parametrize("kind", ["grid", "vector"])
def test_the_code_reaches_every_pixel(make, kind):
    conditioner = (
        GridConditioner((H, W, 1), (3, 4), 3, dtype="float64")
        if kind == "grid"
        else VectorConditioner((H, W, 1), 3, dtype="float64")
    )
    decoder = _decoder(make, conditioner=conditioner)
    z = tf.constant(np.random.default_rng(5).normal(size=(1, 12, 2)[kind == "vector" :]))
    z = z if kind == "grid" else z[:1]
    with tf.GradientTape() as tape:
        tape.watch(z)
        y = decoder(z, _images(1, 1))
    jacobian = tape.jacobian(y, z)[0, :, :, 0, 0].numpy().reshape(H * W, -1)
    assert np.all(np.abs(jacobian).max(1) > 0.0)
    assert np.all(np.abs(jacobian).max(0) > 0.0)
    if kind == "grid":  # the first cell is known to the first pixel, directly
        assert np.abs(jacobian[0, 0]) > 0.0


def test_the_grid_lies_on_the_image_as_it_is_read():
    """Constant kernels: cell (i, j) of z must light exactly the pixels nearest to it."""
    conditioner = GridConditioner((5, 6, 1), (2, 3), 1, num_layers=0)
    conditioner.build((None, 6, 1))
    kernel, bias = conditioner.smoothing.weights
    centre = np.zeros(kernel.shape)
    centre[1, 1] = 1.0
    kernel.assign(centre)
    bias.assign([0.0])
    y = conditioner(tf.reshape(tf.range(6.0), [1, 6, 1]))[0, :, :, 0].numpy()
    rows, columns = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 2, 2])
    np.testing.assert_array_equal(y, 3 * rows[:, None] + columns)


def test_without_a_conditioner_the_code_is_ignored():
    decoder = _decoder(_pixelcnn)
    x = _images(1, 1)
    one, two = (decoder(tf.fill([1, 2], tf.constant(v, tf.float64)), x) for v in (0.0, 9.0))
    np.testing.assert_array_equal(one, two)


@NETWORKS
def test_every_weight_gets_a_gradient(make):
    head = ChannelAutoregressiveHead(2, 3, 4, dtype="float64")
    conditioner = GridConditioner((H, W, 2), (3, 4), 3, dtype="float64")
    decoder = _decoder(make, 2, head, conditioner)
    z = tf.constant(np.random.default_rng(5).normal(size=[3, 12, 2]))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.sin(decoder(z, _images(3, 2))))
    for weight, gradient in zip(
        decoder.trainable_variables, tape.gradient(loss, decoder.trainable_variables)
    ):
        assert gradient is not None, weight.path
        assert np.abs(gradient).max() > 0.0, weight.path


def test_the_gate():
    value = gate(tf.constant([0.5, -0.3], tf.float64))
    np.testing.assert_allclose(value, [0.19665744], atol=1e-8)


def test_the_convolution_is_its_formula_and_its_step_is_one_pixel_of_it():
    layer = CausalConv2D(2, (2, 3), right=1, dtype="float64")
    x = _images(2, 3)
    layer.build(x.shape)
    _randomise(layer)
    kernel, bias = layer.kernel.numpy(), layer.bias.numpy()
    padded = np.pad(x.numpy(), [[0, 0], [1, 0], [1, 1], [0, 0]])
    want = np.zeros([2, H, W, 2]) + bias
    for y, c, i, j in itertools.product(range(H), range(W), range(2), range(3)):
        want[:, y, c] += padded[:, y + i, c + j] @ kernel[i, j]
    np.testing.assert_allclose(layer(x), want, atol=1e-12)
    np.testing.assert_allclose(layer.row(x[:, 1:3]), want[:, 2], atol=1e-12)
    np.testing.assert_allclose(layer.step(padded[:, 2:4, 1:4]), want[:, 2, 1], atol=1e-12)


def test_attention_weights_are_a_softmax_over_the_strict_past():
    layer = CausalAttention(4, 4, 2, dtype="float64")
    logits = np.random.default_rng(0).normal(size=[3, 3])
    past = np.tril(np.ones([3, 3], bool), -1)
    got = layer._weights(tf.constant(logits), past).numpy()
    e = np.exp(logits / 2.0)  # sqrt(key_size) = 2
    want = [[0, 0, 0], [1, 0, 0], [e[2, 0] / e[2, :2].sum(), e[2, 1] / e[2, :2].sum(), 0]]
    np.testing.assert_allclose(got, want, atol=1e-12)


@NETWORKS
def test_a_configuration_rebuilds_the_decoder(make):
    head = ChannelAutoregressiveHead(2, 3, 4, dtype="float64")
    decoder = _decoder(make, 2, head, GridConditioner((H, W, 2), (3, 4), 3, dtype="float64"))
    clone = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(decoder))
    if not clone.built:
        clone.build((None, 12, 2))
    clone.set_weights(decoder.get_weights())
    x, z = _images(2, 2), tf.ones([2, 12, 2], tf.float64)
    np.testing.assert_array_equal(clone(z, x), decoder(z, x))
    assert clone.get_config() == decoder.get_config()


@NETWORKS
def test_a_saved_model_comes_back_bit_for_bit(make, tmp_path):
    decoder = AutoregressiveDecoder(
        (H, W, 1), make(), DenseHead(1), GridConditioner((H, W, 1), (3, 4), 3)
    )
    decoder.build((None, 12, 2))
    _randomise(decoder)
    z, x = keras.Input([12, 2]), keras.Input([H, W, 1])
    model = keras.Model([z, x], decoder(z, x))
    model.save(tmp_path / "model.keras")
    clone = keras.saving.load_model(tmp_path / "model.keras")
    assert len(clone.weights) == len(model.weights) > 10
    for mine, theirs in zip(model.weights, clone.weights):
        np.testing.assert_array_equal(mine, theirs, err_msg=mine.path)


def test_parameters_are_single_precision_under_a_half_precision_policy():
    policy = "mixed_bfloat16"
    decoder = AutoregressiveDecoder(
        (H, W, 1), _pixelcnn(dtype=policy), DenseHead(1, dtype=policy), dtype=policy
    )
    y = decoder(tf.zeros([1, 2]), tf.cast(_images(1, 1), tf.float32))
    assert y.dtype == tf.float32
    assert decoder.network.vertical_stem.kernel.dtype == "float32"


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: GatedPixelCNN(4, 2, kernel_size=4), "kernel_size must be an odd number"),
        (lambda: GatedPixelCNN(4, 0), "num_layers must be at least 1"),
        (lambda: GridConditioner((5, 6, 1), (2, 3), 4).build((None, 7, 2)), "z must be"),
        (lambda: VectorConditioner((5, 6, 1), 4).build((None, 7, 2)), "z must be"),
        (lambda: ChannelAutoregressiveHead(3, 2).build((None, 8), (None, 1)), "channels"),
    ],
)
def test_refusals(make, words):
    with pytest.raises(UserError, match=words):
        make()
