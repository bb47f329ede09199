"""Backbones of images: encoder, decoder and likelihood.

The encoder follows the latent's form: one vector, or a grid of positions.
"""

from __future__ import annotations

from tfvae import likelihoods, networks
from tfvae.checks import UserError
from tfvae.latents.parts import CodePart, latent_width
from tfvae.parts import Part, facts, part, setting
from zoo.backbones import Backbone, BackbonePart
from zoo.backbones.sizes import ENCODERS, sized

__all__ = [
    "AutoregressiveBackbone",
    "FactorisedBackbone",
    "Grid",
    "decoder_filters",
    "decoder_layers",
    "decoder_skips",
]


def decoder_layers():
    """A setting of most backbones of images."""
    return setting(None, "blocks of the decoder instead of the size's own", low=1, high=200)


def decoder_filters():
    """See `decoder_layers`."""
    return setting(None, "width of the decoder instead of the size's own", low=1, high=4096)


def decoder_skips():
    """See `decoder_layers`."""
    return setting(False, "z enters every layer of the decoder, not the first alone (Skip-VAE)")


# ------------------------------------------------------------------ the code, and what makes features for it


@part
class Grid(CodePart):
    """A sequence of h * w latents in raster order."""

    name, kinds = "sequence", ("images",)
    offers = facts("positions")
    latent_width: int = latent_width()
    latent_grid: tuple[int, ...] = setting(
        (),
        "h,w; empty: about a quarter of the image's sides",
        low=1,
        length=(0, 2),
    )

    def grid(self, context):
        if len(self.latent_grid) not in (0, 2):
            raise UserError(f"setting 'latent_grid' must be h,w, got {self.latent_grid}")
        height, width, _ = context.space.shape
        usual = tuple(min(side, max(2, side // 4)) for side in (height, width))
        h, w = self.latent_grid or usual
        if h > height or w > width:
            raise UserError(
                f"setting 'latent_grid' must fit the {height} x {width} image, got {h},{w}"
            )
        return h, w

    def shape(self, context):
        h, w = self.grid(context)
        return h * w, self.latent_width


@part
class Full(Part):
    """Sees the whole image."""

    place, name, kinds = "encoder", "full", ("images",)
    needs = facts("z")

    def make(self, context, usual):
        """`usual()`: the backbone's own encoder of one vector."""
        grid, size = context.point["code"].grid(context), sized(ENCODERS, context.size)
        if grid is None:
            return usual()
        return networks.GridEncoder(grid, size.grid_filters, size.grid_layers)


@part
class Dense(Part):
    """Fully connected, of the whole image, whatever the decoder is."""

    place, name, kinds = "encoder", "dense", ("images",)
    needs = facts("one_vector")
    encoder_units: tuple[int, ...] = setting(
        (200, 200), "widths of its layers", low=1, high=16_384, length=(1, 20)
    )
    encoder_activation: str = setting("tanh", "of its layers", choices=("tanh", "relu", "elu"))

    def make(self, context, usual):
        """See `Full`."""
        del context, usual
        return networks.MLPEncoder(self.encoder_units, self.encoder_activation)


@part
class AntiCausal(Part):
    """Of a position: sees what comes after it."""

    place, name, kinds = "encoder", "anti_causal", ("images",)
    needs = facts("positions")
    brings = {"code": "sequence"}

    def make(self, context, usual):
        """See `Full`."""
        grid, size = context.point["code"].grid(context), sized(ENCODERS, context.size)
        return networks.AntiCausalEncoder(grid, size.grid_filters, size.grid_layers)


# ------------------------------------------------------------------ backbones


class _ImageBackbone(BackbonePart):
    kinds = ("images",)
    offers = facts("hidden_layers")

    def encoder(self, size: str):
        """Of one vector."""
        sizes = sized(ENCODERS, size)
        return networks.ResNetEncoder(sizes.filters, sizes.units)

    def encoder_of(self, context):
        """Of one vector, or of levels of them."""
        return self.encoder(context.size)

    def conditioner(self, context, grid):
        """What tells an autoregressive decoder z."""
        del context, grid

    def decoder(self, context, pixels, grid, conditioner):
        """Of one vector, of a grid of positions, or of none."""
        raise NotImplementedError(type(self).__name__)

    def make(self, context):
        code, pixels = context.point["code"], context.point["likelihood"].make(context)
        if code is None:
            return Backbone(None, self.decoder(context, pixels, None, None), pixels)
        grid = code.grid(context)
        conditioner = self.conditioner(context, grid)
        encoder = context.point["encoder"].make(context, lambda: self.encoder_of(context))
        decoder = self.decoder(context, pixels, grid, conditioner)
        return Backbone(encoder, decoder, pixels, code.shape(context))


class FactorisedBackbone(_ImageBackbone):
    """Pixels that are independent given z."""

    def network(self, size: str, shape, parameter_size: int, grid):
        """z, or a grid of them, -> parameters of all pixels: a layer."""
        raise NotImplementedError(type(self).__name__)

    def network_of(self, context, parameter_size: int, grid):
        """The same, which may read levels of z."""
        return self.network(context.size, context.space.shape, parameter_size, grid)

    def decoder(self, context, pixels, grid, conditioner):
        shape = context.space.shape
        shared = isinstance(pixels, likelihoods.Gaussian) and pixels.variance is None
        parameters = shape[-1] if shared else pixels.parameter_size(shape[-1])
        network = self.network_of(context, parameters, grid)
        if shared:
            network = networks.SharedVariance(network)
        return networks.FactorisedDecoder(shape, network)


class AutoregressiveBackbone(_ImageBackbone):
    """Each pixel given those before it."""

    offers = facts("decodes_alone hidden_layers")

    def network(self, size: str):
        """The causal network."""
        raise NotImplementedError(type(self).__name__)

    def conditioner(self, context, grid):
        shape = context.space.shape
        if grid is None:
            return networks.VectorConditioner(shape, 4)  # He et al. 2019: 4 maps
        return networks.GridConditioner(shape, grid, sized(ENCODERS, context.size).grid_filters)

    def decoder(self, context, pixels, grid, conditioner):
        shape = context.space.shape
        if isinstance(pixels, likelihoods.Categorical256) and shape[-1] > 1:
            head = networks.ChannelAutoregressiveHead(shape[-1], 256)
        else:
            head = networks.DenseHead(pixels.parameter_size(shape[-1]))
        return networks.AutoregressiveDecoder(shape, self.network(context.size), head, conditioner)
