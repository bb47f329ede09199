"""Backbones of speech: strided encoder, WaveNet decoder, 256 levels of mu-law."""

from __future__ import annotations

from typing import NamedTuple

from tfvae import likelihoods, networks
from tfvae.checks import UserError
from zoo.backbones import Backbone
from zoo.backbones.sizes import sized

__all__ = ["NAMES", "build", "grid", "without_latent"]

NAMES = ("wavenet",)


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


def build(settings, context) -> Backbone:
    """For one latent vector, or for one at each frame.

    Args:
        settings: the settings of a model on speech.
        context: `zoo.recipe.Context`.

    Raises:
        UserError: frames that do not divide the waveform.
    """
    size = sized(SIZES, context.size)
    anti_causal = settings.encoder == "anti_causal"
    frames = settings.latent_frames or anti_causal or settings.prior == "ar1" or settings.num_codes
    decoder = _decoder(settings, context)
    encoder = networks.WaveformEncoder(
        size.encoder,
        settings.downsampling,
        anti_causal=anti_causal,
        units=None if frames else _VECTOR * size.encoder,
    )
    return Backbone(encoder, decoder, likelihoods.MuLaw(), decoder.frames if frames else None)


def grid(settings, space) -> None:
    """A waveform has no grid: its frames are one after the other."""
    del settings, space


def without_latent(settings, context) -> Backbone:
    """WaveNet alone."""
    return Backbone(None, _decoder(settings, context), likelihoods.MuLaw())


def _decoder(settings, context):
    size = sized(SIZES, context.size)
    length, hop = context.space.samples, settings.downsampling
    networks.halvings(hop)
    if length % hop:
        raise UserError(
            f"setting 'max_samples' must be a multiple of downsampling={hop}, got {length}"
        )
    layers = settings.decoder_layers or size.layers
    filters = settings.decoder_filters or size.filters
    skip = size.skip * filters // size.filters
    network = networks.WaveNet(
        filters, skip, [2 ** (i % settings.dilation_cycle) for i in range(layers)]
    )
    levels = likelihoods.MuLaw().parameter_size()
    return networks.WaveNetDecoder(length, network, levels, length // hop, size.encoder)
