"""What whoever knows `keras.Model` expects of it, for a model that a procedure trains.

compile(optimizer) | compile(procedure=...)  ->  fit: one cycle of the procedure for each step
"""

from __future__ import annotations

import contextlib
import dataclasses
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfvae import batches
from tfvae.checks import NotFinite, UserError
from tfvae.inputs import first
from tfvae.numerics import first_not_finite
from tfvae.randomness import fold, seed_of

__all__ = ["Fitted"]

_EVALUATION_SEED = 20260
_STATE = "procedure."  # of the keys of a weights file that hold the training's state
# of `evaluate`'s list
_ORDER = ("loss", "elbo", "conditional_objective", "distortion", "rate", "bound")
_CLASSES = (
    "class_weight weights the classes of y, which a VAE does not predict: give "
    "sample_weight=weights[labels], one number for each example"
)
_NEVER_CALLED = ("train_step", "test_step", "compute_loss", "compute_metrics")


class Fitted(keras.Model):
    """A model whose training is one procedure (`tfvae.procedures.Procedure`), in Keras' own words.

    A subclass has `latent`, `condition`, `data_shape`, `label_of(batch)` and `default_procedure`.
    """

    # Set by the package's root: (model, optimizer, objective, jit_compile) -> what a plain `compile`
    # means. The model itself does not know any procedure.
    default_procedure: Callable[..., Any]

    def compile(
        self,
        optimizer=None,
        objective=None,
        procedure=None,
        loss=None,
        metrics=None,
        weighted_metrics=None,
        loss_weights=None,
        run_eagerly=False,
        steps_per_execution=1,
        jit_compile="auto",
        auto_scale_loss=True,
    ):
        """Says how `fit` trains: `compile("adam")` is all weights together on the ELBO.

        Args:
            optimizer: a Keras optimizer or its name, "adam" if not given.
            objective: a `tfvae.objectives.Objective` instead of the ELBO.
            procedure: a `tfvae.procedures.Procedure`, which has an optimizer and an objective of its own.
            run_eagerly: no `tf.function`, for debugging.
            steps_per_execution: steps between two calls of the callbacks.
            jit_compile: forward and backward pass by XLA ("auto": no).
            auto_scale_loss: as of Keras: a `LossScaleOptimizer` around the optimizer under mixed_float16.

        Raises:
            UserError: `loss`, `metrics` and what belongs to them, which compare a prediction with a y that
                a VAE has not; an argument that the procedure has its own of; a subclass with methods that
                are never called.
        """
        comparing = {
            "loss": loss,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
            "loss_weights": loss_weights,
        }
        for name, value in comparing.items():
            if value is not None:
                raise UserError(
                    f"compile({name}=...) compares a prediction with y, and a VAE has no y: give "
                    "objective=tfvae.objectives.Objective({...}); a term of weight 0 is a metric"
                )
        if procedure is not None:
            jit = None if jit_compile in ("auto", False) else jit_compile
            own = {"optimizer": optimizer, "objective": objective, "jit_compile": jit}
            for name, value in own.items():
                if value is not None:
                    raise UserError(
                        f"compile takes a procedure or {name}=..., not both: a procedure has its own"
                    )
        self._refuse_never_called()
        super().compile(
            optimizer=None,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=False,
        )
        plain = None
        if procedure is None:
            jit_compile = jit_compile is True and not run_eagerly
            optimizer = self._optimizer_of(
                "adam" if optimizer is None else optimizer, auto_scale_loss
            )
            make = type(self).default_procedure
            procedure = make(self, optimizer, objective, jit_compile)
            if objective is None:  # what a file can say of the training, as Keras does
                plain = _Plain(optimizer, jit_compile, run_eagerly, steps_per_execution)
        self.procedure, self._plain = procedure, plain
        self._built_for: tuple | None = None
        self._means = _Means()

    @property
    def beside(self) -> str | None:
        """What lies beside x in a batch of `fit`: `label` or `index`; `None` where nobody reads it."""
        if self.condition is not None:
            return self.condition.beside
        procedure = getattr(self, "procedure", None)
        return "label" if procedure is not None and procedure.reads_beside else None

    def _optimizer_of(self, optimizer, auto_scale_loss):
        optimizer = keras.optimizers.get(optimizer)
        scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        if auto_scale_loss and not scaled and self.dtype_policy.name == "mixed_float16":
            return keras.optimizers.LossScaleOptimizer(optimizer)
        return optimizer

    def _refuse_never_called(self) -> None:
        for name in _NEVER_CALLED:
            if getattr(type(self), name) is not getattr(keras.Model, name):
                raise UserError(
                    f"{type(self).__name__} overrides {name}, which a VAE never calls: a procedure drives "
                    "fit: write a tfvae.procedures.Procedure, or a term of the objective"
                )

    @property
    def optimizer(self):
        """The procedure's main optimizer, for callbacks; `None` before `compile`."""
        if self.__dict__.get("_hidden"):
            raise AttributeError(
                "optimizer"
            )  # what walks through the model's attributes shall not save it
        procedure = self.__dict__.get("procedure")
        return None if procedure is None else procedure.optimizer

    @optimizer.setter
    def optimizer(self, optimizer):
        if optimizer is not None:
            raise UserError(
                "a model's optimizer is its procedure's: give another one to compile(...)"
            )

    # ---------------------------------------------------------------- fit

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        class_weight=None,
        sample_weight=None,
        initial_epoch=0,
        steps_per_epoch=None,
        **kwargs,
    ):
        """As `keras.Model.fit`. `loss` is the objective; the history has the means over each epoch.

        What the procedure must hear of, it hears: each validation, and the end of the training.

        Raises:
            UserError: not compiled; `class_weight`; no validation data for a procedure that needs some;
                training that went wrong, with what failed first.
        """
        if not self.compiled:
            raise UserError(
                'compile this model first, as in model.compile("adam"): a file holds how it was trained only '
                "where that was a plain compile"
            )
        if class_weight is not None:
            raise UserError(_CLASSES)
        self.make_train_function()  # the optimizers' slots: Keras would make them for all weights
        callbacks = _listed(callbacks)
        y = self._beside_weights(x, y, sample_weight)
        if isinstance(validation_data, (tuple, list)) and len(validation_data) == 3:
            valid, label, weights = validation_data
            validation_data = (valid, self._beside_weights(valid, label, weights), weights)
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = batches.split(
                x, y, sample_weight, validation_split
            )
        # a callback that measures by itself says so: the stream of its run begins anywhere
        observed = any(getattr(callback, "observes", False) for callback in callbacks)
        if not observed:
            self._take_validation(x, y, validation_data, callbacks)
        if self.procedure.several_batches:
            x, y, sample_weight, steps_per_epoch = batches.endless(
                x, y, sample_weight, batch_size or 32, shuffle, steps_per_epoch, self.procedure
            )
            shuffle, batch_size = False, None
            self.procedure.take_epoch(steps_per_epoch)
        settles = self.procedure.settles and not observed
        if settles and isinstance(x, Iterator):
            raise UserError(
                "the procedure looks at the data once more when the training is done, and a generator "
                "is read once: give fit arrays, a PyDataset or a tf.data.Dataset"
            )
        history = super().fit(
            x,
            y,
            batch_size=batch_size,
            epochs=epochs,
            verbose=verbose,
            callbacks=[*callbacks, self.procedure.attendance(observed)],
            validation_data=validation_data,
            shuffle=shuffle,
            sample_weight=sample_weight,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            **kwargs,
        )
        if settles:
            self.procedure.settle(self.distribute_strategy, batches.epoch(x, y, batch_size or 32))
        return history

    def _take_validation(self, x, y, validation_data, callbacks) -> None:
        """What the procedure looks at besides the batches."""
        procedure = self.procedure
        asks = procedure.asks_validation
        if asks and validation_data is None:
            raise UserError(f"{asks}: give fit validation_data=x_valid, or (x_valid, label)")
        if not asks and not procedure.lacks_examples:
            return
        if validation_data is None:
            warnings.warn(
                "fit has no validation_data: the mutual information that ends aggressive training is that of "
                "the first training examples",
                stacklevel=4,
            )
            validation_data = x if isinstance(x, tf.data.Dataset) else (x, y)
        x, label = batches.examples(validation_data)
        procedure.take_validation(x, label if self.condition is not None else None)
        if procedure.watch is not None:
            callbacks.append(procedure.watch(x, label if self.asks_label else None))

    def _beside_weights(self, x, y, sample_weight):
        """y as it is, or zeros that nobody reads: Keras drops weights that no y stands before."""
        if sample_weight is None or y is not None:
            return y
        if self.beside is not None:
            raise UserError(f"sample_weight needs {self.beside} before it here: give y too")
        return np.zeros([len(x)], np.int32)

    def make_train_function(self, force=False):
        """Hands Keras the procedure's cycle: it takes the iterator and loops around the strategy."""
        trained = tuple(id(v) for v in self.trainable_variables)
        if self.train_function is not None and not force and trained == self._built_for:
            return self.train_function
        if not self.built:
            self.build()
            trained = tuple(id(v) for v in self.trainable_variables)
        cycle = self.procedure.build(self, self.distribute_strategy, run_eagerly=self.run_eagerly)
        self._built_for = trained

        def function(iterator):
            iterator = batches.iterator_of(iterator, self.procedure)
            logs = {}
            for number in range(self.steps_per_execution):
                try:
                    found = cycle(iterator)
                except (StopIteration, tf.errors.OutOfRangeError):
                    if number == 0:
                        raise
                    break  # the data ended within an execution
                logs = {"loss": found["objective"], **found} if "objective" in found else found
                wrong = first_not_finite(logs)
                if wrong is not None:
                    raise NotFinite(int(self.procedure.step.numpy()), wrong)
                self._means.add({name: (value, 1.0) for name, value in logs.items()})
            return logs

        self.train_function = function
        return function

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """As `keras.Model.train_on_batch`: one step; its loss, or by name all that `fit` logs."""
        if class_weight is not None:
            raise UserError(_CLASSES)
        self.make_train_function()
        y = self._beside_weights(x, y, sample_weight)
        found = super().train_on_batch(x, y, sample_weight, return_dict=True)
        return found if return_dict else found["loss"]

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """As `keras.Model.test_on_batch`; in the order of `evaluate`."""
        y = self._beside_weights(x, y, sample_weight)
        found = super().test_on_batch(x, y, sample_weight, return_dict=True)
        return found if return_dict else [found[name] for name in _ORDER if name in found]

    # ---------------------------------------------------------------- evaluate

    def evaluate(
        self,
        x=None,
        y=None,
        batch_size=None,
        verbose="auto",
        sample_weight=None,
        *args,
        return_dict=False,
        **kwargs,
    ):
        """As `keras.Model.evaluate`: `[loss, elbo, distortion, rate]`, or by name; nats, means over examples.

        `loss` is the objective at the step where the training stands; the others are at weight 1. Where
        the rate is conditional on what x chose (`AssociativeLatent`) there is no ELBO: the sum of the two
        is called `conditional_objective`; without a decoder there is neither it nor a distortion. Weighted
        examples count as their weights say.
        """
        y = self._beside_weights(x, y, sample_weight)
        found = super().evaluate(
            x, y, batch_size, verbose, sample_weight, *args, return_dict=True, **kwargs
        )
        if return_dict:
            return found
        return [found[name] for name in _ORDER if name in found]

    def make_test_function(self, force=False):
        """Running means over the examples, exact for a short last batch and for N replicas."""
        if self.test_function is not None and not force:
            return self.test_function
        self.make_train_function()  # the objective may have weights
        strategy = self.distribute_strategy
        whole = "elbo" if self.latent.bound else "conditional_objective"

        def replica(batch, step, at):
            context = tf.distribute.get_replica_context()
            seed = fold(seed_of(_EVALUATION_SEED), step)
            x, label = first(batch), self.label_of(batch)
            draw = self.draw_by(self.procedure.inference, x, seed, label=label)
            weights = batches.sample_weights(batch)
            count = tf.shape(draw.rate)[0]
            sizes = [count, tf.zeros([]) if weights is None else tf.reduce_sum(weights)]
            if context.num_replicas_in_sync > 1:
                sizes = [context.all_reduce("SUM", size) for size in sizes]
            number, total = sizes
            objective, replicas = self.procedure.objective, context.num_replicas_in_sync
            share = None
            if objective is not None:
                share, _ = objective(draw, at, number, replicas, weights, total)
            each = tf.ones([count]) if weights is None else weights
            explained = {}
            if self.decodes:
                explained[whole] = draw.elbo if self.latent.bound else -draw.elbo
                explained["distortion"] = draw.distortion
            values = {
                **explained,
                "rate": tf.reduce_sum(draw.rate, -1),
                **({} if objective is None else objective.measured(draw)),
            }
            own = {name: v if isinstance(v, tuple) else (v, 1.0) for name, v in values.items()}
            sums = {
                name: (tf.reduce_sum(each * v * parts), tf.reduce_sum(each * parts))
                for name, (v, parts) in own.items()
            }
            if share is None:
                share = tf.reduce_sum(-each * draw.elbo) / tf.cast(number, tf.float32)
            return {
                "loss": share,
                "count": tf.cast(count, tf.float32),
                "means": sums,
            }

        def step_on(iterator, step, at):
            sums = strategy.run(replica, (next(iterator), step, at))
            reduced = [strategy.reduce("SUM", v, axis=None) for v in tf.nest.flatten(sums)]
            return tf.nest.pack_sequence_as(sums, reduced)

        compiled = step_on if self.run_eagerly else tf.function(step_on, autograph=False)

        def function(iterator):
            iterator = batches.iterator_of(iterator)
            for number in range(self.steps_per_execution):
                at = self.procedure.step.read_value()
                try:
                    found = compiled(iterator, tf.constant(self._means.steps), at)
                except (StopIteration, tf.errors.OutOfRangeError):
                    if number == 0:
                        raise
                    break
                sums = tf.nest.map_structure(float, found)
                loss, count = sums["loss"], sums["count"]
                self._means.add({"loss": (loss * count, count), **sums["means"]})
            return self._means.result()

        self.test_function = function
        return function

    def get_metrics_result(self):
        """The running means since `reset_metrics`: of an epoch's steps, or of the examples evaluated."""
        return self._means.result()

    def reset_metrics(self):
        """Called by Keras before each epoch and each evaluation."""
        self._means = _Means()
        super().reset_metrics()

    # ---------------------------------------------------------------- files

    def get_compile_config(self):
        """A plain `compile` (an optimizer and nothing else); of any other training a file says nothing."""
        plain = self.__dict__.get("_plain")
        if not self.compiled or plain is None:
            return None
        optimizer = keras.saving.serialize_keras_object(plain.optimizer)
        return {**vars(plain), "optimizer": optimizer}

    def compile_from_config(self, config):
        """Compiles as the saved model was, and makes the slots that the file's state goes into."""
        optimizer = keras.saving.deserialize_keras_object(config["optimizer"])
        self.compile(**{**config, "optimizer": optimizer})
        if self.built:
            self.make_train_function()

    def save(self, *args, **kwargs):
        """As `keras.Model.save`: the model, and the state of a training that was a plain `compile`."""
        with self._hiding(self.__dict__.get("_plain") is None):
            return super().save(*args, **kwargs)

    def save_own_variables(self, store):
        """Besides the parts' weights: the step, and what else the procedure holds."""
        super().save_own_variables(store)
        if not self.__dict__.get("_hidden"):
            for name, variable in self._training_state().items():
                store[_STATE + name] = tf.convert_to_tensor(variable).numpy()

    def load_own_variables(self, store):
        """A training's state is taken by a model that is compiled for the same training."""
        keys = list(store.keys())
        held = {key[len(_STATE) :]: store[key] for key in keys if key.startswith(_STATE)}
        super().load_own_variables({key: store[key] for key in keys if not key.startswith(_STATE)})
        known = self._training_state()
        if not held or not known:
            return
        if {n: v.shape for n, v in held.items()} != {n: tuple(v.shape) for n, v in known.items()}:
            warnings.warn(
                "the weights are loaded; the file's training was of another procedure and is left aside",
                stacklevel=2,
            )
            return
        for name, variable in known.items():
            variable.assign(np.asarray(held[name]))

    def _training_state(self) -> dict[str, Any]:
        """Variables by name: the procedure's state without `optimizer`, which Keras keeps itself."""
        if not self.compiled or self.__dict__.get("_built_for") is None:
            return {}
        main = self.procedure.optimizer
        found = {}
        for name, held in self.procedure.state().items():
            if held is main:
                continue
            variables = getattr(held, "variables", None)
            for number, variable in enumerate([held] if variables is None else variables):
                found[f"{name}.{number}"] = variable
        return found

    @contextlib.contextmanager
    def _hiding(self, hide: bool) -> Iterator[None]:
        self.__dict__["_hidden"] = hide
        try:
            yield
        finally:
            self.__dict__["_hidden"] = False


@dataclasses.dataclass
class _Plain:
    """A `compile` without an objective or a procedure: what a file can hold of it."""

    optimizer: Any
    jit_compile: bool
    run_eagerly: bool
    steps_per_execution: int


class _Means:
    """Running means by name, each with a denominator of its own."""

    def __init__(self):
        self.steps = 0
        self._sums: dict[str, tuple[Any, float]] = {}

    def add(self, found: dict[str, tuple[Any, float]]) -> None:
        """{name: (sum, how many it is the sum of)}."""
        self.steps += 1
        for name, (value, count) in found.items():
            total, number = self._sums.get(name, (0.0, 0.0))
            self._sums[name] = (total + value, number + count)

    def result(self) -> dict[str, float]:
        """{name: mean}; 0 where nothing counted."""
        return {
            name: float(total) / count if count else 0.0
            for name, (total, count) in self._sums.items()
        }


def _listed(callbacks) -> list:
    if callbacks is None:
        return []
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return list(callbacks.callbacks)
    return list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]
