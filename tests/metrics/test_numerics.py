"""The streamed log-mean-exp against NumPy in float64."""

import numpy as np
import pytest
import tensorflow as tf

from tfvae.numerics import log_mean_exp_init, log_mean_exp_result, log_mean_exp_update

INF = float("inf")


def streamed(terms, sizes):
    state, start = log_mean_exp_init([terms.shape[1]]), 0
    for size in sizes:
        state = log_mean_exp_update(state, tf.constant(terms[start : start + size], tf.float32))
        start += size
    assert start == len(terms)
    return [part.numpy() for part in log_mean_exp_result(state)]


@pytest.mark.parametrize("sizes", [(12,), (1,) * 12, (5, 7), (7, 5), (2, 0, 10)])
def test_pieces_give_the_whole(sizes):
    terms = np.random.default_rng(0).normal(size=(12, 4)) * [0.1, 1, 5, 30]
    log_mean, ess = streamed(terms, sizes)
    weights = np.exp(terms)
    np.testing.assert_allclose(log_mean, np.log(weights.mean(0)), rtol=3e-6)
    np.testing.assert_allclose(ess, weights.sum(0) ** 2 / (weights**2).sum(0), rtol=2e-5)


@pytest.mark.parametrize("shift", [1e4, -1e4])
def test_large_terms_neither_overflow_nor_vanish(shift):
    terms = np.array([[0.0, 3.0], [1.0, -2.0], [2.0, 0.5]]) + shift
    log_mean, ess = streamed(terms, (1, 2))
    expected = shift + np.log(np.exp(terms - shift).mean(0))
    np.testing.assert_allclose(log_mean, expected, atol=2e-3)  # float32 has 1e-3 at 1e4
    weights = np.exp(terms - shift)
    np.testing.assert_allclose(ess, weights.sum(0) ** 2 / (weights**2).sum(0), rtol=1e-5)


def test_a_late_maximum_silences_what_came_before_it():
    log_mean, ess = streamed(np.array([[-1e4], [1e4], [-1e4]]), (1, 1, 1))
    np.testing.assert_allclose(log_mean, [1e4 - np.log(3)], rtol=1e-7)
    np.testing.assert_allclose(ess, [1.0], rtol=1e-6)


def test_zero_weights_count_but_add_nothing():
    terms = np.array([[-INF, -INF], [-1e4, -INF], [-1e4, -INF], [-INF, -INF]])
    for sizes in [(4,), (1, 1, 1, 1)]:
        log_mean, ess = streamed(terms, sizes)
        np.testing.assert_allclose(log_mean, [-1e4 - np.log(2), -INF], rtol=1e-7)
        np.testing.assert_allclose(ess, [2.0, 0.0])


@pytest.mark.parametrize("bad", [np.nan, INF])
def test_an_invalid_term_stays_visible_and_in_its_own_example(bad):
    terms = np.zeros((5, 2))
    terms[2, 0] = bad
    log_mean, _ = streamed(terms, (1, 1, 1, 2))
    np.testing.assert_array_equal(log_mean, [bad, 0.0])


def test_gradient_is_the_normalised_weight():
    terms = tf.constant([[0.3], [2.0], [-1.0]])
    with tf.GradientTape() as tape:
        tape.watch(terms)
        state = log_mean_exp_update(log_mean_exp_init([1]), terms[:1])
        state = log_mean_exp_update(state, terms[1:])
        log_mean, _ = log_mean_exp_result(state)
    np.testing.assert_allclose(
        tape.gradient(log_mean, terms), tf.nn.softmax(terms, axis=0), rtol=1e-6
    )
