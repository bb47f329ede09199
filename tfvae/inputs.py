"""The one door for data: whatever holds them, they are looked at before a model is.

    array, tensor, list, frame      shape and values, at once
    tf.data.Dataset                 the static shape at once, the values of each batch as it passes
    PyDataset, generator            each batch, before Keras sees it
    other iterables                 the first batch
    inside of a graph               the static shape

Legend: B batch, N examples; x is [B, ...] in the likelihood's raw units.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfvae import checks
from tfvae.checks import UserError

__all__ = ["Gate", "array", "code", "first", "labels", "some_rows", "tensor", "whole"]

_STREAMS = (tf.data.Dataset, keras.utils.PyDataset, Iterator)
_DENSE = (tf.Tensor, tf.Variable)
_REFUSED = re.compile(r"UserError: (.+?)\]?$", re.MULTILINE)


def tensor(model, x) -> tf.Tensor:
    """x as a tensor [B, ...], looked at: inside of a graph its static shape alone.

    Raises:
        UserError: another shape than the model's, or values that its likelihood refuses.
    """
    if isinstance(x, keras.KerasTensor):
        _fitting(model, x.shape)
        return x
    if tf.is_symbolic_tensor(x):
        _fitting(model, x.shape)
        _numbers(x.dtype)
        return _ensured(model, x)
    values = array(model, x)
    return tf.convert_to_tensor(x if isinstance(x, _DENSE) else values)


def array(model, x) -> np.ndarray:
    """x as a NumPy array [N, ...], looked at.

    Raises:
        UserError: as of `tensor`, or what is no array; a model that is no `tfvae.VAE`.
    """
    if not hasattr(model, "likelihood"):
        raise UserError(
            f"a tfvae.VAE is wanted, got {type(model).__name__}; tfvae.foreign(encoder, decoder, x) "
            "makes one of other VAEs"
        )
    values = _values("x", x)
    _fitting(model, values.shape)
    model.likelihood.check(values)
    return values


def labels(model, label, rows: int) -> np.ndarray | None:
    """The label of each of `rows` examples, int32; `None` for a model that asks for none.

    Raises:
        UserError: they are missing, or are no labels of this model.
    """
    if not model.asks_label:
        if label is not None and model.condition is None:
            raise UserError("this model takes no label: it was made without a condition")
        return None
    if label is None:
        raise UserError(f"a conditional model needs a label for each of {rows} examples, got none")
    return np.asarray(model.condition.check(label, rows))


def whole(what: str, given, rows: int | None, low: int, high: int | None = None) -> tf.Tensor:
    """`given` [B] as int32, each from `low` to `high`; an assertion says so inside of a graph.

    Raises:
        UserError: otherwise.
    """
    ends = f"{low} on" if high is None else f"{low} to {high}"
    wanted = f"{what} must be whole numbers from {ends}"
    if not tf.is_symbolic_tensor(given):
        if isinstance(given, tf.Tensor):
            given = given.numpy()
        try:
            given = np.asarray(given)
        except ValueError:  # rows of several lengths
            raise UserError(f"{wanted}, one for each example, got {type(given).__name__}") from None
        return tf.constant(checks.array(what, given, "whole", (rows,), low, high), tf.int32)
    if not (given.dtype.is_integer or given.dtype.is_floating):
        raise UserError(f"{wanted}, got {given.dtype.name}")
    if given.shape.rank not in (None, 1) or not given.shape.is_compatible_with((rows,)):
        raise UserError(f"{wanted}, one for each example, got shape {list(given.shape)}")
    index = tf.cast(given, tf.int32)
    fits = tf.reduce_all(tf.cast(index, given.dtype) == given) & tf.reduce_all(index >= low)
    if high is not None:
        fits &= tf.reduce_all(index <= high)
    with tf.control_dependencies([tf.debugging.Assert(fits, [wanted, given])]):
        return tf.identity(index)


def code(model, z) -> tf.Tensor:
    """z as a floating tensor [B, *event_shape], finite.

    Raises:
        UserError: another shape or type.
    """
    wanted = model.latent.event_shape
    shape, kind, values = _described("z", z)
    text = f"z must be codes [B, {', '.join(map(str, wanted))}]"
    if not _alike(wanted, shape):
        if kind in "ui" and model.latent.codebooks():
            text += " (model.latent.codebook.lookup(indices) makes them of indices)"
        raise UserError(f"{text}, got shape {_listed(shape)}")
    if kind not in "uifV":  # V: bfloat16
        raise UserError(f"{text} of numbers, got another type")
    if values is not None and not np.isfinite(values.astype(np.float32)).all():
        raise UserError(f"{text} of finite numbers, got nan or inf")
    z = tf.convert_to_tensor(values if values is not None and not tf.is_tensor(z) else z)
    return z if z.dtype.is_floating and z.dtype != tf.float64 else tf.cast(z, tf.float32)


def first(batch) -> Any:
    """The data of a batch that may carry labels or sample weights behind it."""
    return batch[0] if isinstance(batch, (tuple, list)) else batch


class Gate:
    """Looks at the data of one call of `fit`, `evaluate` or `predict`, and hands them on to Keras.

    As a context it says in one line what a pipeline refused while it ran.

    Args:
        model: a `tfvae.VAE`.
    """

    def __init__(self, model):
        self.model = model
        self._streams: list[_Stream] = []

    def __enter__(self) -> Gate:
        return self

    def __exit__(self, kind, error, trace) -> None:
        found = _REFUSED.search(error.message) if isinstance(error, tf.errors.OpError) else None
        if found is not None:
            raise UserError(found[1]) from None

    def __call__(self, x, y=None, training: bool = False) -> tuple[Any, Any]:
        """(x, y) for Keras: arrays that were looked at, or a stream that looks at its batches.

        Args:
            x: arrays, or batches x, (x, label) or (x, label, weight).
            y: labels beside arrays.
            training: with the rows of a memory, which only training needs.

        Raises:
            UserError: none at all, or what the model cannot take.
        """
        if isinstance(x, _STREAMS) or _reiterable(x):
            self._streams.append(_Stream(self.model, training))
            return self._streams[-1].over(x), y
        values = array(self.model, x)
        if not len(values):
            raise UserError("x holds no example")
        y = _checked(self.model, y, len(values), training)
        return (x if isinstance(x, tf.Tensor) else values), y

    def validation(self, data) -> Any:
        """The same of `fit(validation_data=...)`."""
        if not isinstance(data, (tuple, list)):
            return self(data)[0]
        return (*self(*data[:2]), *data[2:])

    def refuse_empty(self) -> None:
        """Called after the pass: a stream of unknown length may have held nothing."""
        if any(stream.batches == 0 for stream in self._streams):
            raise UserError("x holds no batch")


class _Stream:
    """One stream of batches, each looked at as it passes; counts them."""

    def __init__(self, model, training: bool):
        self.model, self.training, self.batches = model, training, 0

    def over(self, data) -> Any:
        if isinstance(data, tf.data.Dataset):
            return self._dataset(data)
        if isinstance(data, keras.utils.PyDataset):
            if data.num_batches == 0:
                raise UserError("x holds no batch")
            return _WatchedPyDataset(data, self)
        if isinstance(data, Iterator):
            return self._generator(data)
        self._peek(data)
        return data

    def _dataset(self, data):
        spec = data.element_spec
        x = first(spec)
        if not isinstance(x, tf.TensorSpec):
            raise UserError(f"batches of x must be one dense tensor, got {type(x).__name__}")
        _fitting(self.model, x.shape, batches=True)
        _numbers(x.dtype)
        beside = self.model.label_of(spec, self.training)
        if int(data.cardinality()) == 0:
            raise UserError("x holds no batch")

        @tf.autograph.experimental.do_not_convert
        def look(*batch):
            given = [first(batch)] + ([] if beside is None else [batch[1]])
            # A text and an assertion: an exception of Python is logged with pages of its stack.
            refusal = tf.numpy_function(self._refusal, given, tf.string)
            with tf.control_dependencies([tf.debugging.Assert(refusal == b"", [refusal])]):
                x = _ensured(self.model, tf.identity(first(batch)))
            return (x, *batch[1:]) if isinstance(spec, tuple) else x

        return data.map(look)

    def _refusal(self, x, label=None) -> bytes:
        try:
            self.look((x, label))
        except UserError as error:
            return f"UserError: {error}".encode()
        return b""

    def _generator(self, data):
        for batch in data:
            yield self.look(batch)
        if not self.batches:
            raise UserError("x holds no batch")

    def _peek(self, data) -> None:
        for batch in data:
            replicas = tf.distribute.get_strategy().experimental_local_results
            local = zip(*(replicas(part) for part in _tuple(batch) if part is not None))
            for share in local:
                self.look(share)
            return

    def look(self, batch) -> tuple:
        """The batch as a tuple, looked at.

        Raises:
            UserError: what the model cannot take.
        """
        batch = _tuple(batch)
        values = array(self.model, batch[0])
        if not len(values):
            raise UserError("a batch of x holds no example")
        label = self.model.label_of(batch, self.training)
        if label is not None:
            self.model.check_beside(label, len(values))
        self.batches += 1
        return batch


class _WatchedPyDataset(keras.utils.PyDataset):
    """Somebody's `PyDataset`, its batches looked at."""

    def __init__(self, data: keras.utils.PyDataset, stream: _Stream):
        super().__init__(data.workers, data.use_multiprocessing, data.max_queue_size)
        self._data, self._stream = data, stream

    @property
    def num_batches(self):
        return self._data.num_batches

    def __getitem__(self, index):
        return self._stream.look(self._data[index])

    def on_epoch_begin(self):
        self._data.on_epoch_begin()

    def on_epoch_end(self):
        self._data.on_epoch_end()


def _checked(model, y, rows: int, training: bool) -> Any:
    label = model.label_of((None, y), training)
    if label is None:
        if y is not None and np.shape(y)[:1] != (rows,):
            raise UserError(f"y must have a row for each of {rows} examples, got {np.shape(y)}")
        return y
    return np.asarray(model.check_beside(label, rows))


def _tuple(batch) -> tuple:
    return tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)


def _reiterable(x) -> bool:
    """A loader of batches: not what is an array, or can become one."""
    arrays = (np.ndarray, list, tuple, dict, str, bytes)
    held = isinstance(x, arrays) or tf.is_tensor(x) or hasattr(x, "__array__")
    return isinstance(x, Iterable) and not held


def _values(what: str, given) -> np.ndarray:
    """As a NumPy array."""
    if isinstance(given, keras.Variable):
        given = given.value
    if np.ma.is_masked(given):
        raise UserError(f"{what} must be an array without a mask: what is masked has no likelihood")
    if tf.is_tensor(given) and not isinstance(given, _DENSE):
        raise UserError(f"{what} must be an array, got {type(given).__name__}")
    if isinstance(given, _STREAMS) or _reiterable(given):
        raise UserError(
            f"{what} must be an array here, got {type(given).__name__}: fit, evaluate and predict take it"
        )
    if isinstance(given, _DENSE) and given.dtype == tf.bfloat16:
        given = tf.cast(given, tf.float32)
    try:
        return given if isinstance(given, np.ndarray) else np.asarray(given)
    except (ValueError, TypeError):  # rows of several lengths
        raise UserError(f"{what} must be an array, got {type(given).__name__}") from None


def _described(what: str, given) -> tuple[tuple, str, np.ndarray | None]:
    """(shape, kind of type, values or `None` inside of a graph)."""
    if tf.is_symbolic_tensor(given):
        return given.shape, given.dtype.as_numpy_dtype().dtype.kind, None
    values = _values(what, given)
    return values.shape, values.dtype.kind, values


def _fitting(model, shape, batches: bool = False) -> None:
    """Refuses a static shape [B, ...] that is not the model's."""
    if _alike(model.data_shape, shape):
        return
    wanted = ", ".join("any" if n is None else str(n) for n in model.data_shape)
    hint = (
        "; is the data set batched?" if batches and _alike(model.data_shape, (None, *shape)) else ""
    )
    raise UserError(f"this model takes x of shape [N, {wanted}], got {_listed(shape)}{hint}")


def _numbers(dtype: tf.DType) -> None:
    if not (dtype.is_integer or dtype.is_floating or dtype.is_bool):
        raise UserError(f"x must be numbers, got {dtype.name}")


def some_rows(total: int, number: int | None) -> np.ndarray:
    """Where the rows lie that stand for all `total`: at most `number`, in their order; all if `None`.

    The same for every model and seed, so that figures compare, and drawn: sets are often sorted by
    class, and the first rows would be of one.
    """
    if number is None or number >= total:
        return np.arange(total)
    return np.sort(np.random.default_rng(0).permutation(total)[:number])


def _ensured(model, x) -> tf.Tensor:
    """With the static shape that networks are built on."""
    wanted = tf.TensorShape((None, *model.data_shape))
    return x if x.shape.is_subtype_of(wanted) else tf.ensure_shape(x, wanted)


def _alike(wanted, shape) -> bool:
    if isinstance(shape, tf.TensorShape) and shape.rank is None:
        return True
    return len(shape) == len(wanted) + 1 and all(
        got is None or got == want or (want is None and got > 0)
        for want, got in zip(wanted, tuple(shape)[1:])
    )


def _listed(shape) -> list:
    return [None if n is None else int(n) for n in shape]
