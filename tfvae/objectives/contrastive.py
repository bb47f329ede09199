"""A bound on the information in the code: each z must tell its own x from the others of the batch.

    I(x; z) >= mean_i [ s(x_i, z_i) - log 1/M sum_j exp s(x_j, z_i) ] <= ln M

Legend: M global batch, D latent numbers, W width of an embedding.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfvae.checks import count
from tfvae.draw import Draw
from tfvae.objectives.aggregate import all_gaussians, all_rows
from tfvae.objectives.critic import Critic
from tfvae.objectives.parts import Added, TermPart
from tfvae.parts import ON, facts, part, setting

__all__ = ["ContrastiveBound", "EmbeddingScores", "contrastive_bound", "posterior_scores"]


def contrastive_bound(scores) -> tf.Tensor:
    """mean_i [ s_ii - logsumexp_j s_ij ] + ln M, a scalar, nats (InfoNCE; van den Oord et al. 2018).

    Args:
        scores: [M, M], s_ij = s(x_j, z_i).
    """
    scores = tf.convert_to_tensor(scores)
    number = tf.cast(tf.shape(scores)[0], scores.dtype)
    own = tf.linalg.diag_part(scores) - tf.reduce_logsumexp(scores, -1)
    return tf.reduce_mean(own) + tf.math.log(number)


def posterior_scores(draw: Draw) -> tf.Tensor:
    """s(x_j, z_i) = log q(z_i|x_j), [M, M] nats: the best critic there is, where q is known.

    Raises:
        UserError: a posterior that is not a diagonal Gaussian.
    """
    z, (loc, scale) = all_rows(draw.z), all_gaussians(draw, "the posterior as a critic")
    away = tf.square((z[:, None] - loc) / scale)
    return tf.reduce_sum(-0.5 * (away + np.log(2.0 * np.pi)) - tf.math.log(scale), -1)


class EmbeddingScores:
    """s(x_j, z_i) = f(h(x_j)) . g(z_i) / sqrt(W), f and g networks of the term's own, h the encoder.

    They are trained with the model. Checkpoints hold them, the model's files do not.

    Args:
        units: of the hidden layers of f and of g.
        width: W.
    """

    def __init__(self, units: Sequence[int] = (256,), width: int = 64):
        self.width = count("width of an embedding", width)
        self.of_x = Critic(units, self.width, ("features",))
        self.of_z = Critic(units, self.width, ("z",))

    def build(self, model) -> None:
        """Makes the weights for the model's features and codes."""
        self.of_x.build(model)
        self.of_z.build(model)

    @property
    def trainable_variables(self) -> list:
        """Of both networks."""
        return [*self.of_x.trainable_variables, *self.of_z.trainable_variables]

    def __call__(self, draw: Draw) -> tf.Tensor:
        """[M, M]."""
        x, z = all_rows(self.of_x(draw)), all_rows(self.of_z(draw))
        return tf.matmul(z, x, transpose_b=True) / self.width**0.5


class ContrastiveBound:
    """A term: minus the bound on I(x; z), scalar, of the whole global batch, nats; at least -ln M.

    Menon, Blei and Vondrick 2022 add it to the ELBO against the collapse.

    Args:
        scores: `posterior_scores`, or an `EmbeddingScores`.
    """

    def __init__(self, scores=posterior_scores):
        self.scores = scores

    def build(self, model) -> None:
        """Of the scores, if they have weights."""
        if hasattr(self.scores, "build"):
            self.scores.build(model)

    @property
    def trainable_variables(self) -> list:
        """Of the scores."""
        return getattr(self.scores, "trainable_variables", [])

    def __call__(self, draw: Draw) -> tf.Tensor:
        return -contrastive_bound(self.scores(draw))


@part
class ContrastiveCritic(TermPart):
    """Each z must tell its x from the others of the batch: a bound on I(x; z) (contrastive critics)."""

    name = "contrastive"
    needs = facts("z pairs")
    offers = facts("asked_code")
    contrastive_weight: float = setting(1.0, "of the bound", low=1e-12)
    contrastive_scores: str = setting(
        "posterior",
        "posterior: log q(z|x) itself; network: a product of embeddings of x and of z, which are learned",
        choices=("posterior", "network"),
    )
    contrastive_layers: int = setting(
        1, "hidden layers of each", low=0, high=20, of={"contrastive_scores": ("network",)}
    )
    contrastive_units: int = setting(
        256,
        "their width",
        low=1,
        high=65536,
        of={"contrastive_scores": ("network",), "contrastive_layers": ON},
    )
    contrastive_width: int = setting(
        64, "of the embeddings", low=1, high=65536, of={"contrastive_scores": ("network",)}
    )

    def needed(self):
        return self.needs | facts("mean_field" if self.contrastive_scores == "posterior" else "")

    def make(self, context):
        scores = posterior_scores
        if self.contrastive_scores == "network":
            scores = EmbeddingScores(
                [self.contrastive_units] * self.contrastive_layers, self.contrastive_width
            )
        return Added({"contrastive": (self.contrastive_weight, ContrastiveBound(scores))})
