"""A second VAE, over the codes of the first."""

from __future__ import annotations

import math

import keras
import numpy as np
import tensorflow as tf

from tfvae.checks import affordable_layers, count
from tfvae.exploring.samplers import fitting
from tfvae.exploring.samplers.sampler import Sampler, Scale, flat_draws
from tfvae.latents import GaussianPosterior, StandardNormalPrior, StochasticLatent
from tfvae.likelihoods import Gaussian
from tfvae.model import VAE
from tfvae.networks import FactorisedDecoder, MLPEncoder, MLPImage, SharedVariance
from tfvae.objectives import elbo
from tfvae.procedures import Joint, Update
from tfvae.randomness import initial_weights

__all__ = ["TwoStageSampler", "fit_two_stage"]

_FIRST_VARIANCE = 0.05
_DRAWS = 100  # of the second code, for a bound of log p(z)


class TwoStageSampler(Sampler):
    """u ~ N(0, I),  z ~ N(m(u), v I): the second stage's draws, in units of each number's spread.

    `log_prob` is the importance-weighted bound of 100 draws of u: at most the log density, in expectation.

    Args:
        model: a `tfvae.VAE`.
        second: a `tfvae.VAE` of the flat scaled codes.
        scale: of the codes.
    """

    def __init__(self, model, second: VAE, scale: Scale):
        super().__init__(model)
        self.second, self.scale = second, scale

    def _codes(self, number, seed):
        return self.scale.back(self.second.sample(number, seed).numpy())

    def _log_prob(self, flat):
        rows = np.array_split(self.scale.to(flat), -(-len(flat) // 1000))
        found = [self.second.log_prob(tf.constant(each), _DRAWS).numpy() for each in rows]
        return np.concatenate(found) + self.scale.log_det


def fit_two_stage(
    model,
    x,
    units: int = 128,
    steps: int = 2000,
    learning_rate: float = 1e-3,
    seed: int = 0,
    label=None,
) -> TwoStageSampler:
    """Fits a VAE with as many latent numbers as z has to draws of q(z); Dai and Wipf 2019, section 4.

        z = draws of q(z|x);   second stage: u ~ N(0, I),  z | u ~ N(m(u), v I),  v one learned number

    The first VAE finds the manifold on which the data lie and need not match its prior; the second, whose
    data fill their space, does.

    Args:
        model: a `tfvae.VAE` whose z may be any numbers.
        x: [N, ...] raw units, of the training data; a tenth says when to stop.
        units: width of the two hidden layers of encoder and decoder.
        steps: of Adam, at most; batches of 128.
        learning_rate: its rate.
        seed: of the draws, the start, the order and the training.
        label: [N] of a conditional model.

    Raises:
        UserError: no latent, codes of a codebook, points on a sphere; fewer than 20 examples.
    """
    flat = flat_draws(model, x, seed, label)
    scale, size = Scale(flat), flat.shape[1]
    affordable_layers(
        f"units={units} over {size} numbers of z", (size, count("units", units), units, 2 * size), 2
    )
    wide = (units, units)
    with initial_weights(seed):
        second = VAE(
            MLPEncoder(wide, "relu"),
            StochasticLatent(GaussianPosterior((size,)), StandardNormalPrior((size,))),
            FactorisedDecoder((size,), SharedVariance(MLPImage((size,), wide, size, "relu"))),
            Gaussian(None),
        )
        second.build()
    # v = 1, the spread of scaled codes, is where a VAE of them has nothing to code: it would collapse there
    second.decoder.network.log_variance.assign(math.log(_FIRST_VARIANCE))
    update = Update(elbo(), keras.optimizers.Adam(learning_rate), clip_norm=5.0)
    second.compile(procedure=Joint(update, seed=seed))
    fitting.fit(second, scale.to(flat), steps, seed)
    return TwoStageSampler(model, second, scale)
