"""The objective axis: what is minimised.

    loss = sum_i weight_i(step) * mean_over_the_global_batch(term_i(draw))
         = sum_i weight_i(step) * 1/B sum_b sample_weight_b term_i(draw)_b      of weighted examples

Legend: B batch of one replica, G latent groups.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from tfvae.checks import UserError
from tfvae.draw import Draw
from tfvae.objectives.learned import LearnedWeight
from tfvae.objectives.switch import Switch
from tfvae.replicas import weighted
from tfvae.schedules import LAST, Constant, Schedule

__all__ = ["Objective"]

_ARRIVED = 0.99  # of its last value, which a sigmoid never has

Weight = Schedule | LearnedWeight | Switch
Term = Callable[..., tf.Tensor]  # (draw), or (draw, step) if it reads that


class Objective:
    """A weighted sum of terms; the one place where the batch is averaged.

    The true rate and distortion are logged at weight 1 beside every term, whatever the objective.

    Args:
        terms: `{name: (weight, term)}` or `{name: term}` (weight 1). A weight is a number, a
            `Schedule`, a `LearnedWeight` or a `Switch`; a term maps a `Draw` to [B] nats per example, or to a
            scalar that already speaks for the whole global batch. A term may read the step too
            (`reads_step = True`), may read labels (`needs_label = True`, its own or its critic's:
            `draw.label` is there then, -1 where it is unknown), may have weights (`build(model)`,
            `trainable_variables`) and say what it is of measured means (`of_means(measured)`), for
            `judge`, and what it adds to them (`measured(draw) -> {name: [B]}`, or a pair: that, and what
            each counts).

    Raises:
        UserError: a name that the logs reserve, or something that is not a term.
    """

    _RESERVED = frozenset({"objective", "rate", "distortion", "elbo"})

    def __init__(self, terms: Mapping[str, Any]):
        self.terms: dict[str, tuple[Weight, Term]] = {}
        for name, entry in terms.items():
            if name in ("objective", "elbo"):
                raise UserError(f"no term may be called {name!r}: the logs use the name")
            weight, term = entry if isinstance(entry, tuple) else (1.0, entry)
            if not callable(term):
                raise UserError(f"term {name!r} must map a Draw to nats, got {term!r}")
            kept = isinstance(weight, (Schedule, LearnedWeight, Switch))
            self.terms[name] = (weight if kept else Constant(weight), term)
        if not self.terms:
            raise UserError("an Objective needs at least one term, got none")

    def __call__(
        self, draw: Draw, step, global_batch=None, num_replicas: int = 1, weights=None, total=None
    ):
        """This replica's share of the loss and of the logs; their sums over replicas are the whole.

        Args:
            draw: one stochastic pass.
            step: scalar integer tensor, the procedure's step.
            global_batch: examples on all replicas together; the draw's own batch if not given.
            num_replicas: how many replicas add up.
            weights: how much each example counts, [B] (`sample_weight`), or `None` for once each.
            total: their sum over all replicas; of these examples if not given.

        Returns:
            A scalar, and scalars by name: `objective`, `rate`, `distortion` (where the draw decoded),
            each further term's raw value as `term/<name>`, each weight but 1 as `weight/<name>`.
            As Keras has it, weighted terms are divided by the number of examples, and the logged rate
            and distortion are weighted means.

        Raises:
            UserError: weights, and a term that speaks for the whole batch; a term that reads labels,
                and a draw without.
        """
        if global_batch is None:
            global_batch = tf.shape(draw.rate)[0]
        count = tf.cast(global_batch, tf.float32)

        def share(name, values):
            if weights is None:
                return tf.reduce_sum(values) / count if values.shape.rank else values / num_replicas
            if not values.shape.rank:
                raise UserError(
                    f"sample_weight weights examples, and term {name!r} speaks for a whole batch: leave "
                    "sample_weight out, or that term"
                )
            return tf.reduce_sum(weights * values) / count

        def mean(values):
            if weights is None:
                return tf.reduce_sum(values) / count
            whole = tf.reduce_sum(weights) if total is None else total
            return tf.math.divide_no_nan(tf.reduce_sum(weights * values), whole)

        logs = {"rate": mean(tf.reduce_sum(draw.rate, -1))}
        if draw.log_likelihood is not None:
            logs["distortion"] = mean(draw.distortion)
        loss = tf.zeros([])
        for name, (weight, term) in self.terms.items():
            reads_step = getattr(term, "reads_step", False)
            if draw.label is None and _reads_label(term):
                raise UserError(f"term {name!r} reads labels: give batches (x, label)")
            with weighted(weights):
                value = term(draw, step) if reads_step else term(draw)
            value, w = share(name, value), weight(step)
            loss += w * value
            if name not in self._RESERVED:
                logs[f"term/{name}"] = value
            if not (isinstance(weight, Constant) and weight.value == 1.0):
                logs[f"weight/{name}"] = w / num_replicas
        return loss, {"objective": loss, **logs}

    def measured(self, draw: Draw) -> dict[str, Any]:
        """What terms add to the means that `evaluate` takes, {name: [B], or ([B], what each counts)}."""
        found = {}
        for _, term in self.terms.values():
            if hasattr(term, "measured"):
                found |= term.measured(draw)
        return found

    def judge(self, measured: Mapping[str, float]) -> float:
        """What is minimised, from means over data that is not trained on, nats.

        Each weight is the one that its schedule ends with: an objective that is still annealed only
        gets worse. A learned weight counts as 1, and a term that the means do not tell (of the whole
        batch, of a critic) is left out.

        Args:
            measured: `distortion` and `rate` at least, as `evaluate` names them.
        """
        return sum(
            (1.0 if isinstance(weight, LearnedWeight) else float(weight(LAST)))
            * term.of_means(measured)
            for weight, term in self.terms.values()
            if hasattr(term, "of_means")
        )

    def settled(self, step: int) -> bool:
        """Whether every weight and every target that is scheduled has come up to where it ends.

        Before that a code costs less than it will, or is wanted less (a capacity that grows), and
        nothing can be said of its use. A weight that is learned has no such end.
        """
        schedules = [weight for weight, _ in self.terms.values()]
        schedules += [getattr(term, "target", None) for _, term in self.terms.values()]
        return all(
            float(value(step)) >= _ARRIVED * float(value(LAST))
            for value in schedules
            if isinstance(value, (Schedule, Switch))
        )

    @property
    def needs_label(self) -> bool:
        """Whether a term reads labels."""
        return any(_reads_label(term) for _, term in self.terms.values())

    @property
    def num_labels(self) -> int | None:
        """K of the term that knows the fewest labels, 0 .. K - 1; `None` where none says."""
        asked = (
            t for _, term in self.terms.values() for t in (term, getattr(term, "critic", None))
        )
        known = [getattr(t, "num_labels", None) for t in asked if getattr(t, "needs_label", False)]
        return min((number for number in known if number), default=None)

    def build(self, model) -> None:
        """Makes the weights of terms and the state of learned weights; under the strategy's scope."""
        for weight in self._kept().values():
            weight.build()
        for _, term in self.terms.values():
            if hasattr(term, "build"):
                term.build(model)

    @property
    def trainable_variables(self) -> list:
        """The weights of the terms that have some."""
        terms = [term for _, term in self.terms.values()]
        return [v for term in terms for v in getattr(term, "trainable_variables", ())]

    @property
    def after(self) -> list:
        """What terms have of their own that no gradient moves (see `tfvae.procedures.Update`)."""
        return [part for _, term in self.terms.values() for part in getattr(term, "after", ())]

    def feed(self, step, logs: Mapping[str, tf.Tensor]) -> None:
        """After a step, outside of the replicas: moves the learned weights by the reduced logs."""
        for weight in self._kept().values():
            if isinstance(weight, LearnedWeight):
                weight.feed(step, logs)

    def state(self) -> dict[str, Any]:
        """For checkpoints: learned weights, switches and the terms' weights, by name."""
        held = {
            f"{name}_{key}": value
            for name, weight in self._kept().items()
            for key, value in weight.state().items()
        }
        weights = {f"weight_{i}": v.value for i, v in enumerate(self.trainable_variables)}
        return {**held, **weights}

    def _kept(self) -> dict[str, Any]:
        """The weights that have a state."""
        return {n: w for n, (w, _) in self.terms.items() if hasattr(w, "state")}


def _reads_label(term) -> bool:
    """Whether the term says so, or the critic that it asks."""
    return any(getattr(t, "needs_label", False) for t in (term, getattr(term, "critic", None)))
