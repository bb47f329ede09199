"""Gaps of inference against a linear model, where each is known."""

import numpy as np
import pytest

from tests import linear_gaussian, models
from tfvae.checks import UserError
from tfvae.diagnosis import inference_gaps

W = np.array([[1, 0.8], [0.5, -0.3], [0.2, 1]], np.float32)
X = np.array([1, -0.5, 0.7], np.float32)


def _model(mean, variance):
    """log p = -3.475168523 at X; q(z|x) is the same for each x."""
    model = linear_gaussian.model(3, 2, 0.5)
    model.decoder.network.output_layer.kernel.assign(W.T)
    posterior = model.latent.posterior
    for head, bias in ((posterior.mean_head, mean), (posterior.scale_head, 0.0)):
        head.kernel.assign(np.zeros((3, 2)))
        head.bias.assign(np.zeros(2) + bias)
    # log sigma = 8 tanh(a / 8)
    posterior.scale_head.bias.assign(np.full(2, 8 * np.arctanh(np.log(variance) / 16)))
    return model


@pytest.mark.statistical
def test_gaps_golden():
    """64 copies of an example, 100 draws each: a tolerance of 0.01 is 4 standard errors or more."""
    x = np.tile(X, (64, 1)).reshape(64, 1, 3, 1)
    gaps = inference_gaps(_model(0.4, 0.3), x, num_steps=200)
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
    model = _model(0.0, 0.25)
    model.latent.posterior.mean_head.bias.assign([0.178086382, 0.672029854])
    x = np.tile(X, (32, 1)).reshape(32, 1, 3, 1)
    gaps = inference_gaps(model, x, num_steps=100)
    assert abs(gaps.amortisation.mean) < 0.03


def test_the_first_step_of_the_search_is_adam_s():
    """With the bias corrected it is the learning rate, whatever the gradient: from N(0, I) or from q."""
    x = np.tile(X, (8, 1)).reshape(8, 1, 3, 1)
    model = _model(0.4, 0.3)
    found = inference_gaps(model, x, num_steps=1, learning_rate=0.05, final_samples=2).parameters
    starts = [0.4, np.log(0.3)]
    for parameter, own in zip(found, starts):
        nearest = np.where(np.abs(parameter) < np.abs(parameter - own), 0.0, own)
        np.testing.assert_allclose(np.abs(parameter - nearest), 0.05, rtol=1e-4)


def test_what_has_no_such_posterior_is_refused():
    for model in (models.exact(), models.discrete(), models.associative()):
        with pytest.raises(UserError, match="need a posterior that can be given for each x"):
            inference_gaps(model, models.images(4))
