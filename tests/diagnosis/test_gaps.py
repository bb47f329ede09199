"""Gaps of inference against a linear model, where each is known."""

import importlib

import numpy as np
import pytest

from tests import models
from tests.linear_gaussian import golden, golden_data
from tfvae.checks import UserError
from tfvae.diagnosis import inference_gaps
from tfvae.diagnosis.held_prior import with_held_prior
from tfvae.inference import amortised, semi_amortised
from tfvae.latents import VampPrior
from tfvae.objectives import elbo
from tfvae.procedures import Joint, Update


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


@pytest.mark.statistical
def test_a_refined_posterior_leaves_less_of_a_gap():
    """400 small steps close what the encoder of the golden example leaves, 0.175 nats.

    50 copies, 100 draws each: 4 standard errors."""
    infer = semi_amortised(400, 0.25, 0.5, None)
    gaps = inference_gaps(golden(), golden_data(50), num_steps=100, inference=infer)
    assert gaps.elbo.mean == pytest.approx(-3.575004472, abs=0.06)
    assert abs(gaps.amortisation.mean) < 0.08


def test_what_was_compiled_with_a_refinement_is_asked_for_its_own_gap():
    model, x = golden(), golden_data(8)
    infer = semi_amortised(3, 1.0)
    options = {"num_steps": 2, "num_samples": 1, "final_samples": 5}
    asked = inference_gaps(model, x, **options, inference=infer)
    model.compile(procedure=Joint(Update(elbo(), "sgd", inference=infer)))
    found = inference_gaps(model, x, **options)
    np.testing.assert_array_equal(found.each["elbo"], asked.each["elbo"])
    plain = inference_gaps(model, x, **options, inference=amortised)
    assert np.abs(found.each["elbo"] - plain.each["elbo"]).max() > 0.01


def test_pseudo_inputs_are_encoded_once_and_nothing_changes():
    """Under the prior that is held the search is that which encodes them at each step."""
    model = models.plain(width=2)
    model = model.with_prior(VampPrior((2,), models.SHAPE, 4, True, (-1.0, 1.0), 0.0, 0.5))
    held, x = with_held_prior(model), models.images(6)
    assert with_held_prior(held) is held and with_held_prior(models.plain()) is not held
    module = importlib.import_module("tfvae.diagnosis.gaps")
    options = {"num_steps": 5, "num_samples": 1, "final_samples": 3}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "with_held_prior", lambda model: model)
        again = inference_gaps(model, x, **options)
    once = inference_gaps(model, x, **options)
    for name, values in once.each.items():
        np.testing.assert_allclose(values, again.each[name], rtol=1e-4)
    z = np.random.default_rng(0).normal(size=(5, 2)).astype("float32")
    np.testing.assert_allclose(held.log_prior(z), model.log_prior(z), rtol=1e-5)
    assert np.std(model.log_prior(z)) > 0.01


def test_what_has_no_such_posterior_is_refused():
    for model in (models.exact(), models.discrete(), models.associative()):
        with pytest.raises(UserError, match="need a posterior that can be given for each x"):
            inference_gaps(model, models.images(4))
