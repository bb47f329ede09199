"""The first category of the code is to be the label, where it is known.

    -log q(c = y | x)     nats

Legend: B batch, K labels.
"""

from __future__ import annotations

import tensorflow as tf

from tfvae.checks import UserError
from tfvae.distributions import OneHot, SideBySide
from tfvae.draw import Draw
from tfvae.objectives.critic import one_hot
from tfvae.objectives.parts import Added, TermPart
from tfvae.parts import facts, part, setting

__all__ = ["CategoryLikelihood"]


class CategoryLikelihood:
    """A term: -log q(c = y | x) of the first category of z, [B] nats; 0 where the label is unknown (-1).

    alpha log q(y | x) of Esmaeili et al. 2019 for few labels. (The fifth weight of their released objective,
    of E log q(y|x) / p(y), takes the same from the likelihood of labels as it adds: it moves nothing.)
    """

    needs_label = True

    def _scores(self, draw: Draw) -> tuple[tf.Tensor, tf.Tensor]:
        """(log q(c|x), known labels as one-hot vectors), [B, K].

        Raises:
            UserError: z does not begin with a category.
        """
        first = (
            draw.posterior.parts[0] if isinstance(draw.posterior, SideBySide) else draw.posterior
        )
        if not isinstance(first, OneHot):
            raise UserError(
                f"a CategoryLikelihood needs a code that begins with a category, got {type(first).__name__}"
            )
        scores = first.log_probabilities()
        return scores, one_hot(tf.cast(draw.label, tf.int32), scores.shape[-1])

    def __call__(self, draw: Draw) -> tf.Tensor:
        """[B] nats."""
        scores, hot = self._scores(draw)
        return -tf.reduce_sum(hot * scores, -1)

    def measured(self, draw: Draw) -> dict[str, tf.Tensor]:
        """For `evaluate`: the term, and whether the likeliest category is the label; each [B]."""
        scores, hot = self._scores(draw)
        right = tf.gather(hot, tf.argmax(scores, -1), batch_dims=1)
        return {"category_distortion": -tf.reduce_sum(hot * scores, -1), "category_accuracy": right}

    def of_means(self, measured) -> float:
        """As above, of measured data."""
        return measured["category_distortion"]


@part
class LabelledCategory(TermPart):
    """-log q(c = y|x) where the label is known: the first category of the code is to be the label."""

    name = "labelled_category"
    needs = facts("labels categories one_vector")
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
