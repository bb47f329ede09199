"""What a density of codes is that is fitted after the training.

Legend: N examples, D numbers of z, all of them together.
"""

from __future__ import annotations

import numpy as np

from tfvae.checks import UserError, count
from tfvae.exploring.codes import decoded, draws, needs_code

__all__ = ["Sampler", "Scale", "flat_draws"]


class Sampler:
    """Abstract: a density of z, to be sampled from instead of the prior; a sub-class draws and scores flat z.

    Args:
        model: the `tfvae.VAE` whose codes it was fitted to.
    """

    def __init__(self, model):
        self.model = model

    def _codes(self, number: int, seed: int) -> np.ndarray:
        """Draws, [number, D]."""
        raise NotImplementedError(type(self).__name__)

    def _log_prob(self, flat: np.ndarray) -> np.ndarray:
        """log density of [N, D], [N] nats."""
        raise NotImplementedError(type(self).__name__)

    def codes(self, number: int, seed: int = 0) -> np.ndarray:
        """Draws of z, [number, *event_shape]; equal seeds give equal draws."""
        drawn = self._codes(count("number", number), seed)
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
        return self._log_prob(np.asarray(z, np.float32).reshape(len(z), -1))

    def rate(self, x, seed: int = 0, label=None) -> np.ndarray:
        """log q(z|x) - log density of z at a draw z ~ q(z|x), [N] nats: what codes cost with it as the prior.

        Its mean is the rate of the model's own prior, less what fitting gained.

        Args:
            x: [N, ...] raw units, which it was not fitted to.
            seed: equal seeds give equal draws.
            label: [N] of a conditional model.
        """
        drawn = draws(self.model, x, seed, label)
        return drawn.log_posterior - self.log_prob(drawn.z)


class Scale:
    """u = (z - mean) / deviation of each number, and back: densities are fitted to numbers of about one size.

    Args:
        flat: [N, D]; a number that never varies is only shifted.
    """

    def __init__(self, flat: np.ndarray):
        self._mean, deviation = flat.mean(0, dtype=np.float64), flat.std(0, dtype=np.float64)
        self._deviation = np.where(deviation > 1e-12, deviation, 1.0)

    def to(self, flat: np.ndarray) -> np.ndarray:
        """u of z, [N, D] float32."""
        return ((flat - self._mean) / self._deviation).astype(np.float32)

    def back(self, u: np.ndarray) -> np.ndarray:
        """z of u."""
        return u * self._deviation + self._mean

    @property
    def log_det(self) -> float:
        """log |det du/dz|, nats."""
        return -float(np.log(self._deviation).sum())


def flat_draws(model, x, seed: int, label) -> np.ndarray:
    """One draw z ~ q(z|x) of each example, [N, D].

    Raises:
        UserError: no latent, codes of a codebook, a z that may not be any numbers; codes that are not finite.
    """
    needs_code(model, "a density of codes")
    if model.latent.codebooks() or model.latent.confined_to:
        raise UserError(
            "a density of codes is over any numbers, and here z is "
            + (model.latent.confined_to or "a code of a codebook")
        )
    z = draws(model, x, seed, label).z
    if not np.isfinite(z).all():
        raise UserError("the codes of x are not finite numbers: no density fits them")
    return z.reshape(len(z), -1)
