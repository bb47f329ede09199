"""Backbones of tables: encoder, decoder, and a likelihood by column."""

from __future__ import annotations

from tfvae import likelihoods, networks
from tfvae.checks import UserError
from zoo.backbones import Backbone, linear, mlp

__all__ = ["NAMES", "build", "grid", "without_latent"]

_NETWORKS = {"linear": linear, "mlp": mlp}
NAMES = tuple(_NETWORKS)


def build(settings, context) -> Backbone:
    """For one latent vector.

    Args:
        settings: the settings of a model on tables.
        context: `zoo.recipe.Context`.
    """
    columns = likelihoods.Columns(context.space.groups)
    module, width = _NETWORKS[context.backbone], columns.width
    made = module.decoder(context.size, (width,), width, settings, None)
    numbers = columns.parameter_size(width) - width
    network = networks.ColumnVariances(made.network, numbers) if numbers else made.network
    return Backbone(
        module.encoder(context.size), networks.FactorisedDecoder((width,), network), columns
    )


def grid(settings, space) -> None:
    """A row has no grid."""
    del settings, space


def without_latent(settings, context) -> Backbone:
    """None: columns that are independent of each other say nothing without z.

    Raises:
        UserError: always.
    """
    del settings
    raise UserError(
        f"backbone {context.backbone!r} makes columns that are independent given z, and this model "
        "has no z"
    )
