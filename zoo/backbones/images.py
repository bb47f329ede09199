"""Backbones of images: encoder, decoder and likelihood.

The encoder follows the latent's form: one vector, or a grid of positions.
"""

from __future__ import annotations

import importlib

from tfvae import likelihoods, networks
from tfvae.checks import UserError
from zoo.backbones import Backbone, linear, mlp
from zoo.backbones.sizes import ENCODERS, sized

__all__ = ["NAMES", "build", "grid", "likelihood", "likelihood_of", "without_latent"]

_FACTORISED = ("deconvolutional", "linear", "mlp")
_OWN_ENCODERS = {"linear": linear, "mlp": mlp}
_AUTOREGRESSIVE = ("gated_pixelcnn", "pixel_snail")
NAMES = (*_FACTORISED, *_AUTOREGRESSIVE)


def build(settings, context) -> Backbone:
    """For one latent vector or for a grid of positions.

    Args:
        settings: the settings of a model on images.
        context: `zoo.recipe.Context`.
    """
    cells = grid(settings, context.space)
    pixels = likelihood(settings, context)
    conditioner = None
    if context.backbone in _AUTOREGRESSIVE:
        conditioner = _conditioner(context, cells)
    return Backbone(
        _encoder(context, cells, settings.encoder == "anti_causal"),
        _decoder(settings, context, pixels, conditioner, cells),
        pixels,
        None if cells is None else cells[0] * cells[1],
    )


def grid(settings, space) -> tuple[int, int] | None:
    """(h, w) of the latent sequence, or `None` for one vector."""
    if len(settings.latent_grid) not in (0, 2):
        raise UserError(f"setting 'latent_grid' must be h,w, got {settings.latent_grid}")
    height, width, _ = space.shape
    if not settings.latent_grid and settings.prior != "ar1" and not settings.num_codes:
        return None
    usual = tuple(min(side, max(2, side // 4)) for side in (height, width))
    h, w = settings.latent_grid or usual
    if h > height or w > width:
        raise UserError(f"setting 'latent_grid' must fit the {height} x {width} image, got {h},{w}")
    return h, w


def without_latent(settings, context) -> Backbone:
    """An autoregressive decoder that is conditioned on nothing."""
    if context.backbone in _FACTORISED:
        raise UserError(
            f"backbone {context.backbone!r} makes pixels that are independent given z, and this "
            f"model has no z: take {' or '.join(_AUTOREGRESSIVE)}"
        )
    pixels = likelihood(settings, context)
    return Backbone(None, _decoder(settings, context, pixels, None, None), pixels)


def likelihood(settings, context):
    """The likelihood that the settings name, checked against the data's bits."""
    name = likelihood_of(settings, context.space)
    made = {
        "bernoulli": likelihoods.Bernoulli,
        "categorical": likelihoods.Categorical256,
        "gaussian": lambda: likelihoods.Gaussian(settings.variance),
        "logistic_mixture": lambda: likelihoods.DiscretizedLogisticMixture(
            settings.mixture_components
        ),
    }[name]()
    if made.bits != context.space.bits:
        raise UserError(
            f"likelihood {name!r} is for {_kind(made.bits)}, this dataset has "
            f"{_kind(context.space.bits)}"
        )
    return made


def likelihood_of(settings, space) -> str:
    """Its name; auto: that of the data's bits."""
    if settings.likelihood != "auto":
        return settings.likelihood
    return {1: "bernoulli", None: "gaussian"}.get(space.bits, "logistic_mixture")


def _kind(bits: int | None) -> str:
    return "real numbers" if bits is None else f"{bits}-bit images"


def _encoder(context, grid, anti_causal):
    """anti_causal: position t of the grid sees only what comes after it."""
    size = sized(ENCODERS, context.size)
    if grid is not None:
        kind = networks.AntiCausalEncoder if anti_causal else networks.GridEncoder
        return kind(grid, size.grid_filters, size.grid_layers)
    if context.backbone in _OWN_ENCODERS:
        return _OWN_ENCODERS[context.backbone].encoder(context.size)
    return networks.ResNetEncoder(size.filters, size.units)


def _conditioner(context, grid):
    if grid is None:
        return networks.VectorConditioner(context.space.shape, 4)  # He et al. 2019: 4 maps
    return networks.GridConditioner(
        context.space.shape, grid, sized(ENCODERS, context.size).grid_filters
    )


def _decoder(settings, context, pixels, conditioner, grid):
    module = importlib.import_module(f"zoo.backbones.{context.backbone}")
    shape = context.space.shape
    parameters = pixels.parameter_size(shape[-1])
    if context.backbone in _FACTORISED:
        shared = isinstance(pixels, likelihoods.Gaussian) and pixels.variance is None
        made = module.decoder(
            context.size, shape, shape[-1] if shared else parameters, settings, grid
        )
        if shared:
            return networks.FactorisedDecoder(shape, networks.SharedVariance(made.network))
        return made
    if type(pixels).__name__ == "Categorical256" and shape[-1] > 1:
        head = networks.ChannelAutoregressiveHead(shape[-1], 256)
    else:
        head = networks.DenseHead(parameters)
    return networks.AutoregressiveDecoder(
        shape, module.network(context.size, settings), head, conditioner
    )
