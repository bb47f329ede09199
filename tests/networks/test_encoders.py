"""Encoders: what a feature may depend on, exactly; values against NumPy; round trips."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfvae.checks import UserError
from tfvae.networks.anti_causal import AntiCausalEncoder, AntiCausalLayer
from tfvae.networks.mlp import MLPEncoder
from tfvae.networks.resnet import GridEncoder, ResidualBlock, ResNetEncoder

ENCODERS = {
    "mlp": (lambda: MLPEncoder((7, 5), "tanh"), (8, 6, 2), (5,)),
    "resnet": (lambda: ResNetEncoder((8, 6), 10, groups=4), (7, 8, 1), (10,)),
    "grid": (lambda: GridEncoder((2, 4), 6, 1), (8, 8, 3), (8, 6)),
    "grid_resized": (lambda: GridEncoder((3, 3), 6, 1), (8, 7, 1), (9, 6)),
    "anti_causal": (lambda: AntiCausalEncoder((4, 2), 6, 3), (8, 8, 3), (8, 6)),
    "anti_causal_padded": (lambda: AntiCausalEncoder((3, 3), 6, 3, 5), (8, 7, 1), (9, 6)),
}


def images(shape, batch=3, seed=0):
    return np.random.default_rng(seed).normal(size=(batch, *shape)).astype(np.float32)


def make(name):
    keras.utils.set_random_seed(1)
    build, shape, features = ENCODERS[name]
    encoder = build()
    encoder.build((None, *shape))
    return encoder, images(shape), features


def jacobian(encoder, x):
    """|d features_t / d pixel_j| summed over channels and features: [n, H * W]."""
    x = tf.constant(x[:1])
    with tf.GradientTape() as tape:
        tape.watch(x)
        features = encoder(x)[0]
    full = tf.abs(tape.jacobian(features, x))[:, :, 0]  # [n, F, H, W, C]
    return tf.reshape(tf.reduce_sum(full, [1, 4]), [full.shape[0], -1]).numpy()


def first_pixels(grid, shape):
    """Raster index of the first pixel of every segment."""
    rows, columns = -(-shape[0] // grid[0]), -(-shape[1] // grid[1])
    return [r * rows * shape[1] + c * columns for r in range(grid[0]) for c in range(grid[1])]


@pytest.mark.parametrize("name", ENCODERS)
def test_round_trip_reproduces_features(name):
    """serialise -> deserialise -> build -> set_weights gives the same numbers; build makes all."""
    encoder, x, features = make(name)
    config = keras.saving.serialize_keras_object(encoder)
    twin = keras.saving.deserialize_keras_object(config)
    twin.build((None, *x.shape[1:]))
    assert [w.shape for w in twin.weights] == [w.shape for w in encoder.weights]
    twin.set_weights(encoder.get_weights())
    expected = encoder(x)
    assert expected.shape == (3, *features)
    np.testing.assert_array_equal(twin(x), expected)
    assert len(twin.weights) == len(encoder.weights)


@pytest.mark.parametrize("name", ENCODERS)
def test_every_weight_has_a_gradient(name):
    encoder, x, _ = make(name)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(encoder(x) - 0.3))
    for weight, gradient in zip(
        encoder.trainable_weights, tape.gradient(loss, encoder.trainable_weights)
    ):
        assert np.any(gradient.numpy() != 0), weight.path


@pytest.mark.parametrize("name", ENCODERS)
def test_features_of_an_image_do_not_depend_on_the_batch(name):
    """What batch normalisation would break: training mode included."""
    encoder, x, _ = make(name)
    other = np.concatenate([x[:1], 5 * images(x.shape[1:], 2, seed=9)])
    for training in (False, True):
        ours, theirs = encoder(x, training=training), encoder(other, training=training)
        np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-5, atol=1e-6)


def test_mlp_against_numpy():
    encoder, x, _ = make("mlp")
    w1, b1, w2, b2 = (w.numpy() for w in encoder.weights)
    expected = np.tanh(np.tanh(x.reshape(3, -1) @ w1 + b1) @ w2 + b2)
    np.testing.assert_allclose(encoder(x), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["anti_causal", "anti_causal_padded"])
def test_anti_causal_encoder_never_sees_the_past(name):
    """d features_t / d x_j is exactly 0 before segment t's first pixel, and not 0 where allowed."""
    encoder, x, _ = make(name)
    shape, (h, w) = x.shape[1:], encoder.grid_shape
    influence = jacobian(encoder, x)
    pixels = np.arange(shape[0] * shape[1])
    rows, columns = pixels // shape[1], pixels % shape[1]
    cell_of = (rows // encoder.cell[0]) * w + columns // encoder.cell[1]
    for t, first in enumerate(first_pixels((h, w), shape)):
        np.testing.assert_array_equal(influence[t, :first], 0.0)
        # Exactly the cells from t on, in raster order: with these sizes no blind spot is left.
        np.testing.assert_array_equal(influence[t] != 0, cell_of >= t, err_msg=f"segment {t}")


def test_anti_causal_hand_over_sees_both_sides_of_the_rows_below():
    """One layer of width 3: the position itself, one to the right, three in each row it reaches."""
    layer = AntiCausalLayer(4, 3)
    layer.build((None, 5, 5, 4), (None, 5, 5, 4))
    x = tf.constant(images((5, 5, 4), 1))
    with tf.GradientTape() as tape:
        tape.watch(x)
        _, right = layer(x, x)
        middle = tf.reduce_sum(tf.square(right[0, 2, 2]))
    seen = tf.reduce_any(tape.gradient(middle, x)[0] != 0, -1).numpy().astype(int)
    expected = [[0] * 5, [0] * 5, [0, 0, 1, 1, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0]]
    np.testing.assert_array_equal(seen, expected)


def test_grid_encoder_does_see_the_past():
    """The property above is not one of any grid encoder."""
    encoder, x, _ = make("grid")
    influence = jacobian(encoder, x)
    first = first_pixels((2, 4), x.shape[1:])
    assert any(np.any(influence[t, :f] != 0) for t, f in enumerate(first))
    assert np.any(influence[-1, : first[-1]] != 0)


def test_grid_positions_are_in_raster_order():
    """Each position's own cell moves it: the largest influence is local."""
    encoder, x, _ = make("grid")
    influence = jacobian(encoder, x)
    cell = (np.arange(64) // 8 // 4) * 4 + (np.arange(64) % 8) // 2
    shares = np.stack([influence[:, cell == t].mean(1) for t in range(8)], 1)
    np.testing.assert_array_equal(shares.argmax(1), np.arange(8))


def test_residual_block_shapes_and_shortcut():
    """With the branch's last normalisation scaled to 0 the block is ELU of the shortcut."""
    block = ResidualBlock(6, 2, groups=4)
    x = images((7, 5, 3))
    block.build((None, 7, 5, 3))
    assert block(x).shape == block.compute_output_shape((3, 7, 5, 3)) == (3, 4, 3, 6)
    block.branch[-1].gamma.assign(tf.zeros(6))
    shortcut = x
    for layer in block.shortcut:
        shortcut = layer(shortcut)
    np.testing.assert_allclose(block(x), tf.nn.elu(shortcut), atol=1e-6)


def test_low_precision_features_follow_the_policy():
    encoder = AntiCausalEncoder((2, 2), 4, 1, dtype="mixed_bfloat16")
    features = encoder(images((4, 4, 1)))
    assert features.dtype == tf.bfloat16
    assert all(w.dtype == "float32" for w in encoder.weights)


def test_refusals():
    with pytest.raises(UserError, match="grid_shape .7, 7. leaves cells of 2 x 2"):
        AntiCausalEncoder((7, 7)).build((None, 8, 8, 1))
    with pytest.raises(UserError, match="kernel_size must be odd"):
        AntiCausalEncoder((2, 2), kernel_size=4)
