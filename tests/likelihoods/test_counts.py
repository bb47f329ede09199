"""Bags of words: against NumPy, TFP's multinomial and every outcome; what is no document."""

import itertools
import math

import numpy as np
import pytest
import tensorflow as tf
from scipy import special

from tfvae import UserError
from tfvae.likelihoods import Counts
from tfvae.randomness import seed_of

LOGITS = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
X = np.array([[2, 0, 1, 0, 0], [0, 0, 0, 0, 1], [1, 1, 1, 1, 3]], np.float32)


def test_words_in_their_order_and_the_multinomial():
    """TFP's has the orders of the same counts besides; its length is the document's."""
    got = Counts(5).log_prob(LOGITS, X).numpy()
    np.testing.assert_allclose(got, (special.log_softmax(LOGITS, 1) * X).sum(1), rtol=1e-6)
    for logits, x, nats in zip(LOGITS, X, got):
        orders = math.lgamma(x.sum() + 1) - sum(math.lgamma(n + 1) for n in x)
        whole = Counts(5, int(x.sum())).distribution(logits[None]).log_prob(x[None])
        assert float(whole[0]) == pytest.approx(nats + orders, rel=1e-5)
    assert Counts(5).log_prob(tf.cast(LOGITS, tf.bfloat16), X).dtype == tf.float32
    np.testing.assert_array_equal(Counts(5).units(X), [3.0, 1.0, 7.0])


def test_the_mode_is_the_likeliest_of_all_outcomes():
    likelihood = Counts(5, 4)
    outcomes = [x for x in itertools.product(range(5), repeat=5) if sum(x) == 4]
    x = np.array(outcomes, np.float32)
    for scale in (0.1, 1.0, 3.0):
        mode = likelihood.mode(scale * LOGITS).numpy()
        for logits, found in zip(scale * LOGITS, mode):
            nats = likelihood.distribution(np.tile(logits, (len(x), 1))).log_prob(x).numpy()
            np.testing.assert_array_equal(found, x[nats.argmax()])
    np.testing.assert_allclose(
        likelihood.mean(LOGITS), 4 * special.softmax(LOGITS, 1), rtol=1e-5, atol=1e-6
    )


@pytest.mark.statistical
def test_draws():
    """9,000 documents of 20 words: 5 standard errors of each of 15 means, 1e-5 in all."""
    drawn = Counts(5, 20).sample(np.repeat(LOGITS, 3000, 0), seed_of(1)).numpy()
    np.testing.assert_array_equal(drawn.sum(1), 20)
    p = special.softmax(LOGITS, 1)
    error = np.sqrt(20 * p * (1 - p) / 3000)
    assert np.all(np.abs(drawn.reshape(3, 3000, 5).mean(1) - 20 * p) < 5 * error)


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (X[:, :4], r"x must be counts of words \[N, 5\], got float32 \[3, 4\]"),
        (X.astype(str), "counts of words"),
        (X + 0.5, "whole numbers from 0 on"),
        (-X, "whole numbers from 0 on"),
        (X * np.nan, "nan or inf"),
        (0 * X, "a document must have a word; 3 rows have none, the first is row 0"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_what_is_no_document(x, says):
    Counts(5).check(X.astype(np.uint16))
    with pytest.raises(UserError, match=says):
        Counts(5).check(x)
    with pytest.raises(UserError, match="must have the 5 words of the vocabulary, got 4"):
        Counts(5).parameter_size(4)
