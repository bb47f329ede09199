"""Gaps of inference against a linear model, where each is known."""

import numpy as np
import pytest

from tests import models
from tests.linear_gaussian import golden, golden_data
from tfvae.checks import UserError
from tfvae.diagnosis import inference_gaps


@pytest.mark.statistical
def test_gaps_golden():
    """64 copies of an example, 100 draws each: a tolerance of 0.01 is 4 standard errors or more."""
    gaps = inference_gaps(golden(), golden_data(64), num_steps=200)
    assert gaps.elbo.mean == pytest.approx(-3.750267633, abs=0.05)
    assert gaps.refined_elbo.mean == pytest.approx(-3.575004472, abs=0.03)
    assert gaps.log_likelihood.mean == pytest.approx(-3.475168523, abs=0.02)
    assert gaps.amortisation.mean == pytest.approx(0.175263161, abs=0.04)
    assert gaps.approximation.mean == pytest.approx(0.099835949, abs=0.04)
    mean, log_variance = (p.mean(0) for p in gaps.parameters)
    np.testing.assert_allclose(mean, [0.178086382, 0.672029854], atol=0.03)
    np.testing.assert_allclose(np.exp(log_variance), [0.279329609, 0.224215247], atol=0.03)


def test_an_encoder_at_its_best_has_no_gap_of_amortisation():
    """q of the golden example's best parameters; the search cannot find a better one."""
    model = golden(np.array([0.178086382, 0.672029854]), 0.25)
    gaps = inference_gaps(model, golden_data(32), num_steps=100)
    assert abs(gaps.amortisation.mean) < 0.03


def test_the_first_step_of_the_search_is_adam_s():
    """With the bias corrected it is the learning rate, whatever the gradient: from N(0, I) or from q."""
    found = inference_gaps(
        golden(), golden_data(8), num_steps=1, learning_rate=0.05, final_samples=2
    ).parameters
    starts = [0.4, np.log(0.3)]
    for parameter, own in zip(found, starts):
        nearest = np.where(np.abs(parameter) < np.abs(parameter - own), 0.0, own)
        np.testing.assert_allclose(np.abs(parameter - nearest), 0.05, rtol=1e-4)


def test_what_has_no_such_posterior_is_refused():
    for model in (models.exact(), models.discrete(), models.associative()):
        with pytest.raises(UserError, match="need a posterior that can be given for each x"):
            inference_gaps(model, models.images(4))
