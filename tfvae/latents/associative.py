"""A latent whose prior is told the code of a similar training example.

Legend: B batch, D latent width.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from tfvae.latents.latent import Inferred, StochasticLatent
from tfvae.randomness import fold

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

    bound = False

    @property
    def num_remembered(self) -> int:
        """N, the rows of the memory."""
        return self.prior.num_examples

    def infer_from(self, posterior, seed, condition=None) -> Inferred:
        z = self.posterior.draw(posterior, seed)
        code = tf.stop_gradient(posterior.mean())
        neighbour = self.prior.neighbour(code, fold(seed, _CHOICE), condition)
        aux = {"code": tf.reshape(code, tf.shape(neighbour)), "neighbour": neighbour}
        if condition is not None:
            aux["index"] = condition
        return Inferred(posterior, z, self.prior.rate(posterior, z, neighbour), aux)

    def rate(self, inferred, condition=None) -> tf.Tensor:
        """The rate of a draw that was made already, with the neighbour that it had, [B, D] nats."""
        del condition
        return self.prior.rate(inferred.posterior, inferred.z, inferred.aux["neighbour"])

    def with_prior(self, prior) -> StochasticLatent:
        """The same posterior under a prior that needs no neighbour: its ELBO is one."""
        return StochasticLatent(self.posterior, prior)

    def sample(self, num: int, seed, condition=None) -> tf.Tensor:
        """Each near some training code, [num, ...]."""
        del condition
        return self.prior.sample(num, seed)
