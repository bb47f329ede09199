"""Densities of codes that are fitted after the training, to be sampled from instead of the prior.

Where q(z), the codes of the data, is not p(z) (an auto-encoder without a rate, a WAE, a small beta), what the
prior draws lies where the decoder never was. A density fitted on the codes does not.

Legend: N examples, D numbers of z.
"""

from __future__ import annotations

import numpy as np

from tfvae.checks import UserError, count
from tfvae.exploring.codes import codes, decoded, needs_code

__all__ = ["GaussianMixtureSampler", "fit_gaussian_mixture"]


class GaussianMixtureSampler:
    """z ~ sum_k w_k N(m_k, S_k), with full covariances.

    Args:
        model: a `tfvae.VAE`.
        mixture: of scikit-learn, fitted on flat codes.
    """

    def __init__(self, model, mixture):
        self.model, self.mixture = model, mixture

    def codes(self, number: int, seed: int = 0) -> np.ndarray:
        """Draws of z, [number, *event_shape]."""
        count("number", number)
        self.mixture.random_state = seed
        drawn = self.mixture.sample(number)[0]
        drawn = drawn[np.random.default_rng(seed).permutation(number)]  # they come by component
        return drawn.reshape(-1, *self.model.latent.event_shape).astype(np.float32)

    def sample(self, number: int, seed: int = 0, label=None) -> np.ndarray:
        """What the decoder makes of them, [number, ...] raw units.

        Args:
            number: how many.
            seed: equal seeds give equal draws.
            label: [number] of a conditional model.
        """
        return decoded(self.model, self.codes(number, seed), label)

    def log_prob(self, z) -> np.ndarray:
        """log density of codes [N, *event_shape], [N] nats."""
        z = np.asarray(z, np.float64)
        return self.mixture.score_samples(z.reshape(len(z), -1))


def fit_gaussian_mixture(
    model, x, components: int = 10, seed: int = 0, label=None
) -> GaussianMixtureSampler:
    """Fits a mixture of Gaussians to the codes of x by expectation maximisation; Ghosh et al. 2020.

    Args:
        model: a `tfvae.VAE` whose z may be any numbers.
        x: [N, ...] raw units, of the training data.
        components: of the mixture; at most N.
        seed: of the start.
        label: [N] of a conditional model.

    Raises:
        UserError: no latent, codes of a codebook, points on a sphere; fewer examples than components.
    """
    from sklearn.mixture import GaussianMixture

    needs_code(model, "a density of codes")
    if model.latent.codebooks() or not model.latent.flat_space:
        raise UserError(
            "a mixture of Gaussians is over any numbers, and here z is a "
            + ("code of a codebook" if model.latent.codebooks() else "point on a sphere")
        )
    z = codes(model, x, label)
    if len(z) < max(2, count("components", components)):
        raise UserError(f"{components} components need as many examples (and 2), got {len(z)}")
    mixture = GaussianMixture(components, random_state=seed)
    return GaussianMixtureSampler(model, mixture.fit(z.reshape(len(z), -1).astype(np.float64)))
