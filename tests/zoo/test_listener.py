"""The listener of the speech benchmark: its features, and that it knows tones when it hears them."""

import numpy as np
import pytest

from tests.zoo import spoken
from tests.zoo.test_datasets import REAL
from tfvae.likelihoods import mu_law_encode
from zoo.benchmarks import fsdd as benchmark
from zoo.benchmarks import table
from zoo.benchmarks.listener import Listener, log_mel

T = 1024


def _tones(numbers):
    """Three digits of two speakers: levels, digit."""
    made = [
        (spoken.tone(digit, speaker, number, T), digit)
        for digit in range(3)
        for speaker in range(2)
        for number in numbers
    ]
    return mu_law_encode(np.stack([a / np.abs(a).max() for a, _ in made])), np.array(
        [digit for _, digit in made]
    )


def test_features_do_not_depend_on_loudness_and_show_the_pitch():
    low, high = (np.sin(2 * np.pi * f * np.arange(T) / 8000)[None] for f in (400, 3000))
    np.testing.assert_allclose(log_mel(low), log_mel(0.01 * low), atol=1e-5)
    assert log_mel(low).shape == (1, 1 + (T - 256) // 80, 32)
    assert log_mel(low).max() == 0 and log_mel(np.zeros((1, T))).max() == -1
    bands = [int(log_mel(x)[0].mean(0).argmax()) for x in (low, high)]
    assert bands[0] < 8 and bands[1] > 22


def test_it_recognises_tones_by_more_than_chance_and_noise_not_at_all():
    """Chance is 1 in 3; other recordings than those it learned from."""
    levels, digit = _tones(range(20))
    listener = Listener(levels, digit, epochs=16)
    fresh, wanted = _tones(range(20, 30))
    assert listener.accuracy(fresh, wanted) > 0.9
    one, two = (Listener(levels[:40], digit[:40], epochs=1).hear(levels) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    noise = np.random.default_rng(0).integers(0, 256, (60, T))
    assert listener.accuracy(noise, wanted) < 0.6


def test_counts_lose_the_order_of_the_codes_and_nothing_else():
    codes = np.array([[0, 2, 2], [2, 0, 2], [1, 1, 0]])
    np.testing.assert_array_equal(benchmark._counts(codes, 3), [[1, 0, 2], [1, 0, 2], [1, 2, 0]])
    np.testing.assert_array_equal(benchmark._one_hot(codes[:1], 3), [[1, 0, 0, 0, 0, 1, 0, 0, 1]])


@pytest.mark.slow
@pytest.mark.skipif(not (REAL / "fsdd").is_dir(), reason="the real recordings are not here")
def test_the_whole_benchmark_for_a_few_steps():
    """20 steps make noise: the listener knows the real digits and not those (7 minutes)."""
    (row,) = benchmark.BENCHMARK.rows
    short = table.Row(row.name, row.model, row.settings, None, {"train_steps": 20})
    figures = table.measure_row(benchmark.BENCHMARK, short, 0, str(REAL))
    assert figures["heard_real"] > 0.95 and figures["voice_real"] > 0.95
    assert figures["heard_cool"] < 0.5
    assert set(benchmark.BENCHMARK.columns) <= set(figures)
