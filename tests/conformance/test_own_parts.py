"""Ordinary Keras networks are parts; what does not fit is named before anything trains."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfvae
from tests import models
from tfvae.latents import (
    Codebook,
    DiscreteLatent,
    FixedScalePosterior,
    GaussianPosterior,
    StandardNormalPrior,
    StochasticLatent,
    UniformCodes,
)
from tfvae.likelihoods import Bernoulli, DiscretizedLogisticMixture, Gaussian, MuLaw, Tokens
from tfvae.networks import FactorisedDecoder, LabelCondition, MLPEncoder, MLPImage
from tfvae.training.export import export_saved_model

layers = keras.layers


def gaussian(width):
    return StochasticLatent(GaussianPosterior((width,)), StandardNormalPrior((width,)))


def table(likelihood=None, **more):
    """Rows of 6 columns, the networks a Sequential and a functional model."""
    keras.utils.set_random_seed(0)
    z = keras.Input((2,))
    h = layers.Dense(8, "tanh", name="hidden")(z)
    decoder = keras.Model(z, layers.Dense(12)(h), name="mine")
    encoder = keras.Sequential([layers.Dense(8, "tanh")], name="ours")
    return tfvae.VAE(encoder, gaussian(2), decoder, likelihood or Gaussian(), **more)


def rows(number=64):
    rng = np.random.default_rng(0)
    return (rng.normal(size=(number, 2)) @ rng.normal(size=(2, 6)) + 1.0).astype("float32")


def test_ordinary_networks_of_a_table_train_and_are_kept(tmp_path):
    model, x = table(), rows()
    assert model.data_shape == (6,) and isinstance(model.decoder, FactorisedDecoder)
    model.compile(keras.optimizers.Adam(0.02))
    before = model.evaluate(x, verbose=0, return_dict=True)["elbo"]
    model.fit(x, batch_size=16, epochs=15, verbose=0)
    after = model.evaluate(x, verbose=0, return_dict=True)["elbo"]
    assert after > before + 2.0
    np.testing.assert_allclose(np.mean(model.sample(2000, seed=1), 0), x.mean(0), atol=0.8)
    model.save(tmp_path / "model.keras")
    copy = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(copy.elbo(x, 3), model.elbo(x, 3))
    np.testing.assert_array_equal(copy.sample(4, 5), model.sample(4, 5))
    export_saved_model(model, str(tmp_path / "saved"))
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    np.testing.assert_allclose(loaded.encode(x), model.encode(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("likelihood", "shape", "wanted"),
    [
        (Bernoulli(), (1,), (1,)),
        (Bernoulli(), (4, 4, 1), (4, 4, 1)),
        (Gaussian(1.0), (5, 3), (5, 3)),
        (Gaussian(), (4, 4, 6), (4, 4, 3)),
        (DiscretizedLogisticMixture(2), (4, 4, 20), (4, 4, 3)),
        (DiscretizedLogisticMixture(2), (4, 4, 6), (4, 4, 1)),
        (Tokens(7), (5, 7), (5,)),
        (MuLaw(), (5, 256), (5,)),
    ],
)
def test_the_data_have_the_shape_of_the_networks_output(likelihood, shape, wanted):
    decoder = keras.Sequential([layers.Dense(int(np.prod(shape))), layers.Reshape(shape)])
    encoder = keras.Sequential([layers.Flatten(), layers.Dense(3)])
    if isinstance(likelihood, Tokens):
        encoder = keras.Sequential([layers.Embedding(7, 2), layers.Flatten()])
    model = tfvae.VAE(encoder, gaussian(2), decoder, likelihood)
    model.build()
    assert model.data_shape == wanted
    x = model.sample(3, seed=0)
    assert x.shape == (3, *wanted)
    if isinstance(likelihood, Tokens):  # untrained it says what is no sentence
        x = tf.fill([3, 5], 4)
    assert np.isfinite(model.elbo(x)).all() and model.elbo(x).shape == (3,)
    assert model.conditional(model.encode(x)).event_shape == wanted


def test_a_label_reaches_ordinary_networks():
    encoder = keras.Sequential([layers.Flatten(), layers.Dense(3)])
    decoder = keras.Sequential([layers.Dense(16), layers.Reshape((4, 4, 1))])
    model = tfvae.VAE(encoder, gaussian(2), decoder, Bernoulli(), LabelCondition(3))
    model.build()
    zero, one = (model.decode(np.zeros((1, 2)), label=[k]) for k in (0, 1))
    assert np.abs(zero - one).max() > 0.01


def image_encoder():
    return keras.Sequential([layers.Flatten(), layers.Dense(4)], name="eye")


def image_decoder(inputs=2, last=16):
    chain = [keras.Input((inputs,)), layers.Dense(last), layers.Reshape((4, 4, last // 16))]
    return keras.Sequential(chain, name="hand")


def two_outputs():
    x = keras.Input(models.SHAPE)
    h = layers.Flatten()(x)
    return keras.Model(x, [layers.Dense(2)(h), layers.Dense(2)(h)], name="pair")


def codes():
    return DiscreteLatent(Codebook((4, 3), 6), UniformCodes((4,), 6))


def fixed():
    return StochasticLatent(FixedScalePosterior((3,)), StandardNormalPrior((3,)))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda: (image_encoder(), gaussian(3), image_decoder(2), Bernoulli()),
            r"decoder 'hand' takes \[B, 2\], and the latent gives \[B, 3\]",
        ),
        (
            lambda: (
                image_encoder(),
                gaussian(2),
                image_decoder(2),
                Bernoulli(),
                LabelCondition(3),
            ),
            r"decoder 'hand' takes \[B, 2\], and the latent gives \[B, 5\]",
        ),
        (
            lambda: (image_encoder(), gaussian(2), image_decoder(last=48), Gaussian()),
            r"decoder 'hand' gives 3 parameters in its last axis, and Gaussian wants 2 for a channel",
        ),
        (
            lambda: (
                image_encoder(),
                gaussian(2),
                FactorisedDecoder(models.SHAPE, MLPImage(models.SHAPE, (4,), 1)),
                Gaussian(),
            ),
            r"gives parameters \[B, 4, 4, 1\], and Gaussian of x \[B, 4, 4, 1\] wants \[B, 4, 4, 2\]",
        ),
        (
            lambda: (
                keras.Sequential([keras.Input((5, 5, 1)), layers.Flatten()], name="eye"),
                gaussian(2),
                image_decoder(),
                Bernoulli(),
            ),
            r"encoder 'eye' takes \[B, 5, 5, 1\], and the decoder's x is \[B, 4, 4, 1\]",
        ),
        (
            lambda: (two_outputs(), gaussian(2), image_decoder(), Bernoulli()),
            "encoder 'pair' must give one tensor, got 2",
        ),
        (
            lambda: (
                keras.Sequential([layers.Dense(4)]),
                gaussian(2),
                image_decoder(),
                Bernoulli(),
            ),
            r"needs features \[B, F\], got \(None, 4, 4, 4\)",
        ),
        (lambda: (image_encoder(), codes(), models.discrete().decoder, Bernoulli()), "features"),
        (
            lambda: (image_encoder(), gaussian(2), lambda z: z, Bernoulli()),
            "must be a Keras network",
        ),
        (
            lambda: (lambda x: x, gaussian(2), image_decoder(), Bernoulli()),
            "must be a Keras network",
        ),
        (lambda: (image_encoder(), None, image_decoder(), Bernoulli()), "latent must be"),
        (
            lambda: (image_encoder(), gaussian(2), image_decoder(), "bernoulli"),
            "likelihood must be",
        ),
    ],
)
def test_parts_that_do_not_fit_are_named_before_anything_trains(make, says):
    def train():
        model = tfvae.VAE(*make())
        model.compile("adam")
        model.fit(models.images(8), np.zeros(8), verbose=0)

    with pytest.raises(tfvae.UserError, match=says) as caught:
        train()
    assert "\n" not in str(caught.value)


def test_what_acts_in_training_only_would_never_act():
    """A part has one behaviour: noise is of the step's seed, statistics are nobody's."""
    for layer in (layers.Dropout(0.5), layers.BatchNormalization(), layers.GaussianNoise(1.0)):
        encoder = keras.Sequential([layers.Flatten(), layer, layers.Dense(2)])
        with pytest.raises(tfvae.UserError, match=f"{type(layer).__name__} .* of the encoder"):
            tfvae.VAE(encoder, gaussian(2), image_decoder(), Bernoulli()).build()
    encoder = keras.Sequential([layers.Flatten(), layers.Dropout(0.0), layers.Dense(2)])
    tfvae.VAE(encoder, gaussian(2), image_decoder(), Bernoulli()).build()


def test_tfvae_encoders_go_with_ordinary_decoders():
    model = tfvae.VAE(MLPEncoder((4,)), gaussian(2), image_decoder(), Bernoulli())
    model.build()
    assert model.reconstruct(models.images(3)).shape == (3, *models.SHAPE)
