"""Backbones: encoder and decoder of a kind of data, at three sizes.

Images: `linear`, `mlp`, `gated_mlp` and `deconvolutional` make pixels that are independent given z;
`gated_pixelcnn` and `pixel_snail` make each pixel from the ones before it. Text: `lstm`, `dilated_cnn` and
`transformer` make each token from the ones before it. Speech: `wavenet` makes each sample from the ones
before it. Tables: `linear` and `mlp` make columns that are independent given z. Documents:
`mlp` makes words that are.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tfvae.parts import Part

__all__ = ["SIZES", "Backbone", "BackbonePart"]

SIZES = ("tiny", "small", "paper")


class Backbone(NamedTuple):
    """What a VAE is made of besides its latent.

    Attributes:
        encoder: `None` of a model without a latent.
        shape: of one z that encoder and decoder are made for.
        heads: further arguments of the posterior.
    """

    encoder: Any
    decoder: Any
    likelihood: Any
    shape: tuple[int, ...] = ()
    heads: dict[str, Any] = {}


class BackbonePart(Part):
    """`make(context)` gives the `Backbone` for the code, encoder and likelihood of `context.point`."""

    place = "backbone"
    binary_inputs = "symmetric"
    """See `tfvae.likelihoods.Bernoulli`."""
