"""The aggregate of levels of latents: the z of every point under the posteriors of every example.

    log q(z_1, ..., z_l) = log 1/N sum_j prod_{i <= l} q(z_i | x_j, z_above i),   the top level first

Legend: B batch, F features, M points, N reference examples.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import tensorflow as tf

from tfvae.draw import repeated

__all__ = ["are_vectors", "features_in", "log_aggregates", "named_features"]

_PAIRS = 2**15  # of a point with an example: at a time


def named_features(features) -> dict[str, tf.Tensor]:
    """What is kept of an encoder: `features` of all levels, or `level/features` of each."""
    if not isinstance(features, Mapping):
        return {"features": features}
    return {f"{name}/features": own for name, own in features.items()}


def features_in(names: Iterable[str], held: Mapping[str, tf.Tensor]) -> Any:
    """What `named_features` has written there; `None` where it is not whole."""
    if "features" in held:
        return held["features"]
    found = {name: held.get(f"{name}/features") for name in names}
    return None if any(own is None for own in found.values()) else found


def are_vectors(features) -> bool:
    """[B, F] each: maps of all examples at once are too large to be kept."""
    return all(own.shape.rank == 2 for own in tf.nest.flatten(features))


def log_aggregates(down: Callable, features, z: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    """Of the levels from the top one to each, {level: [M]} nats float32.

    Args:
        down: (features, z) -> (level, log q(z_l | x, z_above) [B]) of one level after the other, for rows of
            features and of z.
        features: of the N examples, [N, F] or {level: [N, F]}.
        z: of the M points, {level: [M, ...]}.
    """
    features, z = (tf.nest.map_structure(tf.convert_to_tensor, each) for each in (features, z))
    number = int(tf.nest.flatten(features)[0].shape[0])
    points = int(tf.nest.flatten(z)[0].shape[0])
    blocks: dict[str, list] = {name: [] for name in z}
    size = max(1, _PAIRS // number)
    for begin in range(0, points, size):
        rows = min(size, points - begin)
        many = {name: tf.repeat(own[begin : begin + rows], number, 0) for name, own in z.items()}
        whole = tf.zeros([rows, number], tf.float64)
        for name, nats in down(repeated(features, rows), many):
            whole += tf.cast(tf.reshape(nats, [rows, number]), tf.float64)
            blocks[name].append(tf.reduce_logsumexp(whole, -1) - math.log(number))
    return {name: tf.cast(tf.concat(own, 0), tf.float32) for name, own in blocks.items()}
