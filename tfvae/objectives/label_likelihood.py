"""What the classifier of a model costs: labels as a target, beside x or instead of it.

    -log q(y|z),   z ~ q(z|x)     nats

Legend: B batch, K labels.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tfvae.checks import UserError
from tfvae.draw import Draw
from tfvae.objectives.critic import one_hot
from tfvae.objectives.parts import Added, TermPart
from tfvae.parts import facts, part, setting
from tfvae.schedules import Constant

__all__ = ["LabelLikelihood"]


class LabelLikelihood:
    """A term: -log q(y|z) of the model's own classifier, [B] nats; 0 where the label is unknown (-1).

    Alemi et al. 2017, for a model without a decoder (the deep variational information bottleneck,
    whose rate has the weight beta); the last term of Kingma et al. 2014, eq. 9, beside a likelihood of x.
    """

    needs_label = True

    def __init__(self):
        self._logits: Callable | None = None

    def build(self, model) -> None:
        """Remembers by what a draw of this model is classified.

        Raises:
            UserError: it has no classifier.
        """
        if model.classifier is None:
            raise UserError(
                "a LabelLikelihood needs a model with a classifier: tfvae.VAE(..., classifier="
                "tfvae.networks.Classifier(num_labels))"
            )
        self._logits, self._number = model.label_logits, model.classifier.num_labels

    def _scores(self, draw: Draw) -> tuple[tf.Tensor, tf.Tensor]:
        """(log q(y|z), known labels as one-hot vectors), [B, K]."""
        if self._logits is None:
            raise UserError("a LabelLikelihood is built with a model before it is called")
        hot = one_hot(tf.cast(draw.label, tf.int32), self._number)
        return tf.nn.log_softmax(tf.cast(self._logits(draw), tf.float32)), hot

    def __call__(self, draw: Draw) -> tf.Tensor:
        """[B] nats."""
        scores, hot = self._scores(draw)
        return -tf.reduce_sum(hot * scores, -1)

    def measured(self, draw: Draw) -> dict[str, tf.Tensor]:
        """For `evaluate`: the term, and whether the likeliest label is the right one; each [B]."""
        scores, hot = self._scores(draw)
        right = tf.gather(hot, tf.argmax(scores, -1), batch_dims=1)
        return {"label_distortion": -tf.reduce_sum(hot * scores, -1), "accuracy": right}

    def of_means(self, measured) -> float:
        """As above, of measured data."""
        return measured["label_distortion"]


@part
class Labelled(TermPart):
    """The label's -log q(y|z), from the model's classifier (VIB, semi-supervised models)."""

    name = "label_likelihood"
    needs = facts("labels classifier")
    offers = facts("asked_code taught_classifier")
    label_weight: float = setting(1.0, "of the term", low=1e-12)

    def make(self, context):
        del context
        return Added({"label": (Constant(self.label_weight), LabelLikelihood())})
