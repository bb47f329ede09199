"""Encoders of sentences: padding changes nothing, summaries by hand, what sees what."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.networks.text_parts import E, V, normal, randomise, sensitivity, sentences
from tfvae.checks import UserError
from tfvae.networks import (
    AntiCausalTextEncoder,
    FlatTextEncoder,
    PooledTextEncoder,
    TextEncoder,
)
from tfvae.networks.text_encoders import SUMMARIES, pool
from tfvae.networks.tokens import PAD

ENCODERS = {
    **{s: lambda s=s: TextEncoder(V, E, 5, s) for s in SUMMARIES},
    "anti-causal": lambda: AntiCausalTextEncoder(V, E, 5, 3),
    "pooled": lambda: PooledTextEncoder(V, 6, (7, 5)),
    "flat": lambda: FlatTextEncoder(V, 6, (7, 5)),
}
every_encoder = pytest.mark.parametrize("make", ENCODERS.values(), ids=ENCODERS)


@every_encoder
def test_encoders_know_their_features_shape_beforehand(make):
    encoder = make()
    encoder.build((None, None))
    spec = encoder.compute_output_spec(keras.KerasTensor((None, None), dtype="int32"))
    assert spec.shape[0] is None
    features = encoder(sentences(6, 3))
    assert features.shape[1:] == spec.shape[1:] and features.dtype == spec.dtype
    assert np.all(np.isfinite(encoder(tf.zeros([1, 6], tf.int32)))), "nothing but padding"


@pytest.mark.parametrize("name", [n for n in ENCODERS if n != "flat"])
def test_padding_changes_no_feature(name):
    encoder, x = ENCODERS[name](), sentences(6, 3, 1)
    encoder.build((None, None))
    randomise(encoder)
    features = encoder(x)
    padded = tf.pad(x, [[0, 0], [0, 4]])
    np.testing.assert_allclose(encoder(padded), features, atol=1e-6)
    assert len(np.unique(np.round(features, 4), axis=0)) == 3


@pytest.mark.parametrize("name", [n for n in ENCODERS if n != "flat"])
def test_padding_gets_no_gradient(name):
    """The weights that only padding reads: row `<pad>` of the embedding, or of the first kernel."""
    encoder, x = ENCODERS[name](), sentences(6, 3, 0)
    encoder.build((None, None))
    randomise(encoder)
    kernel = encoder.pair.kernel if name == "pooled" else encoder.embedding.embeddings
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.sin(encoder(x)))
    gradient = tf.convert_to_tensor(tape.gradient(loss, kernel.value)).numpy()
    by_word = np.abs(gradient).reshape(-1, V, gradient.shape[-1]).sum((0, 2))
    assert by_word[PAD] == 0
    assert np.all(by_word[np.unique(x)[1:]] > 0)


def test_pooling_by_hand_and_padding_is_excluded_where_all_states_are_negative():
    states = -np.abs(np.random.default_rng(0).normal(size=(2, 5, 3))).astype("float32")
    states[0, :, 0] *= -1
    states[0, 3:] = states[1, 4:] = 0
    real = [states[0, :3], states[1, :4]]
    length = tf.constant([3, 4])
    expected = {
        "last": [r[-1] for r in real],
        "max": [r.max(0) for r in real],
        "mean": [r.mean(0) for r in real],
        "abs_max": [r[np.abs(r).argmax(0), np.arange(3)] for r in real],
    }
    assert np.all(expected["max"][1] < 0)
    for summary, value in expected.items():
        np.testing.assert_allclose(pool(tf.constant(states), length, summary), value, rtol=1e-6)


@pytest.mark.parametrize("summary", ["max", "mean", "abs_max"])
def test_pooling_is_of_a_set(summary):
    states = normal(1, 6, 5)
    shuffled = tf.concat([tf.gather(states[:, :4], [2, 0, 3, 1], axis=1), states[:, 4:]], 1)
    ours, theirs = (pool(s, tf.constant([4]), summary) for s in (states, shuffled))
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    assert np.any(np.abs(pool(states, tf.constant([5]), summary) - ours) > 1e-3)


@pytest.mark.parametrize("size, positions", [(7, 3), (7, 7), (2, 4), (1, 2)])
def test_a_position_of_the_anti_causal_encoder_knows_nothing_before_its_token(size, positions):
    encoder = AntiCausalTextEncoder(V, E, 5, positions)
    encoder.build((None, None))
    randomise(encoder)
    embedded = normal(1, 9, E)
    reach = sensitivity(lambda e: encoder.from_embeddings(e, tf.constant([size])), embedded)
    for i in range(positions):
        seen = (np.arange(9) >= i * size // positions) & (np.arange(9) < size)
        np.testing.assert_array_equal(reach[i] > 0, seen)


@pytest.mark.parametrize("positions", [2, 3, 5, 7])
def test_positions_of_a_fixed_length_begin_where_the_decoder_tells_them(positions):
    """At ceil(i L / n), whatever the length of the sentence; behind its end nothing is read."""
    longest, size = 7, 5
    encoder = AntiCausalTextEncoder(V, E, 5, positions, longest)
    encoder.build((None, None))
    randomise(encoder)
    reach = sensitivity(
        lambda e: encoder.from_embeddings(e, tf.constant([size])), normal(1, size + 1, E)
    )
    for i in range(positions):
        seen = (np.arange(size + 1) >= np.ceil(i * longest / positions)) & (
            np.arange(size + 1) < size
        )
        np.testing.assert_array_equal(reach[i] > 0, seen)


def test_a_position_of_the_anti_causal_encoder_is_the_last_state_of_the_reversed_rest():
    encoder, forward = AntiCausalTextEncoder(V, E, 5, 3), TextEncoder(V, E, 5)
    for layer in (encoder, forward):
        layer.build((None, None))
    forward.set_weights(randomise(encoder).get_weights())
    sizes = (7, 4, 1)
    x = sentences(*sizes)
    for features, row, size in zip(encoder(x), x.numpy(), sizes):
        for i in range(3):
            rest = row[i * size // 3 : size][::-1]
            np.testing.assert_allclose(features[i], forward(rest[None])[0], atol=1e-6)


def _relu(x):
    return np.maximum(x, 0)


def test_the_pooled_encoder_by_hand():
    encoder = PooledTextEncoder(V, 6, (7, 5))
    encoder.build((None, None))
    randomise(encoder)
    pair, pair_bias, mix, mix_bias, *chain = (w.numpy() for w in encoder.weights)
    x = sentences(6, 3, 1)
    for features, row in zip(encoder(x), x.numpy()):
        words = row[row != PAD]
        before = [np.zeros_like(pair_bias), *pair[0, words[:-1]]]
        mixed = _relu(_relu(before + pair[1, words] + pair_bias) @ mix + mix_bias).mean(0)
        for kernel, bias in zip(chain[::2], chain[1::2]):
            mixed = _relu(mixed @ kernel + bias)
        np.testing.assert_allclose(features, mixed, rtol=1e-4, atol=1e-5)


def test_the_flat_encoder_by_hand():
    encoder, x = FlatTextEncoder(V, 6, (7,)), sentences(6, 3)
    encoder.build((None, None))
    randomise(encoder)
    kernel, bias = (w.numpy() for w in encoder.weights)
    by_place = kernel.reshape(6, V, 7)
    expected = [_relu(by_place[np.arange(6), row].sum(0) + bias) for row in x.numpy()]
    np.testing.assert_allclose(encoder(x), expected, rtol=1e-5, atol=1e-6)


@every_encoder
def test_half_precision_is_near(make):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        half = make()
    finally:
        keras.config.set_dtype_policy("float32")
    whole, x = make(), sentences(6, 3, 0)
    for encoder in (half, whole):
        encoder.build((None, None))
        randomise(encoder)
    assert half(x).dtype == tf.bfloat16
    np.testing.assert_allclose(tf.cast(half(x), tf.float32), whole(x), atol=0.1)


def test_refusals():
    with pytest.raises(UserError, match="unknown summary 'lst'; did you mean last"):
        TextEncoder(V, E, 3, "lst")
    with pytest.raises(UserError, match="length 5, got length 6"):
        FlatTextEncoder(V, 5)(sentences(6))
