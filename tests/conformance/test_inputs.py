"""What is no data of a model is refused at every entrance, in one line, whatever holds it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfvae
from tests import models
from tfvae import diagnosis
from tfvae.latents import GaussianPosterior, StandardNormalPrior, StochasticLatent
from tfvae.likelihoods import Bernoulli, Categorical256, Gaussian, Tokens
from tfvae.networks import FactorisedDecoder, LabelCondition, MLPEncoder, MLPImage
from tfvae.training.collapse_monitor import CollapseMonitor

X = models.images(24)
BYTES = (X * 255).astype("uint8")
LABEL = np.arange(24) % 3


def _with(value):
    x = X.copy()
    x[17, 2, 3] = value
    return x


def _model(likelihood, condition=None):
    keras.utils.set_random_seed(0)
    size = likelihood.parameter_size(1)
    latent = StochasticLatent(GaussianPosterior((2,)), StandardNormalPrior((2,)))
    decoder = FactorisedDecoder(models.SHAPE, MLPImage(models.SHAPE, (4,), size))
    model = tfvae.VAE(MLPEncoder((4,)), latent, decoder, likelihood, condition)
    model.build()
    model.compile("adam")
    return model


@pytest.fixture(scope="module")
def binary():
    return _model(Bernoulli())


@pytest.fixture(scope="module")
def eight():
    return _model(Categorical256())


@pytest.fixture(scope="module")
def told():
    return _model(Bernoulli(), LabelCondition(3))


@pytest.fixture(scope="module")
def near():
    model = models.associative(num_examples=24)
    model.compile("adam")
    return model


def refused(call, says):
    """`call` ends in a `UserError` of one line that says so."""
    with pytest.raises(tfvae.UserError, match=says) as caught:
        call()
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


def measured(x, **more):
    return lambda model: diagnosis.measure(model, x, num_samples=1, nll_examples=2, **more)


def monitored(model, x, label=None):
    monitor = CollapseMonitor(x, label=label)
    monitor.set_model(model)
    monitor.on_train_begin()
    monitor.look(0)


Z = np.zeros((24, 2), "float32")
ENTRANCES = {
    "fit": lambda m, x: m.fit(x, verbose=0),
    "validation_data": lambda m, x: m.fit(X, validation_data=(x,), verbose=0),
    "evaluate": lambda m, x: m.evaluate(x, verbose=0),
    "predict": lambda m, x: m.predict(x, verbose=0),
    "train_on_batch": lambda m, x: m.train_on_batch(x),
    "test_on_batch": lambda m, x: m.test_on_batch(x),
    "predict_on_batch": lambda m, x: m.predict_on_batch(x),
    "call": lambda m, x: m(x),
    "features": lambda m, x: m.features(x),
    "encode": lambda m, x: m.encode(x),
    "reconstruct": lambda m, x: m.reconstruct(x),
    "draw": lambda m, x: m.draw(x, 0),
    "elbo": lambda m, x: m.elbo(x),
    "log_prob": lambda m, x: m.log_prob(x, 2),
    "log_weights": lambda m, x: m.log_weights(x, 2),
    "importance": lambda m, x: m.importance(x, 2),
    "posterior": lambda m, x: m.posterior(x),
    "conditional": lambda m, x: m.conditional(Z, x),
    "measure": lambda m, x: diagnosis.measure(m, x, num_samples=2),
    "information": lambda m, x: diagnosis.information_in_batches(m, x, 2, tf.constant([0, 0])),
    "gaps": lambda m, x: diagnosis.inference_gaps(m, x, num_steps=1),
    "diagnose": lambda m, x: tfvae.diagnose(m, x),
    "monitor": monitored,
}
UNITS, SHAPE = "x must be 0 or 1", r"takes x of shape \[N, 4, 4, 1\], got"
WRONG = {
    "bytes": (BYTES, UNITS),
    "bytes in a tensor": (tf.constant(BYTES), UNITS),
    "bytes in a list": (list(BYTES), UNITS),
    "nan": (_with(np.nan), UNITS),
    "nan in a tensor": (tf.constant(_with(np.nan)), UNITS),
    "inf": (_with(np.inf), UNITS),
    "below 0": (_with(-1.0), UNITS),
    "words": (X.astype(str), "numbers or booleans"),
    "objects": (X.astype(object), "numbers or booleans"),
    "complex": (X.astype("complex64"), "numbers or booleans"),
    "channels first": (np.moveaxis(X, -1, 1), SHAPE),
    "another size": (np.zeros((24, 5, 5, 1), "float32"), SHAPE),
    "no channels": (X[..., 0], SHAPE),
    "one image alone": (tf.constant(X[0]), SHAPE),
    "flat": (X.reshape(24, 16).tolist(), SHAPE),
    "rows of several lengths": ([[1.0], [0.0, 1.0]], "x must be an array"),
    "ragged": (tf.ragged.constant([[1.0], [0.0, 1.0]]), "x must be an array"),
    "sparse": (tf.sparse.from_dense(X), "x must be an array"),
    "a dict": ({"x": X}, SHAPE),
    "masked": (np.ma.masked_less(X, 1), "without a mask"),
    "none": (None, SHAPE),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("entrance", ENTRANCES)
def test_wrong_data_are_refused_at_every_entrance(binary, entrance, wrong):
    x, says = WRONG[wrong]
    if (entrance, wrong) != ("conditional", "none"):  # a factorised decoder needs no x
        refused(lambda: ENTRANCES[entrance](binary, x), says)


@pytest.mark.parametrize("x", [X * 0.5, X * 256, X.astype("uint16") * 1000, _with(np.nan)])
@pytest.mark.parametrize("entrance", ["fit", "encode", "elbo", "diagnose"])
def test_eight_bits_are_whole_numbers_up_to_255(eight, entrance, x):
    refused(lambda: ENTRANCES[entrance](eight, x), "whole numbers from 0 to 255")


# ------------------------------------------------------------------ streams


class Data(keras.utils.PyDataset):
    def __init__(self, x, y=None, **more):
        super().__init__(**more)
        self.x, self.y = x, y

    def __len__(self):
        return len(self.x) // 8

    def __getitem__(self, index):
        rows = slice(8 * index, 8 * index + 8)
        return self.x[rows] if self.y is None else (self.x[rows], self.y[rows])


class Loader:
    """Can be walked through again and again, and nothing else."""

    def __init__(self, x):
        self.x = x

    def __iter__(self):
        return iter(np.split(self.x, 3))


def _batches(x, y=None):
    return (x[i : i + 8] if y is None else (x[i : i + 8], y[i : i + 8]) for i in (0, 8, 16))


def _dataset(*parts):
    return tf.data.Dataset.from_tensor_slices(parts if len(parts) > 1 else parts[0]).batch(8)


def _unknown(x):
    """A shape that nothing says before it runs."""
    spec = tf.TensorSpec(None, x.dtype)
    return tf.data.Dataset.from_generator(lambda: _batches(x), output_signature=spec)


STREAMS = {
    "data set": _dataset,
    "with labels": lambda x: _dataset(x, np.zeros(len(x))),
    "with weights": lambda x: _dataset(x, np.zeros(len(x)), np.ones(len(x), "float32")),
    "of unknown shape": _unknown,
    "PyDataset": Data,
    "PyDataset of threads": lambda x: Data(x, workers=2),
    "generator": _batches,
    "iterator": lambda x: iter(_dataset(x)),
}
INTO = ("fit", "evaluate", "predict")
STREAMED = {
    "bytes": (BYTES, UNITS),
    "nan in the last batch": (_with(np.nan), UNITS),
    "channels first": (np.moveaxis(X, -1, 1), SHAPE),
    "another size": (np.zeros((24, 5, 5, 1), "float32"), SHAPE),
    "no channels": (X[..., 0], SHAPE),
}


@pytest.mark.parametrize("wrong", STREAMED)
@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("entrance", INTO)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_wrong_batches_are_refused_as_they_pass(binary, entrance, stream, wrong):
    x, says = STREAMED[wrong]
    refused(lambda: ENTRANCES[entrance](binary, STREAMS[stream](x)), says)
    assert all(np.isfinite(weight).all() for weight in binary.get_weights())


@pytest.mark.parametrize(
    "container",
    [*STREAMS, "list", "tensor", "integers", "booleans"],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_every_container_measures_the_same(binary, container):
    makes = {
        "list": list,
        "tensor": tf.constant,
        "integers": lambda x: x.astype("int64"),
        "booleans": lambda x: x.astype(bool),
    }
    want = binary.evaluate(X, batch_size=8, verbose=0, return_dict=True)
    x = (STREAMS | makes)[container](X)
    more = {} if container in STREAMS else {"batch_size": 8}
    got = binary.evaluate(x, verbose=0, return_dict=True, **more)
    for name, value in want.items():
        assert got[name] == pytest.approx(value, rel=1e-6), name
    codes = binary.predict((STREAMS | makes)[container](X), verbose=0)
    np.testing.assert_allclose(codes, binary.encode(X), rtol=1e-5, atol=1e-6)


def test_a_loader_is_looked_at_once(binary):
    refused(lambda: binary.fit(Loader(BYTES), verbose=0), UNITS)


def test_validation_data_of_a_stream_are_looked_at_too(binary):
    refused(lambda: binary.fit(X, validation_data=_dataset(BYTES), verbose=0), UNITS)


@pytest.mark.parametrize("entrance", INTO)
@pytest.mark.parametrize(
    "nothing",
    [
        lambda: X[:0],
        lambda: tf.constant(X[:0]),
        lambda: _dataset(X).take(0),
        # a lambda that TensorFlow converts makes it parse this whole file
        lambda: _dataset(X).filter(tf.autograph.experimental.do_not_convert(lambda x: False)),
        lambda: iter(()),
        lambda: Data(X[:0]),
    ],
    ids=["array", "tensor", "data set", "filtered", "generator", "PyDataset"],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_nothing_is_refused(binary, entrance, nothing):
    refused(lambda: ENTRANCES[entrance](binary, nothing()), "x holds no (example|batch)")


@pytest.mark.parametrize(
    ("entrance", "number", "least"),
    [("measure", 0, 2), ("measure", 1, 2), ("diagnose", 0, 10), ("diagnose", 9, 10)],
)
def test_too_few_examples_are_refused(binary, entrance, number, least):
    refused(lambda: ENTRANCES[entrance](binary, X[:number]), f"at least {least} examples")


def test_a_data_set_that_is_not_batched_is_told_so(binary):
    refused(lambda: binary.fit(_dataset(X).unbatch(), verbose=0), "is the data set batched")


@pytest.mark.parametrize("entrance", ["measure", "information", "gaps", "diagnose"])
def test_other_models_are_no_vae(entrance):
    says = "a tfvae.VAE is wanted, got Sequential"
    refused(lambda: ENTRANCES[entrance](keras.Sequential(), X), says)


def test_a_label_or_target_that_nobody_reads(binary):
    refused(lambda: tfvae.diagnose(binary, X, label=LABEL), "takes no label")
    refused(lambda: binary.encode(X, label=LABEL), "takes no label")
    refused(lambda: binary.fit(X, LABEL[:5], verbose=0), "a row for each of 24 examples")


def test_inside_of_a_graph_the_shape_is_looked_at(binary):
    refused(lambda: tf.function(binary.encode)(tf.zeros((2, 1, 4, 4))), SHAPE)


# ------------------------------------------------------------------ labels and rows

LABELLED = {
    "fit": lambda m, y: m.fit(X, y, verbose=0),
    "fit on batches": lambda m, y: m.fit(_dataset(X, np.asarray(y)), verbose=0),
    "fit on a generator": lambda m, y: m.fit(_batches(X, np.asarray(y)), verbose=0),
    "fit on a PyDataset": lambda m, y: m.fit(Data(X, np.asarray(y)), verbose=0),
    "validation_data": lambda m, y: m.fit(X, LABEL, validation_data=(X, y), verbose=0),
    "evaluate": lambda m, y: m.evaluate(X, y, verbose=0),
    "train_on_batch": lambda m, y: m.train_on_batch(X, y),
    "test_on_batch": lambda m, y: m.test_on_batch(X, y),
    "known": lambda m, y: m.known(y),
    "call": lambda m, y: m(X, label=y),
    "encode": lambda m, y: m.encode(X, label=y),
    "decode": lambda m, y: m.decode(Z, label=y),
    "sample": lambda m, y: m.sample(24, label=y),
    "elbo": lambda m, y: m.elbo(X, label=y),
    "log_prob": lambda m, y: m.log_prob(X, 2, label=y),
    "measure": lambda m, y: diagnosis.measure(m, X, label=y),
    "gaps": lambda m, y: diagnosis.inference_gaps(m, X, num_steps=1, label=y),
    "diagnose": lambda m, y: tfvae.diagnose(m, X, label=y),
    "monitor": lambda m, y: monitored(m, X, y),
}
NO_LABELS = {
    "from 1": LABEL + 1,
    "below 0": LABEL - 1,
    "fractions": LABEL / 2,
    "nan": np.where(LABEL == 1, np.nan, LABEL),
    "words": LABEL.astype(str),
    "one-hot": np.eye(3, dtype="int64")[LABEL],
}


@pytest.mark.parametrize("wrong", NO_LABELS)
@pytest.mark.parametrize("entrance", LABELLED)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_is_no_label_is_refused_at_every_entrance(told, entrance, wrong):
    says = "label must be whole numbers.* from 0 to 2"
    refused(lambda: LABELLED[entrance](told, NO_LABELS[wrong]), says)
    assert all(np.isfinite(weight).all() for weight in told.get_weights())


@pytest.mark.parametrize(
    "entrance", [name for name in LABELLED if " on " not in name and name != "known"]
)
def test_a_label_for_each_example(told, entrance):
    refused(
        lambda: LABELLED[entrance](told, LABEL[:5]), "label must be whole numbers|needs a label"
    )


@pytest.mark.parametrize("entrance", ["fit", "evaluate", "predict", "encode", "diagnose"])
def test_no_label_is_asked_for(told, entrance):
    refused(lambda: ENTRANCES[entrance](told, X), "label")


def test_labels_of_every_type_mean_the_same(told):
    want = told.encode(X, label=LABEL)
    for same in (
        LABEL.tolist(),
        LABEL.astype("float64"),
        tf.constant(LABEL),
        LABEL.astype("uint8"),
    ):
        np.testing.assert_array_equal(told.encode(X, label=same), want)
    np.testing.assert_array_equal(
        told.sample(3, label=1), told.sample(3, label=np.full(3, 1.0, "float32"))
    )


def test_a_label_that_is_none_says_so_inside_of_a_graph(told):
    encode = tf.function(lambda x, label: told.encode(x, label))
    np.testing.assert_allclose(encode(X, tf.constant(LABEL)), told.encode(X, LABEL), rtol=1e-5)
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="label must be whole numbers from 0 to 2"
    ):
        encode(X, tf.constant(LABEL + 1))
    compiled = tf.function(told.condition, jit_compile=True)  # XLA knows no assertions
    np.testing.assert_array_equal(compiled(tf.constant([1]))[0], [0, 1, 0])
    assert (
        np.isnan(compiled(tf.constant([7]))).all() and np.isnan(compiled(tf.constant([-1]))).all()
    )


@pytest.mark.parametrize("rows", [24 - np.arange(24), np.arange(24) - 1, np.arange(24) / 2])
@pytest.mark.parametrize("entrance", ["fit", "fit on batches", "train_on_batch"])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_rows_lie_within_the_memory(near, entrance, rows):
    before = near.latent.prior.memory.get_weights()[0].copy()
    refused(lambda: LABELLED[entrance](near, rows), "index must be whole numbers.* from 0 to 23")
    np.testing.assert_array_equal(near.latent.prior.memory.get_weights()[0], before)


# ------------------------------------------------------------------ codes and numbers


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda m: m.sample(-1), "num must be a whole number from 1 on, got -1"),
        (lambda m: m.sample(0), "num must be a whole number from 1 on, got 0"),
        (lambda m: m.sample(2.5), "num must be a whole number from 1 on, got 2.5"),
        (lambda m: m.sample(tf.constant(0)), "num must be a whole number from 1 on"),
        (lambda m: m.sample(1, seed=None), "seed must be an integer .*, got NoneType"),
        (lambda m: m.elbo(X, seed=1.5), "seed must be an integer .*, got float"),
        (lambda m: m.draw(X, tf.constant([1, 2, 3])), "seed must be an integer"),
        (lambda m: m.log_prob(X, num_samples=0), "num_samples must be a whole number from 1"),
        (lambda m: m.log_prob(X, num_samples=2.5), "num_samples must be a whole number from 1"),
        (lambda m: m.log_prob(X, chunk=0), "chunk must be a whole number from 1"),
        (lambda m: m.log_weights(X, 0), "num must be a whole number from 1"),
        (lambda m: m.decode(np.zeros((3, 5))), r"z must be codes \[B, 2\], got shape \[3, 5\]"),
        (lambda m: m.decode([0.0, 1.0]), r"z must be codes \[B, 2\], got shape \[2\]"),
        (lambda m: m.decode([["a", "b"]]), "of numbers"),
        (lambda m: m.decode(np.full((3, 2), np.nan)), "of finite numbers"),
        (lambda m: m.sample(z=np.zeros((3, 5))), r"z must be codes \[B, 2\]"),
        (lambda m: m.conditional(np.zeros((3, 5)), X[:3]), r"z must be codes \[B, 2\]"),
        (lambda m: m.decode(Z, label=LABEL), "takes no label"),
    ],
)
def test_numbers_and_codes_that_are_none_are_refused(binary, call, says):
    refused(lambda: call(binary), says)


def test_codes_of_every_type_mean_the_same(binary):
    want = binary.decode(Z[:2] + 1)
    for same in ([[1.0, 1], [1, 1]], np.ones((2, 2)), np.ones((2, 2), int), tf.ones((2, 2))):
        np.testing.assert_array_equal(binary.decode(same), want)


def test_indices_are_no_codes_and_how_to_make_them_so():
    model = models.discrete()
    indices = np.zeros((2, 4), int)
    refused(lambda: model.decode(indices), r"codebook.lookup\(indices\) makes them of indices")
    assert model.decode(model.latent.codebook.lookup(indices)).shape == (2, *models.SHAPE)


# ------------------------------------------------------------------ tables and words


def test_what_overflows_float32_is_not_finite():
    Gaussian().check(np.array([1e30]))
    for wrong in ([1e39], [np.inf], [np.nan], ["a"], [1j]):
        refused(lambda x=wrong: Gaussian().check(np.array(x)), "finite in float32")


def test_tokens_are_looked_at_at_every_entrance():
    text = tfvae.VAE(
        keras.Sequential([keras.layers.Embedding(7, 2), keras.layers.Flatten()]),
        StochasticLatent(GaussianPosterior((2,)), StandardNormalPrior((2,))),
        keras.Sequential([keras.layers.Dense(35), keras.layers.Reshape((5, 7))]),
        Tokens(7),
    )
    text.build()
    text.compile("adam")
    words = np.full((24, 5), 4)
    assert text.elbo(words).shape == (24,)
    for wrong in (words + 3, words * -1, words * 1.0, words.astype(str)):
        for entrance in ("fit", "encode", "elbo", "diagnose"):
            refused(lambda e=entrance, x=wrong: ENTRANCES[e](text, x), "x must be tokens")
        refused(lambda x=wrong: text.fit(_dataset(x), verbose=0), "x must be tokens|numbers")
