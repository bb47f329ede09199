"""Backbones of text: encoder, decoder and likelihood.

The encoder is that of the settings, an LSTM but for toy vocabularies; the backbone names the decoder.
"""

from __future__ import annotations

from typing import NamedTuple

from tfvae import likelihoods, networks
from tfvae.checks import UserError
from zoo.backbones import Backbone
from zoo.backbones.sizes import sized

__all__ = ["DILATIONS", "NAMES", "build", "grid", "own_position", "without_latent"]

NAMES = ("dilated_cnn", "lstm", "transformer")

# Yang et al. 2017, section 3.3
_MEDIUM = (1, 2, 4, 8, 16)
DILATIONS = {"scnn": (1, 2, 4), "mcnn": _MEDIUM, "lcnn": 2 * _MEDIUM, "vlcnn": 3 * _MEDIUM}

_POSITIONS = 8  # of a latent that must have some
_SLICE = 16  # features of a position that is cut from one vector


class _Size(NamedTuple):
    """embedding, units: of the words, of encoder and decoder; layers, heads: of a transformer."""

    embedding: int
    units: int
    layers: int
    heads: int


# paper: the LSTM of He et al. 2019 and Yang et al. 2017, Transformer-base
SIZES = {
    "tiny": _Size(64, 64, 2, 2),
    "small": _Size(128, 256, 4, 4),
    "paper": _Size(512, 1024, 12, 8),
}


def build(settings, context) -> Backbone:
    """For one latent vector, or for a sequence of positions.

    Args:
        settings: the settings of a model on text.
        context: `zoo.recipe.Context`.
    """
    positions = settings.latent_positions
    if positions is None and (settings.prior == "ar1" or settings.encoder == "anti_causal"):
        positions = min(_POSITIONS, context.space.max_length)
    return Backbone(
        _encoder(settings, context, positions),
        _decoder(settings, context),
        likelihoods.Tokens(context.space.vocabulary_size),
        positions,
        {"use_bias": settings.posterior_bias, "uniform_scale": settings.initial_scale},
    )


def own_position(settings) -> bool:
    """Whether a token is told the latent of its own position alone."""
    said = getattr(settings, "latent_at_token", "all")  # a language model has none
    return said == "own" or (said is None and settings.prior == "ar1")


def grid(settings, space) -> None:
    """A sentence has no grid."""
    del settings, space


def without_latent(settings, context) -> Backbone:
    """A language model."""
    tokens = likelihoods.Tokens(context.space.vocabulary_size)
    return Backbone(None, _decoder(settings, context), tokens)


def _encoder(settings, context, positions):
    size = sized(SIZES, context.size)
    words = context.space.vocabulary_size
    if settings.encoder == "flat":
        if not context.space.fixed:
            raise UserError(
                "encoder=flat is for sentences of one length, and this dataset has sentences of up "
                f"to {context.space.max_length} tokens"
            )
        encoder = networks.FlatTextEncoder(words, context.space.max_length)
    elif settings.encoder == "pooled":
        encoder = networks.PooledTextEncoder(words)
    else:
        common = {
            "vocabulary_size": words,
            "embedding_width": settings.embedding_width or size.embedding,
            "units": settings.units or size.units,
            "initial_scale": settings.initial_scale,
            "embedding_scale": settings.embedding_scale,
            "use_cudnn": _kernel(settings),
        }
        if settings.encoder == "anti_causal":
            longest = context.space.max_length if own_position(settings) else None
            return networks.AntiCausalTextEncoder(positions=positions, max_length=longest, **common)
        encoder = networks.TextEncoder(summary=settings.encoder, **common)
    if positions is None:
        return encoder
    return networks.SplitEncoder(encoder, positions, _SLICE)


def _kernel(settings) -> bool | str:
    """cuDNN's LSTM has no second derivative, which gradients through a refinement need."""
    return False if getattr(settings, "inference", "") == "semi_amortised" else "auto"


def _decoder(settings, context):
    size = sized(SIZES, context.size)
    kind = networks.PositionalTextDecoder if own_position(settings) else networks.TextDecoder
    return kind(
        context.space.vocabulary_size,
        context.space.max_length,
        _network(settings, context, size),
        settings.embedding_width or size.embedding,
        word_keep=settings.word_keep,
        input_dropout=settings.input_dropout,
        output_dropout=settings.output_dropout,
        output_bias=settings.output_bias,
        initial_scale=settings.initial_scale,
        embedding_scale=settings.embedding_scale,
    )


def _network(settings, context, size):
    units = settings.units or size.units
    if context.backbone == "lstm":
        return networks.LSTMNetwork(
            units, settings.initial_state, settings.initial_scale, _kernel(settings)
        )
    if context.backbone == "dilated_cnn":
        dilations = settings.dilations or DILATIONS[settings.cnn]
        return networks.DilatedCNN(units, max(1, units // 2), dilations, settings.kernel_size)
    layers = settings.decoder_layers or size.layers
    return networks.CausalTransformer(units, layers, size.heads, context.space.max_length)
