"""Backbones of tables: encoder, decoder, and a likelihood by column."""

from __future__ import annotations

from tfvae import networks
from tfvae.parts import Part, facts, part
from zoo.backbones import Backbone, BackbonePart, linear, mlp
from zoo.backbones.images import decoder_filters, decoder_layers

__all__ = ["LinearRows", "MLPRows"]


@part
class Full(Part):
    """Sees the whole row."""

    place, name, kinds = "encoder", "full", ("tables",)
    needs = facts("z")

    def make(self, context, usual):
        """`usual()`: the backbone's own encoder."""
        del context
        return usual()


class _TableBackbone(BackbonePart):
    """Columns that are independent given z (and the sensitive one, where there is such a one)."""

    kinds = ("tables",)

    def networks(self):
        """The backbone of images whose layers these are, too."""
        raise NotImplementedError(type(self).__name__)

    def make(self, context):
        columns, own = context.point["likelihood"].make(context), self.networks()
        width = columns.width
        network = own.network(context.size, (width,), width, None)
        encoder = context.point["encoder"].make(context, lambda: own.encoder(context.size))
        numbers = columns.parameter_size(width) - width
        if numbers:
            network = networks.ColumnVariances(network, numbers)
        if context.space.sensitive is None:
            decoder = networks.FactorisedDecoder((width,), network)
        else:
            decoder = networks.ToldColumnDecoder(width, network, *context.space.sensitive_span)
        return Backbone(encoder, decoder, columns, context.point["code"].shape(context))


@part
class LinearRows(_TableBackbone):
    """Linear."""

    name = "linear"

    def networks(self):
        return linear.Linear()


@part
class MLPRows(_TableBackbone):
    """Fully connected."""

    name, offers = "mlp", facts("hidden_layers")
    decoder_layers: int | None = decoder_layers()
    decoder_filters: int | None = decoder_filters()

    def networks(self):
        return mlp.MLP(self.decoder_layers, self.decoder_filters)
