"""The linear VAE in closed form: probabilistic PCA, and what a weight on the rate does to it.

    x ~ N(W z + mu, v I),   z ~ N(0, I_q),   q(z|x) = N(V (x - mu), diag(delta))

Lucas, Tucker, Grosse and Norouzi, "Don't Blame the ELBO!", NeurIPS 2019. NumPy, float64.

Legend: D numbers of x, q of z, S covariance of the data (divisor N) with eigenvalues l_1 >= l_2 >= ...
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tfvae.checks import UserError, positive

__all__ = ["LinearOptimum", "best_variance", "elbo", "log_likelihood", "optimum", "tuned"]


class LinearOptimum(NamedTuple):
    """rates [min(q, D)] nats, the largest first; distortion without constants; their weighted sum.

    Attributes:
        rates: 1/2 ln(l_i / (beta v)) of the active units, 0 of the others.
        squared_error: E |x - x_hat|^2.
        loss: squared_error / (2 v) + beta sum rates.
        active: how many units have l_i > beta v.
    """

    rates: np.ndarray
    squared_error: float
    loss: float
    active: int


def optimum(eigenvalues, width: int, variance: float, beta: float = 1.0) -> LinearOptimum:
    """The best encoder and decoder at a fixed v: reverse water-filling at the level beta v.

    Unit i is active if and only if l_i > beta v. Then |w_i|^2 = l_i - beta v, its posterior variance
    is beta v / l_i, and it costs 1/2 ln(l_i / (beta v)) nats. beta and v enter through their product.

    Args:
        eigenvalues: of S, in any order.
        width: q.
        variance: v.
        beta: weight of the rate.
    """
    eigenvalues = _sorted(eigenvalues)
    level = positive("beta", beta) * positive("variance", variance)
    kept = eigenvalues[:width]
    rates = 0.5 * np.log(np.maximum(kept, level) / level)
    squared_error = np.minimum(kept, level).sum() + eigenvalues[width:].sum()
    loss = squared_error / (2.0 * variance) + beta * rates.sum()
    return LinearOptimum(rates, float(squared_error), float(loss), int((kept > level).sum()))


def best_variance(eigenvalues, width: int) -> float:
    """The maximum likelihood v: the mean of the eigenvalues that q directions leave over.

    Raises:
        UserError: q leaves none.
    """
    eigenvalues = _sorted(eigenvalues)
    if width >= len(eigenvalues):
        raise UserError(f"{width} directions of {len(eigenvalues)} leave no noise to estimate")
    return float(eigenvalues[width:].mean())


def log_likelihood(eigenvalues, width: int, variance: float) -> float:
    """The best mean log p(x) at this v, nats: that of C = U_A (L_A - v I) U_A' + v I, A the largest.

    -1/2 [ D ln(2 pi) + ln|C| + tr(C^-1 S) ]
    """
    eigenvalues = _sorted(eigenvalues)
    kept = np.maximum(eigenvalues[:width], variance)
    of_model = np.concatenate([kept, np.full(len(eigenvalues) - len(kept), variance)])
    terms = np.log(2.0 * np.pi * of_model) + eigenvalues / of_model
    return float(-0.5 * terms.sum())


def elbo(covariance, decoder, encoder, posterior_variance, variance: float) -> float:
    """The exact mean ELBO of any linear VAE, nats.

    Args:
        covariance: S [D, D], of data whose mean the model knows.
        decoder: W [D, q].
        encoder: V [q, D].
        posterior_variance: delta [q].
        variance: v.
    """
    s, w, v = (np.asarray(a, np.float64) for a in (covariance, decoder, encoder))
    delta = np.asarray(posterior_variance, np.float64)
    means = v @ s @ v.T
    rate = 0.5 * (delta.sum() - np.log(delta).sum() + np.trace(means) - len(delta))
    gram = w.T @ w
    error = np.trace(s) - 2.0 * np.trace(w @ v @ s) + np.trace(gram @ means) + np.diag(gram) @ delta
    constant = 0.5 * len(s) * np.log(2.0 * np.pi * variance)
    return float(-rate - error / (2.0 * variance) - constant)


def tuned(variance: float, distortion: float, rate: float, dims: int) -> tuple[float, float]:
    """(best v, the ELBO with it) of any Gaussian decoder with a fixed v, for the same means.

        best v = E (x - m)^2 by number of x;   gain = D/2 (r - 1 - ln r),   r = best v / v

    ELBOs of models with different fixed v cannot be compared, these can.

    Args:
        variance: v.
        distortion: -E log N(x; m, v), nats.
        rate: nats.
        dims: D.
    """
    ratio = 2.0 * distortion / dims - np.log(2.0 * np.pi * variance)
    gain = 0.5 * dims * (ratio - 1.0 - np.log(ratio))
    return float(ratio * variance), float(gain - distortion - rate)


def _sorted(eigenvalues) -> np.ndarray:
    return np.sort(np.asarray(eigenvalues, np.float64))[::-1]
