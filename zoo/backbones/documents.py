"""Backbone of bags of words: an MLP reads the counts, a softmax of z makes them (Miao et al. 2016)."""

from __future__ import annotations

from tfvae import networks
from tfvae.parts import Part, facts, part, setting
from zoo.backbones import Backbone, BackbonePart
from zoo.backbones.images import decoder_filters
from zoo.backbones.sizes import sized

__all__ = ["MLPDocuments"]

# paper: one hidden layer of 500
UNITS = {"tiny": (128,), "small": (256,), "paper": (500,)}


@part
class Full(Part):
    """Sees all counts."""

    place, name, kinds = "encoder", "full", ("documents",)
    needs = facts("z")

    def make(self, context, usual):
        """`usual()`: the backbone's own encoder."""
        del context
        return usual()


@part
class MLPDocuments(BackbonePart):
    """Fully connected; the decoder is one softmax layer, unless it is given hidden ones."""

    name, kinds = "mlp", ("documents",)
    offers = facts("hidden_layers")
    decoder_layers: int = setting(
        0, "hidden layers of the decoder; 0: logits = W z + b", low=0, high=200
    )
    decoder_filters: int | None = decoder_filters()

    def make(self, context):
        counts, units = context.point["likelihood"].make(context), sized(UNITS, context.size)
        shape = (counts.vocabulary_size,)
        widths = (self.decoder_filters or units[0],) * self.decoder_layers
        size = counts.parameter_size(*shape)
        decoder = networks.FactorisedDecoder(shape, networks.MLPImage(shape, widths, size, "relu"))
        encoder = context.point["encoder"].make(context, lambda: networks.MLPEncoder(units, "relu"))
        return Backbone(encoder, decoder, counts, context.point["code"].shape(context))
