"""Signs of bugs of scale, read from a trained model alone.

Legend: N examples, D numbers of z.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae import inputs, metrics
from tfvae.inference import amortised
from tfvae.metrics import Summary
from tfvae.randomness import fold, seed_of

__all__ = ["EffectiveWeight", "clipped_share", "data_spectrum", "effective_weight", "prior_gap"]

tfd = tfp.distributions

_USED = 0.05  # nats: below it a unit says nothing of the weight that it was trained with


class EffectiveWeight(NamedTuple):
    """The weight of the rate at which this encoder would stand still.

    Attributes:
        weight: of the units that are used, together; `None` where none is.
        stderr: over the examples.
        units: how many it was read from.
    """

    weight: float | None
    stderr: float | None
    units: int


def effective_weight(
    model,
    x: np.ndarray,
    num_samples: int = 8,
    batch_size: int = 100,
    seed: int = 0,
    label: np.ndarray | None = None,
) -> EffectiveWeight:
    """beta of the objective that the model was trained with, from the model alone.

    Where distortion + beta rate is at its minimum, so it is along the log-variance s_d of each unit:

        0 = sum_x [ d distortion / d s_d + beta d rate / d s_d ],   d rate / d s_d = (sigma_d^2 - 1) / 2

    (N(0, I) prior; by autodiff for any other). A loss that averages over pixels, or a rate divided by
    the size of the data set, is a weight far from 1 that nobody wrote down. Units that are not used
    tell nothing (0 / 0) and are left out, and so is a scale that is held. With free bits, targets or a
    prior that learns, the weight differs between units, and this is its mean over them.

    Args:
        model: a `tfvae.VAE`; one whose posterior is no diagonal Gaussian tells nothing.
        x: training data (or like it), [N, ...] raw units.
        num_samples: draws of z for each example.
        batch_size: examples at a time.
        seed: equal seeds give equal figures.
        label: [N] of a conditional model.
    """
    if not _learns_scale(model, x[:1], None if label is None else label[:1]):
        return EffectiveWeight(None, None, 0)

    @tf.function(reduce_retracing=True, autograph=False)
    def slopes(batch, told, seed):
        features = model.features(batch, told)
        mean, scale = model.latent.mean_field(features)
        log_variance = 2.0 * tf.math.log(scale)
        of_distortion, of_rate, rate = 0.0, 0.0, 0.0
        for index in range(num_samples):
            with tf.GradientTape(persistent=True) as tape:
                tape.watch(log_variance)
                q = tfd.Independent(
                    tfd.Normal(mean, tf.exp(0.5 * log_variance)), mean.shape.rank - 1
                )
                pass_ = model.passed(fold(seed, index), label=told)
                inferred = model.latent.infer_from(q, pass_)
                distortion = model.score(batch, features, inferred, label=told).distortion
                whole = tf.reduce_sum(inferred.rate, -1)
            of_distortion += tape.gradient(distortion, log_variance)
            of_rate += tape.gradient(whole, log_variance)
        variance = tf.exp(log_variance)
        rate = 0.5 * (tf.square(mean) + variance - log_variance - 1.0)
        rows = [-1, int(np.prod(log_variance.shape[1:]))]
        return [tf.reshape(v, rows) for v in (of_distortion, of_rate, rate)]

    columns = []
    for start in range(0, len(x), batch_size):
        batch = tf.constant(model.likelihood.trim(x[start : start + batch_size]))
        told = None if label is None else tf.constant(np.asarray(label[start : start + batch_size]))
        columns.append([v.numpy() for v in slopes(batch, told, fold(seed_of(seed), start))])
    distortion, rate, nats = (np.concatenate(column).astype(float) for column in zip(*columns))
    used = nats.mean(0) > _USED
    if not used.any():
        return EffectiveWeight(None, None, 0)
    top, bottom = distortion[:, used].sum(1), rate[:, used].sum(1)
    weight = -top.mean() / bottom.mean()
    # of a ratio of means, by linearisation
    error = np.std(top + weight * bottom) / np.sqrt(len(x)) / abs(bottom.mean())
    return EffectiveWeight(float(weight), float(error), int(used.sum()))


def _learns_scale(model, x, label) -> bool:
    """Whether q(z|x) is a diagonal Gaussian whose scale answers to x or to a weight."""
    told = None if label is None else tf.constant(np.asarray(label))
    with tf.GradientTape() as tape:
        features = model.features(tf.constant(model.likelihood.trim(x)), told)
        tape.watch(features)
        gaussian = model.latent.mean_field(features)
        if gaussian is None:
            return False
        scale = tf.reduce_sum(gaussian[1])
    weights = [v.value for v in model.latent.posterior_variables()]
    return any(g is not None for g in tape.gradient(scale, [features, *weights]))


def clipped_share(log_variance: np.ndarray, tolerance: float = 1e-5) -> tuple[float, float | None]:
    """(share of the log-variances that lie exactly at one end of their range, that end).

    A log-variance that is clipped has no gradient: a unit that went there stays. Where all are equal
    (a scale that is held) there is no end, and the share is 0. An end of 0 is no sign: there the
    prior's own variance lies, where units that are not used belong.

    Args:
        log_variance: of q(z|x) over the examples, [N, ...].
        tolerance: how near counts as equal.
    """
    values = np.asarray(log_variance, np.float64).reshape(len(log_variance), -1)
    low, high = values.min(), values.max()
    if high - low <= tolerance:
        return 0.0, None
    found = (0.0, None)
    for end in (low, high):
        at = np.abs(values - end) <= tolerance
        touching = at.any(0)
        # one unit whose scale does not depend on x has to be the widest or the narrowest
        alone = touching.sum() == 1 and values[:, touching].std() <= tolerance
        if abs(end) > tolerance and at.sum() > 1 and not alone and at.mean() > found[0]:
            found = (float(at.mean()), float(end))
    return found


def prior_gap(
    model,
    x: np.ndarray,
    seed: int = 0,
    label=None,
    batch_size: int = 100,
    inference: Callable = amortised,
) -> Summary:
    """What the decoder loses, nats, when z ~ q(z|x) is replaced by a draw of the prior, by pairs."""
    gaps = []

    @tf.function(reduce_retracing=True, autograph=False)
    def one(batch, told, seed):
        draw = inference(model, batch, fold(seed, 0), None, label=told)
        z = model.sample_codes(tf.shape(batch)[0], fold(seed, 1), told)
        other = model.likelihood.log_prob(model.parameters(z, batch, told), batch)
        return draw.log_likelihood - other

    for start in range(0, len(x), batch_size):
        batch = tf.constant(model.likelihood.trim(x[start : start + batch_size]))
        told = None if label is None else tf.constant(np.asarray(label[start : start + batch_size]))
        gaps.append(one(batch, told, fold(seed_of(seed), start)).numpy())
    return metrics.summarise(np.concatenate(gaps))


def data_spectrum(x: np.ndarray, most: int = 2000) -> np.ndarray:
    """Eigenvalues of the data's covariance, the largest first, of `most` examples."""
    some = inputs.some_rows(len(x), most)
    rows = np.asarray(x[some], np.float64).reshape(len(some), -1)
    rows = rows - rows.mean(0)
    return np.linalg.svd(rows, compute_uv=False) ** 2 / len(rows)
