"""Measures of models whose figures are known; verdicts; the page."""

import importlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import linear_gaussian, models
from tfvae import batches, diagnosis, inputs
from tfvae.diagnosis import signs
from tfvae.diagnosis.verdict import extent
from tfvae.randomness import seed_of


def _set_posterior(model, mean_kernel=0.0, scale=1.0):
    """The posterior's mean becomes features @ kernel, its scale a constant."""
    posterior = model.latent.posterior
    for head in (posterior.mean_head, posterior.scale_head):
        head.kernel.assign(tf.zeros_like(head.kernel))
        head.bias.assign(tf.zeros_like(head.bias))
    posterior.scale_head.bias.assign(tf.fill(posterior.scale_head.bias.shape, float(np.log(scale))))
    posterior.mean_head.kernel.assign(tf.fill(posterior.mean_head.kernel.shape, mean_kernel))


def test_a_collapsed_posterior_measures_nothing():
    model = models.plain()
    _set_posterior(model)
    report = diagnosis.measure(model, models.images(60), num_samples=10, reference=60)
    assert report["rate"] == pytest.approx(0, abs=1e-6)
    assert report["mutual_information"] == pytest.approx(0, abs=1e-5)
    assert report["marginal_kl"] == pytest.approx(0, abs=1e-5)
    assert report["active_units"] == 0 and report["latent_units"] == 3
    assert abs(report["shuffle_gap"]) < 5 * report["shuffle_gap_stderr"]
    assert report["elbo"] == pytest.approx(-report["distortion"], rel=1e-6)


def test_two_kinds_of_images_far_apart_hold_ln_2():
    """All-black and all-white images, posteriors 2 x 30 scales apart: I = ln 2, rate in closed form."""
    model = models.plain()
    x = np.concatenate([np.zeros((50, *models.SHAPE)), np.ones((50, *models.SHAPE))]).astype(
        "float32"
    )
    first = model.encoder.trainable_variables[0]
    first.assign(tf.fill(first.shape, 1.0))
    _set_posterior(model, mean_kernel=1.0, scale=0.1)
    loc = model.encode(x).numpy()
    assert np.abs(loc[0] - loc[-1]).min() > 5
    report = diagnosis.measure(model, x, num_samples=5, reference=100, information_batch=100)
    assert report["mutual_information"] == pytest.approx(np.log(2), abs=1e-3)
    # its entropy is exact, its log density drawn: a standard deviation of sqrt(3 / 2 / 100) = 0.12
    assert report["mutual_information_batch"] == pytest.approx(np.log(2), abs=0.3)
    one_kind = diagnosis.information_in_batches(model, x, 50, seed_of(0))
    assert one_kind == pytest.approx(0, abs=0.3)
    log_scale = 8 * np.tanh(np.log(0.1) / 8)  # the posterior's smooth bound
    rate = 0.5 * np.sum(loc**2 + np.exp(2 * log_scale) - 1 - 2 * log_scale, 1).mean()
    assert report["rate"] == pytest.approx(rate, rel=1e-4)
    assert report["active_units"] == 3
    assert report["mutual_information_ceiling"] == pytest.approx(np.log(100))


def test_rate_is_information_plus_marginal_kl_and_the_nll_is_between():
    model = models.delta(rate=2.0)
    report = diagnosis.measure(
        model, models.images(200), num_samples=50, nll_examples=100, reference=200
    )
    total = report["mutual_information"] + report["marginal_kl"]
    assert abs(report["rate"] - total) < 6 * report["mutual_information_stderr"]
    assert report["rate"] >= report["committed_rate"] - 1e-4 > 0
    assert sum(report["rate_per_group"]) == pytest.approx(report["rate"], rel=1e-5)
    assert report["nll"] < -report["elbo"] + 6 * report["nll_stderr"]
    assert report["nll_num_examples"] == 100 and not report["nll_is_exact"]


def test_without_a_latent_there_are_nulls_and_an_exact_nll():
    report = diagnosis.measure(models.exact(), models.images(30), nll_examples=4)
    assert report["nll_num_examples"] == 30
    assert report["nll_is_exact"] and report["nll"] == pytest.approx(-report["elbo"], rel=1e-6)
    for name in ("rate", "rate_per_group", "mutual_information", "active_units", "shuffle_gap"):
        assert report[name] is None
    assert diagnosis.verdict(report) == "no latent"


def test_mixed_precision_measures_in_float32():
    x = models.images(40)
    full = diagnosis.measure(models.delta(), x, num_samples=5, reference=40)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = models.delta()
        draw = model.draw(x, 0)
        assert draw.rate.dtype == draw.log_likelihood.dtype == draw.z.dtype == tf.float32
        mixed = diagnosis.measure(model, x, num_samples=5, reference=40)
    finally:
        keras.config.set_dtype_policy("float32")
    for name in ("elbo", "distortion", "rate", "nll"):
        assert mixed[name] == pytest.approx(full[name], rel=0.03)
    assert mixed["rate"] >= mixed["committed_rate"] - 1e-4


@pytest.mark.parametrize(
    ("rate", "information", "active", "gap", "says"),
    [
        (0.01, 0.0, 0, 0.0, "collapse"),
        (0.01, 0.0, 0, 3.0, "partial collapse"),  # one indicator alone is no collapse
        (0.09, 0.09, 6, 0.2, "collapse"),
        (5.0, 0.1, 10, 3.0, "healthy"),
        (5.0, 3.0, 10, 0.0, "healthy"),
        (5.0, 0.1, 10, 0.0, "unused rate"),
        (5.0, 3.0, 2, 4.0, "partial collapse"),
        (5.0, 3.0, 10, 4.0, "healthy"),
    ],
)
def test_verdicts(rate, information, active, gap, says):
    report = {
        "rate": rate, "mutual_information": information, "active_units": active, "shuffle_gap": gap,
        "latent_units": 10, "mutual_information_ceiling": 7.0, "nll": 90.0, "committed_rate": None,
    }  # fmt: skip
    assert diagnosis.verdict(report) == says
    assert "nats" in diagnosis.sentence(report)


@pytest.mark.parametrize(
    ("information", "gap", "says"),
    [
        (0.4, 0.13, "barely used"),
        (0.69, 0.69, "barely used"),
        (0.70, 0.0, "partly used"),
        (0.0, 3.0, "partly used"),
        (3.0, 0.0, "partly used"),  # the decoder does not ask for it
        (1.38, 3.0, "partly used"),
        (3.0, 1.38, "partly used"),
        (1.39, 1.39, "used"),
        (3.0, 4.0, "used"),
    ],
)
def test_how_far_a_code_is_used_is_said_by_degrees(information, gap, says):
    """Of 6 nats that could be measured; the words for machines stay the same."""
    report = {
        "rate": 5.0, "mutual_information": information, "active_units": 10, "shuffle_gap": gap,
        "latent_units": 10, "mutual_information_ceiling": 6.0, "nll": 90.0, "committed_rate": None,
    }  # fmt: skip
    assert diagnosis.verdict(report) in ("healthy", "unused rate")
    if diagnosis.verdict(report) == "healthy":
        assert diagnosis.sentence(report).startswith(f"The latent is {says}: rate 5.00 nats")
    report["active_units"] = 4
    if diagnosis.verdict(report) == "partial collapse":
        said = f"The latent is {says}, and fewer than half of its units or codes: rate"
        assert diagnosis.sentence(report).startswith(said)
    assert extent(report) == says


def test_of_a_training_that_has_hardly_begun_nothing_is_said_of_the_code():
    report = {
        "rate": 0.0, "mutual_information": 0.0, "active_units": 0, "shuffle_gap": 0.0,
        "latent_units": 10, "mutual_information_ceiling": 6.0, "nll": 90.0, "committed_rate": None,
    }  # fmt: skip
    assert diagnosis.verdict({**report, "too_early": None}) == "collapse"
    early = {**report, "too_early": "2 steps"}
    assert diagnosis.verdict(early) == "too early"
    assert diagnosis.sentence(early).startswith(
        "Too early to say whether the latent is used (2 steps): "
    )
    assert diagnosis.verdict({**early, "rate": None}) == "no latent"


@pytest.mark.parametrize(
    ("verdict", "but", "models"),
    [
        ("collapse", "vae", ["free_bits_vae", "delta_vae", "aggressive_vae"]),
        ("unused rate", "vae", ["free_bits_vae", "delta_vae", "aggressive_vae"]),
        ("collapse", "delta_vae", ["free_bits_vae", "aggressive_vae"]),
        ("partial collapse", "vae", ["free_bits_vae", "rate_target_vae", "beta_vae"]),
        ("healthy", "vae", []),
        ("too early", "vae", []),
        ("no latent", "lm", []),
    ],
)
def test_a_verdict_has_its_remedies_and_no_model_is_its_own(verdict, but, models):
    found = diagnosis.remedies(verdict, "python train_main.py --dataset='a b'", but)
    assert [command.split("--model=")[1].split()[0] for command, _ in found] == models
    assert all(
        command.startswith("python train_main.py --dataset='a b' --") for command, _ in found
    )


def test_the_curves_are_those_of_the_main_stage_with_the_rates_after_it(monkeypatch):
    def row(stage, step, rate, **more):
        values = {"distortion": 9.0, "rate": rate}
        return {"stage": stage, "step": step, "train": values, "valid": values, **more}

    rows = [
        row("moments", 5, 300.0),
        row("train", 10, 1.0, latent={"mutual_information": 0.7}),
        row("train", 20, 2.0, latent={"mutual_information": 0.9}),
        row("auxiliary_prior", 7, 1.5),
    ]
    module = importlib.import_module("tfvae.diagnosis.figures")  # the package has the function
    monkeypatch.setattr(module, "png", lambda figure: figure)

    def lines(*main):
        drawn = diagnosis.figures({"rate": 2.0, "rate_per_group": []}, rows, {}, *main)["curves"]
        return {line.get_label(): line.get_xydata().tolist() for line in drawn.axes[1].lines}

    assert lines()["training"] == [[5, 300.0]]
    assert lines("train") == {
        "training": [[10, 1.0], [20, 2.0]],
        "validation": [[10, 1.0], [20, 2.0]],
        "mutual information": [[10, 0.7], [20, 0.9]],
        "auxiliary prior": [[27, 1.5]],
    }


def test_the_page_is_self_contained_and_escapes():
    model, x = models.delta(), models.images(40)
    report = {
        "model": "<script>alert(1)</script>", "dataset": "tiny", "split": "test", "train_seconds": 1.0,
        **diagnosis.measure(model, x, num_samples=3),
    }  # fmt: skip
    rows = [
        {"stage": "train", "step": s, "train": {"distortion": 9.0, "rate": 1.0},
         "valid": {"distortion": 9.5, "rate": 1.1}}
        for s in (1, 2)
    ]  # fmt: skip
    images = diagnosis.collect(model, x, columns=8)
    shapes = {k: v.shape[:2] for k, v in images.items()}
    assert shapes == {**dict.fromkeys(images, (4, 8)), "reconstructions": (3, 8)}
    np.testing.assert_array_equal(images["one_latent"][:, 0], images["reconstructions"][0, :4])
    assert {*np.unique(images["reconstructions"])} <= {0.0, 1.0}
    made = diagnosis.figures(report, rows, images)
    assert set(made) == {
        "curves", "rate_per_group", "reconstructions", "samples", "one_latent", "interpolation"
    }  # fmt: skip
    assert all(png[:8] == b"\x89PNG\r\n\x1a\n" for png in made.values())
    config = {"command": "a < b", "citation": "someone"}
    page = diagnosis.html(report, config, made)
    assert "To try" not in page
    config["remedies"] = [("c < d", "because e > f")]
    page = diagnosis.html(report, config, made)
    assert "<h2>To try</h2>\n<pre>c &lt; d</pre><p class=s>because e &gt; f</p>" in page
    assert "<script>" not in page and "a &lt; b" in page
    assert "http://" not in page and "https://" not in page and ' src="data:' in page


def _measured(model, x, number):
    return diagnosis.measure(model, x, num_samples=5, nll_examples=number)


def _elbo_of_the_gap(model, x):
    found = diagnosis.diagnose(
        model, x, num_samples=2, nll_examples=1, gap_examples=60, gap_steps=1
    )
    return found.report["gap_elbo"]


SORTED = {  # a figure of some rows, and the same of all: in nats, of examples in the order of their size
    "nll": (lambda m, x: _measured(m, x, 60)["nll"], lambda m, x: _measured(m, x, None)["nll"]),
    "gap_elbo": (_elbo_of_the_gap, lambda m, x: _measured(m, x, 1)["elbo"]),
    "spectrum": (
        lambda m, x: signs.data_spectrum(x, 60).sum(),
        lambda m, x: signs.data_spectrum(x, 400).sum(),
    ),
    "validation": (
        lambda m, x: (batches.examples((x,), 60)[0] ** 2).sum() / 60,
        lambda m, x: (x**2).sum() / 400,
    ),
}


@pytest.mark.parametrize("name", SORTED)
def test_a_figure_of_some_rows_speaks_for_a_sorted_set(name):
    """Test sets are often sorted by class: 60 of 400 rows, drawn, are near all, and the first are not."""
    model = linear_gaussian.planted()[0]
    x = linear_gaussian.data(linear_gaussian.SQUARES, 400)
    x = x[np.argsort((x**2).reshape(400, -1).sum(1))]
    some, whole = (figure(model, x) for figure in SORTED[name])
    first = SORTED[name][1](model, np.tile(x[:60], (7, 1, 1, 1))[:400])
    assert abs(some - whole) < 0.3 * abs(first - whole)


def test_some_rows_are_the_same_for_all_and_in_their_order():
    some = inputs.some_rows(1000, 100)
    assert len(set(some)) == 100 and (np.diff(some) > 0).all() and some[-1] < 1000
    np.testing.assert_array_equal(some, inputs.some_rows(1000, 100))
    assert abs(some.mean() - 499.5) < 3 * 1000 / np.sqrt(
        12 * 100
    )  # false once in 370 seeds; one seed
    for number in (None, 5, 9):
        np.testing.assert_array_equal(inputs.some_rows(5, number), np.arange(5))


def test_a_caption_says_what_is_drawn():
    captions = importlib.import_module("tfvae.diagnosis.figures").captions
    assert captions({})["rate_per_group"] == "Rate of each latent group."
    committed = {"committed_rate_per_group": [0.5, 0.5]}
    assert captions(committed)["rate_per_group"].endswith("what the prior commits.")
    levels = {"latent_units_per_level": {"z2": 3, "z1": 5}, "committed_rate_per_group": None}
    said = captions(levels)["rate_per_group"]
    assert said.endswith("From the left: 3 of z2, 5 of z1.") and "commits" not in said
