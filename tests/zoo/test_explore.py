"""tfvae explore: what its page shows of models whose every answer is known."""

import re

import numpy as np
import pytest

from tests import linear_gaussian, models
from tests.zoo import finished
from tfvae import VAE, exploring, training
from tfvae.exploring import samplers
from tfvae.latents import (
    GaussianPosterior,
    Hierarchy,
    StandardNormalPrior,
    StochasticLatent,
    UniformSpherePrior,
    VonMisesFisherPosterior,
)
from tfvae.likelihoods import Bernoulli
from tfvae.networks import FactorisedDecoder, JoinAbove, MLPEncoder, MLPImage
from zoo.command import console, explore_sections, plan
from zoo.command.explore_sections import Examples, sections

MIXTURE = {
    "Gaussian mixture": lambda model, x, **more: exploring.fit_gaussian_mixture(model, x, 1, **more)
}
FIGURES = {
    "rate": 2.0, "nll": 20.0, "nll_is_exact": False, "mutual_information": 1.0, "active_units": 3,
    "mutual_information_ceiling": 5.0, "latent_units": 3, "shuffle_gap": 4.0, "dataset": "digits",
}  # fmt: skip


@pytest.fixture
def one_sampler(monkeypatch):
    """The quick one."""
    monkeypatch.setattr(explore_sections, "_FITS", MIXTURE)


def _left(path, model, x, **known):
    finished.leave(path, plan.resolve("vae", dataset="digits"), **FIGURES)
    training.export.save_keras(model, str(path / "model.keras"))
    np.savez(path / "examples.npz", x=x, **known)
    return str(path)


def _explore(*words):
    return console.main(["explore", *words])


def test_the_page_of_a_run_shows_everything_in_one_file(tmp_path, one_sampler, capsys):
    x = models.images(60)
    run = _left(tmp_path / "run", models.plain(), x, known=np.arange(60) % 3)
    assert _explore(run, "--examples=50") == 0
    page = (tmp_path / "run" / "explore.html").read_text()
    assert "vae: what the codes hold" in page and "50 examples of digits" in page
    assert "rate 2.00 nats" in page and "the colours are the labels" in page
    pictures = sorted(p.stem for p in (tmp_path / "run" / "explore").glob("*.png"))
    assert pictures == [
        "interpolations", "map", "neighbours", "samples_gaussian_mixture", "samples_prior", "strange",
        "traversals",
    ]  # fmt: skip
    assert page.count('src="data:image/png;base64,') == len(pictures) and "http" not in page
    assert "Not of this model" not in page
    assert capsys.readouterr().err.rstrip().endswith("explore.html")


def test_what_the_prior_and_a_sampler_cost_is_what_theory_says(one_sampler):
    """Codes moved by 3: the prior costs KL(q(z) || p(z)) = 0.5 D 3^2 more than I(x; z)."""
    vae, x = linear_gaussian.planted()
    vae.latent.posterior.mean_head.bias.assign(np.full(5, 3.0))
    found = {s.title or s.name: s for s in sections(vae, Examples(x), "pca", 0)}
    costs = {name: float(cost.split()[0]) for name, cost in found["Instead of the prior"].rows}
    information = 0.5 * np.log(linear_gaussian.SQUARES).sum()
    assert costs["Gaussian mixture"] == pytest.approx(information, abs=0.35)
    assert costs["prior"] == pytest.approx(information + 0.5 * 5 * 9, rel=0.05)
    assert "480 examples" in found["Instead of the prior"].says


def test_text_is_shown_as_sentences_and_the_strangest_come_last(one_sampler):
    vae, x = linear_gaussian.planted()
    scores = exploring.elbo_score(vae, x[:200], 8)

    def words(x):
        return [f"sum {each.sum():.2f}" for each in x]

    found = {s.title: s for s in sections(vae, Examples(x, words=words), "pca", 0)}
    strange = [float(nats.split()[0]) for nats, _ in found["Strange examples"].rows]
    assert strange[:8] == pytest.approx(np.sort(scores)[:8], abs=0.06)
    assert strange[8:] == pytest.approx(np.sort(scores)[::-1][:8], abs=0.06)
    walked = found["One number of the code at a time"].rows
    assert [row[0] for row in walked[:5]] == [f"z[0] = {v:+.1f}" for v in (-2, -1, 0, 1, 2)]
    sums = np.diff([float(row[1].split()[1]) for row in walked[:5]])
    step = vae.decoder.trainable_variables[0].numpy()[0].sum()  # of one spread of the prior
    assert sums == pytest.approx(np.full(4, step), abs=0.02)


def test_what_a_latent_cannot_have_is_said_on_the_page(one_sampler):
    found = {
        s.title: s
        for s in sections(models.discrete(), Examples(models.images(40), levels=1.0), "pca", 0)
    }
    for title in ("One number of the code at a time", "Instead of the prior"):
        assert re.match("Not of this model: .*codebook", found[title].says)
    assert (
        found["Neighbours among the codes"].picture and found["From one example to another"].picture
    )


def _of(latent):
    network = MLPImage(models.SHAPE, (16,), 1)
    model = VAE(MLPEncoder((16,)), latent, FactorisedDecoder(models.SHAPE, network), Bernoulli())
    model.build()
    return model


def test_of_points_on_a_sphere_what_needs_any_numbers_is_said(one_sampler):
    model = _of(StochasticLatent(VonMisesFisherPosterior((3,), 20.0), UniformSpherePrior((3,))))
    found = {s.title: s for s in sections(model, Examples(models.images(60), levels=1.0), "pca", 0)}
    for title in ("One number of the code at a time", "Instead of the prior"):
        assert re.match("Not of this model: .* z is a point on a sphere.", found[title].says)
    shown = [title for title, section in found.items() if section.picture]
    assert shown == [
        "Map of the codes",
        "From one example to another",
        "Neighbours among the codes",
        "Strange examples",
    ]


def test_levels_are_walked_through_as_one_code(one_sampler):
    made = [
        (name, StochasticLatent(GaussianPosterior((2,)), StandardNormalPrior((2,))), *join)
        for name, join in (("top", ()), ("low", (JoinAbove(4),)))
    ]
    model, x = _of(Hierarchy(made)), models.images(60)
    found = {s.title: s for s in sections(model, Examples(x, levels=1.0), "pca", 0)}
    assert not [s for s in found.values() if s.says.startswith("Not of")]
    walked = found["One number of the code at a time"].says
    assert sorted(re.findall(r"\d+", walked.partition("from above: ")[2])) == ["0", "1", "2", "3"]


REFUSED = {
    "no run": (lambda path: str(path / "none"), [], "no finished run"),
    "no latent": (
        lambda path: _left(path / "a", models.exact(), models.images(30)),
        [],
        "no latent",
    ),
    "others' examples": (
        lambda path: _left(path / "a", models.plain(), np.zeros((30, 5, 5, 1), "f4")),
        [],
        "shape",
    ),
    "no examples": (
        lambda path: _left(path / "a", models.plain(), models.images(30)),
        ["--data=none.npz"],
        "none.npz is not there",
    ),
    "a seed": (lambda path: str(path), ["--seed=-1"], "--seed must be"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_in_one_line(what, tmp_path, capsys):
    make, words, says = REFUSED[what]
    assert _explore(make(tmp_path), *words) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("explore: ") and says in said and "\n" not in said
    assert not (tmp_path / "a" / "explore.html").exists()


def test_a_mixture_has_no_more_parts_than_examples_hold():
    """112 codes of 32 numbers: ten full covariances would fit them alone."""
    made = explore_sections._mixture(models.plain(), models.images(20), 0, None)
    assert isinstance(made, samplers.GaussianMixtureSampler) and made.mixture.n_components == 1
    made = explore_sections._mixture(models.plain(), models.images(64), 0, None)
    assert made.mixture.n_components == 4  # 64 examples, 5 for each of 3 numbers
