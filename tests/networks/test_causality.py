"""The autoregressive image networks: causal, complete, normalised, and generated as evaluated."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfvae.likelihoods import Bernoulli, Categorical256, DiscretizedLogisticMixture
from tfvae.networks import (
    AutoregressiveDecoder,
    CausalTransformer,
    ChannelAutoregressiveHead,
    DenseHead,
    DilatedCNN,
    FactorisedDecoder,
    GatedPixelCNN,
    GridConditioner,
    MaskedPixelCNN,
    MLPImage,
    PixelSNAIL,
    TextDecoder,
    VectorConditioner,
)
from tfvae.networks.masked import gate
from tfvae.randomness import seed_of

NETWORKS = {
    "gated": lambda **kw: GatedPixelCNN(6, 2, 3, 3, **kw),
    "snail": lambda **kw: PixelSNAIL(6, 2, 1, 4, 4, **kw),
    "masked": lambda **kw: MaskedPixelCNN(6, 2, 7, **kw),
}
H, W = 4, 5
each = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)


def _random(layer, seed=0, scale=0.4):
    rng = np.random.default_rng(seed)
    for weight in layer.weights:
        weight.assign(rng.normal(size=weight.shape) * scale)


def _decoder(network, shape=(H, W, 1), conditioned=True, head=None, dtype="float32"):
    conditioner = GridConditioner(shape, (2, 2), 3, dtype=dtype) if conditioned else None
    head = head or DenseHead(1, dtype=dtype)
    decoder = AutoregressiveDecoder(shape, network(dtype=dtype), head, conditioner, dtype=dtype)
    decoder.build((None, 4, 2) if conditioned else (None, 0), (None, *shape))
    _random(decoder)
    return decoder


def _jacobian(function, x):
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        out = function(x)
    # one output at a time: the vectorised form crashes inside of TensorFlow 2.21 on attention
    return tape.jacobian(out, x, experimental_use_pfor=False).numpy()


@each
def test_no_output_depends_on_its_own_or_a_later_pixel_and_all_earlier_ones_reach_it(network):
    decoder = _decoder(network)
    z = tf.constant(np.random.default_rng(1).normal(size=(1, 4, 2)).astype("float32"))
    x = tf.constant(np.random.default_rng(2).choice([-1.0, 1.0], (1, H, W, 1)).astype("float32"))
    jacobian = np.abs(_jacobian(lambda x: decoder(z, x), x)).reshape(H * W, H * W)
    assert np.all(jacobian[np.triu_indices(H * W)] == 0)
    # reach 3 to every side covers the whole of this image above, and 3 pixels to the left
    past = np.tril_indices(H * W, -1)
    rows = np.array(past) // W
    columns = np.array(past) % W
    in_field = (rows[0] - rows[1] <= 3) & (np.abs(columns[0] - columns[1]) <= 3)
    assert np.all(jacobian[past][in_field] > 0)


@each
def test_flipping_a_pixel_changes_later_outputs_only(network):
    decoder = _decoder(network)
    z = np.random.default_rng(1).normal(size=(H * W, 4, 2)).astype("float32")
    z[:] = z[0]
    x = np.random.default_rng(2).choice([-1.0, 1.0], (1, H, W, 1)).astype("float32")
    flipped = np.tile(x, (H * W, 1, 1, 1)).reshape(H * W, -1)
    flipped[np.arange(H * W), np.arange(H * W)] *= -1
    same = np.tile(x, (H * W, 1, 1, 1))  # batches of one size, so that rounding is the same too
    change = decoder(z, flipped.reshape(-1, H, W, 1)) - decoder(z, same)
    change = np.abs(change.numpy().reshape(H * W, H * W))
    for j in range(H * W):
        assert np.all(change[j, : j + 1] == 0)
        assert j % W == W - 1 or change[j, j + 1] > 0  # its right neighbour notices


@each
def test_the_latent_reaches_every_pixel_the_first_included(network):
    decoder = _decoder(network)
    z = tf.constant(np.random.default_rng(1).normal(size=(1, 4, 2)).astype("float32"))
    x = tf.ones([1, H, W, 1])
    jacobian = np.abs(_jacobian(lambda z: decoder(z, x), z)).reshape(H * W, -1)
    assert np.all(jacobian.sum(1) > 0)


@each
def test_the_probabilities_of_all_3x3_images_sum_to_1(network):
    decoder = _decoder(network, (3, 3, 1), conditioned=False, dtype="float64")
    x = ((np.arange(512)[:, None] >> np.arange(9)) & 1).astype("float64").reshape(-1, 3, 3, 1)
    logits = decoder(np.zeros((512, 0)), 2 * x - 1).numpy().astype("float64")
    log_prob = (x * logits - np.logaddexp(0, logits)).sum((1, 2, 3))
    assert np.exp(log_prob).sum() == pytest.approx(1, abs=1e-10)


@each
def test_greedy_generation_equals_the_naive_one(network):
    """The caches: pixel after pixel, each from a whole parallel pass over the pixels so far."""
    decoder, likelihood = _decoder(network), Bernoulli()
    z = np.random.default_rng(3).normal(size=(3, 4, 2)).astype("float32")
    naive = np.zeros((3, H, W, 1), "float32")
    for y in range(H):
        for x in range(W):
            logits = decoder(z, likelihood.preprocess(naive)).numpy()
            naive[:, y, x] = logits[:, y, x] > 0
    seen = []
    made = decoder.generate(
        z, likelihood, seed_of(0), greedy=True, progress=lambda *p: seen.append(p)
    )
    np.testing.assert_array_equal(made, naive)
    assert seen == [(y + 1, H) for y in range(H)]
    compiled = tf.function(lambda z: decoder.generate(z, likelihood, seed_of(0), greedy=True))
    np.testing.assert_array_equal(compiled(z), naive)
    assert 0 < naive.mean() < 1


@each
@pytest.mark.parametrize("colour", ["mixture", "categorical"])
def test_colour_generation_equals_the_naive_one(network, colour):
    shape = (3, 3, 3)
    if colour == "mixture":
        likelihood = DiscretizedLogisticMixture(2)
        head = DenseHead(likelihood.parameter_size(3))
    else:
        likelihood, head = Categorical256(), ChannelAutoregressiveHead(3, 256, 8)
    decoder = _decoder(network, shape, head=head)
    _random(decoder, scale=0.1)
    z = np.random.default_rng(3).normal(size=(2, 4, 2)).astype("float32")
    naive = np.zeros((2, *shape), "float32")
    for y in range(3):
        for x in range(3):
            for channel in range(head.passes(3)):
                modes = likelihood.mode(decoder(z, likelihood.preprocess(naive))).numpy()
                if head.passes(3) == 1:
                    naive[:, y, x] = modes[:, y, x]
                else:
                    naive[:, y, x, channel] = modes[:, y, x, channel]
    made = decoder.generate(z, likelihood, seed_of(0), greedy=True).numpy()
    np.testing.assert_array_equal(made, naive)
    assert len(np.unique(naive)) > 1


@each
def test_colour_head_is_causal_over_channels(network):
    shape = (2, 2, 3)
    decoder = _decoder(network, shape, head=ChannelAutoregressiveHead(3, 4, 8))
    z = tf.constant(np.random.default_rng(3).normal(size=(1, 4, 2)).astype("float32"))
    x = tf.constant(np.random.default_rng(4).normal(size=(1, *shape)).astype("float32"))
    jacobian = np.abs(_jacobian(lambda x: decoder(z, x), x)).reshape(12, 4, 12).sum(1)
    assert np.all(jacobian[np.triu_indices(12)] == 0)
    assert all(jacobian[i, i - 1] > 0 for i in range(1, 12))


@each
@pytest.mark.statistical
def test_samples_follow_the_parallel_probabilities(network):
    """2x2 images, 20,000 draws: every one of 16 frequencies within 6 standard errors (< 1e-7)."""
    decoder = _decoder(network, (2, 2, 1), conditioned=False)
    x = ((np.arange(16)[:, None] >> np.arange(4)) & 1).astype("float32").reshape(-1, 2, 2, 1)
    p = np.exp(Bernoulli().log_prob(decoder(np.zeros((16, 0), "float32"), 2 * x - 1), x).numpy())
    drawn = decoder.generate(np.zeros((20_000, 0), "float32"), Bernoulli(), seed_of(1)).numpy()
    index = (drawn.reshape(-1, 4) @ (2 ** np.arange(4))).astype(int)
    frequency = np.bincount(index, minlength=16) / 20_000
    assert np.all(np.abs(frequency - p) < 6 * np.sqrt(p * (1 - p) / 20_000) + 1e-9)


def test_gate_golden_and_declared_field():
    got = gate(tf.constant([[0.5, -0.3]], tf.float64))
    assert float(tf.reshape(got, [-1])[0]) == pytest.approx(0.1966574144, abs=1e-9)
    network = GatedPixelCNN(4, 1, 3, 3)
    assert network.receptive_field == (3, 2)


def test_a_small_field_is_limited_as_declared():
    """One block of 3x3 after a 3x3 stem: nothing beyond 3 rows above and 2 columns aside is seen."""
    decoder = AutoregressiveDecoder((7, 7, 1), GatedPixelCNN(4, 1, 3, 3), DenseHead(1))
    decoder.build((None, 0), (None, 7, 7, 1))
    _random(decoder)
    x = tf.constant(np.random.default_rng(2).choice([-1.0, 1.0], (1, 7, 7, 1)).astype("float32"))
    jacobian = np.abs(_jacobian(lambda x: decoder(tf.zeros([1, 0]), x)[0, 5, 3], x)).reshape(7, 7)
    seen = {tuple(p) for p in np.argwhere(jacobian > 0)}
    above, across = decoder.network.receptive_field
    box = {(y, x) for y in range(5 - above, 6) for x in range(3 - across, 4 + across)}
    assert seen <= {(y, x) for y, x in box if (y, x) < (5, 3)}
    assert {(5 - above, x) for x in range(2, 5)} & seen


@pytest.mark.parametrize(
    ("network", "seen", "of"),
    [
        (MaskedPixelCNN(4, 1, 3), 4, 4),
        (MaskedPixelCNN(4, 2, 3), 11, 12),  # one position of 2 layers is behind the blind spot
        (MaskedPixelCNN(4, 6, 3), 69, 84),
        (MaskedPixelCNN(4, 1, 5), 12, 12),  # one layer has none, and what is 1 x 1 adds nothing
        (GatedPixelCNN(4, 2, 3, 3), 31, 31),
    ],
)
def test_the_pixels_of_a_field_are_counted(network, seen, of):
    above, across = (max(-p[axis] for p in network.past) for axis in (0, 1))
    assert len(network.past) == seen
    assert of == above * (2 * across + 1) + across


@pytest.mark.parametrize("network", [MaskedPixelCNN(3, 3, 3), GatedPixelCNN(3, 1, 3, 3)], ids=str)
def test_the_gradient_is_0_outside_of_the_counted_pixels_and_nowhere_inside(network):
    """Of a pixel in the middle of 9 x 9, where all of the field is there."""
    network.build((None, 9, 9, 1))
    _random(network)
    x = tf.constant(np.random.default_rng(2).normal(size=(1, 9, 9, 1)).astype("float32"))
    with tf.GradientTape() as tape:
        tape.watch(x)
        out = tf.reduce_sum(network(x)[0, 5, 4])
    gradient = tape.gradient(out, x)[0, :, :, 0].numpy()
    seen = {(int(y) - 5, int(x) - 4) for y, x in np.argwhere(gradient != 0)}
    assert seen == network.past


def test_the_map_is_not_masked():
    """The first pixel is told of the map below it and to its right, as any other."""
    network = MaskedPixelCNN(3, 2, 3)
    network.build((None, 4, 4, 1), (None, 4, 4, 2))
    _random(network)
    told = tf.constant(np.random.default_rng(2).normal(size=(1, 4, 4, 2)).astype("float32"))
    with tf.GradientTape() as tape:
        tape.watch(told)
        out = tf.reduce_sum(network(tf.zeros([1, 4, 4, 1]), told)[0, 0, 0])
    reached = np.abs(tape.gradient(out, told)[0]).sum(-1)
    assert np.all(reached[:2, :2] > 0) and reached.sum() == reached[:2, :2].sum()


def test_what_a_decoder_sees_is_said_in_words():
    """69 of the 406 pixels before (14, 14) of 28 x 28 (Chen et al. 2017, appendix A)."""
    decoder = AutoregressiveDecoder((28, 28, 1), MaskedPixelCNN(12, 6, 3), DenseHead(1))
    assert decoder.sees.startswith("69 pixels before it, up to 6 rows above, 6 columns to the left")
    assert decoder.sees.endswith("69 of the 406 before the middle one")
    snail = AutoregressiveDecoder((28, 28, 1), PixelSNAIL(4, 1, 1, 4, 4), DenseHead(1))
    assert snail.sees == "" == FactorisedDecoder((2,), MLPImage((2,), (3,), 1)).sees
    words = TextDecoder(9, 5, DilatedCNN(4, 3, (1,), 2), embedding_width=3)
    assert words.sees == "the last 2 tokens"
    words = TextDecoder(9, 5, CausalTransformer(4, 1, 2, 5), embedding_width=3)
    assert words.sees == ""


def test_vector_conditioner_and_missing_parts():
    decoder = AutoregressiveDecoder(
        (4, 4, 1), GatedPixelCNN(4, 1, 3, 3), DenseHead(1), VectorConditioner((4, 4, 1), 2)
    )
    out = decoder(np.ones((2, 3), "float32"), np.ones((2, 4, 4, 1), "float32"))
    assert out.shape == (2, 4, 4, 1)
    config = keras.saving.serialize_keras_object(decoder)
    copy = keras.saving.deserialize_keras_object(config)
    copy(np.ones((2, 3), "float32"), np.ones((2, 4, 4, 1), "float32"))
    copy.set_weights(decoder.get_weights())
    again = copy(np.ones((2, 3), "float32"), np.ones((2, 4, 4, 1), "float32"))
    np.testing.assert_array_equal(again, out)
