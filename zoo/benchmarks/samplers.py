"""UCI digits: samples of the prior, and of densities that are fitted to the codes after the training.

`rate_*`: what the test codes cost with it as the prior, nats, log q(z|x) - log p(z) at a draw; of `two_stage`
an upper bound. `told_*`: how often the nearest other image says whether an image is a test digit or a draw
(leave-one-out; 0.5: nobody can tell; 1: always), 400 of each; `told_codes`: draws of p(x|z) at codes of the
test digits themselves, which no density of codes can be better than.
"""

from __future__ import annotations

from tfvae import exploring, metrics
from zoo.benchmarks.table import Benchmark, Row
from zoo.datasets.pipeline import evaluation_arrays

__all__ = ["BENCHMARK"]

_FITS = {
    "mixture": exploring.fit_gaussian_mixture,
    "flow": exploring.fit_flow,
    "two_stage": exploring.fit_two_stage,
}
_NAMES = ("prior", *_FITS)


def _further(report, model, data, test) -> dict[str, float]:
    """Both figures of the prior and of each sampler."""
    train, seed = evaluation_arrays(data.train, data.kind), report["seed"]

    def told(z):
        drawn = model.sample(seed=seed, z=z).numpy()
        return metrics.two_sample_accuracy(test, drawn)

    drawn = exploring.draws(model, test, seed)
    prior = drawn.log_posterior - model.log_prior(drawn.z).numpy()
    found = {
        "told_codes": told(drawn.z),
        "rate_prior": float(prior.mean()),
        "told_prior": metrics.two_sample_accuracy(test, model.sample(len(test), seed).numpy()),
    }
    for name, fit in _FITS.items():
        sampler = fit(model, train, seed=seed)
        found[f"rate_{name}"] = float(sampler.rate(test, seed).mean())
        found[f"told_{name}"] = told(sampler.codes(len(test), seed))
    return found


def _mean(rows, key: str) -> float:
    return sum(figures[key] for figures in rows) / len(rows)


def _better(row: str, *names: str):
    """Draws of each of these are told apart less often than the prior's, on average over the seeds."""

    def holds(rows) -> bool:
        return all(_mean(rows[row], f"told_{n}") < _mean(rows[row], "told_prior") for n in names)

    return f"{row}: draws of {', '.join(names)} are told apart less often than the prior's", holds


BENCHMARK = Benchmark(
    about=__doc__,
    fields={
        "dataset": "digits",
        "backbone": "mlp",
        "size": "tiny",
        "train_steps": 3000,
        "batch_size": 100,
        "learning_rate": 1e-3,
        "nll_samples": 100,
        "nll_examples": 200,
    },
    settings={"latent_width": 8},
    rows=(
        Row(
            "autoencoder", "vae", {"posterior": "fixed_scale", "posterior_scale": 0.05, "beta": 0.0}
        ),
        Row("wae-mmd", "wae_mmd"),
        Row("vae, beta = 0.1", "vae", {"beta": 0.1}),
        Row("vae", "vae"),
    ),
    columns=(
        "distortion",
        *(f"rate_{name}" for name in _NAMES),
        "told_codes",
        *(f"told_{name}" for name in _NAMES),
    ),
    further=_further,
    overall=(
        _better("autoencoder", *_FITS),
        _better("wae-mmd", "mixture"),
        _better("vae, beta = 0.1", "mixture"),
    ),
)
