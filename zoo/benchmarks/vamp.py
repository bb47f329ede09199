"""VampPrior: one level and two, under N(0, I) and under a mixture of what the encoder makes of pseudo-inputs.

The row of static MNIST of Tomczak and Welling 2018 (NLL of 5,000 samples: VAE 88.56, with a VampPrior 85.57;
two levels 86.05 and 83.19): gated MLPs of 2 x 300, z of 40 numbers a level, 500 pseudo-inputs, batches of
100, Adam at 5e-4, the weight of the rate from 0 to 1 over 100 epochs, and no better weights for 50 epochs end
it. `short` is the same within 20 epochs, 5 of them annealed. As released each tensor's gradient is divided
by its norm too. On the embedded digits the networks are small. `step_cost` is what a step costs, by that of
the same model under N(0, I), in processor time; the last row has it of plain MLPs of 2 x 200. Nats.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from tfvae.latents import StandardNormalPrior, VampPrior
from tfvae.objectives import elbo
from tfvae.procedures import Joint, Update
from zoo.benchmarks.cost import step_ratio
from zoo.benchmarks.table import Benchmark, Row

__all__ = ["BENCHMARK"]


def _stops(anneal: int, patience: int) -> dict:
    """The weight grows over so many steps; then so many evaluations without a better one end it."""
    annealed = {"rate_weight": "linear", "annealing_start": 0.0, "annealing_steps": anneal}
    plateau = {"plateau_patience": patience, "plateau_start": anneal, "plateau_falls": 1}
    return {**annealed, "learning_rate_schedule": "plateau", **plateau}


_PAPER = {"dataset": "mnist_fixed", "size": "paper", "eval_every": 500}
_SHORT = {**_PAPER, "train_steps": 10_000, "nll_samples": 500, "nll_examples": 1000}
_LONG = {
    **_PAPER,
    "train_steps": 1_000_000,
    "checkpoint_every": 5000,
    "nll_samples": 5000,
    "nll_examples": 10_000,
}
_DIGITS = {"dataset": "digits", "train_steps": 3000, "eval_every": 100, "nll_examples": 360}
# (fields, settings, pseudo-inputs, width of the layers between levels)
_GROUPS = {
    "digits": (_DIGITS, _stops(500, 10), 100, 100),
    "short": (_SHORT, _stops(2500, 10), 500, 300),
    "static": (_LONG, _stops(50_000, 50), 500, 300),
}
_LEAST = {"static, vae": 89.9, "static, vamp": 86.5}


def _rows(group: str) -> list[Row]:
    fields, own, number, units = _GROUPS[group]
    vamp = {**own, "num_pseudo_inputs": number, "prior": "vamp"}
    levels = {"lower_widths": (40,), "level_units": units}
    rows = {
        "vae": ("vae", own),
        "vamp": ("vamp_vae", vamp),
        "hvae": ("hvae", {**own, **levels}),
        "hvae, vamp": ("hvae", {**vamp, **levels}),
    }
    return [
        Row(f"{group}, {name}", model, {"latent_width": 40, **given}, _bound(group, name), fields)
        for name, (model, given) in rows.items()
    ]


def _bound(group: str, name: str):
    nats = _LEAST.get(f"{group}, {name}")
    return None if nats is None else (f"NLL <= {nats}", lambda figures: figures["nll"] <= nats)


def _cost(model, x) -> float:
    """Of a step, by that of the same networks under N(0, I); moves the weights."""
    both = model.with_prior(StandardNormalPrior(model.latent.event_shape)), model
    for each in both:
        each.compile(procedure=Joint(Update(elbo(), keras.optimizers.Adam(1e-6), clip_norm=5.0)))
    return step_ratio(*both, tf.constant(x))["step_ratio"]


def _further(report, model, data, test) -> dict:
    """The units of z2, and what the prior costs."""
    found = {}
    if model.latent.levels():
        found["z2_active"] = report["active_units_per_level"]["z2"]
        found["z2_rate"] = report["rate_per_level"]["z2"]
    elif isinstance(model.latent.prior, VampPrior):
        found["step_cost"] = _cost(model, test[:100])
    return found


def _lower(group: str, plain: str, vamp: str):
    def holds(rows) -> bool:
        return rows[f"{group}, {vamp}"]["nll"] < rows[f"{group}, {plain}"]["nll"]

    return f"{group}: the NLL of {vamp!r} below that of {plain!r}", holds


def _wakes(group: str):
    def holds(rows) -> bool:
        return rows[f"{group}, hvae, vamp"]["z2_active"] > rows[f"{group}, hvae"]["z2_active"]

    return f"{group}: more active units of z2 under the VampPrior", holds


_COST = Row(
    "cost, mlp",
    "vamp_vae",
    {"latent_width": 40, "num_pseudo_inputs": 500},
    ("500 pseudo-inputs at most 3 times the step", lambda figures: figures["step_cost"] <= 3.0),
    {**_PAPER, "backbone": "mlp", "train_steps": 100, "nll_samples": 5, "nll_examples": 20},
)


BENCHMARK = Benchmark(
    about=__doc__,
    fields={
        "backbone": "gated_mlp",
        "size": "tiny",
        "batch_size": 100,
        "learning_rate": 5e-4,
        "nll_samples": 500,
    },
    settings={},
    rows=(*(row for group in _GROUPS for row in _rows(group)), _COST),
    columns=(
        "nll",
        "nll_stderr",
        "elbo",
        "rate",
        "mutual_information",
        "marginal_kl",
        "active_units",
        "z2_active",
        "z2_rate",
        "step_cost",
        "train_seconds",
    ),
    further=_further,
    joint=tuple(
        check
        for group in ("short", "static")
        for check in (
            _lower(group, "vae", "vamp"),
            _lower(group, "hvae", "hvae, vamp"),
            _wakes(group),
        )
    ),
)
