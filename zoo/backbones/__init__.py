"""Backbones: encoder, decoder and likelihood for a modality, at three sizes.

`mlp` and `deconvolutional` make pixels that are independent given z; `gated_pixelcnn` and
`pixel_snail` make each pixel from the ones before it. The encoder follows the latent's form: one
vector, or a grid of positions.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tfvae.checks import UserError, one_of
from zoo.backbones.sizes import ENCODERS, sized

__all__ = ["NAMES", "Backbone", "build", "likelihood", "without_latent"]

_FACTORISED = ("deconvolutional", "mlp")
_AUTOREGRESSIVE = ("gated_pixelcnn", "pixel_snail")
NAMES = (*_FACTORISED, *_AUTOREGRESSIVE)
SIZES = tuple(ENCODERS)


class Backbone(NamedTuple):
    """What a VAE is made of besides its latent."""

    encoder: Any
    decoder: Any
    likelihood: Any


def build(settings, context, grid: tuple[int, int] | None, anti_causal: bool = False) -> Backbone:
    """The backbone that `context` names, for one latent vector or for a grid of positions.

    Args:
        settings: a model's settings (`zoo.settings.ImageSettings` at least).
        context: `zoo.recipe.Context`.
        grid: (h, w) of the latent sequence, or `None` for one vector.
        anti_causal: with a grid: position t sees only what comes after it.
    """
    one_of("backbone", context.backbone, NAMES)
    pixels = likelihood(settings, context)
    conditioner = None
    if context.backbone in _AUTOREGRESSIVE:
        conditioner = _conditioner(context, grid)
    return Backbone(
        _encoder(context, grid, anti_causal),
        _decoder(settings, context, pixels, conditioner, grid),
        pixels,
    )


def without_latent(settings, context) -> Backbone:
    """An autoregressive decoder that is conditioned on nothing."""
    one_of("backbone", context.backbone, NAMES)
    if context.backbone in _FACTORISED:
        raise UserError(
            f"backbone {context.backbone!r} makes pixels that are independent given z, and this "
            f"model has no z: take {' or '.join(_AUTOREGRESSIVE)}"
        )
    pixels = likelihood(settings, context)
    return Backbone(None, _decoder(settings, context, pixels, None, None), pixels)


def likelihood(settings, context):
    """The likelihood that the settings name, checked against the data's bits."""
    from tfvae import likelihoods

    name = settings.likelihood
    if name == "auto":
        name = "bernoulli" if context.bits == 1 else "logistic_mixture"
    made = {
        "bernoulli": likelihoods.Bernoulli,
        "categorical": likelihoods.Categorical256,
        "logistic_mixture": lambda: likelihoods.DiscretizedLogisticMixture(
            settings.mixture_components
        ),
    }[name]()
    if made.bits != context.bits:
        raise UserError(
            f"likelihood {name!r} is for {made.bits}-bit images, this dataset has {context.bits}-bit ones"
        )
    return made


def _encoder(context, grid, anti_causal):
    from tfvae import networks
    from zoo.backbones import mlp

    size = sized(ENCODERS, context.size)
    if grid is not None:
        kind = networks.AntiCausalEncoder if anti_causal else networks.GridEncoder
        return kind(grid, size.grid_filters, size.grid_layers)
    if context.backbone == "mlp":
        return mlp.encoder(context.size)
    return networks.ResNetEncoder(size.filters, size.units)


def _conditioner(context, grid):
    from tfvae import networks

    if grid is None:
        return networks.VectorConditioner(context.image_shape, 4)  # He et al. 2019: 4 maps
    return networks.GridConditioner(
        context.image_shape, grid, sized(ENCODERS, context.size).grid_filters
    )


def _decoder(settings, context, pixels, conditioner, grid):
    import importlib

    from tfvae import networks

    module = importlib.import_module(f"zoo.backbones.{context.backbone}")
    shape = context.image_shape
    parameters = pixels.parameter_size(shape[-1])
    if context.backbone in _FACTORISED:
        return module.decoder(context.size, shape, parameters, settings, grid)
    if type(pixels).__name__ == "Categorical256" and shape[-1] > 1:
        head = networks.ChannelAutoregressiveHead(shape[-1], 256)
    else:
        head = networks.DenseHead(parameters)
    return networks.AutoregressiveDecoder(
        shape, module.network(context.size, settings), head, conditioner
    )
