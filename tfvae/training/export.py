"""A model as files: `.keras` for Python, SavedModel for everything else."""

from __future__ import annotations

import contextlib
import inspect
import os
import shutil

import keras
import tensorflow as tf

from tfvae.checks import UserError
from tfvae.training.run_directory import room

__all__ = ["endpoint", "export_saved_model", "save_keras", "served", "without_cudnn"]


def save_keras(model, path: str) -> None:
    """Writes `model` to `path`, at once or not at all."""
    part = f"{path}.part.keras"
    with room(path):
        try:
            model.save(part)
            os.replace(part, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.remove(part)


def export_saved_model(model, path: str) -> None:
    """Writes a SavedModel that loads with TensorFlow alone.

    Signatures (x is [B, ...] float32, or [B, T] int32 of text, in the data's own units; seed an int32
    scalar) and their outputs:
        encode(x)                       code      the deterministic code [B, ...]; no random operation
        decode(z)                       x         the image or sentence that z means
        reconstruct(x)                  x         decode(encode(x))
        sample(num, seed)               x         draws from the model
        elbo(x, seed)                   elbo      [B] nats
        log_prob(x, num_samples, seed)  log_prob  [B] nats, importance-weighted (exact without a latent)
        classify(x, seed)               probabilities  [B, K] of the labels, where there is a classifier

    `serving_default` is `encode`. The loaded object has them as methods too, which return the tensor.
    Of a latent whose rate makes no bound (`AssociativeLatent`) there are no scores, and of a model without a
    decoder there are `encode` and `classify` alone. Of a conditional
    model each takes `label` [B] int32 besides, as its last argument.

    Args:
        model: a built `tfvae.VAE`.
        path: a directory; an older export there is replaced.

    Raises:
        UserError: something else is there.
    """
    older = os.path.isfile(os.path.join(path, "saved_model.pb"))
    if os.path.lexists(path) and not older and not _is_empty(path):
        raise UserError(f"{path} is no older export, and is not replaced: name another directory")
    part = f"{path}.part"
    with room(path), without_cudnn(model):
        try:
            shutil.rmtree(part, ignore_errors=True)
            module, signatures = served(model)
            tf.saved_model.save(module, part, signatures)
            shutil.rmtree(path, ignore_errors=True)
            os.replace(part, path)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _is_empty(path: str) -> bool:
    return os.path.isdir(path) and not os.listdir(path)


def served(model) -> tuple[tf.Module, dict]:
    """(what is saved, its signatures): methods give a tensor, signatures name it."""
    x = tf.TensorSpec((None, *model.data_shape), model.likelihood.dtype, "x")
    z = tf.TensorSpec((None, *model.latent.event_shape), tf.float32, "z")
    number = {name: tf.TensorSpec((), tf.int32, name) for name in ("num", "seed", "num_samples")}

    def seeded(seed):
        """As `tfvae.randomness.seed_of`, of a tensor: the file draws what the model draws."""
        return tf.stack([seed & 0x7FFFFFFF, tf.bitwise.right_shift(seed, 31) & 0x7FFFFFFF])

    module, signatures = tf.Module(), {}
    module.weights = [variable.value for variable in model.variables]
    scored = [number["num_samples"], number["seed"]]
    for name, output, call, specs in (
        ("encode", "code", model.encode, [x]),
        ("decode", "x", model.decode, [z]),
        ("reconstruct", "x", model.reconstruct, [x]),
        (
            "sample",
            "x",
            lambda num, seed, **told: model.sample(num, seeded(seed), **told),
            [number["num"], number["seed"]],
        ),
        (
            "elbo",
            "elbo",
            lambda x, seed, **told: model.elbo(x, seeded(seed), **told),
            [x, number["seed"]],
        ),
        (
            "log_prob",
            "log_prob",
            lambda x, num_samples, seed, **told: model.log_prob(
                x, num_samples, seeded(seed), **told
            ),
            [x, *scored],
        ),
        (
            "classify",
            "probabilities",
            lambda x, seed, **told: model.label_probabilities(x, seed=seeded(seed), **told),
            [x, number["seed"]],
        ),
    ):
        if name == "classify" and model.classifier is None:
            continue
        if name in ("elbo", "log_prob") and not model.bound:
            continue
        if name not in ("encode", "classify") and not model.decodes:
            continue
        if name != "classify" or model.classifier_asks_label:
            specs = [*specs, *_label(model)]
        method = tf.function(endpoint(specs, call), input_signature=specs, autograph=False)
        setattr(module, name, method)
        signatures[name] = tf.function(
            endpoint(
                specs,
                lambda *given, method=method, output=output, **named: {
                    output: method(*given, **named)
                },
            ),
            input_signature=specs,
            autograph=False,
        )
    signatures["serving_default"] = signatures["encode"]
    return module, signatures


def _label(model) -> list[tf.TensorSpec]:
    return [tf.TensorSpec((None,), tf.int32, "label")] if model.asks_label else []


def endpoint(specs, call):
    """A function of exactly these arguments, so that the file knows their names."""
    names = [spec.name for spec in specs]
    parameters = [inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD) for n in names]

    def function(*values, **named):
        return call(**dict(zip(names, values)), **named)

    function.__signature__ = inspect.Signature(parameters)
    return function


@contextlib.contextmanager
def without_cudnn(model):
    """Traces LSTMs as plain operations: cuDNN's cannot be loaded where there is no GPU."""
    layers = [x for x in model._flatten_layers() if isinstance(x, keras.layers.LSTM)]
    before = [layer.use_cudnn for layer in layers]
    try:
        for layer in layers:
            layer.use_cudnn = False
        yield
    finally:
        for layer, value in zip(layers, before):
            layer.use_cudnn = value
