"""Backbones of text: encoder, decoder and likelihood.

The encoder is a part of its own, an LSTM but for toy vocabularies; the backbone names the decoder.
"""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

from tfvae import networks
from tfvae.checks import UserError
from tfvae.latents.parts import CodePart, latent_width
from tfvae.parts import Part, facts, part, setting
from zoo.backbones import Backbone, BackbonePart
from zoo.backbones.sizes import sized

__all__ = ["DILATIONS", "Sequence"]

# Yang et al. 2017, section 3.3
_MEDIUM = (1, 2, 4, 8, 16)
DILATIONS = {"scnn": (1, 2, 4), "mcnn": _MEDIUM, "lcnn": 2 * _MEDIUM, "vlcnn": 3 * _MEDIUM}

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


# ------------------------------------------------------------------ the code


@part
class Sequence(CodePart):
    """A sequence of latents."""

    name, kinds = "sequence", ("text",)
    offers = facts("positions")
    latent_width: int = latent_width()
    latent_positions: int = setting(
        8, "how many, at most as many as the longest sentence has tokens", low=1, high=4096
    )
    latent_at_token: str = setting(
        "all",
        "what of them a token is told: all, or its own position's (own; as published for delta-VAE)",
        choices=("all", "own"),
    )

    def shape(self, context):
        return min(self.latent_positions, context.space.max_length), self.latent_width


def _positions(context) -> int | None:
    """How many; `None` of one vector."""
    shape = context.point["code"].shape(context)
    return shape[0] if len(shape) == 2 else None


def _own_position(context) -> bool:
    """Whether a token is told the latent of its own position alone."""
    return getattr(context.point["code"], "latent_at_token", "all") == "own"


def _kernel(context) -> bool | str:
    """cuDNN's LSTM has no second derivative."""
    return False if "second_derivatives" in context.point.offered() else "auto"


# ------------------------------------------------------------------ encoders


class _Encoder(Part):
    place, kinds = "encoder", ("text",)
    needs = facts("z")

    def network(self, context) -> Any:
        """tokens -> features of a sentence."""
        raise NotImplementedError(type(self).__name__)

    def make(self, context):
        encoder, positions = self.network(context), _positions(context)
        if positions is None:
            return encoder
        return networks.SplitEncoder(encoder, positions, _SLICE)


class _Recurrent(_Encoder):
    """An LSTM of the backbone's sizes."""

    def network(self, context):
        return networks.TextEncoder(summary=self.name, **_recurrent(context))


def _recurrent(context) -> dict[str, Any]:
    size, words = sized(SIZES, context.size), context.point["backbone"]
    return {
        "vocabulary_size": context.space.vocabulary_size,
        "embedding_width": words.embedding_width or size.embedding,
        "units": words.units or size.units,
        "initial_scale": words.initial_scale,
        "embedding_scale": words.embedding_scale,
        "use_cudnn": _kernel(context),
    }


@part
class Last(_Recurrent):
    """The last state of an LSTM."""

    name = "last"


@part
class Max(_Recurrent):
    """The largest of an LSTM's states (Long et al. 2020)."""

    name = "max"


@part
class Mean(_Recurrent):
    """The mean of an LSTM's states (Long et al. 2020)."""

    name = "mean"


@part
class AbsMax(_Recurrent):
    """The farthest from 0 of an LSTM's states (Long et al. 2020)."""

    name = "abs_max"


@part
class AntiCausal(_Encoder):
    """An LSTM from right to left, a state for each position."""

    name = "anti_causal"
    needs = facts("positions")
    brings = {"code": "sequence"}

    def make(self, context):
        positions = context.point["code"].shape(context)[0]
        longest = context.space.max_length if _own_position(context) else None
        return networks.AntiCausalTextEncoder(
            positions=positions, max_length=longest, **_recurrent(context)
        )


@part
class Flat(_Encoder):
    """One-hot words of sentences of one length, side by side: for toy vocabularies."""

    name = "flat"
    needs = facts("z fixed_length")

    def network(self, context):
        return networks.FlatTextEncoder(context.space.vocabulary_size, context.space.max_length)


@part
class Pooled(_Encoder):
    """Counts of words: for toy vocabularies."""

    name = "pooled"

    def network(self, context):
        return networks.PooledTextEncoder(context.space.vocabulary_size)


# ------------------------------------------------------------------ backbones


@dataclasses.dataclass(frozen=True)
class _Words(BackbonePart):
    """A decoder of text, with the settings that all of them have."""

    kinds = ("text",)
    offers = facts("decodes_alone")
    embedding_width: int | None = setting(
        None, "of words, instead of the size's own", low=1, high=65536
    )
    units: int | None = setting(
        None, "of encoder and decoder, instead of the size's own", low=1, high=65536
    )
    output_bias: bool = setting(False, "of the logits")
    initial_scale: float | None = setting(
        None, "s: all weights begin uniform in +-s; none: as usual in Keras", low=1e-6, high=1e3
    )
    embedding_scale: float | None = setting(
        None, "the same for the words; none: initial_scale", low=1e-6, high=1e3
    )
    word_keep: float = setting(
        1.0, "part of the decoder's input words that training keeps; 0: none", low=0.0, high=1.0
    )
    input_dropout: float = setting(0.5, "on the decoder's input words", low=0.0, high=0.99)
    output_dropout: float = setting(0.5, "before the softmax", low=0.0, high=0.99)

    def network(self, context, size) -> Any:
        """embedded words -> states."""
        raise NotImplementedError(type(self).__name__)

    def make(self, context):
        tokens, code = context.point["likelihood"].make(context), context.point["code"]
        if code is None:
            return Backbone(None, self._decoder(context), tokens)
        encoder = context.point["encoder"].make(context)
        heads = {"uniform_scale": self.initial_scale}
        return Backbone(encoder, self._decoder(context), tokens, code.shape(context), heads)

    def _decoder(self, context):
        size = sized(SIZES, context.size)
        own = _own_position(context)
        kind = networks.PositionalTextDecoder if own else networks.TextDecoder
        return kind(
            context.space.vocabulary_size,
            context.space.max_length,
            self.network(context, size),
            self.embedding_width or size.embedding,
            word_keep=self.word_keep,
            input_dropout=self.input_dropout,
            output_dropout=self.output_dropout,
            output_bias=self.output_bias,
            initial_scale=self.initial_scale,
            embedding_scale=self.embedding_scale,
        )


@part
class LSTM(_Words):
    """A recurrent network (Bowman et al. 2016)."""

    name = "lstm"
    initial_state: str = setting(
        "tanh",
        "of the decoder: tanh: c = W z, h = tanh c; linear: h = W z + b; zero",
        choices=("tanh", "linear", "zero"),
    )

    def network(self, context, size):
        if _own_position(context) and self.initial_state != "tanh":
            raise UserError(
                f"initial_state={self.initial_state} has no effect: with latent_at_token=own a state is told "
                "nothing of z"
            )
        units = self.units or size.units
        return networks.LSTMNetwork(units, self.initial_state, self.initial_scale, _kernel(context))


@part
class DilatedCNNBackbone(_Words):
    """Causal dilated convolutions (Yang et al. 2017)."""

    name = "dilated_cnn"
    cnn: str = setting(
        "lcnn",
        "the dilations, as published",
        choices=tuple(DILATIONS),
        of={"dilations": ((),)},
    )
    dilations: tuple[int, ...] = setting((), "instead of those", low=1, high=65536, length=(0, 100))
    kernel_size: int = setting(3, "of the convolutions", low=1, high=64)

    def network(self, context, size):
        units = self.units or size.units
        dilations = self.dilations or DILATIONS[self.cnn]
        return networks.DilatedCNN(units, max(1, units // 2), dilations, self.kernel_size)


@part
class Transformer(_Words):
    """Causal self-attention."""

    name = "transformer"
    decoder_layers: int | None = setting(None, "instead of the size's own", low=1, high=200)

    def network(self, context, size):
        units, layers = self.units or size.units, self.decoder_layers or size.layers
        return networks.CausalTransformer(units, layers, size.heads, context.space.max_length)
