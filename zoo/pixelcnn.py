"""`pixelcnn`: an autoregressive model without a latent; its NLL is exact."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from zoo.recipe import Context, Defaults, Stage
from zoo.settings import ImageSettings

CITATION = "van den Oord et al., Conditional Image Generation with PixelCNN Decoders, NeurIPS 2016"
DEFAULTS = Defaults(backbone="gated_pixelcnn")


@dataclasses.dataclass(frozen=True)
class Settings(ImageSettings):
    """p(x) = prod_i p(x_i | x_<i): the backbone's decoder alone."""


def model(settings: Settings, context: Context):
    """The decoder of the backbone, conditioned on nothing."""
    import tfvae
    from tfvae.latents import NoLatent
    from tfvae.networks import NoEncoder
    from zoo import backbones

    parts = backbones.without_latent(settings, context)
    return tfvae.VAE(NoEncoder(), NoLatent(), parts.decoder, parts.likelihood, name="pixelcnn")


def stages(settings: Settings, context: Context, vae) -> Iterator[Stage]:
    """One: maximum likelihood."""
    from zoo.training import joint_stage

    yield joint_stage(settings, context, vae)
