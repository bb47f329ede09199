"""The latent axis: what the code is, and what it costs.

Legend: B batch, G latent groups, S samples, n positions, D latent width.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tfvae.checks import UserError
from tfvae.draw import AtDraw, Pass, repeated

__all__ = ["Inferred", "Latent", "NoLatent", "Proposal"]

Proposal = Callable[[Any, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
"""(S, seed [2]) -> z [S, B, ...] ~ q(z|x), and log p(z) - log q(z|x) at it, [S, B] nats."""


class Inferred(NamedTuple):
    """posterior (or None); z [B, ...]; rate [B, G] nats; aux {name: tensor}; `tfvae.draw.AtDraw`."""

    posterior: Any
    z: tf.Tensor
    rate: tf.Tensor
    aux: dict[str, tf.Tensor]
    at_draw: AtDraw

    def log_ratio(self) -> tf.Tensor:
        """log p(z) - log q(z|x) at the draw, [B] nats."""
        return self.at_draw.log_ratio()

    def beside(self, aux: Mapping[str, tf.Tensor]) -> Inferred:
        """The same with more in `aux`."""
        return self._replace(aux={**self.aux, **aux}) if aux else self


class Latent(keras.layers.Layer):
    """Abstract: features -> a posterior, one draw from it, and its rate.

    A continuous latent is a posterior family and a prior (`StochasticLatent`), a quantiser a codebook
    and a prior over its indices (`DiscreteLatent`), levels of them a `Hierarchy`. Whoever measures asks
    the latent: nobody else looks into a posterior or a prior.
    """

    event_shape: tuple[int, ...]
    """The shape of one z."""

    bound: bool = True
    """Whether distortion + rate is at least -log p(x) in expectation."""

    stochastic: bool = True
    """Whether z is drawn; otherwise one draw says all, and the bound is what there is of log p(x)."""

    confined_to = ""
    """What z is, where it may not be any numbers: `a point on a sphere`."""

    positive = False
    """Whether every number of z is above 0."""

    unit_scale: Any = 1.0
    """The spread of each number of z under the prior, in which `kept` has `mean`."""

    refinable = False
    """Whether q can be given for each example anew: `parameters`, `of`, `parameters_of`, `neutral`,
    `infer_from`, `proposal_from`."""

    posterior_is_known: bool = False
    """Whether q(z|x) has a density of every z, which `log_density` gives."""

    num_remembered: int | None = None
    """How many training examples it remembers, if any."""

    @property
    def prior_asks_label(self) -> bool:
        """Whether p(z) differs with the label that the model is told."""
        return False

    codes_shape: tuple[int, ...] | None = None
    """The shape of the codes of one z, where there are some."""

    committed_rate = None
    """The least rate of each group that the family can have, nats, if there is one."""

    # What gives layers is a method: Keras would file the weights of an attribute under its name too.

    @property
    def free_numbers(self) -> np.ndarray:
        """Which numbers of the flat z may be any, bool [D]."""
        return np.full([math.prod(self.event_shape)], not self.confined_to)

    @property
    def categories(self) -> tuple[tuple[int, int], ...]:
        """(first number, K) of each category in one vector z."""
        if len(self.event_shape) != 1:
            return ()
        starts = np.cumsum([0, *self.unit_widths]).tolist()
        return tuple((start, k) for start, k in zip(starts, self.unit_widths) if k > 1)

    @property
    def unit_widths(self) -> tuple[int, ...]:
        """How many numbers of the flat z each of its units takes: one, or the K of a category."""
        return (1,) * math.prod(self.event_shape)

    def codebooks(self) -> list:
        """Its codebooks, in the order of the codes that `kept` has."""
        return []

    def memory(self):
        """The `CodeMemory` that it reads, if any."""

    def neighbours(self):
        """The `NeighbourPrior` that it has, or began with, if any."""

    def levels(self) -> list[str]:
        """Their names, the top one first, where z is of several."""
        return []

    def upkeep(self) -> list:
        """What no gradient moves of its weights, for every `Update` that moves those that each `follows`.

        Objects as `tfvae.procedures.after.After` has them, with `follows`, variables.
        """
        return []

    def posterior_variables(self) -> list:
        """The trainable weights of q(z|x) that are here and not in the encoder."""
        return []

    def infer(self, features, pass_: Pass) -> Inferred:
        """One draw for each example, with its rate by group.

        Args:
            features: of the encoder; they hold what the encoder is told.
            pass_: the seed, the step, what the prior is told.
        """
        raise NotImplementedError(type(self).__name__)

    def code(self, features, pass_: Pass | None = None) -> tf.Tensor:
        """The deterministic code of each example (the posterior mean), [B, ...]."""
        raise NotImplementedError(type(self).__name__)

    def sample(self, num: int, pass_: Pass) -> tf.Tensor:
        """`num` draws from the prior (given what is told, [num, C]), [num, ...]."""
        raise NotImplementedError(type(self).__name__)

    def proposal(self, features, pass_: Pass) -> Proposal:
        """What importance sampling draws from; what is the same for all draws is made here, once."""

        def propose(num, seed):
            many = pass_.but(seed=seed).repeated(num)
            inferred = self.infer(repeated(features, num), many)
            z = tf.reshape(inferred.z, [num, -1, *self.event_shape])
            return z, tf.reshape(inferred.log_ratio(), [num, -1])

        return propose

    def log_density(self, features, z, pass_: Pass | None = None) -> tf.Tensor:
        """log q(z|x) of any z [B, *event_shape], [B] nats, where `posterior_is_known`."""
        raise NotImplementedError(type(self).__name__)

    def log_prior(self, z, pass_: Pass) -> tf.Tensor:
        """log p(z), [..., *event_shape] -> [...] nats.

        Raises:
            UserError: there is no density of z alone.
        """
        raise UserError(f"a {type(self).__name__} has no density p(z) of codes [B, ...]")

    def log_posterior_held(self, inferred: Inferred, z) -> tf.Tensor:
        """log q(z|x), [B] nats, of which a gradient goes through z alone: what says which q it is is held.

        Args:
            inferred: what was inferred for the same x.
            z: [B, *event_shape], any.

        Raises:
            UserError: q has no density of every z, or z is of several levels.
        """
        raise UserError(
            f"a {type(self).__name__} has no posterior whose density of every z could be held"
        )

    def distribution(self, features, pass_: Pass | None = None) -> Any:
        """q(z|x), or `None` where there is none with a density."""
        del features, pass_

    def mean_field(self, features, pass_: Pass | None = None):
        """(mean, scale) of a diagonal Gaussian q(z|x), [B, ...] each; `None` of any other."""
        del features, pass_

    def rate(self, draw, pass_: Pass) -> tf.Tensor:
        """The rate of a draw (or `Inferred`) that was made already, [B, G] nats."""
        raise NotImplementedError(type(self).__name__)

    def kept(self, draw) -> dict[str, tf.Tensor]:
        """What measuring keeps of each example of a draw (or `Inferred`), {name: [B, ...]}.

            z, log_posterior    the draw, and log q(z|x) at it, nats
            log_prior           log p(z), where distortion + rate is a bound
            mean                E_q[z] or what stands for it, where z is drawn, in units of the prior's spread
            codes_0, ...        [B, n], the indices in each of `codebooks`

        and what `log_aggregate` needs. Of each of `levels` also `level/z`, `level/mean`,
        `level/log_posterior`, `level/log_prior`, and `level/rate`, [B] nats. Rows of several batches may be
        put together.
        """
        del draw
        return {}

    def log_aggregate(
        self, reference: Mapping[str, tf.Tensor], points: Mapping[str, tf.Tensor]
    ) -> tf.Tensor | None:
        """log q(z) of the z of `points`, q(z) = 1/N sum_j q(z|x_j) over `reference`; both are `kept`.

        Returns:
            [M] nats; `None` where q has no density of every z.
        """
        del reference, points

    def between(self, first, last, share) -> tf.Tensor:
        """The codes [..., *event_shape] on the way from one to another.

        Args:
            first, last: codes, [..., *event_shape].
            share: of the way, 0 to 1; broadcasts against them.
        """
        return first * (1.0 - share) + last * share

    def log_aggregates(
        self, reference: Mapping[str, tf.Tensor], points: Mapping[str, tf.Tensor]
    ) -> dict[str, tf.Tensor] | None:
        """log q(z_1, ..., z_l) of `levels` from the top one to each, {level: [M]}; see `log_aggregate`."""
        del reference, points

    def entropy(self, draw) -> tf.Tensor:
        """H(q(z|x)) of a draw (or `Inferred`), [B] nats; 0 where z is not drawn."""
        return tf.zeros([tf.shape(draw.z)[0]])

    def with_prior(self, prior) -> Latent:
        """The same q under another prior.

        Raises:
            UserError: there is no prior that could be another.
        """
        raise UserError(f"a {type(self).__name__} has no prior that could be another")

    def with_posterior(self, posterior) -> Latent:
        """Another q under the same prior.

        Raises:
            UserError: there is no posterior that could be another.
        """
        raise UserError(f"a {type(self).__name__} has no posterior that could be another")


@keras.saving.register_keras_serializable(package="tfvae")
class NoLatent(Latent):
    """No code at all: z has width 0 and the rate has no groups, so -ELBO is the exact NLL."""

    event_shape = (0,)
    stochastic = False

    def build(self, features_shape):
        del features_shape
        self.built = True

    def infer(self, features, pass_) -> Inferred:
        del pass_
        empty = tf.zeros([tf.shape(features)[0], 0], tf.float32)
        nothing = tf.reduce_sum(empty, -1)
        return Inferred(None, empty, empty, {}, AtDraw(lambda: nothing, lambda: nothing, True))

    def code(self, features, pass_=None) -> tf.Tensor:
        del pass_
        return tf.zeros([tf.shape(features)[0], 0], tf.float32)

    def sample(self, num: int, pass_) -> tf.Tensor:
        del pass_
        return tf.zeros([num, 0], tf.float32)
