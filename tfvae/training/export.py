"""A model as files: `.keras` for Python, SavedModel for everything else."""

from __future__ import annotations

import contextlib
import inspect
import os
import shutil

import keras
import tensorflow as tf

from tfvae.training.run_directory import room

__all__ = ["export_saved_model", "save_keras"]


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

    Signatures (x is [B, H, W, C] float32 or [B, T] int32 in the data's own units, seed an int32 scalar):
        encode(x)                       the deterministic code [B, ...]; no random operation
        decode(z)                       the image or sentence that z means
        reconstruct(x)                  decode(encode(x))
        sample(num, seed)               draws from the model
        elbo(x, seed)                   [B] nats
        log_prob(x, num_samples, seed)  [B] nats, importance-weighted (exact without a latent)

    Of a latent whose rate makes no bound (`AssociativeLatent`) there are no scores. Of a conditional
    model each takes `label` [B] int32 besides, as its last argument.

    Args:
        model: a built `tfvae.VAE`.
        path: a directory; an older export there is replaced.
    """
    part = f"{path}.part"
    with room(path), _without_cudnn(model):
        try:
            shutil.rmtree(part, ignore_errors=True)
            _archive(model).write_out(part, verbose=False)
            shutil.rmtree(path, ignore_errors=True)
            os.replace(part, path)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _archive(model) -> keras.export.ExportArchive:
    """The endpoints, traced."""
    x = tf.TensorSpec((None, *model.data_shape), model.likelihood.dtype, "x")
    z = tf.TensorSpec((None, *model.latent.event_shape), tf.float32, "z")
    number = {name: tf.TensorSpec((), tf.int32, name) for name in ("num", "seed", "num_samples")}

    def seeded(seed):
        """As `tfvae.randomness.seed_of`, of a tensor: the file draws what the model draws."""
        return tf.stack([seed & 0x7FFFFFFF, tf.bitwise.right_shift(seed, 31) & 0x7FFFFFFF])

    archive = keras.export.ExportArchive()
    archive.track(model)
    scored = [number["num_samples"], number["seed"]]
    for name, call, specs in (
        ("encode", model.encode, [x]),
        ("decode", model.decode, [z]),
        ("reconstruct", model.reconstruct, [x]),
        (
            "sample",
            lambda num, seed, **told: model.sample(num, seeded(seed), **told),
            [number["num"], number["seed"]],
        ),
        ("elbo", lambda x, seed, **told: model.elbo(x, seeded(seed), **told), [x, number["seed"]]),
        (
            "log_prob",
            lambda x, num_samples, seed, **told: model.log_prob(
                x, num_samples, seeded(seed), **told
            ),
            [x, *scored],
        ),
    ):
        if name in ("elbo", "log_prob") and not model.latent.bound:
            continue
        archive.add_endpoint(name, _named(call, specs, model), [*specs, *_label(model)])
    return archive


def _label(model) -> list[tf.TensorSpec]:
    return [tf.TensorSpec((None,), tf.int32, "label")] if model.asks_label else []


def _named(call, specs, model):
    """A function of exactly these arguments, so that the file knows their names."""
    names = [spec.name for spec in (*specs, *_label(model))]
    parameters = [inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD) for n in names]

    def endpoint(*values, **named):
        return call(**dict(zip(names, values)), **named)

    endpoint.__signature__ = inspect.Signature(parameters)
    return endpoint


@contextlib.contextmanager
def _without_cudnn(model):
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
