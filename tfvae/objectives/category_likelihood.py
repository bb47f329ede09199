"""The first category of the code is to be the label, where it is known.

    -log q(c = y | x)     nats

Legend: B batch, K labels.
"""

from __future__ import annotations

import tensorflow as tf

from tfvae.checks import UserError
from tfvae.distributions import OneHot, SideBySide
from tfvae.draw import Draw
from tfvae.objectives.label_cost import LabelCost
from tfvae.objectives.parts import Added, TermPart
from tfvae.parts import facts, part, setting

__all__ = ["CategoryLikelihood"]


class CategoryLikelihood(LabelCost):
    """A term: -log q(c = y | x) of the first category of z, [B] nats; 0 where the label is unknown (-1).

    alpha log q(y | x) of Esmaeili et al. 2019 for few labels. (The fifth weight of their released objective,
    of E log q(y|x) / p(y), takes the same from the likelihood of labels as it adds: it moves nothing.)
    """

    distortion, accuracy = "category_distortion", "category_accuracy"
    num_labels: int | None = None
    """K, of the model that it is built with."""

    def build(self, model) -> None:
        """Looks at the code.

        Raises:
            UserError: it does not begin with a category; an encoder that is told the label.
        """
        categories = model.latent.categories
        if not categories or categories[0][0] != 0:
            raise UserError("a CategoryLikelihood needs a code that begins with a category")
        if model.asks_label and "encoder" in model.told:
            raise UserError(
                "a CategoryLikelihood asks x for the label, and this encoder is told it: tell it to the "
                "others alone (told=...)"
            )
        self.num_labels = categories[0][1]

    def scores(self, draw: Draw) -> tf.Tensor:
        """log q(c|x), [B, K].

        Raises:
            UserError: z does not begin with a category.
        """
        posterior = draw.posterior
        first = posterior.parts[0] if isinstance(posterior, SideBySide) else posterior
        if not isinstance(first, OneHot):
            raise UserError(
                f"a CategoryLikelihood needs a code that begins with a category, got {type(first).__name__}"
            )
        return first.log_probabilities()


@part
class LabelledCategory(TermPart):
    """-log q(c = y|x) where the label is known: the first category of the code is to be the label."""

    name = "labelled_category"
    needs = facts("labels categories one_vector labels_kept_back")
    offers = facts("asked_code")
    category_weight: float = setting(1.0, "of the term", low=1e-12)

    def make(self, context):
        first = context.point["posterior"].categories[0]
        if first != context.num_labels:
            raise UserError(
                f"terms=labelled_category needs a first category of as many kinds as there are labels "
                f"({context.num_labels}), got categories={first},..."
            )
        return Added({"labelled_category": (self.category_weight, CategoryLikelihood())})
