"""PTB, real sentences: plain, annealed, cyclical, aggressive, free bits, pooled, and the language model.

42,068 / 3,370 / 3,761 sentences, 10,002 words; LSTM encoder and decoder, the same budget for each.
"""

from __future__ import annotations

from tfvae import diagnosis
from zoo.benchmarks.table import Benchmark, Row

__all__ = ["BENCHMARK"]

_STEPS = 8000  # six epochs of 32
_COMPARED = 500  # the sentences whose NLL is estimated; the language model's is of the same
# about 8,000 steps of the encoder: what twice the plain VAE's time again buys
_AGGRESSIVE = {"inner_steps": 20, "window": 10, "check_every": 50, "aggressive_steps": 400}
# the published optimizer with the released schedule, its ramp and plateau as far apart as there
_SGD = {
    "optimizer": "sgd",
    "initial_scale": 0.01,
    "embedding_scale": 0.1,
    "rate_weight": "linear",
    "annealing_start": 0.1,
    "annealing_steps": _STEPS // 4,
    "learning_rate_schedule": "plateau",
    "plateau_start": 3 * _STEPS // 8,
}
_SGD_RUN = {"learning_rate": 1.0, "eval_every": _STEPS // 20}
_RAMP = {"rate_weight": "linear", "annealing_start": 0.0, "annealing_steps": _STEPS}

_ROWS = (
    Row("lm", "lm"),
    Row("vae", "vae", {}, ("MI < 0.1", lambda f: f["mutual_information"] < 0.1)),
    Row("linear annealing", "sentence_vae", _RAMP),
    Row("cyclical", "cyclical_vae"),
    Row("aggressive + annealing", "aggressive_vae", {**_AGGRESSIVE, **_RAMP}),
    Row("aggressive + annealing, SGD", "aggressive_vae", {**_AGGRESSIVE, **_SGD}, None, _SGD_RUN),
    Row("free bits", "free_bits_vae", {"free_bits": 0.25, **_RAMP}),
    Row("max-pooled", "pooled_vae", _RAMP),
)


def _four_used(rows) -> bool:
    lm = rows["lm"]["nll"]
    used = [
        name
        for name, f in rows.items()
        if f.get("mutual_information") and f["mutual_information"] > 1 and f["nll"] < 1.02 * lm
    ]
    return len(used) >= 4


def _same_sentences(report, model, data, test) -> dict:
    """An exact NLL is of the whole split: here of the sentences that the others are compared on."""
    del data
    return {} if model.has_latent else diagnosis.measure(model, test[:_COMPARED])


BENCHMARK = Benchmark(
    about=__doc__,
    fields={
        "dataset": "ptb",
        "backbone": "lstm",
        "size": "small",
        "train_steps": _STEPS,
        "batch_size": 32,
        "learning_rate": 1e-3,
        "nll_samples": 500,
        "nll_examples": _COMPARED,
        "information_batch": 32,
        "deterministic": False,  # at 10,002 words deterministic kernels cost 1.4 times the time
    },
    settings={"optimizer": "adam", "latent_width": 32, "input_dropout": 0.3, "output_dropout": 0.3},
    rows=_ROWS,
    columns=(
        "nll",
        "perplexity",
        "elbo",
        "rate",
        "mutual_information",
        "mutual_information_batch",
        "active_units",
        "train_seconds",
    ),
    further=_same_sentences,
    joint=(
        ("four remedies have MI > 1 with an NLL within 2 % of the language model's", _four_used),
        (
            "aggressive training costs at most 3 times the plain VAE's time",
            lambda rows: (
                rows["aggressive + annealing"]["train_seconds"] < 3 * rows["vae"]["train_seconds"]
            ),
        ),
    ),
)
