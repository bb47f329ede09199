"""Faults planted in models whose every optimum is known, and the verdicts that must name them."""

import importlib

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfvae
from tests import linear_gaussian, models
from tests.linear_gaussian import SQUARES, planted
from tfvae import diagnosis
from tfvae.checks import UserError
from tfvae.diagnosis import signs
from tfvae.foreign import foreign

FEW = {"gap_examples": 20, "gap_steps": 150, "num_samples": 20, "nll_examples": 20}
FEWER = {"gap_examples": 2, "gap_steps": 2, "num_samples": 2, "nll_examples": 2}


def lagging():
    """A decoder that uses its code, and an encoder that was reset."""
    model, x = planted()
    for head in (model.latent.posterior.mean_head, model.latent.posterior.scale_head):
        head.kernel.assign(0 * head.kernel)
        head.bias.assign(0 * head.bias)
    return model, x


def structureless():
    """White data: the best decoder ignores z, and nothing is wrong with any scale."""
    model, _ = planted(1.0, 1.0, (1.0,) * 5)
    return model, linear_gaussian.data((1.0,) * 5, 600)


def partial():
    """Two directions above the noise, and five units."""
    squares = (9.0, 4.0, 1.0, 1.0, 1.0)
    model, _ = planted(1.0, 1.0, squares)
    return model, linear_gaussian.data(squares, 600)


@pytest.mark.parametrize(
    ("plant", "verdict", "bug"),
    [
        (planted, "healthy", None),
        (lambda: planted(variance=0.5), "healthy", None),
        (lambda: planted(beta=2.0), "healthy", None),
        (lambda: planted(beta=5.0), "scale bug", "effective weight"),
        (lambda: planted(beta=0.01), "scale bug", "effective weight"),
        (lambda: planted(variance=60.0), "scale bug", "decoder variance"),
        (lagging, "inference lag", None),
        (structureless, "model collapse", None),
        (partial, "partial collapse", None),
    ],
    ids=[
        "healthy",
        "healthy, less noise",
        "healthy, beta 2",
        "mean over the numbers of x",
        "rate divided",
        "variance too large",
        "lag",
        "model collapse",
        "partial",
    ],
)
def test_the_verdict_names_the_planted_fault(plant, verdict, bug):
    model, x = plant()
    found = diagnosis.diagnose(model, x, **FEW)
    assert found.verdict == verdict, str(found)
    assert (bug in found.bugs) if bug else not found.bugs, str(found)
    assert bool(found.remedies) == (verdict not in ("healthy",) and bug != "effective weight")
    assert len(found.remedies) <= 3 and found.verdict in diagnosis.VERDICTS
    assert str(found).startswith(verdict.upper())


@pytest.mark.parametrize("beta", [0.2, 1.0, 5.0])
def test_the_effective_weight_is_the_one_that_was_trained_with(beta):
    """600 examples, 8 draws: 5 standard errors."""
    model, x = planted(beta=beta)
    found = signs.effective_weight(model, x)
    assert found.units == sum(s > beta for s in SQUARES)
    assert abs(found.weight - beta) < 5 * found.stderr and found.stderr < 0.1 * beta


def test_a_collapsed_model_shows_no_weight():
    model, x = structureless()
    assert signs.effective_weight(model, x).weight is None


def test_the_decoder_s_use_of_a_code_is_its_loss_with_a_prior_draw():
    """E |W (z - z')|^2 / 2v for z' ~ p(z) in closed form, 6 standard errors."""
    model, x = planted()
    gap = signs.prior_gap(model, np.tile(x, (4, 1, 1, 1)))
    squares = np.array(SQUARES)
    fitted = np.minimum(squares, 1.0)  # E (x - W z)^2 under q
    drawn = squares + (squares - 1.0)  # under p(z)
    assert abs(gap.mean - (drawn - fitted).sum() / 2) < 6 * gap.standard_error
    assert gap.standard_error < 0.1 * gap.mean


@pytest.mark.parametrize(
    ("terms", "bug", "says"),
    [
        ({"reconstruction": 1.0, "rate": 1.0}, None, None),
        ({"reconstruction": 1 / 5}, "reconstruction scaled", "the mean over the numbers of x"),
        ({"rate": 1 / 5}, "rate scaled", "multiplied by 0.2 = 1 / 5"),
        ({"rate": 1 / 600}, "rate scaled", "multiplied by 0.00167"),
    ],
)
def test_terms_of_somebody_s_code_are_compared_with_the_true_sums(terms, bug, says):
    """Given as multiples of the true figures."""
    model, x = planted()
    true = diagnosis.measure(model, x, num_samples=2, nll_examples=2)
    scale = {"reconstruction": true["distortion"], "rate": true["rate"]}
    given = {name: factor * scale[name] for name, factor in terms.items()}
    found = diagnosis.diagnose(model, x, terms=given, **FEWER)
    if bug is None:
        assert found.verdict == "healthy" and not found.bugs
    else:
        assert found.verdict == "scale bug" and bug in found.bugs and says in str(found)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (lambda squares: squares / 5, "the mean of the squares .a variance of half the numbers"),
        (lambda squares: squares, "the sum of the squares .a variance of 1/2"),
        (lambda squares: squares / 2, None),  # half the sum of the squares is right at v = 1
    ],
)
def test_squared_errors_are_known_by_what_they_imply(value, says):
    model, x = planted()
    true = diagnosis.measure(model, x, num_samples=2, nll_examples=2)
    squares = true["tuned_decoder_variance"] * 5
    found = diagnosis.diagnose(model, x, terms={"reconstruction": value(squares)}, **FEWER)
    if says is None:
        assert found.verdict == "healthy"
    else:
        with pytest.raises(AssertionError, match=says):
            raise AssertionError(str(found))


def test_a_weight_that_never_got_there_is_named():
    model, x = structureless()
    found = diagnosis.diagnose(model, x, weight=0.3, **FEWER)
    assert found.verdict == "scale bug" and "weight of the rate was 0.3" in str(found)
    assert diagnosis.diagnose(model, x, weight=1.0, **FEWER).verdict == "model collapse"


def test_clipped_log_variances_are_seen_and_others_are_not():
    rng = np.random.default_rng(0)
    free = rng.normal(size=(300, 8))
    assert signs.clipped_share(free)[0] == 0.0
    share, end = signs.clipped_share(np.clip(free, -0.5, None))
    assert end == -0.5 and share == pytest.approx((free < -0.5).mean())
    assert signs.clipped_share(np.full((300, 8), -7.8)) == (0.0, None)  # a scale that is held
    shared = np.tile(rng.normal(size=8), (300, 1))  # learned, the same for every x
    assert signs.clipped_share(shared)[0] == 0.0
    stuck = np.tile([-4.0] * 6 + [-1.0, -2.0], (300, 1))
    assert signs.clipped_share(stuck) == (0.75, -4.0)
    unused = np.tile([0.0] * 6 + [-1.0, -2.0], (300, 1))
    assert signs.clipped_share(unused)[0] == 0.0


def test_what_is_asked_wrongly_is_said():
    model, x = planted()
    with pytest.raises(UserError, match="terms may be 'reconstruction' and 'rate', got 'kl'"):
        diagnosis.diagnose(model, x, terms={"kl": 1.0})
    none = diagnosis.diagnose(models.exact(), models.images(20))
    assert none.verdict == "no latent"


def test_codes_have_a_diagnosis_too():
    found = diagnosis.diagnose(models.discrete(), models.images(60), **FEWER)
    assert found.verdict in diagnosis.VERDICTS and "codes used" in str(found)


# ------------------------------------------------------------------ foreign


def _parts(model):
    """The planted model as two plain functions of flat vectors."""

    def encoder(x):
        features = tf.reshape(x, [-1, 1, 5, 1])
        return model.latent.posterior.parameters(model.encoder(features))

    def decoder(z):
        return tf.reshape(model.decoder(z), [-1, 5])

    return encoder, decoder


def test_a_foreign_vae_measures_as_the_same_model_of_ours():
    model, x = planted()
    flat = x.reshape(-1, 5)
    theirs = foreign(*_parts(model), flat, "mean", variance=1.0)
    np.testing.assert_allclose(theirs.elbo(flat, 3), model.elbo(x, 3), rtol=1e-5)
    ours = diagnosis.measure(model, x, num_samples=10, nll_examples=50)
    again = diagnosis.measure(theirs, flat, num_samples=10, nll_examples=50)
    for name in ("rate", "distortion", "nll", "mutual_information", "active_units", "tuned_elbo"):
        assert again[name] == pytest.approx(ours[name], rel=1e-4), name
    assert diagnosis.diagnose(theirs, flat, **FEWER).verdict == "healthy"
    assert theirs.sample(3, 0).shape[0] == 3


def test_foreign_keras_models_with_logits_and_with_probabilities():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((16,))
    h = keras.layers.Dense(8, "tanh")(inputs)
    encoder = keras.Model(inputs, [keras.layers.Dense(2)(h), keras.layers.Dense(2)(h), h])
    logits = keras.Sequential([keras.Input((2,)), keras.layers.Dense(16)])
    x = models.images(50).reshape(50, 16)
    one = foreign(encoder, logits, x, "logits")
    two = foreign(encoder, lambda z: tf.sigmoid(logits(z)), x, "probabilities")
    np.testing.assert_allclose(one.elbo(x, 1), two.elbo(x, 1), rtol=1e-4)
    by_hand = -np.logaddexp(0, -(2 * x - 1) * logits(one.encode(x)).numpy()).sum(1)
    found = one.likelihood.log_prob(one.parameters(one.encode(x), x), x)
    np.testing.assert_allclose(found, by_hand, rtol=1e-4)


@pytest.mark.parametrize(
    ("encoder", "decoder", "x", "says"),
    [
        (lambda x: x, lambda z: z, np.zeros((4, 3)), r"must give \(mean, log-variance\)"),
        (lambda x: (x, x[:, :1]), lambda z: z, np.zeros((4, 3)), "must both be"),
        (lambda x: (x, x), lambda z: z[:, :2], np.zeros((4, 3)), "must give 3 numbers for each x"),
        (lambda x: (x, x), lambda z: z, np.full((4, 3), 7.0), "x must be 0 or 1"),
    ],
)
def test_foreign_parts_that_do_not_fit_are_refused_in_words(encoder, decoder, x, says):
    with pytest.raises(UserError, match=says):
        foreign(encoder, decoder, x)
    with pytest.raises(UserError, match="cannot be saved"):
        model, data = planted()
        foreign(*_parts(model), data.reshape(-1, 5), "mean").likelihood.get_config()


def test_reachable_from_the_root():
    assert tfvae.diagnose is diagnosis.diagnose and tfvae.foreign is foreign


def test_the_module_of_the_command_is_called_like_the_function(monkeypatch):
    monkeypatch.setattr(tfvae, "diagnose", tfvae.diagnose)  # and put back
    module = importlib.import_module("tfvae.diagnose")
    assert tfvae.diagnose is module and module.diagnose is diagnosis.diagnose
    assert callable(module.main)
    with pytest.raises(UserError, match="at least 10 examples"):
        tfvae.diagnose(models.plain(), models.images(1))


def test_the_effective_sample_size_tells_a_good_posterior_from_a_bad_one():
    """All weights are equal where q is the true posterior; hardly one counts where q is the prior."""
    model, x = planted()
    value, size = model.importance(x[:20], 50, 0)
    np.testing.assert_allclose(size, 50, rtol=1e-3)
    np.testing.assert_allclose(value, model.log_prob(x[:20], 50, 0), rtol=1e-6)
    model, x = lagging()
    _, size = model.importance(x[:20], 50, 0)
    assert np.median(size) < 10
    report = diagnosis.measure(model, x[:50], num_samples=50, nll_examples=20)
    assert 1 <= report["nll_effective_samples"] < 10
    assert models.exact().importance(models.images(3), 7)[1].numpy().tolist() == [7, 7, 7]


def test_a_diagnosis_is_a_line_where_it_is_listed_and_a_piece_of_a_page_in_a_notebook():
    remedies = (("train --set=prior=ar1", "a < b"),)
    found = diagnosis.Diagnosis(
        "collapse", "rate 0.", ("x > 1",), (), remedies, {"rate": 0.0, "num_examples": 9}
    )
    assert repr(found) == "Diagnosis('collapse': rate 0.)" and "To try:" in str(found)
    page = found._repr_html_()
    assert "<b>Collapse</b>: rate 0." in page and "<html" not in page and "<style" not in page
    assert "x &gt; 1" in page and "<pre>train --set=prior=ar1</pre>" in page and "a &lt; b" in page
