"""Labels that are not known are gone through, each as far as the classifier believes in it.

    known:    log p(x|y) >= L(x, y) = E_q(z|x,y)[log p(x|z, y)] - KL(q(z|x, y) || p(z))
    unknown:  log p(x) >= sum_y q(y|x) L(x, y) - KL(q(y|x) || p(y)),   p(y) = 1 / K     nats

Kingma, Rezende, Mohamed and Welling 2014, eq. 6 and 7. Where the prior alone is told the label, so that
q(z|x) is the same for all y, the classifier may read the draw z, and the second line is a mean over it: of z1
in Louizos, Swersky, Li, Welling and Zemel 2016.

Legend: B batch, G latent groups, K labels.
"""

from __future__ import annotations

import math

import tensorflow as tf

from tfvae.checks import UserError
from tfvae.draw import Draw, Pass
from tfvae.parts import Part, facts, part
from tfvae.randomness import fold

__all__ = ["enumerated"]


def enumerated(model, x, seed, step=None, label=None) -> Draw:
    """The draw of the bound above; the model's classifier is q(y|x) (of features) or q(y|z).

    Its rate has one group more, that of the label: KL(q(y|x) || p(y)) where it is unknown, 0 else. z and
    q(z|x) are those of the label itself, or of the likeliest one. What it costs grows with K.

    Args:
        model: a `tfvae.VAE` that is told labels, with a classifier of features, or of z where its encoder
            is not told.
        x: [B, ...] raw units.
        seed: [2] int32.
        step: of the training; `None` to measure.
        label: [B] int32, -1 where it is unknown; `None`: of none.

    Raises:
        UserError: no such model.
    """
    classifier = model.classifier
    of_features = classifier is not None and classifier.reads == "features"
    of_codes = classifier is not None and not of_features and not model.classifier_asks_label
    if classifier is None or not model.asks_label or not (of_features or of_codes):
        raise UserError(
            "enumerated labels need a model that is told labels, and a classifier of features (or of z, "
            "where the prior alone is told): "
            "VAE(condition=LabelCondition(K), classifier=Classifier(K, reads='features'))"
        )
    number, rows = classifier.num_labels, tf.shape(x)[0]
    label = tf.fill([rows], -1) if label is None else tf.cast(label, tf.int32)

    def given(told, seed):
        pass_ = model.passed(seed, step, step is not None, told)
        features, inferred = model.infer(x, pass_, told)
        return model.score(x, features, inferred, pass_.seed if step is not None else None, told)

    # one z for all labels, where it is the classifier's
    found = [
        given(tf.fill([rows], y), fold(seed, y) if of_features else seed) for y in range(number)
    ]
    if of_features:  # by the noise of the first of them
        logits = model.label_scores(x, Pass(fold(seed, 0), step, step is not None))
    else:
        logits = model.label_logits(found[0])
    scores = tf.nn.log_softmax(tf.cast(logits, tf.float32))
    known = label >= 0
    weights = tf.where(known[:, None], tf.one_hot(label, number), tf.exp(scores))
    surprise = tf.reduce_sum(weights * (scores + math.log(number)), -1)
    of_label = tf.where(known, tf.zeros_like(surprise), surprise)
    rate = tf.einsum("bk,kbg->bg", weights, tf.stack([draw.rate for draw in found]))
    likely = tf.where(known, label, tf.argmax(scores, -1, tf.int32))
    draw = given(likely, fold(seed, number)) if of_features else found[0]
    explained = draw.log_likelihood
    if explained is not None:
        each = tf.stack([one.log_likelihood for one in found], -1)
        explained = tf.reduce_sum(weights * each, -1)
    return draw._replace(
        rate=tf.concat([rate, of_label[:, None]], -1), log_likelihood=explained, label=label
    )


enumerated.refines = False  # the q of a label is the encoder's


@part
class Enumerated(Part):
    """Unknown labels are gone through, weighted by the classifier (M2, Kingma et al. 2014)."""

    place, name = "inference", "enumerated"
    needs = facts("guessed_labels classifier decodes")
    offers = facts("encoder_posterior enumerated_labels")
    withholds = facts("rate_of_the_code")  # the label's is in it

    def make(self, context):
        del context
        return enumerated
