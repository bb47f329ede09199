"""What terms share that say of an example which label it has.

Legend: B batch, K labels.
"""

from __future__ import annotations

import tensorflow as tf

from tfvae.draw import Draw
from tfvae.objectives.critic import one_hot

__all__ = ["LabelCost"]


class LabelCost:
    """Abstract, a term: -log q(y|...), [B] nats; 0 of an unknown label (-1). A sub-class says `scores`."""

    needs_label = True
    distortion, accuracy = "label_distortion", "accuracy"
    """What `evaluate` calls the term, and whether the likeliest label is the right one."""

    def scores(self, draw: Draw) -> tf.Tensor:
        """log q(y|...) of each label, [B, K]."""
        raise NotImplementedError(type(self).__name__)

    def _known(self, draw: Draw) -> tuple[tf.Tensor, tf.Tensor]:
        """(`scores`, known labels as one-hot vectors)."""
        scores = self.scores(draw)
        return scores, one_hot(tf.cast(draw.label, tf.int32), scores.shape[-1])

    def __call__(self, draw: Draw) -> tf.Tensor:
        """[B] nats."""
        scores, hot = self._known(draw)
        return -tf.reduce_sum(hot * scores, -1)

    def measured(self, draw: Draw) -> dict[str, tf.Tensor | tuple[tf.Tensor, tf.Tensor]]:
        """For `evaluate`, each [B]; the accuracy is that of the known labels."""
        scores, hot = self._known(draw)
        right = tf.gather(hot, tf.argmax(scores, -1), batch_dims=1)
        cost = -tf.reduce_sum(hot * scores, -1)
        return {self.distortion: cost, self.accuracy: (right, tf.reduce_sum(hot, -1))}

    def of_means(self, measured) -> float:
        """As above, of measured data."""
        return measured[self.distortion]
