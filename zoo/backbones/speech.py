"""Backbones of speech: strided encoder, WaveNet decoder, 256 levels of mu-law."""

from __future__ import annotations

from typing import NamedTuple

from tfvae import networks
from tfvae.checks import UserError
from tfvae.latents.parts import CodePart, latent_width
from tfvae.parts import Part, facts, part, setting
from zoo.backbones import Backbone, BackbonePart
from zoo.backbones.sizes import sized

__all__ = ["Frames", "WaveNetBackbone"]


class _Size(NamedTuple):
    """encoder: filters of the encoder, and of what tells the decoder; filters, skip, layers: of WaveNet."""

    encoder: int
    filters: int
    skip: int
    layers: int


# van den Oord et al. 2017 do not state theirs; paper: three cycles of ten as in WaveNet's figures
SIZES = {
    "tiny": _Size(32, 16, 32, 8),
    "small": _Size(64, 32, 64, 10),
    "paper": _Size(256, 256, 256, 30),
}
_VECTOR = 4  # features of one vector, in filters of a frame


@part
class Frames(CodePart):
    """A latent at each frame."""

    name, kinds = "sequence", ("speech",)
    offers = facts("positions")
    latent_width: int = latent_width()

    def shape(self, context):
        return context.space.samples // context.point["backbone"].downsampling, self.latent_width


class _Encoder(Part):
    place, kinds = "encoder", ("speech",)

    def make(self, context):
        size, code = sized(SIZES, context.size), context.point["code"]
        return networks.WaveformEncoder(
            size.encoder,
            context.point["backbone"].downsampling,
            anti_causal=self.name == "anti_causal",
            units=_VECTOR * size.encoder if "one_vector" in code.offers else None,
        )


@part
class Full(_Encoder):
    """Of a frame: sees samples to both sides."""

    name = "full"
    needs = facts("z")


@part
class AntiCausal(_Encoder):
    """Of a frame: sees samples from the frame on."""

    name = "anti_causal"
    needs = facts("positions")
    brings = {"code": "sequence"}


@part
class WaveNetBackbone(BackbonePart):
    """WaveNet, and the frames that it is told (van den Oord et al. 2016)."""

    name, kinds = "wavenet", ("speech",)
    offers = facts("decodes_alone")
    downsampling: int = setting(64, "samples a frame, a power of 2", low=2, high=4096)
    decoder_layers: int | None = setting(
        None, "blocks of the decoder instead of the size's own", low=1, high=200
    )
    decoder_filters: int | None = setting(
        None, "width of the decoder instead of the size's own", low=2, high=4096
    )
    dilation_cycle: int = setting(
        10, "blocks after which the dilations, which double, begin anew at 1", low=1, high=14
    )

    def make(self, context):
        code, levels = context.point["code"], context.point["likelihood"].make(context)
        decoder = self._decoder(context, levels)
        if code is None:
            return Backbone(None, decoder, levels)
        encoder = context.point["encoder"].make(context)
        return Backbone(encoder, decoder, levels, code.shape(context))

    def _decoder(self, context, levels):
        size = sized(SIZES, context.size)
        length, hop = context.space.samples, self.downsampling
        networks.halvings(hop)
        if length % hop:
            raise UserError(
                f"setting 'max_samples' must be a multiple of downsampling={hop}, got {length}"
            )
        filters = self.decoder_filters or size.filters
        network = networks.WaveNet(
            filters,
            size.skip * filters // size.filters,
            [2 ** (i % self.dilation_cycle) for i in range(self.decoder_layers or size.layers)],
        )
        return networks.WaveNetDecoder(
            length, network, levels.parameter_size(), length // hop, size.encoder
        )
