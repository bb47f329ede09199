"""A model's endpoints as files that other runtimes read: ONNX, and LiteRT (TensorFlow Lite).

Each of encode(x) -> code, decode(z) -> x and reconstruct(x) -> new_x of `tfvae.training.export` is a file of
its own; it is run by its runtime, and compared with the model, before it is kept.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from tfvae.checks import UserError, one_line
from tfvae.training.export import endpoint, served, without_cudnn
from tfvae.training.run_directory import write_atomically

__all__ = ["ENDPOINTS", "FORMATS", "export_format"]

ENDPOINTS = ("encode", "decode", "reconstruct")
_EXAMPLES = 3
_TOLERANCE = 1e-3  # of the largest number of an output: what float32 in another order may differ by


def export_format(model, format: str, path: str) -> dict[str, float]:
    """Writes `path`/encode.EXT, decode.EXT and reconstruct.EXT; of a model without decoder encode alone.

    Args:
        model: a built `tfvae.VAE` that is told no labels or is; label [B] int32 is then an input.
        format: of `FORMATS`.
        path: a directory; files of these names there are replaced.

    Returns:
        {endpoint: the largest difference to the model, in the units of its output}.

    Raises:
        UserError: the format's packages are missing, it has no such operation, or its runtime computes
            something else. Nothing is written then.
    """
    ending, convert, run = FORMATS[format]
    made, differences = {}, {}
    with without_cudnn(model):
        module, signatures = served(model)
        for name in (n for n in ENDPOINTS if n in signatures):
            function = _distinct(signatures[name])
            with _refusals(format, name):
                made[name] = convert(function, module.weights)
            given = _inputs(function)
            wanted = next(iter(function(**given).values())).numpy()
            with _refusals(format, name):
                got = run(made[name], {k: v.numpy() for k, v in given.items()})
            differences[name] = _difference(format, name, got, wanted)
    for name, data in made.items():
        write_atomically(os.path.join(path, f"{name}.{ending}"), data)
    return differences


def _distinct(function):
    """The same with another name for an output that is named as an input is, which ONNX refuses."""
    specs = function.input_signature
    (output,) = function.get_concrete_function().structured_outputs
    if output not in [spec.name for spec in specs]:
        return function

    def renamed(**given):
        return {f"new_{output}": function(**given)[output]}

    return tf.function(endpoint(specs, renamed), input_signature=specs, autograph=False)


def _inputs(function) -> dict[str, tf.Tensor]:
    """Some numbers of the right kind: real ones within [0, 1], whole ones 0 and 1."""
    random = np.random.default_rng(0)
    found = {}
    for spec in function.input_signature:
        shape = [_EXAMPLES if size is None else size for size in spec.shape]
        drawn = (
            random.uniform(size=shape) if spec.dtype.is_floating else random.integers(2, size=shape)
        )
        found[spec.name] = tf.constant(drawn, spec.dtype)
    return found


def _difference(format: str, name: str, got: np.ndarray, wanted: np.ndarray) -> float:
    if got.shape != wanted.shape:
        raise UserError(f"{format} of {name} gives {got.shape}, and the model {wanted.shape}")
    difference = float(np.max(np.abs(got.astype(np.float64) - wanted), initial=0.0))
    if not difference <= _TOLERANCE * max(1.0, float(np.max(np.abs(wanted), initial=0.0))):
        raise UserError(
            f"{format} of {name} computes something else: it differs by {difference:.3g}"
        )
    return difference


@contextlib.contextmanager
def _refusals(format: str, name: str) -> Iterator[None]:
    """What a converter or a runtime says, in one line; they raise nearly every kind there is."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # the same again, in many lines
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        named = _operations(str(error))
        what = f"it stops at operation {named}" if named else one_line(str(error), 200)
        raise UserError(f"{name} cannot be written as {format}: {what}") from error
    finally:
        logging.disable(before)


_NAMING = (
    r"'tf\.([A-Z]\w+)' op",  # LiteRT's converter
    r'In Node, \("[^"]*", ([A-Z]\w+)',  # ONNX Runtime
    r"(?:op|[Oo]p type|operator|Op) *[\[`':(]* *(?:tf\.)?([A-Z]\w+)",
)


def _operations(said: str) -> str:
    """Those that a converter or a runtime names; "" if it names none."""
    found = (re.findall(pattern, said) for pattern in _NAMING)
    return ", ".join(dict.fromkeys(next((names for names in found if names), [])))


def _module(name: str, extra: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UserError(f"{name} is not installed: pip install 'tfvae[{extra}]'") from error


# ------------------------------------------------------------------ ONNX


def _to_onnx(function, weights) -> bytes:
    del weights
    convert = _module("tf2onnx.convert", "onnx")
    proto, _ = convert.from_function(function, function.input_signature, opset=17)
    return proto.SerializeToString()


def _run_onnx(data: bytes, given: dict[str, np.ndarray]) -> np.ndarray:
    runtime = _module("onnxruntime", "onnx")
    session = runtime.InferenceSession(data, providers=["CPUExecutionProvider"])
    return session.run(None, given)[0]


# ------------------------------------------------------------------ LiteRT


def _to_litert(function, weights) -> bytes:
    holder = tf.Module()
    holder.weights = weights
    concrete = function.get_concrete_function()
    return tf.lite.TFLiteConverter.from_concrete_functions([concrete], holder).convert()


def _run_litert(data: bytes, given: dict[str, np.ndarray]) -> np.ndarray:
    interpreter = _module("ai_edge_litert.interpreter", "litert").Interpreter(model_content=data)
    runner = interpreter.get_signature_runner()
    return next(iter(runner(**given).values()))


FORMATS: dict[str, tuple[str, Callable[..., bytes], Callable[..., np.ndarray]]] = {
    "onnx": ("onnx", _to_onnx, _run_onnx),
    "litert": ("tflite", _to_litert, _run_litert),
}
"""{format: (ending of its files, (function, weights) -> bytes, (bytes, inputs) -> output)}."""
