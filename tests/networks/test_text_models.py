"""Text networks inside a `VAE`: scores ignore padding, and files say what the model says."""

import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.graphs import operations
from tests.networks.text_parts import TOKENS, E, V, randomise, sentences
from tfvae import VAE
from tfvae.latents import (
    AR1Prior,
    GaussianPosterior,
    NoLatent,
    StandardNormalPrior,
    StochasticLatent,
)
from tfvae.networks import (
    AntiCausalTextEncoder,
    CausalTransformer,
    DilatedCNN,
    LSTMNetwork,
    NoEncoder,
    PooledTextEncoder,
    TextDecoder,
    TextEncoder,
)
from tfvae.training.export import export_saved_model

NOISE = {"word_keep": 0.5, "input_dropout": 0.2, "output_dropout": 0.2}


def _vector():
    return StochasticLatent(GaussianPosterior((3,)), StandardNormalPrior((3,)))


def _sequence():
    return StochasticLatent(GaussianPosterior((4, 2)), AR1Prior((4, 2), 0.5))


def _decoder(network, **settings):
    return TextDecoder(V, 7, network, E, **settings)


MODELS = {
    "lagging": lambda: (TextEncoder(V, E, 5), _vector(), _decoder(LSTMNetwork(6), **NOISE)),
    "semi-amortised": lambda: (
        TextEncoder(V, E, 5, "max"),
        _vector(),
        _decoder(LSTMNetwork(6, "linear"), output_bias=True, **NOISE),
    ),
    "inputless": lambda: (
        PooledTextEncoder(V, 6, (5,)),
        _vector(),
        _decoder(DilatedCNN(8, 6, (1, 2)), word_keep=0.0),
    ),
    "delta": lambda: (
        AntiCausalTextEncoder(V, E, 5, 4),
        _sequence(),
        _decoder(CausalTransformer(8, 1, 2, 9)),
    ),
    "language-model": lambda: (NoEncoder(), NoLatent(), _decoder(LSTMNetwork(6, "zero"))),
}
every_model = pytest.mark.parametrize("name", MODELS)


def _model(name):
    model = VAE(*MODELS[name](), TOKENS)
    model.build()
    return randomise(model)


X = sentences(7, 4, 1)


@every_model
def test_padding_changes_no_score(name):
    model = _model(name)
    padded = tf.pad(X, [[0, 0], [0, 2]])
    draw, longer = model.draw(X, 3), model.draw(padded, 3)
    np.testing.assert_allclose(longer.rate, draw.rate, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(longer.log_likelihood, draw.log_likelihood, rtol=1e-5)
    np.testing.assert_allclose(model.log_prob(padded, 5), model.log_prob(X, 5), rtol=1e-5)


@pytest.mark.parametrize("name", ["lagging", "delta"])
def test_training_moves_every_weight(name):
    model = _model(name)
    before = [v.numpy() for v in model.trainable_variables]
    model.compile(keras.optimizers.SGD(0.1))
    model.fit(sentences(*[7, 4, 1] * 4).numpy(), batch_size=4, verbose=0, shuffle=False)
    for variable, old in zip(model.trainable_variables, before):
        assert np.all(np.isfinite(variable)) and np.any(variable.numpy() != old), variable.path


@every_model
def test_a_keras_file_gives_the_same_model(name, tmp_path):
    model = _model(name)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for training in (False, True):  # with the noise of training, too
        ours, theirs = (m.draw(X, 3, training).elbo for m in (model, loaded))
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(loaded.reconstruct(X), model.reconstruct(X))
    np.testing.assert_array_equal(loaded.sample(4, 1), model.sample(4, 1))


@pytest.mark.parametrize("name", ["lagging", "delta", "language-model"])
def test_a_saved_model_says_what_the_model_says(name, tmp_path, monkeypatch):
    """On any machine: where Keras finds a GPU its LSTM is cuDNN's, which loads on no other."""
    model = _model(name)
    with monkeypatch.context() as patched:
        rnn = sys.modules["keras.src.backend.tensorflow.rnn"]
        patched.setattr(rnn, "_is_gpu_available", lambda: True)
        if name == "lagging":
            training = tf.function(lambda x: model.draw(x, 0).elbo).get_concrete_function(X)
            assert "CudnnRNNV3" in operations(training.graph.as_graph_def())
        export_saved_model(model, str(tmp_path / "saved"))
        if name == "lagging":
            assert model.encoder.lstm.use_cudnn == "auto"
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    code, seed = model.encode(X), tf.constant(5)
    np.testing.assert_allclose(loaded.encode(X), code, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(loaded.decode(code), model.decode(code))
    np.testing.assert_array_equal(loaded.reconstruct(X), model.reconstruct(X))
    np.testing.assert_array_equal(loaded.sample(tf.constant(4), seed), model.sample(4, 5))
    np.testing.assert_allclose(loaded.elbo(X, seed), model.elbo(X, 5), rtol=1e-5)
    got = loaded.log_prob(X, tf.constant(7), seed)
    np.testing.assert_allclose(got, model.log_prob(X, 7, 5), rtol=1e-5)
