"""What the classifier of a model costs: labels as a target, beside x or instead of it.

    -log q(y|z),   z ~ q(z|x)     nats

Legend: B batch, K labels.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tfvae.checks import UserError
from tfvae.draw import Draw
from tfvae.objectives.label_cost import LabelCost
from tfvae.objectives.parts import Added, TermPart
from tfvae.parts import facts, part, setting
from tfvae.schedules import Constant

__all__ = ["LabelLikelihood"]


class LabelLikelihood(LabelCost):
    """A term: -log q(y|z) of the model's own classifier, [B] nats; 0 where the label is unknown (-1).

    Alemi et al. 2017, for a model without a decoder (the deep variational information bottleneck,
    whose rate has the weight beta); the last term of Kingma et al. 2014, eq. 9, beside a likelihood of x.
    """

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
        self._logits = model.label_logits

    def scores(self, draw: Draw) -> tf.Tensor:
        """log q(y|z), [B, K]."""
        if self._logits is None:
            raise UserError("a LabelLikelihood is built with a model before it is called")
        return tf.nn.log_softmax(tf.cast(self._logits(draw), tf.float32))


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
