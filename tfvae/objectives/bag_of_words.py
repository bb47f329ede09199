"""The bag-of-words term: z alone must know which words there are.

    L_bow = -sum_t log softmax(MLP(z))_{x_t}

Legend: B batch, T time, V vocabulary.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from tfvae.draw import Draw
from tfvae.objectives.parts import Added, TermPart
from tfvae.parts import facts, part, setting

__all__ = ["BagOfWords"]

_PADDING = 0


class BagOfWords:
    """Zhao, Zhao and Eskenazi 2017, eq. 8. A head with weights of its own, trained with the model.

    It belongs to the objective: checkpoints hold it, the model's files do not, and the reported ELBO
    knows nothing of it. Summed over the tokens with their repeats, as the distortion is.

    Args:
        vocabulary_size: V.
        units: of the one tanh layer (published: 400).
    """

    def __init__(self, vocabulary_size: int, units: int = 400):
        self.hidden = keras.layers.Dense(units, "tanh", name="bag_of_words_hidden")
        self.logits = keras.layers.Dense(vocabulary_size, dtype="float32", name="bag_of_words")

    def build(self, model) -> None:
        """Makes the weights for the model's z."""
        if not self.hidden.built:
            width = 1
            for size in model.latent.event_shape:
                width *= size
            self.hidden.build((None, width))
            self.logits.build((None, self.hidden.units))

    @property
    def trainable_variables(self) -> list:
        """The head's weights."""
        return [*self.hidden.trainable_variables, *self.logits.trainable_variables]

    def __call__(self, draw: Draw) -> tf.Tensor:
        """[B] nats."""
        z = tf.reshape(draw.z, [tf.shape(draw.z)[0], self.hidden.kernel.shape[0]])
        log_probs = tf.nn.log_softmax(self.logits(self.hidden(z)))
        tokens = tf.cast(draw.batch, tf.int32)
        chosen = tf.gather(log_probs, tokens, batch_dims=1)
        return -tf.reduce_sum(tf.where(tokens == _PADDING, 0.0, chosen), -1)


@part
class Words(TermPart):
    """z alone must know which words there are (Zhao et al. 2017)."""

    name = "bag_of_words"
    needs = facts("vocabulary z")
    bow_weight: float = setting(1.0, "of the term", low=1e-12)
    bow_units: int = setting(400, "of its hidden layer", low=1, high=65536)

    def make(self, context):
        bag = BagOfWords(context.space.vocabulary_size, self.bow_units)
        return Added({"bag_of_words": (self.bow_weight, bag)})
