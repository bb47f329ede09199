"""The table of gaps on the golden linear model."""

import html
import importlib
import types

import numpy as np
import pytest
from scipy import special

from tests import models
from tests.linear_gaussian import GOLDEN_DIAGONAL, GOLDEN_LOG_P, golden, golden_data
from tfvae import VAE, diagnose
from tfvae.checks import UserError
from tfvae.diagnosis import diagnosis_html, full_gaps
from tfvae.diagnosis.flexible import flexible
from tfvae.diagnosis.full_gaps import check_movable, gaps_table
from tfvae.latents import (
    GaussianPosterior,
    Hierarchy,
    PowerSphericalPosterior,
    StandardNormalPrior,
    StochasticLatent,
    UniformNormPrior,
    UniformSpherePrior,
    VampPrior,
    VMFNormPosterior,
)


@pytest.fixture(scope="module")
def found():
    return full_gaps(
        golden(), golden_data(24), num_steps=150, final_samples=400, temperatures=60, chains=20
    )


@pytest.mark.slow
@pytest.mark.statistical
def test_the_golden_table(found):
    """24 copies, 400 draws of each: standard errors of 0.01; tolerances of four or more."""
    value = {name: figure.mean for name, figure in found.figures.items()}
    assert value["elbo"] == pytest.approx(-3.750267633, abs=0.05)
    assert value["own_elbo"] == pytest.approx(GOLDEN_DIAGONAL, abs=0.03)
    assert value["importance"] == pytest.approx(GOLDEN_LOG_P, abs=0.03)
    assert value["annealed"] == pytest.approx(GOLDEN_LOG_P, abs=0.06)
    # no diagonal is as good, and no bound better than log p
    assert GOLDEN_DIAGONAL + 0.03 < value["flexible_elbo"] < GOLDEN_LOG_P + 0.02
    assert value["approximation"] == pytest.approx(0.0998, abs=0.05)
    assert value["amortisation"] == pytest.approx(0.1753, abs=0.05)
    for family in ("", "flexible_"):
        gaps = value[f"{family}approximation"] + value[f"{family}amortisation"]
        assert gaps == pytest.approx(value["inference"], abs=1e-5)
    assert value["flexible_approximation"] < value["approximation"] - 0.03
    assert value["simulated_lower"] < value["simulated_upper"] + 0.05
    assert value["simulated_upper"] - value["simulated_lower"] < 0.3
    assert 0.5 < found.accepted <= 1.0


def test_a_flexible_posterior_begins_as_the_encoder_s_gaussian():
    """Its density at the draw is that of the Gaussian, of z of one vector or of positions."""
    for model, x in ((models.plain(), models.images(5)), (models.delta(), models.images(5))):
        free = flexible(model, 4)
        one, other = free.draw(x, 3), model.draw(x, 3)
        np.testing.assert_allclose(one.z, other.z, rtol=1e-5, atol=1e-5)
        density = other.posterior.log_prob(other.z)
        np.testing.assert_allclose(one.at_draw.log_posterior(), density, rtol=1e-4, atol=1e-4)
        start = free.latent.parameters(free.features(x))
        assert not np.any(free.latent.neutral(start)[0]) and np.any(free.latent.neutral(start)[2])


@pytest.mark.parametrize("make", [models.discrete, models.exact, models.associative])
def test_what_has_no_gaps_is_refused(make):
    with pytest.raises(UserError, match="has no such densities"):
        full_gaps(make(), models.images(3))


@pytest.mark.slow
def test_the_command_shows_the_table(found, monkeypatch):
    """In the text and on the page; here of figures that are known."""
    module = importlib.import_module("tfvae.diagnosis.diagnose")
    monkeypatch.setattr(module, "full_gaps", lambda *args, **kwargs: found)
    said = diagnose(models.plain(), models.images(40), gaps="full", gap_examples=4, gap_steps=2)
    page = diagnosis_html(said, "title", {})
    for says, value in gaps_table(found.figures):
        assert f"{says} " in str(said) and value in str(said)
        assert html.escape(says) in page and value in page
    assert "the family's, of which a flexible one leaves" in str(said)


def _on_a_line():
    """A VampPrior on a line, whose log p(x) is an integral: (model, x, log p [N])."""
    model = models.plain(width=1)
    model = model.with_prior(VampPrior((1,), models.SHAPE, 3, True, (-1.0, 1.0), 0.0, 1.0))
    for weight in (model.decoder.trainable_variables[0], model.encoder.trainable_variables[0]):
        weight.assign(4.0 * weight)  # a code that matters
    x, z = models.images(6), np.linspace(-12, 12, 2401, dtype="float32")[:, None]
    prior = np.asarray(model.log_prior(z), float)
    log_p = []
    for one in x:
        batch = np.repeat(one[None], len(z), 0)
        likely = np.asarray(model.likelihood.log_prob(model.parameters(z, batch), batch), float)
        log_p.append(special.logsumexp(prior + likely) + np.log(z[1, 0] - z[0, 0]))
    return model, x, np.array(log_p)


@pytest.mark.slow
@pytest.mark.statistical
def test_a_vamp_prior_has_full_gaps():
    """All bounds against the integral; 20 chains, 400 draws of each of 6 x: errors of 0.02 and less."""
    model, x, log_p = _on_a_line()
    found = full_gaps(model, x, num_steps=60, final_samples=400, temperatures=60, chains=20)
    nats = {name: figure.mean for name, figure in found.figures.items()}
    assert nats["importance"] == pytest.approx(log_p.mean(), abs=0.05)
    assert nats["annealed"] == pytest.approx(log_p.mean(), abs=0.1)
    assert nats["elbo"] < nats["own_elbo"] + 0.05 < log_p.mean() + 0.1
    assert nats["flexible_elbo"] < log_p.mean() + 0.05
    assert abs(nats["simulated_between"]) < 0.2


def test_the_command_refuses_what_has_none_before_it_measures():
    sphere = models.plain()
    latent = StochasticLatent(PowerSphericalPosterior((3,)), UniformSpherePrior((3,)))
    sphere = VAE(sphere.encoder, latent, sphere.decoder, sphere.likelihood)
    sphere.build()
    level = StochasticLatent(GaussianPosterior((3,)), StandardNormalPrior((3,)))
    levels = types.SimpleNamespace(latent=Hierarchy([("a", level), ("b", level)]), bound=True)
    plain = models.plain()
    shell = StochasticLatent(VMFNormPosterior((3,)), UniformNormPrior((3,)))
    shell = VAE(plain.encoder, shell, plain.decoder, plain.likelihood)
    shell.build()
    for model, says in (
        (models.discrete(), "no such densities"),
        (sphere, "here z is a point on a sphere"),
        (shell, "a UniformNormPrior has no density of large z"),
    ):
        with pytest.raises(UserError, match=says):
            diagnose(model, models.images(40), gaps="full")
    with pytest.raises(UserError, match="a Hierarchy has none"):
        check_movable(levels)
    with pytest.raises(UserError, match="unknown gaps 'all'"):
        diagnose(models.plain(), models.images(40), gaps="all")
