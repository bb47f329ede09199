"""The one place where nats become other units."""

from __future__ import annotations

import numpy as np

from tfvae.checks import positive

__all__ = ["bits_per_dim", "perplexity"]


def bits_per_dim(nats: float, dims: int) -> float:
    """nats / (dims ln 2).

    Args:
        nats: a code length per example, -log p(x) or a bound on it.
        dims: numbers per example, H * W * C.

    Raises:
        UserError: `dims` is not above 0.
    """
    return float(nats) / (positive("dims", dims) * float(np.log(2.0)))


def perplexity(nats: float, tokens: float) -> float:
    """exp(nats / tokens); both summed over the same sentences (or both averaged over them).

    Args:
        nats: code length, -log p(x) or a bound on it.
        tokens: tokens predicted, the end-of-sentence mark included if it is predicted.

    Returns:
        perplexity from 1 to V of a uniform guess; inf where it overflows.

    Raises:
        UserError: `tokens` is not above 0.
    """
    with np.errstate(over="ignore"):
        return float(np.exp(np.float64(nats) / positive("tokens", tokens)))
