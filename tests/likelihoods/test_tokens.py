"""Tokens: the sum of log-softmaxes over real tokens, fused, and what it refuses."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import config  # the way back from determinism is not public

from tfvae.checks import UserError
from tfvae.likelihoods import Tokens
from tfvae.metrics import perplexity
from tfvae.randomness import seed_of

V = 7
TOKENS = Tokens(V)
X = np.array([[4, 6, 3, 2, 0], [5, 2, 0, 0, 0], [4, 4, 4, 4, 4], [2, 0, 0, 0, 0]], np.int32)
REAL = X != 0


def _logits(scale=3.0, seed=0):
    return (np.random.default_rng(seed).normal(size=(4, 5, V)) * scale).astype(np.float32)


def _log_softmax(logits):
    """[4, 5, V] float64, by the definition."""
    logits = logits.astype(np.float64)
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def _slope(logits):
    """d log_prob / d logits, one-hot minus softmax at real tokens; [4, 5, V]."""
    return (np.eye(V)[X] - np.exp(_log_softmax(logits))) * REAL[..., None]


def test_log_prob_is_the_sum_of_log_softmaxes_over_real_tokens():
    logits = _logits()
    taken = np.take_along_axis(_log_softmax(logits), X[..., None].astype(int), -1)[..., 0]
    got = TOKENS.log_prob(logits, X)
    np.testing.assert_allclose(got, (taken * REAL).sum(1), rtol=1e-6)
    assert got.dtype == tf.float32
    # summed, not averaged: uniform logits cost log V a token
    lengths = np.array([4, 2, 5, 1])
    uniform = TOKENS.log_prob(np.zeros([4, 5, V], np.float32), X)
    np.testing.assert_allclose(uniform, -lengths * np.log(V), rtol=1e-6)
    np.testing.assert_array_equal(TOKENS.units(X), lengths)
    np.testing.assert_array_equal(TOKENS.log_prob(logits, X.astype(np.int64)), got)


def test_probabilities_of_one_token_sum_to_one():
    logits = np.tile(_logits()[:1, :1], (V, 1, 1))
    words = np.arange(V)[:, None]
    p = np.exp(TOKENS.log_prob(logits, words))[1:]  # id 0 is padding: it has no probability
    assert p.sum() == pytest.approx(1 - np.exp(_log_softmax(logits)[0, 0, 0]), abs=1e-6)


def test_padding_is_ignored_and_gets_no_gradient():
    logits = tf.constant(_logits())
    with tf.GradientTape() as tape:
        tape.watch(logits)
        log_prob = TOKENS.log_prob(logits, X)
    gradient = tape.gradient(log_prob, logits).numpy()
    np.testing.assert_allclose(gradient, _slope(logits.numpy()), atol=1e-6)
    assert np.all(gradient[~REAL] == 0)
    elsewhere = np.where(REAL[..., None], logits, 1e3 * _logits(seed=1))
    np.testing.assert_array_equal(TOKENS.log_prob(elsewhere, X), log_prob)
    wider = tf.pad(logits, [[0, 0], [0, 3], [0, 0]]), np.pad(X, ((0, 0), (0, 3)))
    np.testing.assert_allclose(TOKENS.log_prob(*wider), log_prob, rtol=1e-6)


def test_second_derivatives():
    """d^2/d l^2 of -log p in a direction v is p v - p (p . v): refinement differentiates twice."""
    logits = tf.constant(_logits())
    v = tf.constant(_logits(1.0, seed=2))
    with tf.GradientTape() as outer:
        outer.watch(logits)
        with tf.GradientTape() as inner:
            inner.watch(logits)
            loss = -tf.reduce_sum(TOKENS.log_prob(logits, X))
        along = tf.reduce_sum(inner.gradient(loss, logits) * v)
    p, v = np.exp(_log_softmax(logits.numpy())), v.numpy()
    expected = (p * v - p * (p * v).sum(-1, keepdims=True)) * REAL[..., None]
    np.testing.assert_allclose(outer.gradient(along, logits), expected, atol=1e-6)


@pytest.mark.parametrize("deterministic", [True, False])
def test_the_cross_entropy_is_sparse_and_fused(deterministic):
    """[B, T, V] is the largest tensor of a text model: no one-hot of that size.

    TensorFlow has no deterministic fused kernel (on GPUs): under determinism it takes a log-softmax
    and a gather.
    """

    @tf.function
    def step(logits, x):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            loss = TOKENS.log_prob(logits, x)
        return tape.gradient(loss, logits)

    shapes = tf.TensorSpec([None, None, V]), tf.TensorSpec([None, None], tf.int32)
    if not deterministic:
        config.disable_op_determinism()
    try:
        graph = step.get_concrete_function(*shapes).graph
        gradient = step(_logits(), X)
    finally:
        tf.config.experimental.enable_op_determinism()
    kinds = {op.type for op in graph.get_operations()}
    assert ("SparseSoftmaxCrossEntropyWithLogits" in kinds) != deterministic
    assert "OneHot" not in kinds
    np.testing.assert_allclose(gradient, _slope(_logits()), atol=1e-6)


@pytest.mark.parametrize("scale", [1e2, 1e30])
def test_extreme_logits_stay_finite(scale):
    logits = tf.constant(np.sign(_logits()) * np.float32(scale))
    with tf.GradientTape() as tape:
        tape.watch(logits)
        log_prob = TOKENS.log_prob(logits, X)
    assert np.all(np.isfinite(log_prob)) and np.all(log_prob <= 0)
    assert np.all(np.isfinite(tape.gradient(log_prob, logits)))


def test_low_precision_logits_are_computed_in_float32():
    half = tf.cast(_logits(), tf.bfloat16)
    got = TOKENS.log_prob(half, X)
    assert got.dtype == tf.float32
    np.testing.assert_array_equal(got, TOKENS.log_prob(tf.cast(half, tf.float32), X))
    seeds = seed_of(1)
    exact = TOKENS.sample(tf.cast(half, tf.float32), seeds)
    np.testing.assert_array_equal(TOKENS.sample(half, seeds), exact)


def test_perplexity():
    """exp(total nats / total tokens): V of uniform logits, 1 of certain ones, 2 of two equal."""
    for logits, expected in (
        (np.zeros([4, 5, V]), V),
        (1e3 * np.eye(V)[X], 1),
        (1e3 * (np.eye(V)[X] + np.eye(V)[(X + 1) % V]), 2),
    ):
        nats = -np.sum(TOKENS.log_prob(logits.astype(np.float32), X))
        assert perplexity(nats, float(np.sum(TOKENS.units(X)))) == pytest.approx(expected, rel=1e-6)


def test_distribution_mode_and_trim():
    logits, full = _logits(), X[2:3]
    distribution = TOKENS.distribution(logits[2:3])
    assert distribution.event_shape == [5]
    np.testing.assert_allclose(
        distribution.log_prob(full), TOKENS.log_prob(logits[2:3], full), rtol=1e-6
    )
    np.testing.assert_array_equal(TOKENS.mode(logits), logits.argmax(-1))
    np.testing.assert_array_equal(TOKENS.mean(logits[0, 0]), logits[0, 0].argmax())
    assert TOKENS.parameter_size() == V
    np.testing.assert_array_equal(TOKENS.preprocess(X.astype(np.int64)), X)
    np.testing.assert_array_equal(TOKENS.trim(X[[1, 3]]), [[5, 2], [2, 0]])
    assert TOKENS.trim(X[:0]).shape == (0, 1) and TOKENS.trim(np.zeros([2, 4], int)).shape == (2, 1)


@pytest.mark.statistical
def test_samples_follow_the_softmax():
    """N = 20,000 of 7 words: chi-square with 6 degrees of freedom, threshold 22.46.

    False-fail rate 0.1 % for a new seed; the seed is fixed.
    """
    logits = _logits(1.0)[0, 0]
    drawn = TOKENS.sample(np.tile(logits, (100, 200, 1)), seed_of(4)).numpy()
    assert drawn.shape == (100, 200) and drawn.dtype == np.int32
    expected = drawn.size * np.exp(_log_softmax(logits))
    assert expected.min() > 20
    observed = np.bincount(drawn.ravel(), minlength=V)
    assert ((observed - expected) ** 2 / expected).sum() < 22.46


@pytest.mark.parametrize(
    "x, message",
    [
        ([[4, 7, 2]], "x must be tokens from 0 to 6, got 2 to 7"),
        ([[4, -1, 2]], "x must be tokens from 0 to 6, got -1 to 4"),
        ([[4.0, 5.0, 2.0]], "x must be tokens .integers., got float64"),
        ([[True, False]], "x must be tokens .integers., got bool"),
        ([4, 5, 2], r"x must be tokens \[N, T\], got shape \[3\]"),
        ([[4, 2, 0], [1, 4, 2]], "<s> .1. is no part of a sentence.*the first is row 1"),
        ([[4, 2, 0], [4, 0, 2], [0, 4, 2]], "padding .0. must stand behind.*2 rows.*row 1"),
        ([[4, 2, 2]], "nothing but padding .0. may follow </s> .2.; 1 rows.*row 0"),
    ],
)
def test_wrong_tokens_are_refused_by_name(x, message):
    with pytest.raises(UserError, match=message):
        TOKENS.check(np.array(x))


def test_right_tokens_pass():
    """A sentence cut before its end too; any integer type; no sentence at all."""
    for x in (X, X.astype(np.uint8), X.astype(np.int64), X[:0], np.zeros([2, 3], np.int32)):
        TOKENS.check(x)


def test_config():
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(TOKENS))
    assert isinstance(again, Tokens) and again.vocabulary_size == V
