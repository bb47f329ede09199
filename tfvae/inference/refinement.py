"""Stochastic variational inference from a starting point, with gradients through it.

    v_0 = 0;   v_{k+1} = gamma v_k - clip(grad f_k(lambda_k));   lambda_{k+1} = lambda_k + alpha v_{k+1}

Legend: K steps; lambda a list of tensors [B, ...] (mean, log-variance).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from tfvae.checks import one_of
from tfvae.replicas import batch_sum, replica_count

__all__ = ["METHODS", "refine", "refines"]

METHODS = ("exact", "finite_difference")


def refines(inference: Callable) -> bool:
    """Whether the q(z|x) of an inference may be another than the encoder's; one that does not say so may."""
    return getattr(inference, "refines", True)


def refine(
    loss: Callable[[list[tf.Tensor], tf.Tensor], tf.Tensor],
    start: Sequence[tf.Tensor],
    steps: int,
    step_size: float = 1.0,
    momentum: float = 0.5,
    clip_norm: float | None = 5.0,
    method: str = "exact",
    radius: float = 1e-2,
) -> list[tf.Tensor]:
    """lambda_K; Kim, Wiseman, Miller, Sontag and Rush 2018, algorithm 1.

    The clip is of each tensor of the whole global batch, and its factor passes no gradient.

    Args:
        loss: (lambda, k) -> this replica's share of f_k, a scalar; the same noise for the same k.
        start: lambda_0.
        steps: K; 0 gives `start` back.
        step_size: alpha. With f a mean over the batch the step of one example is alpha / B.
        momentum: gamma.
        clip_norm: or `None`.
        method: how gradients come back: `exact` (reverse mode through the loop, memory grows with K)
            or `finite_difference` (algorithm 2 of the paper: Hessian-vector products from central
            differences of gradients; memory of a single step).
        radius: length of the difference's step along the normalised direction.
    """
    one_of("gradient of the refinement", method, METHODS)
    if steps == 0:
        return list(start)
    options = (loss, steps, step_size, momentum, clip_norm)
    if method == "exact":
        return _forward(*options, list(start))[0]
    return _by_differences(*options, radius, list(start))


def _gradient(loss, parameters, index, variables=()):
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        value = loss(parameters, index)
    found = tape.gradient(value, [*parameters, *variables], unconnected_gradients="zero")
    return [tf.convert_to_tensor(g) for g in found]


def _forward(loss, steps, step_size, momentum, clip_norm, start, keep=False):
    """lambda_K, and with `keep` the lambda_0 .. lambda_{K-1} in one array each."""
    kept = [tf.TensorArray(p.dtype, steps, clear_after_read=False) for p in start] if keep else []

    def body(k, parameters, velocity, kept):
        gradients = _gradient(loss, parameters, k)
        kept = [array.write(k, p) for array, p in zip(kept, parameters)]
        velocity = [momentum * v - _factor(g, clip_norm) * g for v, g in zip(velocity, gradients)]
        return k + 1, [p + step_size * v for p, v in zip(parameters, velocity)], velocity, kept

    zeros = [tf.zeros_like(p) for p in start]
    _, refined, _, kept = _repeat(body, (0, list(start), zeros, kept), steps)
    return refined, kept


def _repeat(body, state, steps):
    """`body` for `steps` times; the loop is unrolled where replicas must meet within it."""
    if replica_count() > 1:
        for _ in range(steps):
            state = body(*state)
        return state
    return tf.while_loop(lambda *_: True, body, state, maximum_iterations=steps)


def _by_differences(loss, steps, step_size, momentum, clip_norm, radius, start):
    count = len(start)

    @tf.custom_gradient
    def run(*start):
        refined, kept = _forward(loss, steps, step_size, momentum, clip_norm, start, keep=True)

        def backward(*upstream, variables=None):
            result = _backward(
                loss, steps, step_size, momentum, clip_norm, radius, kept, upstream, variables or ()
            )
            ours, theirs = result[:count], result[count:]
            return (ours, theirs) if variables is not None else ours

        return refined, backward

    return run(*start)


def _backward(
    loss, steps, step_size, momentum, clip_norm, radius, kept, upstream, variables
) -> list[tf.Tensor]:
    """Cotangents of lambda_0, then of the variables, by the loop backwards."""
    count = len(upstream)

    def body(k, adjoint, velocity, weights):
        at = [array.read(k) for array in kept]
        velocity = [v + step_size * a for v, a in zip(velocity, adjoint)]
        plain = _gradient(loss, at, k)
        # the forward clip scaled each gradient by a constant factor: so does its derivative
        scaled = [v * _factor(g, clip_norm) for v, g in zip(velocity, plain)]
        products = _hessian_product(loss, at, k, scaled, radius, variables)
        adjoint = [a - p for a, p in zip(adjoint, products[:count])]
        weights = [w - p for w, p in zip(weights, products[count:])]
        return k - 1, adjoint, [momentum * v for v in velocity], weights

    zeros = [tf.zeros_like(u) for u in upstream]
    weights = [tf.zeros(v.shape, v.dtype) for v in variables]
    _, adjoint, _, weights = _repeat(body, (steps - 1, list(upstream), zeros, weights), steps)
    return [*adjoint, *weights]


def _factor(gradient, clip_norm):
    if clip_norm is None:
        return tf.ones([], gradient.dtype)
    norm = tf.sqrt(tf.reduce_sum(batch_sum(tf.square(gradient))))
    return clip_norm / tf.maximum(norm, clip_norm)


def _hessian_product(loss, at, k, direction, radius, variables):
    """d/dr grad f(lambda + r direction) at r = 0, of lambda and of the variables."""
    squares = [tf.reduce_sum(batch_sum(tf.square(d))) for d in direction]
    length = tf.sqrt(tf.add_n(squares))
    r = tf.cast(radius, length.dtype) / tf.maximum(length, 1e-20)
    ahead = _gradient(loss, [p + r * d for p, d in zip(at, direction)], k, variables)
    behind = _gradient(loss, [p - r * d for p, d in zip(at, direction)], k, variables)
    return [(a - b) / (2.0 * r) for a, b in zip(ahead, behind)]
