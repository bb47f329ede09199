"""What a model's classifier says of labels, and what that proves of the code.

    I(Z; Y) >= H(Y) - E[-log q(y|z)],   I(Z; X) <= rate     (Alemi et al. 2017)

Legend: N examples, K labels.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import tensorflow as tf

from tfvae import inputs
from tfvae.checks import array, count
from tfvae.draw import Draw
from tfvae.model import LABEL_DRAWS
from tfvae.randomness import fold, seed_of

__all__ = ["label_figures"]

_AT_ONCE = 500  # examples


def label_figures(
    model, x, label, *, told=None, num_draws: int = LABEL_DRAWS, seed: int = 0
) -> dict[str, Any]:
    """Accuracy by one draw of z and by the mean over several, and in bits what the code holds of y.

    Args:
        model: a `tfvae.VAE` with a classifier.
        x: [N, ...] raw units.
        label: [N], 0 .. K - 1.
        told: [N], what a conditional model is told.
        num_draws: of z.
        seed: equal seeds give equal figures.

    Returns:
        accuracy, accuracy_of_draws; label_distortion: -log q(y|z), nats; of a classifier that reads z also
        label_information_bits: H(Y) less that, where H(Y) is that of these labels; rate_bits.

    Raises:
        UserError: what is no data or label of the model.
    """
    x, number = inputs.array(model, x), count("num_draws", num_draws)
    top = model.classifier.num_labels - 1
    label = array("label", np.asarray(label), "whole", (len(x),), 0, top).astype(np.int64)
    if model.classifier.reads != "z":
        return _of_features(model, x, label)
    told, base = inputs.labels(model, told, len(x)), seed_of(seed)

    @tf.function(reduce_retracing=True, autograph=False)
    def one(batch, known, seed):
        pass_ = model.passed(seed, label=known)
        features = model.features(batch, known, pass_)
        drawn = Draw.of(batch, features, model.latent.infer(features, pass_), None, None)
        logits = tf.cast(model.label_logits(drawn), tf.float32)
        return tf.nn.log_softmax(logits), tf.reduce_sum(drawn.rate, -1)

    scores, several, rate = [], [], []
    for start in range(0, len(x), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        known = None if told is None else tf.constant(told[rows])
        batch, seeds = tf.constant(x[rows]), fold(base, start)
        drawn = [one(batch, known, fold(seeds, i)) for i in range(number)]
        scores.append(drawn[0][0].numpy())
        rate.append(drawn[0][1].numpy())
        several.append(np.mean([np.exp(found.numpy()) for found, _ in drawn], 0))
    found = _scored(np.concatenate(scores), np.concatenate(several), label)
    share = np.bincount(label, minlength=2) / len(label)
    entropy = -sum(p * math.log(p) for p in share if p > 0)
    return {
        **found,
        "label_information_bits": (entropy - found["label_distortion"]) / math.log(2.0),
        "rate_bits": float(np.mean(np.concatenate(rate), dtype=np.float64)) / math.log(2.0),
    }


def _of_features(model, x, label) -> dict[str, Any]:
    """Nothing is drawn."""
    parts = [slice(start, start + _AT_ONCE) for start in range(0, len(x), _AT_ONCE)]
    scores = np.concatenate([tf.nn.log_softmax(model.label_scores(x[rows])) for rows in parts])
    return _scored(scores, scores, label)


def _scored(scores, several, label) -> dict[str, Any]:
    """Of log q(y|z), and of what stands for several draws; each [N, K]."""
    cost = -np.mean(scores[np.arange(len(label)), label], dtype=np.float64)
    return {
        "accuracy": float(np.mean(np.argmax(scores, -1) == label)),
        "accuracy_of_draws": float(np.mean(np.argmax(several, -1) == label)),
        "label_distortion": float(cost),
    }
