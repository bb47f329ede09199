"""A masked autoregressive flow over codes."""

from __future__ import annotations

import keras
import tensorflow as tf

from tfvae.checks import affordable_layers, count
from tfvae.exploring.samplers import fitting
from tfvae.exploring.samplers.sampler import Sampler, Scale, flat_draws
from tfvae.latents import MaskedAutoregressivePrior, StandardNormalPrior
from tfvae.randomness import initial_weights, seed_of

__all__ = ["FlowSampler", "fit_flow"]


class FlowSampler(Sampler):
    """z ~ the flow of `tfvae.latents.MaskedAutoregressivePrior`, in units of each number's spread.

    Args:
        model: a `tfvae.VAE`.
        density: the prior, over the flat scaled codes.
        scale: of the codes.
    """

    def __init__(self, model, density: MaskedAutoregressivePrior, scale: Scale):
        super().__init__(model)
        self.density, self.scale = density, scale

    def _codes(self, number, seed):
        return self.scale.back(self.density.sample(number, seed_of(seed)).numpy())

    def _log_prob(self, flat):
        found = self.density.log_prob(tf.constant(self.scale.to(flat))).numpy()
        return found + self.scale.log_det


class _Scored(keras.Model):
    """z -> log p(z), so that Keras fits it."""

    def __init__(self, density):
        super().__init__(name="density_of_codes")
        self.density = density

    def call(self, z):
        return self.density.log_prob(z)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        del x, y, sample_weight, training
        return -tf.reduce_mean(y_pred)


def fit_flow(
    model,
    x,
    flows: int = 4,
    units: int = 64,
    steps: int = 2000,
    learning_rate: float = 1e-3,
    seed: int = 0,
    label=None,
) -> FlowSampler:
    """Fits a masked autoregressive flow (Papamakarios et al. 2017) to draws of q(z) by maximum likelihood.

    Args:
        model: a `tfvae.VAE` whose z may be any numbers.
        x: [N, ...] raw units, of the training data; a tenth says when to stop.
        flows: how many, every other one in the reverse order.
        units: width of the two hidden layers of each.
        steps: of Adam, at most; batches of 128.
        learning_rate: its rate.
        seed: of the draws, the start and the order.
        label: [N] of a conditional model.

    Raises:
        UserError: no latent, codes of a codebook, points on a sphere; fewer than 20 examples.
    """
    flat = flat_draws(model, x, seed, label)
    scale, size = Scale(flat), flat.shape[1]
    affordable_layers(
        f"units={units} over {size} numbers of z",
        (size, count("units", units), units, 2 * size),
        flows,
    )
    with initial_weights(seed):
        density = MaskedAutoregressivePrior(StandardNormalPrior((size,)), flows, (units, units))
        network = _Scored(density)
        density.build()
    network.compile(keras.optimizers.Adam(learning_rate, clipnorm=5.0))
    fitting.fit(network, scale.to(flat), steps, seed)
    return FlowSampler(model, density, scale)
