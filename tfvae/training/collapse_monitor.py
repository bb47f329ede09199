"""Watches the latent while a model learns, and says when it is lost."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from tfvae import inputs, metrics
from tfvae.checks import UserError, positive
from tfvae.diagnosis import trained_inference
from tfvae.inference import refines
from tfvae.randomness import fold, seed_of

__all__ = ["WARM_UP", "CollapseMonitor"]

WARM_UP = 100
"""Steps before which nothing can be said of a code's use."""
_LEAST_RATE = 0.1
_LEAST_INFORMATION = 0.1


class CollapseMonitor(keras.callbacks.Callback):
    """Rate, mutual information and active units of some validation data, every so many steps.

    The code counts as lost when two of these agree, never for one alone: rate below 0.1 nats, mutual
    information below 0.1 nats, no active unit. (A rate may be paid for nothing, an estimate of the
    information may be off, a unit may move by a hair.) That is said in one line when it was so
    `patience` times in a row, and once until the code is back; the remedies are turned on then.

    A look counts only where a code could have been learned and has its full price: from step `warm_up` on,
    and once no weight of the objective is still below the one that its schedule ends with (annealing, also
    that of a remedy; of cycles the tops).

    Keras sees the figures as `collapse/rate`, `collapse/mutual_information`, `collapse/active_units`
    in its logs; `history` keeps them all.

    Args:
        x: validation data [N, ...] raw units; 200 to 1,000 examples will do.
        every: steps between looks.
        label: [N] of a conditional model.
        patience: looks in a row, of those that count.
        warm_up: steps before which none counts. Adam moves a weight by about the learning rate at each
            step: by 0.1 in a hundred steps of 1e-3, which is how large weights are at the start. Before
            that the decoder is still about the one that was drawn, and no code is of use to it.
        remedies: what has `turn_on(step)` and a `name`: a `tfvae.objectives.Switch` (annealing anew,
            free bits), a procedure `Aggressive` (its phase begins anew).
        say: takes the line; standard error if not given.
        seed: of the draws.

    Raises:
        UserError: when training begins, a model whose code is not drawn.
    """

    def __init__(
        self,
        x: np.ndarray,
        every: int = 500,
        label: np.ndarray | None = None,
        patience: int = 2,
        remedies: Sequence = (),
        say: Callable[[str], None] | None = None,
        seed: int = 0,
        warm_up: int = WARM_UP,
    ):
        super().__init__()
        self.x, self.label = x, label
        self.every, self.patience = positive("every", every), positive("patience", patience)
        self.remedies, self.seed, self.warm_up = tuple(remedies), seed, warm_up
        self.say = say or (lambda text: print(text, file=sys.stderr, flush=True))
        self.history: list[dict[str, float]] = []
        self._bad, self._said = 0, False
        self._refined: Callable | None = None

    def on_train_begin(self, logs=None):
        self._refined = None  # of the model and procedure of this training
        if not self.model.latent.stochastic:
            raise UserError("a CollapseMonitor needs a model whose code has a posterior")
        self.x = inputs.array(self.model, self.x)
        self.label = inputs.labels(self.model, self.label, len(self.x))

    def on_train_batch_end(self, batch, logs=None):
        step = int(self.model.procedure.step.numpy())
        if step % self.every == 0:
            found = self.look(step)
            if logs is not None:
                logs.update({f"collapse/{name}": found[name] for name in found if name != "step"})

    @property
    def state(self) -> dict[str, int]:
        """For checkpoints: what a resumed run must know, in JSON."""
        return {"bad": self._bad, "said": int(self._said)}

    @state.setter
    def state(self, state: dict[str, int]) -> None:
        self._bad, self._said = state["bad"], bool(state["said"])

    def look(self, step: int) -> dict[str, float]:
        """The figures of now; says what there is to say."""
        model, seed = self.model, fold(seed_of(self.seed), step)
        batch = tf.constant(model.likelihood.trim(self.x))
        told = None if self.label is None else tf.constant(np.asarray(self.label, np.int32))
        rate, kept = self._seen(batch, seed, told)
        found = {
            "step": step,
            "rate": float(tf.reduce_mean(tf.reduce_sum(rate, -1))),
            "active_units": metrics.active_units(np.var(kept["mean"].numpy(), 0, ddof=1)),
        }
        log_aggregate = model.latent.log_aggregate(kept, kept)
        if log_aggregate is not None:
            # both logarithms of the same draw: with the exact entropy (He et al.) the noise of 200
            # draws is sqrt(D / 400) nats, more than the threshold
            information = metrics.mutual_information(kept["log_posterior"], log_aggregate)
            found["mutual_information"] = information.mean
        self.history.append(found)
        if not self._counts(step):
            return found
        signs = self._signs(found)
        self._bad = self._bad + 1 if len(signs) >= 2 else 0
        if self._bad == 0:
            self._said = False
        elif self._bad >= self.patience and not self._said:
            self._said = True
            self._act(step, signs)
        return found

    def _seen(self, batch, seed, told):
        """(rate [B, G], what the latent keeps) of the codes that are trained: refined, where they are."""
        model = self.model
        inference = trained_inference(model)
        if not refines(inference):
            pass_ = model.passed(seed, label=told)
            inferred = model.latent.infer(model.features(batch, told, pass_), pass_)
            return inferred.rate, model.latent.kept(inferred)
        seen = self._refined
        if seen is None:
            seen = self._refined = tf.function(
                lambda batch, seed, told: self._refined_codes(inference, batch, seed, told),
                reduce_retracing=True,
                autograph=False,
            )
        return seen(batch, seed, told)

    def _refined_codes(self, inference, batch, seed, told):
        draw = self.model.draw_by(inference, batch, seed, label=told)
        return draw.rate, self.model.latent.kept(draw)

    def _counts(self, step) -> bool:
        objective = getattr(getattr(self.model, "procedure", None), "objective", None)
        return step >= self.warm_up and (objective is None or objective.settled(step))

    def _signs(self, found) -> list[str]:
        nats, units = found.get("mutual_information"), found["active_units"]
        signs = [f"rate {found['rate']:.3f} nats"] if found["rate"] < _LEAST_RATE else []
        if nats is not None and nats < _LEAST_INFORMATION:
            signs.append(f"mutual information {nats:.3f} nats")
        return [*signs, "no active unit"] if units == 0 else signs

    def _act(self, step, signs) -> None:
        done = ""
        for remedy in self.remedies:
            remedy.turn_on(step)
        for name in dict.fromkeys(remedy.name for remedy in self.remedies):
            done += f"; {name} turned on"
        self.say(
            f"step {step}: the latent has collapsed ({', '.join(signs)})"
            f"{done or '; tfvae.diagnose says which collapse it is'}"
        )
