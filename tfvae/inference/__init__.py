"""The inference axis: `(model, x, seed) -> Draw`."""

from tfvae.inference.amortised import amortised, code_only

__all__ = ["amortised", "code_only"]
