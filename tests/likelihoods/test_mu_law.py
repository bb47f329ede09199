"""mu-law: golden levels, the bound of the round trip, and a categorical likelihood by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfvae.checks import UserError
from tfvae.likelihoods import MuLaw, Tempered, Tokens, mu_law_decode, mu_law_encode
from tfvae.metrics import bits_per_dim
from tfvae.randomness import seed_of

LOGITS = np.random.default_rng(0).normal(size=(3, 5, 256)).astype("float32")
X = np.random.default_rng(1).integers(0, 256, (3, 5)).astype("float32")


def test_golden_levels():
    """By hand: F(0.1) = ln 26.5 / ln 256 = 0.590986, 127.5 * 1.590986 + 0.5 = 203.35; level
    203 is (256^(203 / 127.5 - 1) - 1) / 255 = (26.6720 - 1) / 255 = 0.100675."""
    amplitude = [-1.0, -0.1, -1e-9, 0.0, 1e-9, 0.1, 1.0]
    assert mu_law_encode(amplitude).tolist() == [0, 52, 127, 128, 128, 203, 255]
    assert mu_law_encode(0.0).dtype == np.uint8
    decoded = mu_law_decode([0, 128, 203, 255])
    np.testing.assert_allclose(decoded, [-1.0, 8.62116e-5, 0.100675, 1.0], rtol=1e-5)


def test_every_level_comes_back_and_the_round_trip_has_its_bound():
    levels = np.arange(256)
    np.testing.assert_array_equal(mu_law_encode(mu_law_decode(levels)), levels)
    assert np.all(np.diff(mu_law_decode(levels)) > 0)
    a = np.linspace(-1, 1, 20_001)
    error = np.abs(a - mu_law_decode(mu_law_encode(a)))
    bound = (256 ** (1 / 255) - 1) * (1 / 255 + np.abs(a))
    assert np.all(error <= bound + 1e-6)
    assert np.max(error / bound) > 0.95  # the bound is near


@pytest.mark.parametrize("wrong", [[1.1], [0.0, np.nan], [-2.0]])
def test_amplitudes_out_of_range_are_refused(wrong):
    with pytest.raises(UserError, match="amplitudes must be from -1 to 1, got"):
        mu_law_encode(wrong)


def test_log_prob_is_the_softmax_at_the_level_summed_over_samples():
    wide = LOGITS.astype("float64")
    log_p = wide - np.log(np.exp(wide).sum(-1, keepdims=True))
    want = np.take_along_axis(log_p, X.astype(int)[..., None], -1)[..., 0].sum(1)
    got = MuLaw().log_prob(LOGITS, X)
    np.testing.assert_allclose(got, want, rtol=1e-6)
    np.testing.assert_allclose(MuLaw().distribution(LOGITS).log_prob(X), want, rtol=1e-6)
    mean = (np.exp(log_p) * np.arange(256)).sum(-1)
    np.testing.assert_allclose(MuLaw().mean(LOGITS), mean, rtol=1e-5)
    np.testing.assert_array_equal(MuLaw().mode(LOGITS), LOGITS.argmax(-1))


def test_a_uniform_guess_is_8_bits_a_sample():
    nats = -MuLaw().log_prob(np.zeros((1, 40, 256), "float32"), np.full((1, 40), 7.0))
    assert bits_per_dim(float(nats[0]), 40) == pytest.approx(8.0, abs=1e-6)
    assert MuLaw.bits == 8


@pytest.mark.statistical
def test_samples_have_the_softmax_as_frequencies():
    """40,000 draws; 6 standard errors for each of 256 levels: false-fail rate below 1e-6."""
    logits = np.repeat(2 * LOGITS[:1, :1], 40_000, 0)
    p = tf.nn.softmax(logits[0, 0]).numpy()
    drawn = MuLaw().sample(logits, seed_of(3)).numpy().ravel().astype(int)
    frequency = np.bincount(drawn, minlength=256) / len(drawn)
    assert np.all(np.abs(frequency - p) < 6 * np.sqrt(p / len(drawn)) + 1e-4)


def test_the_network_sees_the_companded_amplitude():
    np.testing.assert_allclose(
        MuLaw().preprocess(np.array([0.0, 127.5, 255.0])), [-1, 0, 1], atol=1e-7
    )


@pytest.mark.parametrize("wrong", [np.full((2, 4), 0.5), np.full((2, 4), 300), np.array([["a"]])])
def test_amplitudes_are_no_levels(wrong):
    with pytest.raises(UserError, match=r"x must be .*become levels by mu_law_encode"):
        MuLaw().check(wrong)


def test_temperature_sharpens_the_draws_and_nothing_else():
    logits, seed = 3 * LOGITS, seed_of(2)
    plain, cold = MuLaw(), Tempered(MuLaw(), 1e-3)
    np.testing.assert_array_equal(cold.sample(logits, seed), plain.mode(logits))
    np.testing.assert_array_equal(cold.mode(logits), plain.mode(logits))
    same = Tempered(plain, 1.0).sample(logits, seed)
    np.testing.assert_array_equal(same, plain.sample(logits, seed))
    half = Tempered(plain, 0.5).sample(logits, seed)
    np.testing.assert_array_equal(half, plain.sample(2 * logits, seed))
    assert np.any(half != same)
    np.testing.assert_array_equal(cold.preprocess(X), plain.preprocess(X))
    words = Tempered(Tokens(256), 1e-3).sample(logits, seed)
    np.testing.assert_array_equal(words, logits.argmax(-1))
    with pytest.raises(UserError, match="temperature must be a number above 0, got 0"):
        Tempered(plain, 0)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(cold))
    assert copy.temperature == cold.temperature and isinstance(copy.likelihood, MuLaw)
