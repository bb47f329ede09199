"""A latent whose prior is told the code of a similar training example.

Legend: B batch, D latent width.
"""

from __future__ import annotations

import math

import keras
import tensorflow as tf

from tfvae import distributions
from tfvae.checks import UserError, affordable
from tfvae.draw import AtDraw
from tfvae.latents.latent import Inferred
from tfvae.latents.parts import PriorPart
from tfvae.latents.priors.neighbour import NeighbourPrior
from tfvae.latents.stochastic import StochasticLatent
from tfvae.networks import ExampleIndex
from tfvae.parts import facts, part, setting

__all__ = ["AssociativeLatent"]

_CHOICE = 0xACC  # which of the neighbours, apart from the noise of z


@keras.saving.register_keras_serializable(package="tfvae")
class AssociativeLatent(StochasticLatent):
    """rate = KL(q(z|x) || p(z|c')),  c' one of the K nearest codes of other training examples.

    Graves, Menick and van den Oord, Associative Compression Networks, 2018. Data are sent in an
    order in which each follows a similar one, so that a rich code is cheap even beside a strong
    decoder. The model's condition must be an `ExampleIndex`: training excludes an example's own
    code, and a `tfvae.procedures.WriteCodes` keeps the memory up to date.

    distortion + rate is **not** a bound of -log p(x): the choice of c' looks at x. For a fixed
    memory, ln N more is. An honest density needs a prior fitted to the codes (`with_prior`).

    `aux` of a draw holds `code` [B, D] (of q, flat), `neighbour` c' [B, D], and `index` [B] in
    training.

    Args:
        posterior: a layer of `tfvae.latents.posteriors`; the paper's is `FixedScalePosterior` with 1.
        prior: a `NeighbourPrior`.
    """

    @property
    def bound(self) -> bool:
        """No: the choice of c' looks at x."""
        return False

    @property
    def num_remembered(self) -> int:
        """N, the rows of the memory."""
        return self.prior.num_examples

    def memory(self):
        return self.prior.memory

    def infer_from(self, posterior, pass_) -> Inferred:
        z, log_posterior = self.posterior.scored(posterior, pass_.seed)
        code = tf.stop_gradient(self.posterior.code(posterior))
        neighbour = self.prior.neighbour(code, pass_.noise(_CHOICE), pass_.told)
        aux = {"code": tf.reshape(code, tf.shape(neighbour)), "neighbour": neighbour}
        if pass_.told is not None:
            aux["index"] = pass_.told
        near = self.prior.near(neighbour)
        rate = distributions.rate(posterior, near, z, log_posterior)
        at_draw = AtDraw(log_posterior, lambda: near.log_prob(z), rate.is_exact)
        return Inferred(posterior, z, rate.nats, aux, at_draw)

    def rate(self, draw, pass_) -> tf.Tensor:
        """With the neighbour that the draw had, [B, D] nats."""
        del pass_
        near = self.prior.near(draw.aux["neighbour"])
        return distributions.rate(draw.posterior, near, draw.z, draw.at_draw.log_posterior).nats

    def with_prior(self, prior) -> StochasticLatent:
        """The same posterior under a prior that needs no neighbour: its ELBO is one."""
        return StochasticLatent(self.posterior, prior)

    def sample(self, num: int, pass_) -> tf.Tensor:
        """Each near some training code, [num, ...]."""
        return self.prior.sample(num, pass_.seed)


@part
class Neighbour(PriorPart):
    """p(z|c'), c' one of the K nearest codes of the training set (ACN); joint training alone."""

    name = "neighbour"
    needs = facts("density mean_field memory_written usual_batches")
    offers = facts("memory renewable_prior continuous_prior")
    closes = ("condition",)  # which is the row of each example
    brings = {"upkeep": "written_memory"}
    neighbours: int = setting(5, "K", low=1, high=1000)
    own_code: bool = setting(False, "let an example find its own code: only to see the rate vanish")
    memory_size: int | None = setting(
        None, "examples that the memory holds; none: the training split", low=2
    )
    transition_units: int = setting(512, "width of the MLP that makes p(z|c')", low=1, high=65536)
    transition_layers: int = setting(3, "its depth", low=1, high=100)
    transition_components: int = setting(5, "Gaussians of each number of z", low=1, high=500)

    def make(self, context):
        number = self.memory_size or context.num_examples
        if not number:
            raise UserError(
                "prior=neighbour needs a memory as large as the training set: say memory_size=..., and fit "
                "on (x, row of each example)"
            )
        if number < context.num_examples:
            raise UserError(
                f"memory_size={number} is less than the {context.num_examples} training examples"
            )
        affordable(f"memory_size={number}", number * math.prod(context.shape))
        return NeighbourPrior(
            context.shape,
            number,
            self.neighbours,
            self.transition_units,
            self.transition_layers,
            self.transition_components,
            not self.own_code,
        )

    def join(self, posterior, prior):
        return AssociativeLatent(posterior, prior)

    def condition(self, context):
        return ExampleIndex()
