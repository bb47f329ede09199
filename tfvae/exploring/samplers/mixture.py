"""A mixture of Gaussians over codes."""

from __future__ import annotations

import numpy as np

from tfvae.checks import UserError, count
from tfvae.exploring.samplers.sampler import Sampler, flat_draws

__all__ = ["GaussianMixtureSampler", "fit_gaussian_mixture"]


class GaussianMixtureSampler(Sampler):
    """z ~ sum_k w_k N(m_k, S_k), with full covariances.

    Args:
        model: a `tfvae.VAE`.
        mixture: of scikit-learn, fitted on flat codes.
    """

    def __init__(self, model, mixture):
        super().__init__(model)
        self.mixture = mixture

    def _codes(self, number, seed):
        self.mixture.random_state = seed
        drawn = self.mixture.sample(number)[0]
        return drawn[np.random.default_rng(seed).permutation(number)]  # they come by component

    def _log_prob(self, flat):
        return self.mixture.score_samples(flat.astype(np.float64))


def fit_gaussian_mixture(
    model, x, components: int = 10, seed: int = 0, label=None
) -> GaussianMixtureSampler:
    """Fits a mixture of Gaussians to draws of q(z) by expectation maximisation; Ghosh et al. 2020.

    Args:
        model: a `tfvae.VAE` whose z may be any numbers.
        x: [N, ...] raw units, of the training data.
        components: of the mixture; at most N.
        seed: of the draws and the start.
        label: [N] of a conditional model.

    Raises:
        UserError: no latent, codes of a codebook, points on a sphere; fewer examples than components.
    """
    from sklearn.mixture import GaussianMixture

    flat = flat_draws(model, x, seed, label).astype(np.float64)
    if len(flat) < max(2, count("components", components)):
        raise UserError(f"{components} components need as many examples (and 2), got {len(flat)}")
    return GaussianMixtureSampler(model, GaussianMixture(components, random_state=seed).fit(flat))
