"""Backbones: encoder, decoder and likelihood of a kind of data, at three sizes.

Images: `linear`, `mlp` and `deconvolutional` make pixels that are independent given z; `gated_pixelcnn` and
`pixel_snail` make each pixel from the ones before it. Text: `lstm`, `dilated_cnn` and `transformer`
make each token from the ones before it. Speech: `wavenet` makes each sample from the ones before it.
Tables: `linear` and `mlp` make columns that are independent given z.
"""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple

__all__ = ["SIZES", "Backbone", "build", "grid", "without_latent"]

SIZES = ("tiny", "small", "paper")


class Backbone(NamedTuple):
    """What a VAE is made of besides its latent.

    Attributes:
        positions: of the latent that the encoder makes features for; `None` for one vector.
        heads: further arguments of the posterior.
    """

    encoder: Any
    decoder: Any
    likelihood: Any
    positions: int | None = None
    heads: dict[str, Any] = {}


def build(settings, context) -> Backbone:
    """The backbone that `context` names.

    Args:
        settings: a model's settings; those of its kind of data at least.
        context: `zoo.recipe.Context`.

    Raises:
        UserError: settings that do not fit each other or the data.
    """
    return _family(context).build(settings, context)


def grid(settings, context) -> tuple[int, int] | None:
    """(h, w) of the latent's positions; `None` where they are no grid."""
    return _family(context).grid(settings, context.space)


def without_latent(settings, context) -> Backbone:
    """An autoregressive decoder that is conditioned on nothing.

    Raises:
        UserError: the backbone's decoder is nothing without z.
    """
    return _family(context).without_latent(settings, context)


def _family(context):
    return importlib.import_module(f"zoo.backbones.{context.modality}")
