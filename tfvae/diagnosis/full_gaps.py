"""The gaps of the model's own family and of a flexible one, against log p(x) by two ways and from both sides.

    approximation = log p(x) - L[q*],   amortisation = L[q*] - L[q],   inference = log p(x) - L[q]

with q* the best of each family for each x (Cremer, Li and Duvenaud 2018). log p(x) is the lower bound whose
mean is the largest: importance-weighted from either q*, or annealed. On data drawn from the model the reverse
of annealing bounds it from above too (Grosse, Ancha and Roy 2016).

Legend: N examples.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfvae import inputs, metrics
from tfvae.checks import UserError
from tfvae.diagnosis.annealing import annealed, check_annealed
from tfvae.diagnosis.flexible import flexible
from tfvae.diagnosis.gaps import inference_gaps
from tfvae.diagnosis.held_prior import with_held_prior
from tfvae.diagnosis.measure import trained_inference
from tfvae.metrics import Summary
from tfvae.randomness import fold, seed_of

__all__ = ["ROWS", "FullGaps", "check_movable", "full_gaps", "gaps_table"]

# of the flexible family, whose networks take more and smaller steps, by less noise
_LONGER, _SAMPLES, _RATE = 3, 8, 0.005
_SIMULATED = 0xB1D  # the noise of data from the model

ROWS = {
    "log_likelihood": "log p(x), the best lower bound",
    "importance": "importance-weighted, from q*",
    "annealed": "annealed importance sampling",
    "flexible_elbo": "L[q*], flexible family",
    "own_elbo": "L[q*], the model's family",
    "elbo": "L[q], as the model finds q",
    "approximation": "approximation gap, the model's family",
    "amortisation": "amortisation gap, the model's family",
    "flexible_approximation": "approximation gap, flexible family",
    "flexible_amortisation": "amortisation gap, flexible family",
    "inference": "inference gap (either family's sum)",
    "simulated_lower": "annealed, data from the model: below",
    "simulated_upper": "the same in reverse: above",
    "simulated_between": "between the two",
}
"""What each figure of `FullGaps` is called."""


class FullGaps(NamedTuple):
    """What was found.

    Attributes:
        figures: {name of `ROWS`: mean over the examples and its standard error}, nats.
        accepted: share of annealing's proposals.
    """

    figures: dict[str, Summary]
    accepted: float


def full_gaps(
    model,
    x: np.ndarray,
    *,
    num_steps: int = 300,
    final_samples: int = 1000,
    temperatures: int = 200,
    chains: int = 16,
    seed: int = 0,
    label: np.ndarray | None = None,
    inference: Callable | None = None,
    progress: Callable[[str], None] | None = None,
) -> FullGaps:
    """Both families' q* for each example, annealing there and back.

    Args:
        model: a `tfvae.VAE` with a continuous z and a posterior that can be given for each x anew.
        x: [N, ...] raw units.
        num_steps: of Adam, for the model's family; three times as many for the flexible one.
        final_samples: draws for each bound.
        temperatures, chains: of annealing.
        seed: equal seeds give equal figures.
        label: [N] of a conditional model.
        inference: how z is found for an x, as `measure` has it.
        progress: called with what is being done.

    Raises:
        UserError: codes, z on a sphere, or no such posterior.
    """
    check_movable(model)
    x = inputs.array(model, x)
    label = inputs.labels(model, label, len(x))
    inference = trained_inference(model) if inference is None else inference
    model = with_held_prior(model)
    say = progress or (lambda text: None)
    say("annealing")
    below = annealed(model, x, temperatures, chains, seed, label)
    say("optimising posteriors of the model's family")
    shared = {"final_samples": final_samples, "seed": seed, "label": label}
    refined = inference_gaps(model, x, num_steps, inference=inference, **shared)
    own = refined.each
    say("optimising posteriors of a flexible family")
    gaussian = (
        refined.parameters if model.latent.mean_field(model.features(*_few(x, label))) else ()
    )
    free = inference_gaps(
        flexible(model),
        x,
        _LONGER * num_steps,
        _SAMPLES,
        _RATE,
        batch_size=20,
        start=gaussian,
        **shared,
    ).each
    # by their means: the larger of two noisy figures of each example is above both in expectation
    importance = max(own["log_likelihood"], free["log_likelihood"], key=np.mean)
    best = max(importance, below.estimate, key=np.mean)
    elbo = own["elbo"]
    say("annealing data from the model, there and back")
    lower, upper = _simulated(model, len(x), temperatures, chains, seed, label)
    values = {
        "log_likelihood": best,
        "importance": importance,
        "annealed": below.estimate,
        "flexible_elbo": free["refined_elbo"],
        "own_elbo": own["refined_elbo"],
        "elbo": elbo,
        "approximation": best - own["refined_elbo"],
        "amortisation": own["refined_elbo"] - elbo,
        "flexible_approximation": best - free["refined_elbo"],
        "flexible_amortisation": free["refined_elbo"] - elbo,
        "inference": best - elbo,
        "simulated_lower": lower,
        "simulated_upper": upper,
        "simulated_between": upper - lower,
    }
    figures = {name: metrics.summarise(values[name]) for name in ROWS}
    return FullGaps(figures, float(below.accepted.mean()))


def _few(x, label):
    """(x, label) of one example."""
    return x[:1], None if label is None else tf.constant(label[:1])


def check_movable(model) -> None:
    """Refuses a model whose gaps cannot be had.

    Raises:
        UserError: codes, z on a sphere or in a shell, levels, no p(z).
    """
    check_annealed(model)
    prior = getattr(model.latent, "prior", None)
    if prior is not None and not prior.everywhere:
        raise UserError(
            f"full gaps put a flexible posterior under the model's prior, and a {type(prior).__name__} has "
            "no density of large z"
        )
    if not model.latent.refinable:
        raise UserError(
            "full gaps need a posterior that can be given for each x anew, and a "
            f"{type(model.latent).__name__} has none"
        )


def _simulated(model, number, temperatures, chains, seed, label):
    """(below, above) of log p(x) of data drawn from the model, [N] each."""
    noise = fold(seed_of(seed), _SIMULATED)
    told = None if label is None else tf.constant(label)
    z = model.sample_codes(number, fold(noise, 0), told)
    x = np.asarray(model.sample(number, fold(noise, 1), z=z, label=told))
    below = annealed(model, x, temperatures, chains, seed, label)
    above = annealed(model, x, temperatures, chains, seed, label, exact=np.asarray(z))
    return below.estimate, above.estimate


def gaps_table(figures) -> list[tuple[str, str]]:
    """(what it is, mean ± standard error) of each figure that is there, in the order of `ROWS`."""
    return [
        (says, f"{figures[name][0]:.3f} ± {figures[name][1]:.3f}")
        for name, says in ROWS.items()
        if name in figures
    ]
