"""A function of a model as a graph that is traced once for the model, and not at each call."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Hashable

import tensorflow as tf

__all__ = ["graph"]

_KEPT: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def graph(model, function: Callable, *settings: Hashable) -> Callable:
    """`function(model, *settings, ...)` of tensors, compiled; it lives as long as the model does.

    Args:
        model: a `tfvae.VAE`.
        function: of a module, which has a name of its own there.
        *settings: that are no tensors.
    """
    held = _KEPT.setdefault(model, {})
    key = function, *settings
    if key not in held:
        # a graph that held its model would keep both for ever; and TensorFlow counts the traces of a
        # partial for itself, where it would add up those of one function of many models
        of_model = functools.partial(_called, weakref.ref(model), function, settings)
        held[key] = tf.function(of_model, reduce_retracing=True, autograph=False)
    return held[key]


def _called(model, function, settings, *tensors, **named):
    return function(model(), *settings, *tensors, **named)
