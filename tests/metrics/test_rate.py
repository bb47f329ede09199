"""Running means against NumPy, active units against the published conventions."""

import numpy as np
import pytest

from tfvae.checks import UserError
from tfvae.metrics import (
    RateDistortion,
    RunningMean,
    active_units,
    shuffle_gap,
    summarise,
    sweep,
    unit_variances,
)

COLUMNS = np.array([[0.10, 1.0], [0.10, -1.0], [0.12, 0.5], [0.08, -0.5]], np.float32)


def test_streamed_merged_and_whole_agree():
    values = np.random.default_rng(0).normal(size=(20, 3)) + 1e6  # a naive sum of squares fails
    stream, halves = RunningMean(), [RunningMean(), RunningMean()]
    for start, stop in [(0, 1), (1, 1), (1, 9), (9, 20)]:
        stream = stream.update(values[start:stop])
        halves[start % 2] = halves[start % 2].update(values[start:stop])
    for found in (stream, halves[0].merge(halves[1]), halves[1].merge(halves[0])):
        assert found.count == 20
        np.testing.assert_allclose(found.mean, values.mean(0), rtol=1e-14)
        np.testing.assert_allclose(found.variance, values.var(0, ddof=1), rtol=1e-8)
    np.testing.assert_allclose(
        stream.standard_error, values.std(0, ddof=1) / np.sqrt(20), rtol=1e-8
    )


def test_one_value_has_no_standard_error():
    mean, error = summarise([3.0])
    assert mean == 3.0 and np.isnan(error)
    with pytest.raises(UserError):
        summarise([])
    with pytest.raises(UserError):
        summarise([[1.0]])


def test_rate_and_distortion_add_up_to_the_elbo():
    rng = np.random.default_rng(1)
    likelihood, rate = -rng.uniform(50, 90, size=11), rng.uniform(0, 3, size=(11, 2))
    whole = RateDistortion().update(likelihood, rate)
    parts = RateDistortion().update(likelihood[:3], rate[:3])
    parts = parts.merge(RateDistortion().update(likelihood[3:], rate[3:]))
    for stream in (whole, parts):
        report = stream.report()
        np.testing.assert_allclose(-report["elbo"], report["distortion"] + report["rate"])
        np.testing.assert_allclose(report["rate_per_group"], rate.mean(0))
        # Not the groups' errors in quadrature: groups of one example are not independent.
        error = rate.sum(1).std(ddof=1) / np.sqrt(11)
        np.testing.assert_allclose(stream.rate.standard_error, error)
    with pytest.raises(UserError, match="log_likelihood and rate"):
        RateDistortion().update(likelihood, rate.sum(1))


def test_shuffle_gap_is_paired():
    own = np.random.default_rng(2).normal(size=8) * 100
    gap = shuffle_gap(own, own - 2.0)  # a constant loss has no error, however noisy the terms
    np.testing.assert_allclose(gap, (2.0, 0.0), atol=1e-12)
    with pytest.raises(UserError, match="paired"):
        shuffle_gap(own, own[1:])


def test_active_units_goldens():
    variances = unit_variances(COLUMNS)
    np.testing.assert_allclose(variances, [2.6666667e-4, 0.83333333], rtol=1e-6)
    assert active_units(variances) == 1
    assert sweep(variances, [1e-4, 0.01, 0.9]) == {1e-4: 2, 0.01: 1, 0.9: 0}
    assert active_units(np.array([0.01])) == 0  # strictly above
    streamed = RunningMean().update(COLUMNS[:1]).update(COLUMNS[1:]).variance
    np.testing.assert_allclose(streamed, variances, rtol=1e-12)
    with pytest.raises(UserError, match="at least 2"):
        unit_variances(COLUMNS[:1])
