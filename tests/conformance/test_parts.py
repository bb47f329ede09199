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
WORDS, LENGTH = 9, 6
TOKENS = np.array([[4, 5, 6, 7, 8, 2], [5, 3, 2, 0, 0, 0], [2, 0, 0, 0, 0, 0]], np.int32)
WAVES = np.random.default_rng(3).uniform(-1, 1, (3, 8)).astype("float32")
STEPS = np.random.default_rng(2).normal(size=(3, LENGTH, 5)).astype("float32")  # embedded tokens


def _posterior():
    return latents.GaussianPosterior((4, 2))


def _text_decoder():
    return networks.TextDecoder(
        WORDS,
        LENGTH,
        networks.LSTMNetwork(4),
        embedding_width=3,
        word_keep=0.5,
        input_dropout=0.1,
        output_dropout=0.2,
        output_bias=True,
        evaluate_word_keep=0,
        initial_scale=0.3,
        embedding_scale=0.4,
    )


# name: (how to make it, what it is called with); a part without weights or call has None
PARTS = {
    networks.MLPEncoder: (lambda: networks.MLPEncoder((5,), "tanh"), (X,)),
    networks.ResNetEncoder: (lambda: networks.ResNetEncoder((8, 8), 6), (X,)),
    networks.GridEncoder: (lambda: networks.GridEncoder((2, 2), 8, 1), (X,)),
    networks.AntiCausalEncoder: (lambda: networks.AntiCausalEncoder((2, 2), 6, 2), (X,)),
    networks.InformationDropout: (
        lambda: networks.InformationDropout(3, 0.5, "relu", "all"),
        (X, np.array([1, 2], np.int32)),  # of the noise
    ),
    networks.NoisyEncoder: (
        lambda: networks.NoisyEncoder.of(networks.ResNetEncoder((8, 8), 6), 0.5),
        None,
    ),
    networks.Classifier: (lambda: networks.Classifier(3, (4,)), (Z,)),
    networks.LabelCondition: (
        lambda: networks.LabelCondition(4, 3, True),
        (np.array([0, 3, 2], np.int32),),
    ),
    latents.ConcretePosterior: (
        lambda: latents.ConcretePosterior((4, 3), 0.5, 0.2, 9, True),
        None,
    ),
    latents.UniformCategoryPrior: (lambda: latents.UniformCategoryPrior((3,)), None),
    latents.SideBySidePosterior: (
        lambda: latents.SideBySidePosterior([latents.ConcretePosterior((4, 3)), _posterior()]),
        None,
    ),
    latents.SideBySidePrior: (
        lambda: latents.SideBySidePrior(
            [latents.UniformCategoryPrior((3,)), latents.StandardNormalPrior((2,))]
        ),
        None,
    ),
    latents.InformationDropoutPosterior: (
        lambda: latents.InformationDropoutPosterior((3,), 0.5, "relu"),
        None,
    ),
    latents.LogNormalPrior: (lambda: latents.LogNormalPrior((3,)), None),
    latents.LogUniformPrior: (lambda: latents.LogUniformPrior((3,), 0.5), None),
    networks.SkipMLPImage: (lambda: networks.SkipMLPImage(IMAGE, (5, 4), 1), (Z,)),
    networks.SkipDeconvolutionalImage: (
        lambda: networks.SkipDeconvolutionalImage(IMAGE, (6, 4), 1),
        (Z,),
    ),
    networks.ConvexGradient: (lambda: networks.ConvexGradient((5, 4), 0.3), (Z[:, 0],)),
    networks.InjectiveImage: (lambda: networks.InjectiveImage(IMAGE, (5, 4), 1, 0.3), (Z,)),
    networks.NoEncoder: (networks.NoEncoder, (X,)),
    networks.NoDecoder: (lambda: networks.NoDecoder(IMAGE), None),
    networks.CausalConv2D: (lambda: networks.CausalConv2D(4, (2, 3), right=1), (X,)),
    networks.GatedPixelCNN: (lambda: networks.GatedPixelCNN(6, 2, 3, 3), (X,)),
    networks.MaskedConv2D: (lambda: networks.MaskedConv2D(4, 5, own=False), (X,)),
    networks.MaskedPixelCNN: (lambda: networks.MaskedPixelCNN(6, 2, 5), (X, np.tile(X, 2))),
    networks.PixelSNAIL: (lambda: networks.PixelSNAIL(6, 1, 1, 4, 4), (X,)),
    networks.GatedDense: (lambda: networks.GatedDense(5), (X,)),
    networks.GatedJoin: (lambda: networks.GatedJoin(3), (Z[:, 0], {"top": Z[:, 1]})),
    networks.GatedLevels: (
        lambda: networks.GatedLevels((1, 1), 3, networks.MLPImage(IMAGE, (5,), 1)),
        (Z[:, 0],),
    ),
    networks.LevelEncoders: (
        lambda: networks.LevelEncoders(("b", "a"), [networks.MLPEncoder((n,)) for n in (3, 4)]),
        None,
    ),
    networks.DenseHead: (lambda: networks.DenseHead(2), (X, X)),
    networks.ChannelAutoregressiveHead: (
        lambda: networks.ChannelAutoregressiveHead(3, 4, 5),
        (np.tile(X, 4), np.tile(X, 3)),
    ),
    networks.GridConditioner: (lambda: networks.GridConditioner(IMAGE, (2, 2), 3), (Z,)),
    networks.VectorConditioner: (lambda: networks.VectorConditioner(IMAGE, 3), (Z[:, 0],)),
    networks.ImageConditioner: (
        lambda: networks.ImageConditioner(networks.MLPImage(IMAGE, (5,), 2), 2),
        (Z,),
    ),
    networks.ExampleIndex: (networks.ExampleIndex, None),
    networks.MADE: (lambda: networks.MADE((5,), 2, True, "tanh"), (Z[:, 0], Z[:, 1])),
    networks.MLPImage: (lambda: networks.MLPImage(IMAGE, (5,), 1), (Z,)),
    networks.DeconvolutionalImage: (lambda: networks.DeconvolutionalImage(IMAGE, (4,), 1), (Z,)),
    networks.SharedVariance: (
        lambda: networks.SharedVariance(networks.MLPImage(IMAGE, (5,), 1)),
        (Z,),
    ),
    networks.ColumnVariances: (
        lambda: networks.ColumnVariances(networks.MLPImage((3,), (5,), 3), 2),
        (Z,),
    ),
    networks.GridImage: (lambda: networks.GridImage(IMAGE, (2, 2), 8, 1, 1), (Z,)),
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
    networks.JoinAbove: (lambda: networks.JoinAbove(3), (Z, {"top": Z[:, 0]})),
    networks.LSTMNetwork: (lambda: networks.LSTMNetwork(4, "linear", 0.1, False), (STEPS, Z[:, 0])),
    networks.DilatedCNN: (lambda: networks.DilatedCNN(4, 3, (1, 2), 2), (STEPS, Z[:, 0])),
    networks.CausalTransformer: (
        lambda: networks.CausalTransformer(4, 2, 2, LENGTH),
        (STEPS, Z[:, 0]),
    ),
    networks.TextDecoder: (_text_decoder, (Z, TOKENS)),
    networks.PositionalTextDecoder: (
        lambda: networks.PositionalTextDecoder(WORDS, LENGTH, networks.LSTMNetwork(4), 3),
        (Z, TOKENS),
    ),
    networks.TextEncoder: (
        lambda: networks.TextEncoder(
            WORDS, 3, 4, "abs_max", initial_scale=0.3, embedding_scale=0.4, use_cudnn=False
        ),
        (TOKENS,),
    ),
    networks.AntiCausalTextEncoder: (
        lambda: networks.AntiCausalTextEncoder(WORDS, 3, 4, 2, LENGTH, initial_scale=0.3),
        (TOKENS,),
    ),
    networks.FlatTextEncoder: (
        lambda: networks.FlatTextEncoder(WORDS, LENGTH, (5, 4)),
        (TOKENS,),
    ),
    networks.PooledTextEncoder: (lambda: networks.PooledTextEncoder(WORDS, 3, (5, 4)), (TOKENS,)),
    networks.WaveformEncoder: (lambda: networks.WaveformEncoder(4, 4, 1, True, 5), (WAVES,)),
    networks.WaveNet: (
        lambda: networks.WaveNet(4, 5, (1, 2), 3),
        (WAVES[..., None], Z),
    ),
    networks.WaveNetDecoder: (
        lambda: networks.WaveNetDecoder(8, networks.WaveNet(4, 5, (1, 2)), 6, 4, 3),
        (Z[:, 0], WAVES),
    ),
    networks.SplitEncoder: (
        lambda: networks.SplitEncoder(networks.TextEncoder(WORDS, 3, 4), 2, 5),
        (TOKENS,),
    ),
    latents.GaussianPosterior: (_posterior, None),
    latents.AuxiliaryPosterior: (lambda: latents.AuxiliaryPosterior((4, 2), 3, (5,), "tanh"), None),
    latents.BatchNormalisedPosterior: (
        lambda: latents.BatchNormalisedPosterior((4, 2), gamma=0.5, decay=0.9, epsilon=1e-3),
        None,
    ),
    latents.FixedScalePosterior: (lambda: latents.FixedScalePosterior((4, 2), 0.5), None),
    latents.SharedScalePosterior: (lambda: latents.SharedScalePosterior((4, 2)), None),
    latents.VonMisesFisherPosterior: (
        lambda: latents.VonMisesFisherPosterior((4, 6), 9.0, spheres=2, uniform_scale=0.1),
        None,
    ),
    latents.LearnedVonMisesFisherPosterior: (
        lambda: latents.LearnedVonMisesFisherPosterior((4, 6), 2, uniform_scale=0.1),
        None,
    ),
    latents.PowerSphericalPosterior: (
        lambda: latents.PowerSphericalPosterior((6,), 9.0, spheres=3),
        None,
    ),
    latents.LearnedPowerSphericalPosterior: (
        lambda: latents.LearnedPowerSphericalPosterior((6,), 3),
        None,
    ),
    latents.VMFNormPosterior: (
        lambda: latents.VMFNormPosterior((4, 6), 9.0, 3.0, spheres=2, uniform_scale=0.1),
        None,
    ),
    latents.UniformNormPrior: (lambda: latents.UniformNormPrior((4, 6), 3.0, 2), None),
    latents.UniformSpherePrior: (lambda: latents.UniformSpherePrior((4, 6), 2), None),
    latents.InverseAutoregressivePosterior: (
        lambda: latents.InverseAutoregressivePosterior(
            (4, 2), 2, (5,), "shift", 1.5, 3, {"use_bias": False}
        ),
        None,
    ),
    latents.PlanarPosterior: (
        lambda: latents.PlanarPosterior((4, 2), 3, {"initial_scale": 0.5}),
        None,
    ),
    latents.CouplingPosterior: (
        lambda: latents.CouplingPosterior((4, 2), 2, (5,), "gated", 1.5, 3, {"use_bias": False}),
        None,
    ),
    latents.StandardNormalPrior: (lambda: latents.StandardNormalPrior((4, 2)), None),
    latents.ConditionalNormalPrior: (lambda: latents.ConditionalNormalPrior((4, 2), 3), None),
    latents.AR1Prior: (lambda: latents.AR1Prior((4, 2), (0.5, 0.9)), None),
    latents.LevelPrior: (
        lambda: latents.LevelPrior(
            _posterior(), networks.MLPEncoder((3,)), {"b": (4, 2), "a": (2,)}
        ),
        None,
    ),
    latents.VampPrior: (
        lambda: latents.VampPrior((4, 2), (3,), 6, False, (-1.0, 1.0), 0.5, 0.1, "float32"),
        None,
    ),
    latents.AutoregressivePrior: (
        lambda: latents.AutoregressivePrior(latents.AR1Prior((4, 2), 0.5), 6, 2, 2),
        None,
    ),
    latents.MaskedAutoregressivePrior: (
        lambda: latents.MaskedAutoregressivePrior(
            latents.AR1Prior((4, 2), 0.5), 2, (5,), "shift", 1.5
        ),
        None,
    ),
    latents.AttentionPrior: (
        lambda: latents.AttentionPrior(latents.AR1Prior((4, 2), 0.5), 6, 2, 3, 2),
        None,
    ),
    latents.NestedPrior: (lambda: latents.NestedPrior((3,), 2, (4,), 5), None),
    networks.ToldColumnDecoder: (
        lambda: networks.ToldColumnDecoder(
            5, networks.ColumnVariances(networks.MLPImage((5,), (4,), 5), 2), 1, 3
        ),
        (Z[:, 0], np.eye(5, dtype=np.float32)[:3]),
    ),
    latents.MixturePrior: (lambda: latents.MixturePrior(latents.AR1Prior((4, 2), 0.5), 3), None),
    latents.PixelCNNPrior: (
        lambda: latents.PixelCNNPrior(latents.AR1Prior((4, 2), 0.5), (2, 2), 6, 2, 2),
        None,
    ),
    latents.StochasticLatent: (
        lambda: latents.StochasticLatent(_posterior(), latents.AR1Prior((4, 2), 0.5)),
        None,
    ),
    latents.Hierarchy: (
        lambda: latents.Hierarchy(
            [
                ("a", latents.StochasticLatent(_posterior(), latents.StandardNormalPrior((4, 2)))),
                ("b", latents.NoLatent(), networks.JoinAbove(3)),
            ]
        ),
        None,
    ),
    latents.Codebook: (lambda: latents.Codebook((4, 2), 5, False), None),
    latents.UniformCodes: (lambda: latents.UniformCodes((4,), 5), None),
    latents.AutoregressiveCodes: (
        lambda: latents.AutoregressiveCodes((4,), 5, (2, 2), 6, 2),
        None,
    ),
    latents.DiscreteLatent: (
        lambda: latents.DiscreteLatent(latents.Codebook((4, 2), 5), latents.UniformCodes((4,), 5)),
        None,
    ),
    latents.CodeMemory: (lambda: latents.CodeMemory(9, 4), None),
    latents.NeighbourPrior: (lambda: latents.NeighbourPrior((4, 2), 9, 2, 5, 1, 2), None),
    latents.AssociativeLatent: (
        lambda: latents.AssociativeLatent(
            latents.FixedScalePosterior((4, 2)), latents.NeighbourPrior((4, 2), 9, 2, 5, 1, 2)
        ),
        None,
    ),
    latents.NoLatent: (latents.NoLatent, None),
    likelihoods.Bernoulli: (likelihoods.Bernoulli, None),
    likelihoods.Categorical256: (likelihoods.Categorical256, None),
    likelihoods.DiscretizedLogisticMixture: (
        lambda: likelihoods.DiscretizedLogisticMixture(3),
        None,
    ),
    likelihoods.Columns: (lambda: likelihoods.Columns((1, 3, 1)), None),
    likelihoods.Counts: (lambda: likelihoods.Counts(7, 3), None),
    likelihoods.Gaussian: (lambda: likelihoods.Gaussian(0.5), None),
    likelihoods.MuLaw: (likelihoods.MuLaw, None),
    likelihoods.OneHot: (likelihoods.OneHot, None),
    likelihoods.Tempered: (lambda: likelihoods.Tempered(likelihoods.MuLaw(), 0.5), None),
    likelihoods.Tokens: (lambda: likelihoods.Tokens(WORDS), None),
}
ABSTRACT = {
    latents.Latent,
    latents.LearnedPrior,
    latents.DrawnPosterior,
    latents.FlowPosterior,
    latents.Inferred,
    latents.MeanFieldPosterior,
    latents.Posterior,
    latents.Prior,
    latents.Quantised,
    latents.SequentialPrior,
    likelihoods.Likelihood,
    networks.Decoder,
}


def _public():
    modules = (networks, latents, likelihoods)
    return {
        getattr(module, name)
        for module in modules
        for name in module.__all__
        if inspect.isclass(getattr(module, name))
    }


def _arguments(part):
    """Names of the constructor's own arguments, those of this package's base classes too."""
    own = [c for c in part.__mro__ if c.__module__.startswith("tfvae") and "__init__" in vars(c)]
    named = [p for c in own for p in inspect.signature(c.__init__).parameters.values()]
    return {p.name for p in named if p.kind is not p.VAR_KEYWORD} - {"self"}


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
    assert _arguments(part) <= set(ours), "an argument that get_config leaves out is lost"


CALLED = [part for part, (_, inputs) in PARTS.items() if inputs is not None]


@pytest.mark.parametrize("part", CALLED, ids=lambda p: p.__name__)
def test_round_trip_with_weights_gradients_and_documentation(part):
    make, inputs = PARTS[part]
    layer = make()
    inputs = tf.nest.map_structure(tf.constant, list(inputs))
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
