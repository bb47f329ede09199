"""Linear encoder and decoder: with Gaussian pixels, probabilistic PCA (Lucas et al. 2019)."""

from __future__ import annotations

from tfvae.networks import MLPEncoder, MLPImage
from tfvae.parts import facts, part
from zoo.backbones.images import FactorisedBackbone


@part
class Linear(FactorisedBackbone):
    """x flattened, the posterior's mean linear in it; W z + mu."""

    name, offers = "linear", facts()

    def encoder(self, size):
        return MLPEncoder(())

    def network(self, size, shape, parameter_size, grid):
        return MLPImage(shape, (), parameter_size)
