"""Aggressive training of the inference network, until it no longer lags behind the decoder.

    while aggressive:  repeat { phi <- step on a fresh batch }  until the loss stops falling;
                       theta <- step on the outer batch

Legend: theta decoder, phi encoder, I mutual information of z and x under q.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from tfvae.checks import UserError, one_of, positive
from tfvae.diagnosis.validation_information import ValidationInformation
from tfvae.inference import amortised
from tfvae.objectives import Objective, elbo
from tfvae.objectives.parts import RemedyPart
from tfvae.parts import Part, facts, lookup, part, setting
from tfvae.procedures.keep_best import KeepBest
from tfvae.procedures.parts import ProcedurePart, optimizer, rate
from tfvae.procedures.partwise import Partwise, encoder_variables
from tfvae.procedures.procedure import Procedure, arrived, reduced
from tfvae.procedures.update import Update
from tfvae.randomness import fold
from tfvae.schedules import Schedule

__all__ = ["STOPPING", "Aggressive"]

STOPPING = ("previous", "best")


class Aggressive(Procedure):
    """He, Spokoyny, Neubig and Berg-Kirkpatrick 2019, algorithm 1, as in the released code.

    An outer step takes a batch X and, while aggressive, first moves only the encoder: on X, then on
    further batches of the stream, at most `inner_steps` times; every `window` steps the loss per
    token (per image) of the window is compared with that of the window before, and a rise ends the
    loop. Then one step of the decoder on X (of both, once no longer aggressive). Every `check_every`
    outer steps the mutual information on validation data decides whether to go on being aggressive:
    never again after it fell below the last one (`previous`, text) or failed `patience` times to
    exceed the best one (`best`, images). The KL weight advances with the outer steps only.

    Encoder and decoder have an optimizer each; the norm that is clipped is over both, also in the
    inner loop. Every batch comes from the one stream, so an epoch of data is used up sooner than an
    epoch of outer steps; `position` counts what was taken.

    Args:
        objective: the ELBO if not given.
        encoder_optimizer, decoder_optimizer: Keras optimizers, two of them.
        information: model -> I in nats on data that is not trained on; a
            `tfvae.diagnosis.ValidationInformation` takes them from `fit`.
        check_every: outer steps between the checks; `None`: an epoch of `fit` (published).
        inner_steps: the most inner steps (published: 99).
        window: of the loss (published: 15 for text, 10 for images).
        stopping: `previous` or `best`.
        patience: failures that `best` forgives, plus one (published: 5).
        largest: outer steps after which it ends in any case, or `None`; 0 is joint training.
        waiting: joint training until `turn_on`.
        clip_norm, inference, jit_compile: see `Update`.
        learning_rate: a `Schedule` of the outer step for both optimizers, or `None`.
        encoder_factor: times which it is the encoder's.
        seed: of every draw.
    """

    name = "aggressive training"
    several_batches = True

    def __init__(
        self,
        encoder_optimizer,
        decoder_optimizer,
        information: Callable[[Any], float],
        check_every: int | None,
        objective: Objective | None = None,
        inner_steps: int = 99,
        window: int = 15,
        stopping: str = "previous",
        patience: int = 5,
        largest: int | None = None,
        clip_norm: float | None = 5.0,
        inference: Callable = amortised,
        learning_rate: Schedule | KeepBest | None = None,
        jit_compile: bool = False,
        seed: int = 0,
        waiting: bool = False,
        encoder_factor: float = 1.0,
    ):
        super().__init__(seed, inference, learning_rate)
        one_of("stopping rule", stopping, STOPPING)
        self.encoder_factor = positive("encoder_factor", encoder_factor)
        for name in ("check_every", "inner_steps", "window", "patience"):
            if name != "check_every" or check_every is not None:
                positive(name, locals()[name])
        encoder_optimizer = keras.optimizers.get(encoder_optimizer)
        decoder_optimizer = keras.optimizers.get(decoder_optimizer)
        if encoder_optimizer is decoder_optimizer:
            raise UserError("encoder_optimizer and decoder_optimizer must be two, got one for both")
        self.objective = objective or elbo()
        self.information, self.check_every = information, check_every
        self.inner_steps, self.window = inner_steps, window
        self.stopping, self.patience, self.largest = stopping, patience, largest
        self.optimizers = {"encoder": encoder_optimizer, "decoder": decoder_optimizer}
        shared = {
            "clip_norm": clip_norm,
            "clip_over": lambda model: [*encoder_variables(model), *self._decoder(model)],
            "jit_compile": jit_compile,
            "inference": inference,
        }
        both = Partwise(
            [(encoder_optimizer, encoder_variables), (decoder_optimizer, self._decoder)]
        )
        self.inner = Update(self.objective, encoder_optimizer, encoder_variables, **shared)
        self.decoder = Update(self.objective, decoder_optimizer, self._decoder, **shared)
        self.joint = Update(self.objective, both, shared["clip_over"], **shared)
        begins = largest != 0 and not waiting
        self.aggressive = tf.Variable(begins, trainable=False, name="aggressive")
        self.taken = tf.Variable(0, trainable=False, dtype=tf.int64, name="batches_taken")
        # what a check is compared with, and how often it failed
        self.reference = tf.Variable(
            0.0, trainable=False, dtype=tf.float64, name="reference_information"
        )
        self.failures = tf.Variable(0, trainable=False, dtype=tf.int64, name="failures")
        self.began = tf.Variable(0, trainable=False, dtype=tf.int64, name="aggressive_since")

    @property
    def position(self) -> int:
        return int(self.taken.numpy())

    @property
    def updates(self):
        return [self.joint]

    def build(self, model, strategy, run_eagerly=False):
        with strategy.scope():
            for update in (self.joint, self.inner, self.decoder):
                update.build(model)
            self._build_rate(model)

        def step_of(update, batch, *index):
            step = self.step.read_value()
            seed = fold(self.seed, self.step, *index)
            return reduced(strategy, strategy.run(update, (batch, step, seed)))

        def finish(logs, inner):
            self.objective.feed(self.step, logs)
            self.step.assign_add(1)
            self.taken.assign_add(1 + tf.cast(tf.maximum(inner - 1, 0), tf.int64))
            del logs["units"]
            return {**logs, "inner_steps": tf.cast(inner, tf.float32)}

        def loop(iterator, first_batch):
            """How many inner steps were made."""
            logs = step_of(self.inner, first_batch, 1)
            # published: 1e4, which the loss of a larger image exceeds
            start = (tf.constant(1), logs["objective"], logs["units"], tf.constant(float("inf")))

            def body(index, loss, units, before):
                closed = index % self.window == 0
                before = tf.where(closed, loss / units, before)
                loss, units = tf.where(closed, 0.0, loss), tf.where(closed, 0.0, units)
                batch = next(iterator)
                with arrived(batch):
                    more = step_of(self.inner, batch, index + 1)
                return index + 1, loss + more["objective"], units + more["units"], before

            def goes_on(index, loss, units, before):
                rose = tf.logical_and(index % self.window == 0, loss / units > before)
                return tf.logical_and(index < self.inner_steps, tf.logical_not(rose))

            return tf.while_loop(goes_on, body, start)[0]

        def aggressive(iterator):
            batch = next(iterator)
            with arrived(batch):
                self._set_rates()
                inner = loop(iterator, batch)
                return finish(step_of(self.decoder, batch), inner)

        def joint(iterator):
            batch = next(iterator)
            with arrived(batch):
                self._set_rates()
                return finish(step_of(self.joint, batch), tf.constant(0))

        if not run_eagerly:
            aggressive = tf.function(aggressive, autograph=False)
            joint = tf.function(joint, autograph=False)

        def cycle(iterator):
            was = bool(self.aggressive.numpy())
            logs = (aggressive if was else joint)(iterator)
            step = int(self.step.numpy())
            since = step - int(self.began.numpy())
            if was and self.largest is not None and since >= self.largest:
                self.aggressive.assign(False)
            elif was and self.check_every is not None and step % self.check_every == 0:
                self._check(float(self.information(model)))
            return {**logs, "aggressive": tf.cast(self.aggressive, tf.float32)}

        return cycle

    @property
    def optimizer(self):
        return self.joint.optimizer

    @property
    def lacks_examples(self):
        return self.largest != 0 and getattr(self.information, "lacks_examples", False)

    @property
    def lacks_epoch(self):
        return self.check_every is None

    def take_epoch(self, steps):
        if self.check_every is None:
            self.check_every = steps

    def take_validation(self, x, label):
        if self.lacks_examples:
            self.information.take(x, label)

    def finish(self):
        super().finish()
        self.joint.finish()

    def turn_on(self, step: int) -> None:
        """The aggressive phase begins anew, with its own count of steps and a clean reference."""
        self.began.assign(step)
        self.reference.assign(0.0)
        self.failures.assign(0)
        self.aggressive.assign(True)

    def _set_rates(self) -> None:
        self._set_rate(self.optimizers["decoder"])
        if self.learning_rate is not None:
            rate = self.encoder_factor * self.learning_rate(self.step)
            self.optimizers["encoder"].learning_rate.assign(rate)

    def _check(self, information: float) -> None:
        """Whether to go on, from the mutual information of now."""
        failed = information < float(self.reference.numpy())
        if self.stopping == "previous":
            self.reference.assign(information)
            enough = failed
        else:
            self.failures.assign_add(int(failed))
            self.reference.assign(max(information, float(self.reference.numpy())))
            enough = int(self.failures.numpy()) >= self.patience
        self.aggressive.assign(not enough)

    def observe(self, measured, optimizers=()):
        super().observe(measured, list(self.optimizers.values()))

    def _decoder(self, model) -> list:
        """theta: what is not the encoder's, with the weights of the objective's terms."""
        taken = {id(v) for v in encoder_variables(model)}
        rest = [v for v in model.trainable_variables if id(v) not in taken]
        return [*rest, *self.objective.trainable_variables]

    def state(self):
        held = (self.aggressive, self.taken, self.reference, self.failures, self.began)
        return {
            "step": self.step,
            **{variable.name.split(":")[0]: variable for variable in held},
            **{f"{name}_optimizer": o for name, o in self.optimizers.items()},
            **self.objective.state(),
            **self._rate_state(),
        }


# ------------------------------------------------------------------ parts

OPTIMIZERS = ("adam", "sgd")
_WINDOWS = {"text": 15}  # as released; of images 10


@dataclasses.dataclass(frozen=True)
class _Phases(Part):
    """The settings of a phase of aggressive training, and how it is made of them."""

    encoder_optimizer: str | None = setting(
        None,
        "of the encoder; none: as `optimizer`, which is the decoder's",
        choices=OPTIMIZERS,
    )
    encoder_learning_rate: float | None = setting(
        None,
        "of that optimizer, with the same schedule; none: as --learning_rate",
        low=1e-12,
        high=1e6,
    )
    inner_steps: int = setting(99, "the most steps of the encoder for one of the decoder", low=1)
    window: int | None = setting(
        None,
        "inner steps between looks at the loss; none: as released, 15 for text and 10 for images",
        low=1,
    )
    aggressive_steps: int | None = setting(
        None,
        "steps of the decoder after which it ends in any case; none: by the information alone",
        low=1,
    )
    check_every: int | None = setting(
        None, "steps between looks at the mutual information; none: an epoch", low=1
    )
    stopping: str = setting(
        "best",
        "it ends when that falls below the last one (previous; as released for text) or has not exceeded the "
        "best one `patience` times (best)",
        choices=STOPPING,
    )
    patience: int = setting(5, "of stopping=best", low=1, of={"stopping": ("best",)})
    information_examples: int = setting(
        500, "validation examples of that mutual information", low=2
    )
    information_batch_size: int | None = setting(
        None,
        "of the batches whose mean it is (as released for text: 32, which bounds it by ln 32 = 3.5); none: "
        "all in one",
        low=2,
    )

    def make(self, context, played):
        if self.window is not None and self.window > self.inner_steps:
            raise UserError(
                f"window={self.window} has no effect: it must be at most inner_steps={self.inner_steps}, "
                "after which no look is taken"
            )
        # of a model that is built for `fit` it is the epoch of that
        known = context.num_examples
        epoch = max(1, known // context.batch_size) if known else None
        return Aggressive(
            self._encoder_optimizer(context),
            optimizer(context),
            ValidationInformation(
                context.valid,
                context.valid_label,
                self.information_examples,
                self.information_batch_size,
                context.seed,
            ),
            self.check_every or epoch,
            played.objective,
            self.inner_steps,
            self.window or _WINDOWS.get(context.kind, 10),
            self.stopping,
            self.patience,
            self.aggressive_steps,
            clip_norm=context.point["optimizer"].clip_norm,
            inference=played.inference,
            learning_rate=rate(context, context.train_steps),
            jit_compile=context.jit_compile,
            seed=context.seed,
            waiting=isinstance(self, RemedyPart),
            encoder_factor=self._encoder_factor(context),
        )

    def _encoder_optimizer(self, context):
        if self.encoder_optimizer in (None, context.point["optimizer"].name):
            return optimizer(context)
        return lookup("optimizer", self.encoder_optimizer)().make(context)

    def _encoder_factor(self, context) -> float:
        """The encoder's learning rate, in units of the run's."""
        own, other = self.encoder_learning_rate, context.point["optimizer"].name
        if own is None and self.encoder_optimizer not in (None, other):
            raise UserError(
                f"encoder_optimizer={self.encoder_optimizer} needs encoder_learning_rate: no rate suits it "
                f"and the decoder's {other} alike"
            )
        return 1.0 if own is None else own / context.learning_rate


_NEEDS = facts("density_of_every_z prior_without_rows unrefined")
_OWNS = frozenset({"how many optimizers there are"})


@part
class AggressiveTraining(_Phases, ProcedurePart):
    """Many steps of the encoder for each one of the decoder, at first (He et al. 2019)."""

    name = "aggressive"
    needs, owns = _NEEDS, _OWNS


@part
class BeginAggressive(_Phases, RemedyPart):
    """Say so, and begin a phase of aggressive training; before, all weights move together."""

    name = "aggressive"
    needs, owns = _NEEDS, _OWNS
    closes = ("procedure",)
