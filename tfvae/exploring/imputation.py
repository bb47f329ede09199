"""Missing parts of x, drawn given the others.

Legend: N examples, S draws of each.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfvae import inputs
from tfvae.checks import UserError, count, one_of
from tfvae.exploring.graphs import graph
from tfvae.randomness import fold, seed_of

__all__ = ["METHODS", "Imputed", "impute"]

METHODS = ("metropolis", "pseudo_gibbs")
_Z, _X, _CHOICE, _FIRST = 0, 1, 2, 3


class Imputed(NamedTuple):
    """mean: of the draws, [N, ...] float32; draws: [S, N, ...] raw units; accepted: share taken."""

    mean: np.ndarray
    draws: np.ndarray
    accepted: float


def impute(
    model,
    x,
    missing,
    steps: int = 200,
    draws: int = 20,
    method: str = "metropolis",
    seed: int = 0,
    label=None,
) -> Imputed:
    """Draws x_missing ~ p(x_missing | x_observed) by a Markov chain for each example.

        z' ~ q(z|x),   x_missing ~ p(x_missing|z)

    `pseudo_gibbs` takes every z' (Rezende, Mohamed and Wierstra 2014, appendix F): right only where q is
    the true posterior. `metropolis` takes it with probability

        min(1, p(x|z') p(z') q(z|x) / (p(x|z) p(z) q(z'|x)))

    (Mattei and Frellsen 2018), and keeps z otherwise: right for any q that is nowhere zero.

    Args:
        model: a `tfvae.VAE` whose parts of x are independent given z.
        x: [N, ...] raw units; what stands at missing places is not read.
        missing: of the shape of x (or of one x): True where x is to be drawn.
        steps: of the chain.
        draws: S, the last ones of the chain that are kept.
        method: `metropolis` or `pseudo_gibbs`.
        seed: equal seeds give equal draws.
        label: [N] of a conditional model.

    Raises:
        UserError: a decoder that reads x, a z without a density q(z|x) or p(z) (`metropolis`), `missing`
            of another shape.
    """
    one_of("imputation", method, METHODS)
    if count("draws", draws) > count("steps", steps):
        raise UserError(f"draws must be at most steps, {steps}, got {draws}")
    x = np.asarray(x)
    missing = _missing(missing, x)
    x = inputs.array(model, np.where(missing, np.zeros([], x.dtype), x))
    if not len(x):
        raise UserError("x holds no example")
    _check(model, method)
    label = inputs.labels(model, label, len(x))
    told = {} if label is None else {"label": tf.constant(label)}
    x, missing = tf.constant(x), tf.constant(missing)
    next_of = graph(model, _step, method == "metropolis")
    base = fold(seed_of(seed), _FIRST)
    now = tf.where(missing, tf.cast(model.sample(len(x), base, **told), x.dtype), x)
    z = graph(model, _proposed)(now, base, **told)
    kept, accepted = [], []
    for step in range(steps):
        now, z, taken = next_of(now, z, x, missing, fold(seed_of(seed), step), **told)
        accepted.append(float(taken))
        if step >= steps - draws:
            kept.append(now.numpy())
    found = np.stack(kept)
    return Imputed(
        found.mean(0, dtype=np.float64).astype(np.float32), found, float(np.mean(accepted))
    )


def _missing(missing, x) -> np.ndarray:
    found = np.asarray(missing)
    if found.dtype != bool:
        raise UserError(f"missing must be True and False, got {found.dtype.name}")
    if found.shape not in (x.shape, x.shape[1:]):
        raise UserError(
            f"missing must be of the shape of x, {list(x.shape)}, got {list(found.shape)}"
        )
    return np.broadcast_to(found, x.shape)


def _check(model, method: str) -> None:
    if not model.decodes or not model.decoder.factorised:
        raise UserError(
            "imputation needs a decoder that does not read x: this one makes each part of x from those "
            "before it"
        )
    if method == "metropolis" and not model.latent.posterior_is_known:
        raise UserError(
            "metropolis needs a density q(z|x) of every z, and this latent has none; "
            "method='pseudo_gibbs' needs none, and is right only as far as q is"
        )


def _proposed(model, now, seed, label=None):
    """z' ~ q(z|x)."""
    return model.draw(now, seed, label=label).z


def _log_target(model, now, z, label):
    """log p(x|z) + log p(z) - log q(z|x), [N] nats."""
    pass_ = model.passed(0, label=label)
    features = model.features(now, label, pass_)
    log_q = model.latent.log_density(features, z, pass_)
    parameters = model.parameters(z, now, label)
    return model.likelihood.log_prob(parameters, now) + model.log_prior(z, label=label) - log_q


def _step(model, exact: bool, now, z, x, missing, seed, label=None):
    """The next x and z of the chain, and the share of the z' that were taken."""
    rows = tf.shape(x)[0]
    other, taken = _proposed(model, now, fold(seed, _Z), label), tf.ones([rows], tf.bool)
    if exact:
        log_ratio = _log_target(model, now, other, label) - _log_target(model, now, z, label)
        noise = tf.random.stateless_uniform([rows], fold(seed, _CHOICE))
        taken = tf.math.log(noise) < log_ratio
    z = tf.where(tf.reshape(taken, [-1, *[1] * (len(z.shape) - 1)]), other, z)
    drawn = tf.cast(model.sample(seed=fold(seed, _X), z=z, label=label), x.dtype)
    return tf.where(missing, drawn, x), z, tf.reduce_mean(tf.cast(taken, tf.float32))
