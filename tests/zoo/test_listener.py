"""The listener of the speech benchmark: its features, and that it knows tones when it hears them."""

import numpy as np
import pytest

from tests.zoo import spoken
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
    noise = np.random.default_rng(0).integers(0, 256, (60, T))
    assert listener.accuracy(noise, wanted) < 0.6


def test_counts_lose_the_order_of_the_codes_and_nothing_else():
    codes = np.array([[0, 2, 2], [2, 0, 2], [1, 1, 0]])
    np.testing.assert_array_equal(benchmark._counts(codes, 3), [[1, 0, 2], [1, 0, 2], [1, 2, 0]])
    np.testing.assert_array_equal(benchmark._one_hot(codes[:1], 3), [[1, 0, 0, 0, 0, 1, 0, 0, 1]])


@pytest.mark.slow
def test_the_whole_benchmark_on_tones(tmp_path):
    """3 steps: every figure of the table is there, and is of what it says (20 s)."""
    spoken.zipped(tmp_path, speakers=6, numbers=13)
    (row,) = benchmark.BENCHMARK.rows
    settings = {"max_samples": T, "decoder_layers": 2, "num_codes": 8}
    fields = {"train_steps": 3, "size": "tiny", "nll_examples": 4}
    short = table.Row(row.name, row.model, settings, None, fields)
    figures = table.measure_row(benchmark.BENCHMARK, short, 0, str(tmp_path))
    assert set(benchmark.BENCHMARK.columns) <= set(figures)
    assert figures["digit_from_sequence"] > 0.6  # chance is 1 in 3
    assert figures["temperature"] in (1.0, 0.8, 0.6, 0.4)
