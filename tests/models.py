"""Tiny models that the tests share."""

import keras
import numpy as np

import tfvae
from tfvae.latents import (
    AR1Prior,
    AssociativeLatent,
    AuxiliaryPosterior,
    BatchNormalisedPosterior,
    Codebook,
    DiscreteLatent,
    FixedScalePosterior,
    GaussianPosterior,
    InverseAutoregressivePosterior,
    MaskedAutoregressivePrior,
    NeighbourPrior,
    NoLatent,
    StandardNormalPrior,
    StochasticLatent,
    UniformCodes,
)
from tfvae.likelihoods import Bernoulli, Gaussian
from tfvae.networks import (
    AntiCausalEncoder,
    AutoregressiveDecoder,
    DenseHead,
    ExampleIndex,
    FactorisedDecoder,
    GatedPixelCNN,
    GridConditioner,
    GridEncoder,
    GridImage,
    MLPEncoder,
    MLPImage,
    NoEncoder,
)

SHAPE = (4, 4, 1)


def images(number=64, seed=0):
    """Binary 4x4 images of two kinds."""
    rng = np.random.default_rng(seed)
    p = np.where(rng.random((number, 1, 1, 1)) < 0.5, 0.15, 0.85)
    return (rng.random((number, *SHAPE)) < p).astype("float32")


def normalised(seed=0):
    """As `plain`, with means that are normalised over the batch."""
    return plain(seed, posterior=BatchNormalisedPosterior)


def plain(seed=0, width=3, posterior=GaussianPosterior):
    """MLP encoder and decoder, N(0, I)."""
    keras.utils.set_random_seed(seed)
    latent = StochasticLatent(posterior((width,)), StandardNormalPrior((width,)))
    model = tfvae.VAE(
        MLPEncoder((16,), "tanh"),
        latent,
        FactorisedDecoder(SHAPE, MLPImage(SHAPE, (16,), 1)),
        Bernoulli(),
    )
    model.build()
    return model


def auxiliary(seed=0, width=3):
    """As `plain`, with a posterior that is known at its draws alone."""
    keras.utils.set_random_seed(seed)
    latent = StochasticLatent(AuxiliaryPosterior((width,), 2, (8,)), StandardNormalPrior((width,)))
    model = tfvae.VAE(
        MLPEncoder((16,), "tanh"),
        latent,
        FactorisedDecoder(SHAPE, MLPImage(SHAPE, (16,), 1)),
        Bernoulli(),
    )
    model.build()
    return model


def vectors(seed=0, width=3):
    """Of vectors [1, width, 1] of real numbers."""
    keras.utils.set_random_seed(seed)
    shape = (1, width, 1)
    model = tfvae.VAE(
        MLPEncoder((8,), "tanh"),
        StochasticLatent(GaussianPosterior((2,)), StandardNormalPrior((2,))),
        FactorisedDecoder(shape, MLPImage(shape, (8,), 1)),
        Gaussian(1.0),
    )
    model.build()
    return model


def flow(seed=0, width=3):
    """As `plain`, with an inverse autoregressive posterior and a masked autoregressive prior."""
    keras.utils.set_random_seed(seed)
    latent = StochasticLatent(
        InverseAutoregressivePosterior((width,), 2, (6,), context=4),
        MaskedAutoregressivePrior(StandardNormalPrior((width,)), 2, (6,)),
    )
    model = tfvae.VAE(
        MLPEncoder((16,), "tanh"),
        latent,
        FactorisedDecoder(SHAPE, MLPImage(SHAPE, (16,), 1)),
        Bernoulli(),
    )
    model.build()
    return model


def delta(seed=0, rate=1.0):
    """Anti-causal encoder, AR(1) over 2x2 positions, Gated PixelCNN."""
    keras.utils.set_random_seed(seed)
    latent = StochasticLatent(GaussianPosterior((4, 2)), AR1Prior.from_rate((4, 2), rate))
    decoder = AutoregressiveDecoder(
        SHAPE, GatedPixelCNN(8, 2, 3, 3), DenseHead(1), GridConditioner(SHAPE, (2, 2), 4)
    )
    model = tfvae.VAE(AntiCausalEncoder((2, 2), 8, 2), latent, decoder, Bernoulli())
    model.build()
    return model


def discrete(seed=0, num_codes=6, averaged=True):
    """A codebook over 2x2 positions."""
    keras.utils.set_random_seed(seed)
    latent = DiscreteLatent(Codebook((4, 3), num_codes, averaged), UniformCodes((4,), num_codes))
    decoder = FactorisedDecoder(SHAPE, GridImage(SHAPE, (2, 2), 8, 1, 1))
    model = tfvae.VAE(GridEncoder((2, 2), 8, 1), latent, decoder, Bernoulli())
    model.build()
    return model


def associative(seed=0, num_examples=40, width=3, **more):
    """A memory of codes."""
    keras.utils.set_random_seed(seed)
    prior = NeighbourPrior(
        (width,), num_examples, **{"num_neighbours": 3, "units": 8, "num_layers": 1} | more
    )
    model = tfvae.VAE(
        MLPEncoder((16,), "tanh"),
        AssociativeLatent(FixedScalePosterior((width,)), prior),
        FactorisedDecoder(SHAPE, MLPImage(SHAPE, (16,), 1)),
        Bernoulli(),
        ExampleIndex(),
    )
    model.build()
    return model


def exact(seed=0):
    """A Gated PixelCNN without a latent."""
    keras.utils.set_random_seed(seed)
    decoder = AutoregressiveDecoder(SHAPE, GatedPixelCNN(8, 2, 3, 3), DenseHead(1))
    model = tfvae.VAE(NoEncoder(), NoLatent(), decoder, Bernoulli())
    model.build()
    return model
