"""Every public part once: serialisation, gradients, and a test that fails if one is missing."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfvae import latents, likelihoods, networks, objectives, procedures

IMAGE = (8, 8, 1)
X = np.random.default_rng(0).uniform(-1, 1, (3, *IMAGE)).astype("float32")
Z = np.random.default_rng(1).normal(size=(3, 4, 2)).astype("float32")
FEATURES = np.random.default_rng(2).normal(size=(3, 4, 6)).astype("float32")


def _posterior():
    return latents.GaussianPosterior((4, 2))


# name: (how to make it, what it is called with); a part without weights or call has None
PARTS = {
    networks.MLPEncoder: (lambda: networks.MLPEncoder((5,), "tanh"), (X,)),
    networks.ResNetEncoder: (lambda: networks.ResNetEncoder((8, 8), 6), (X,)),
    networks.GridEncoder: (lambda: networks.GridEncoder((2, 2), 8, 1), (X,)),
    networks.AntiCausalEncoder: (lambda: networks.AntiCausalEncoder((2, 2), 6, 2), (X,)),
    networks.NoEncoder: (networks.NoEncoder, (X,)),
    networks.CausalConv2D: (lambda: networks.CausalConv2D(4, (2, 3), right=1), (X,)),
    networks.GatedPixelCNN: (lambda: networks.GatedPixelCNN(6, 2, 3, 3), (X,)),
    networks.PixelSNAIL: (lambda: networks.PixelSNAIL(6, 1, 1, 4, 4), (X,)),
    networks.DenseHead: (lambda: networks.DenseHead(2), (X, X)),
    networks.ChannelAutoregressiveHead: (
        lambda: networks.ChannelAutoregressiveHead(3, 4, 5),
        (np.tile(X, 4), np.tile(X, 3)),
    ),
    networks.GridConditioner: (lambda: networks.GridConditioner(IMAGE, (2, 2), 3), (Z,)),
    networks.VectorConditioner: (lambda: networks.VectorConditioner(IMAGE, 3), (Z[:, 0],)),
    networks.MLPImage: (lambda: networks.MLPImage(IMAGE, (5,), 1), (Z,)),
    networks.DeconvolutionalImage: (lambda: networks.DeconvolutionalImage(IMAGE, (4,), 1), (Z,)),
    networks.FactorisedDecoder: (
        lambda: networks.FactorisedDecoder(IMAGE, networks.MLPImage(IMAGE, (5,), 1)),
        (Z, X),
    ),
    networks.AutoregressiveDecoder: (
        lambda: networks.AutoregressiveDecoder(
            IMAGE,
            networks.GatedPixelCNN(6, 2, 3, 3),
            networks.DenseHead(1),
            networks.GridConditioner(IMAGE, (2, 2), 3),
        ),
        (Z, X),
    ),
    latents.GaussianPosterior: (_posterior, None),
    latents.StandardNormalPrior: (lambda: latents.StandardNormalPrior((4, 2)), None),
    latents.AR1Prior: (lambda: latents.AR1Prior((4, 2), (0.5, 0.9)), None),
    latents.AutoregressivePrior: (
        lambda: latents.AutoregressivePrior(latents.AR1Prior((4, 2), 0.5), 6, 2, 2),
        None,
    ),
    latents.StochasticLatent: (
        lambda: latents.StochasticLatent(_posterior(), latents.AR1Prior((4, 2), 0.5)),
        None,
    ),
    latents.NoLatent: (latents.NoLatent, None),
    likelihoods.Bernoulli: (likelihoods.Bernoulli, None),
    likelihoods.Categorical256: (likelihoods.Categorical256, None),
    likelihoods.DiscretizedLogisticMixture: (
        lambda: likelihoods.DiscretizedLogisticMixture(3),
        None,
    ),
}
ABSTRACT = {latents.Latent, latents.Inferred, likelihoods.Likelihood}


def _public():
    modules = (networks, latents, likelihoods)
    return {
        getattr(module, name)
        for module in modules
        for name in module.__all__
        if inspect.isclass(getattr(module, name))
    }


def test_every_public_part_is_in_the_table():
    assert _public() - ABSTRACT == set(PARTS), "add the new part to PARTS"
    assert {objectives.Objective, procedures.Joint, procedures.Update, procedures.Procedure} <= {
        getattr(m, n) for m in (objectives, procedures) for n in m.__all__
    }


@pytest.mark.parametrize("part", PARTS, ids=lambda p: p.__name__)
def test_config_round_trip(part):
    made = PARTS[part][0]()
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(made))
    assert type(copy) is part
    ours, theirs = made.get_config(), copy.get_config()
    assert str(ours) == str(theirs)


CALLED = [part for part, (_, inputs) in PARTS.items() if inputs is not None]


@pytest.mark.parametrize("part", CALLED, ids=lambda p: p.__name__)
def test_round_trip_with_weights_gradients_and_documentation(part):
    make, inputs = PARTS[part]
    layer = make()
    inputs = [tf.constant(i) for i in inputs]
    with tf.GradientTape() as tape:
        out = layer(*inputs)
        loss = tf.reduce_sum(tf.sin(out * 1.3))
    gradients = tape.gradient(loss, [w.value for w in layer.trainable_variables])
    assert all(g is not None for g in gradients)
    config = keras.saving.serialize_keras_object(layer)
    copy = keras.saving.deserialize_keras_object(config)
    copy(*inputs)
    copy.set_weights(layer.get_weights())
    np.testing.assert_array_equal(copy(*inputs), out)
    assert part.__doc__ and len(part.__doc__.splitlines()[0]) > 10


@pytest.mark.parametrize("module", [networks, latents, likelihoods, objectives, procedures])
def test_everything_public_has_a_docstring(module):
    without = [n for n in module.__all__ if not inspect.getdoc(getattr(module, n))]
    assert not without
