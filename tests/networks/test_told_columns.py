"""A category of x that the decoder is told: its density, what z may do, draws, refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import special

from tfvae.checks import UserError
from tfvae.likelihoods import Columns
from tfvae.networks import ColumnVariances, MLPImage, ToldColumnDecoder
from tfvae.randomness import seed_of

GROUPS = (1, 3, 1, 2)  # the category of three kinds is told
COLUMNS = Columns(GROUPS)
RNG = np.random.default_rng(0)
Z = RNG.normal(size=(4, 2)).astype(np.float32)
LOGITS = np.array([0.2, 1.5, -0.4], np.float32)


def rows(kind):
    x = np.zeros((4, 7), np.float32)
    x[:, [0, 4]] = [[0.3, -1.0]] * 4
    x[:, 1 + kind] = x[:, 5] = 1.0
    return x


def decoder():
    keras.utils.set_random_seed(2)
    network = ColumnVariances(MLPImage((7,), (8,), 7), 2)
    made = ToldColumnDecoder(7, network, 1, 3)
    made.build((None, 2))
    made.kind_logits.assign(LOGITS)
    return made


def test_log_prob_is_the_kind_s_own_and_the_others_given_it():
    made = decoder()
    for kind in range(3):
        x = rows(kind)
        parameters = made(Z, x).numpy()
        total = COLUMNS.log_prob(parameters, x).numpy()
        raw = made.network(tf.concat([Z, x[:, 1:4]], -1)).numpy()
        others = np.delete(raw, [1, 2, 3], 1)
        rest = Columns((1, 1, 2)).log_prob(others, np.delete(x, [1, 2, 3], 1))
        np.testing.assert_allclose(total, special.log_softmax(LOGITS)[kind] + rest, rtol=1e-5)
    assert np.abs(made(Z, rows(0)).numpy() - made(Z, rows(1)).numpy()).max() > 1e-3
    np.testing.assert_array_equal(made(Z, rows(0))[:, 1:4], np.tile(LOGITS, (4, 1)))


def test_of_x_the_kind_alone_is_read():
    made, x = decoder(), rows(2)
    other = x.copy()
    other[:, [0, 4]], other[:, 5:] = 9.0, [0.0, 1.0]
    np.testing.assert_array_equal(made(Z, x), made(Z, other))


def test_greedily_the_likeliest_kind_and_the_means_given_it():
    made = decoder()
    x = made.generate(Z, COLUMNS, seed_of(0), greedy=True).numpy()
    np.testing.assert_array_equal(x[:, 1:4], np.tile([0.0, 1.0, 0.0], (4, 1)))
    mean = COLUMNS.mean(made(Z, rows(1))).numpy()
    np.testing.assert_allclose(np.delete(x, [1, 2, 3], 1), np.delete(mean, [1, 2, 3], 1), rtol=1e-6)


def test_drawn_kinds_are_as_often_as_they_are_likely_and_the_rest_is_given_them():
    """20,000 rows, 4 standard errors."""
    made, z = decoder(), np.tile(Z[:1], (20_000, 1))
    x = made.generate(z, COLUMNS, seed_of(1)).numpy()
    p = special.softmax(LOGITS)
    error = 4 * np.sqrt(p * (1 - p) / 20_000)
    assert (np.abs(x[:, 1:4].mean(0) - p) < error).all()
    for kind in range(3):
        mine = x[x[:, 1 + kind] == 1]
        mean = COLUMNS.mean(made(Z[:1], rows(kind)[:1])).numpy()[0]
        assert abs(mine[:, 0].mean() - mean[0]) < 4 * mine[:, 0].std() / len(mine) ** 0.5


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: decoder()(Z), "told a column of x: give it x"),
        (lambda: ToldColumnDecoder(7, MLPImage((7,), (8,), 7), 5, 3), "must lie in the 7 columns"),
        (lambda: ToldColumnDecoder(7, MLPImage((7,), (8,), 7), 0, 1), "kinds of a told column"),
    ],
)
def test_what_is_wrong_is_refused_in_one_line(make, said):
    with pytest.raises(UserError, match=said) as caught:
        make()
    assert "\n" not in str(caught.value)
