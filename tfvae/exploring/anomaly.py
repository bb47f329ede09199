"""How unlike the training data an example is. All scores are larger for what is stranger.

Legend: N examples, S samples.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tfvae import inputs
from tfvae.checks import UserError, count
from tfvae.diagnosis import inference_gaps
from tfvae.exploring.codes import told
from tfvae.exploring.graphs import graph
from tfvae.randomness import fold, seed_of

__all__ = ["elbo_score", "likelihood_regret", "roc_auc", "typicality"]

_BATCH = 100


def _bounds(model, x, label, seed, number) -> np.ndarray:
    """Of each example the mean of log p(x|z) + log p(z) - log q(z|x) over the draws, [N] nats.

    Unlike a closed form of the rate, this has no noise at all where q is the true posterior.
    """
    x = inputs.array(model, x)
    label = inputs.labels(model, label, len(x))
    if not len(x):
        raise UserError("x holds no example")

    mean = graph(model, _mean_bound, number)
    parts = []
    for begin in range(0, len(x), _BATCH):
        rows = slice(begin, begin + _BATCH)
        batch = tf.constant(model.likelihood.trim(x[rows]))
        parts.append(mean(batch, fold(seed_of(seed), begin), **told(label, rows)).numpy())
    return np.concatenate(parts)


def _mean_bound(model, number, batch, seed, label=None):
    return tf.reduce_mean(model.log_weights(batch, number, seed, label=label), 0)


def elbo_score(model, x, num_samples: int = 16, seed: int = 0, label=None) -> np.ndarray:
    """-ELBO(x), the mean of S draws, [N] nats: how many nats the model needs to say x.

    Args:
        model: a `tfvae.VAE` that trains a bound of log p(x).
        x: [N, ...] raw units.
        num_samples: S.
        seed: equal seeds give equal scores.
        label: [N] of a conditional model.

    Raises:
        UserError: the model has no bound of log p(x).
    """
    inputs.array(model, x)
    if not model.bound:
        raise UserError("a score by the ELBO needs a model with a bound of log p(x)")
    drawn = count("num_samples", num_samples) if model.latent.stochastic else 1
    return -_bounds(model, x, label, seed, drawn)


def likelihood_regret(
    model, x, num_steps: int = 100, num_samples: int = 100, seed: int = 0, label=None
) -> np.ndarray:
    """How much better a posterior made for x alone is than the encoder's; Xiao, Yan and Amit 2020.

        LR(x) = max_q L[q](x) - L[q_encoder](x)    [N] nats

    A model may give a strange x a high likelihood because it is simple; its encoder still never learned
    it. The search is that of `tfvae.diagnosis.inference_gaps`, whose amortisation gap this is.

    Args:
        model: a `tfvae.VAE` with a posterior that can be given for each x anew.
        x: [N, ...] raw units.
        num_steps: of Adam for each x.
        num_samples: draws for each bound.
        seed: equal seeds give equal scores.
        label: [N] of a conditional model.

    Raises:
        UserError: no such posterior.
    """
    each = inference_gaps(
        model, x, num_steps, final_samples=num_samples, seed=seed, label=label
    ).each
    return each["refined_elbo"] - each["elbo"]


def typicality(
    model,
    x,
    reference,
    num_samples: int = 16,
    seed: int = 0,
    label=None,
    reference_label=None,
) -> np.ndarray:
    """|-log p(x) - H|, H the mean of -log p over `reference`, [N] nats; Nalisnick et al. 2019.

    Too likely is strange too: of a high-dimensional density the draws lie where log p is near its mean.
    This is the test of one example at a time (M = 1), with the ELBO for log p.

    Args:
        model, x, num_samples, seed, label: as of `elbo_score`.
        reference: [R, ...] raw units, of the training data.
        reference_label: [R] of a conditional model.
    """
    usual = elbo_score(model, reference, num_samples, seed, reference_label).mean()
    return np.abs(elbo_score(model, x, num_samples, seed, label) - usual)


def roc_auc(usual, strange) -> float:
    """P(score of a strange one > score of a usual one), ties by half: the area under the ROC curve.

    Args:
        usual: scores of what is known.
        strange: scores of what is not.

    Raises:
        UserError: none of either.
    """
    from sklearn.metrics import roc_auc_score

    if not len(usual) or not len(strange):
        raise UserError("a ROC curve needs scores of both kinds")
    truth = np.repeat([0, 1], [len(usual), len(strange)])
    return float(roc_auc_score(truth, np.concatenate([usual, strange])))
