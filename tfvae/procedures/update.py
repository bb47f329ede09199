"""One gradient step of some of the model's variables, in replica context."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from tfvae.batches import sample_weights
from tfvae.checks import UserError, positive
from tfvae.inference import amortised, code_only
from tfvae.inputs import first
from tfvae.objectives import Objective
from tfvae.procedures.after import After
from tfvae.procedures.partwise import Partwise, refuse_unknown
from tfvae.replicas import weighted

__all__ = ["Update"]


class Update:
    """theta <- optimizer(theta, clip(grad_theta objective(inference(model, x)))).

    Every replica computes its share of the loss over the *global* batch; the optimizer adds the
    gradients of the replicas. Clipping looks at the added gradient, not at a replica's own, so N
    replicas step as one device does (Keras clips before it adds; its own `clipnorm` is refused).

    Weighted examples (`sample_weight`) count as much as their weights say. A frozen variable
    (`trainable = False`) does not move. A scaled loss (`keras.optimizers.LossScaleOptimizer`) moves the
    weights as an unscaled one; a step whose scaled gradient overflows is skipped.

    Args:
        objective: what is minimised.
        optimizer: a Keras optimizer, its name, or a `Partwise`.
        variables: model -> the variables that move; all trainable ones if not given.
        clip_norm: largest global norm of the gradient, or `None`.
        clip_over: model -> the variables whose gradient is measured for clipping; those that move
            if not given.
        inference: `(model, x, seed, step, label) -> Draw`.
        jit_compile: compile forward and backward pass by XLA (the optimizer step stays outside).
        after: moves what no gradient moves, after the weights: one object or several, as
            `tfvae.procedures.after.After` says. Those that the terms bring come behind.
    """

    def __init__(
        self,
        objective: Objective,
        optimizer="adam",
        variables: Callable | None = None,
        clip_norm: float | None = None,
        clip_over: Callable | None = None,
        inference: Callable = amortised,
        jit_compile: bool = False,
        after=None,
    ):
        self.after = After(after)
        self.objective = objective
        own = isinstance(optimizer, Partwise)
        self.optimizer = optimizer if own else keras.optimizers.get(optimizer)
        if getattr(inference, "replaces_gradients", False) and (
            float(self.optimizer.scale_loss(1.0)) != 1.0
        ):
            raise UserError(
                f"{self.optimizer.name} scales the loss, and this inference has gradients of its own, which "
                "know no scale: take an optimizer that does not (mixed_bfloat16 needs no scaling)"
            )
        for name in ("clipnorm", "global_clipnorm", "clipvalue"):
            if getattr(self.optimizer, name, None):
                raise UserError(f"use Update(clip_norm=...) instead of the optimizer's {name}")
        self.variables = variables
        if clip_norm is not None and positive("clip_norm", clip_norm) == float("inf"):
            raise UserError(
                "clip_norm must be a finite number above 0 (None clips nothing), got inf"
            )
        self.clip_norm = clip_norm
        self.clip_over = clip_over
        self.inference = inference
        self.jit_compile = jit_compile
        self._owned = None  # the variables that the optimizer has slots for

    def build(self, model) -> None:
        """Makes the optimizer's slots; called under the strategy's scope, before tracing."""
        self.model = model
        self.objective.build(model)
        everything = [*model.trainable_variables, *self.objective.trainable_variables]
        chosen = everything if self.variables is None else self.variables(model)
        self.moving = [v for v in chosen if v.trainable]
        if not self.moving:
            raise UserError(
                "this update moves no variable: the model has no trainable ones to give"
            )
        further = [*self.objective.after, *self._kept_up(model)]
        self.after.build(model, self.moving, further)
        self._build_optimizer(model)
        self._refuse_averages()
        measured = [] if self.clip_over is None else self.clip_over(model)
        taken = {id(v) for v in self.moving}
        self._measured = [v for v in measured if id(v) not in taken]
        self._gradients = (
            tf.function(self._gradients_of, jit_compile=True, autograph=False)
            if self.jit_compile
            else self._gradients_of
        )

    def _kept_up(self, model) -> list:
        """What the latent has of its own that goes with the weights that move here."""
        moving = {id(v) for v in self.moving}
        return [own for own in model.latent.upkeep() if moving & {id(v) for v in own.follows}]

    def _refuse_averages(self) -> None:
        """Refuses averages that would leave out what moves beside the optimizer."""
        movers = self.after.movers
        if movers and any(o.use_ema for o in self.optimizers):
            raise UserError(
                f"use_ema averages what the optimizer moves, and {type(movers[0]).__name__} moves "
                f"{getattr(movers[0], 'moves', 'weights')} beside it, which would not be of the averaged "
                "weights: take one of them"
            )

    @property
    def optimizers(self) -> list:
        """Of all parts."""
        return list(getattr(self.optimizer, "optimizers", [self.optimizer]))

    def _build_optimizer(self, model) -> None:
        """Slots once; what is frozen later simply does not move.

        Raises:
            UserError: a variable that the optimizer, built before, has no slots for.
        """
        if isinstance(self.optimizer, Partwise):
            self.optimizer.build_for(model, self.moving)
            return
        if self._owned is None:
            if not self.optimizer.built:
                self.optimizer.build(self.moving)
                self._owned = list(self.moving)
            else:  # what it was built on, maybe for another model
                self._owned = list(getattr(self.optimizer, "_trainable_variables", self.moving))
        refuse_unknown(self.moving, self._owned)

    @property
    def main_optimizer(self):
        """What Keras' callbacks may take for the model's optimizer.

        It is the optimizer itself where it moves all of the model's weights and no others: Keras takes it
        then for one that it may finish itself.
        """
        if isinstance(self.optimizer, Partwise) or self._owned is None:
            return self.optimizer
        mine = [id(v) for v in self.model.trainable_variables]
        if [id(v) for v in self._owned] == mine:
            return self.optimizer
        return Partwise([(self.optimizer, lambda model: self._owned)])

    @property
    def beside(self) -> list[tf.Variable]:
        """What moves with the model's weights and is none of them: the terms' own, and what `after` holds."""
        held = self.after.state().values()
        return [*(v.value for v in self.objective.trainable_variables), *held]

    @property
    def examples_to_settle(self) -> int:
        """How many examples `settle` looks at, 0 where it has nothing to do."""
        return self.after.examples_to_settle

    def settle(self, strategy, batches) -> None:
        """`after` sees once more what the weights that are kept make of the data; no weight moves.

        Args:
            strategy: the model's.
            batches: of the training data, from the begin of an epoch on.
        """

        settling = self.after.settling

        @tf.function(reduce_retracing=True, autograph=False)
        def look(batch):
            def replica(batch):
                x, label = first(batch), self.model.label_of(batch, training=True)
                step, seed = tf.constant(0, tf.int64), tf.zeros([2], tf.int32)
                draw = self.model.draw_by(code_only, x, seed, step, label)
                settling(settling.read(draw), step, seed)
                return tf.shape(x)[0]

            return strategy.reduce("SUM", strategy.run(replica, (batch,)), axis=None)

        if strategy.num_replicas_in_sync > 1 and isinstance(batches, tf.data.Dataset):
            batches = strategy.experimental_distribute_dataset(batches)
        seen = 0
        for batch in batches:
            seen += int(look(batch))
            if seen >= self.examples_to_settle:
                return

    def finish(self) -> None:
        """Averaged weights (`use_ema`) take the place of the last ones."""
        if isinstance(self.optimizer, Partwise):
            self.optimizer.finish()
        elif self._owned is not None:
            self.optimizer.finalize_variable_values(self._owned)

    def _gradients_of(self, x, label, step, seed, global_batch, num_replicas, weights, total):
        with tf.GradientTape() as tape:
            with weighted(weights):
                draw = self.model.draw_by(self.inference, x, seed, step, label)
            loss, logs = self.objective(draw, step, global_batch, num_replicas, weights, total)
            loss = self.optimizer.scale_loss(loss)
        wanted = [*self.moving, *self._measured]
        gradients = tape.gradient(loss, [v.value for v in wanted])
        dense = [tf.zeros_like(v.value) if g is None else g for v, g in zip(wanted, gradients)]
        units = tf.reduce_sum(self.model.likelihood.units(x)) / tf.cast(global_batch, tf.float32)
        return (
            [tf.convert_to_tensor(g) for g in dense],
            {**logs, "units": units},
            self.after.read(draw),
        )

    def __call__(self, batch, step, seed) -> dict[str, tf.Tensor]:
        """One step; returns this replica's share of each log (`units`: tokens of an example)."""
        context = tf.distribute.get_replica_context()
        replicas = context.num_replicas_in_sync
        x = first(batch)
        global_batch = tf.shape(x)[0]
        if replicas > 1:
            global_batch = context.all_reduce("SUM", global_batch)
        label = self.model.label_of(batch, training=True)
        weights = sample_weights(batch)
        total = None if weights is None else tf.reduce_sum(weights)
        if weights is not None and self.after.readers:
            raise UserError(
                f"sample_weight cannot go with {type(self.after.readers[0]).__name__}, which every example "
                "of a batch moves: leave it out"
            )
        if replicas > 1 and total is not None:
            total = context.all_reduce("SUM", total)
        gradients, logs, seen = self._gradients(
            x, label, step, seed, global_batch, replicas, weights, total
        )
        whole = context.all_reduce("SUM", gradients) if replicas > 1 else gradients
        scale = self.optimizer.scale_loss(tf.ones([]))
        norm = tf.linalg.global_norm(whole) / scale
        if self.clip_norm is not None:
            factor = self.clip_norm / tf.maximum(norm, self.clip_norm)
            gradients = [g * tf.cast(factor, g.dtype) for g in gradients]
        if isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer):
            # all replicas skip a step, or none: Keras looks at a replica's own gradient
            overflown = tf.math.logical_not(tf.math.is_finite(norm))
            gradients = [tf.where(overflown, tf.cast(float("nan"), g.dtype), g) for g in gradients]
            norm = tf.where(overflown, 0.0, norm)
        self.optimizer.apply(gradients[: len(self.moving)], self.moving)
        self.after(seen, step, seed)
        return {**logs, "gradient_norm": norm / replicas}

    def state(self) -> dict[str, Any]:
        """For checkpoints: the optimizer, and what the objective and `after` hold."""
        return {"optimizer": self.optimizer, **self.objective.state(), **self.after.state()}
