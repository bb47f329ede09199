"""CONTRIBUTING.md's promise: a prior, a term, a procedure, a network, a model are one file each."""

import sys
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import zoo
from tests import models
from tfvae import VAE, UserError
from tfvae.latents import GaussianPosterior, Prior, StochasticLatent
from tfvae.objectives import Objective, distortion, rate
from tfvae.procedures import Update
from tfvae.procedures.procedure import Procedure
from tfvae.randomness import fold, seed_of

tfd = tfp.distributions


@keras.saving.register_keras_serializable(package="tests")
class WidePrior(Prior):
    """A prior: N(0, 2^2)."""

    def distribution(self):
        return tfd.Independent(tfd.Normal(tf.zeros(self.event_shape), 2.0), 1)


def test_a_prior(tmp_path):
    model = models.plain()
    wide = model.with_prior(WidePrior((3,)))
    x = models.images(8)
    expected = tfd.kl_divergence(model.posterior(x).distribution, tfd.Normal(0.0, 2.0))
    np.testing.assert_allclose(wide.draw(x, 0).rate, expected, rtol=1e-6)
    wide.save(tmp_path / "wide.keras")
    assert isinstance(keras.models.load_model(tmp_path / "wide.keras").latent.prior, WidePrior)


def test_a_rate_that_nothing_would_ask_is_refused():
    priced = type("Priced", (WidePrior,), {"rate": lambda self, posterior: 0.0})
    with pytest.raises(UserError, match="Priced has a rate of its own, which nothing would ask"):
        models.plain().with_prior(priced((3,)))
    gamma = type(
        "Gamma", (WidePrior,), {"rate": 2.0}
    )  # a parameter of that name is its own business
    models.plain().with_prior(gamma((3,)))


def test_a_term():
    def small_codes(draw):
        return tf.reduce_sum(tf.square(draw.posterior.mean()), -1)

    model, x = models.plain(), models.images(64)
    objective = Objective(
        {"distortion": distortion, "rate": rate, "small_codes": (50.0, small_codes)}
    )
    model.compile(keras.optimizers.Adam(1e-2), objective=objective)
    before = float(tf.reduce_mean(tf.square(model.encode(x))))
    history = model.fit(x, batch_size=32, epochs=15, verbose=0).history
    assert float(tf.reduce_mean(tf.square(model.encode(x)))) < before / 2
    assert history["term/small_codes"][-1] < history["term/small_codes"][0]


class KindOfImage:
    """A term that reads labels: -log p(y|z) by a head of its own, 0 nats where y is unknown."""

    needs_label = True

    def __init__(self, number):
        self.head = keras.layers.Dense(number, name="kind")

    def build(self, model):
        if not self.head.built:
            self.head.build((None, *model.latent.event_shape))

    @property
    def trainable_variables(self):
        return self.head.trainable_variables

    def __call__(self, draw):
        label = tf.one_hot(draw.label, self.head.units)  # zeros for -1
        return -tf.reduce_sum(label * tf.nn.log_softmax(self.head(draw.z)), -1)


def _with_kinds():
    model, term = models.plain(), KindOfImage(2)
    objective = Objective({"distortion": distortion, "rate": rate, "kind": (2.0, term)})
    model.compile(keras.optimizers.Adam(1e-2), objective=objective)
    return model, term


def test_a_term_that_reads_labels():
    """Of a model that tells them to nobody: one label in four is known, and the head learns them all."""
    (model, term), x = _with_kinds(), models.images(256)
    kind = (x.mean((1, 2, 3)) > 0.5).astype(np.int64)
    known = np.where(np.arange(256) % 4 == 0, kind, -1)
    history = model.fit(x, known, batch_size=64, epochs=30, verbose=0).history
    assert history["term/kind"][0] > 4 * history["term/kind"][-1]
    assert np.mean(np.argmax(term.head(model.encode(x)), -1) == kind) > 0.97
    assert model.fit(x, 0 * known - 1, epochs=1, verbose=0).history["term/kind"][-1] == 0.0
    with_all = model.evaluate(x, kind, batch_size=256, verbose=0, return_dict=True)
    with_none = model.evaluate(x, 0 * kind - 1, batch_size=256, verbose=0, return_dict=True)
    draw = model.draw(x, fold(seed_of(20260), 0))  # the seed of `evaluate`
    nats = tf.reduce_mean(term(draw._replace(label=tf.constant(kind, tf.int32))))
    assert with_all["loss"] - with_none["loss"] == pytest.approx(2.0 * float(nats), rel=1e-4)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (lambda model, x: model.fit(x, verbose=0), r"this model needs batches \(x, label\)"),
        (lambda model, x: model.fit(x, x, verbose=0), "label must be whole numbers.* from -1 on"),
        (lambda model, x: model.fit(x, np.full(8, -2), verbose=0), "from -1 on"),
        (lambda model, x: model.fit(x, np.full(8, 0.5), verbose=0), "from -1 on"),
        (lambda model, x: model.fit(x, sample_weight=np.ones(8)), r"needs batches \(x, label\)"),
        (lambda model, x: model.evaluate(x, verbose=0), "term 'kind' reads labels"),
    ],
)
def test_a_term_without_its_labels(given, says):
    model, _ = _with_kinds()
    with pytest.raises(UserError, match=says):
        given(model, models.images(8))
    assert model.predict(models.images(8), verbose=0).shape == (8, 3)  # asks for none


class DecoderTwice(Procedure):
    """A procedure: the decoder moves twice for each step of the whole."""

    def __init__(self, seed=0):
        super().__init__(seed)
        objective = Objective({"distortion": distortion, "rate": rate})
        self.decoder = Update(
            objective, keras.optimizers.SGD(0.01), lambda m: m.decoder.trainable_variables
        )
        self.whole = Update(objective, keras.optimizers.SGD(0.01))

    def build(self, model, strategy, run_eagerly=False):
        with strategy.scope():
            self.decoder.build(model)
            self.whole.build(model)

        def cycle(iterator):
            for i in tf.range(2):
                strategy.run(
                    self.decoder, (next(iterator), self.step, fold(self.seed, self.step, i))
                )
            seed = fold(self.seed, self.step, 2)
            logs = strategy.run(self.whole, (next(iterator), self.step, seed))
            self.step.assign_add(1)
            return {k: strategy.reduce("SUM", v, axis=None) for k, v in logs.items()}

        return tf.function(cycle)

    def state(self):
        return {"step": self.step, "a": self.decoder.optimizer, "b": self.whole.optimizer}


def test_a_procedure(two_replicas):
    weights = []
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        with strategy.scope():
            model, procedure = models.plain(), DecoderTwice()
        model.compile(procedure=procedure)
        data = tf.data.Dataset.from_tensor_slices(models.images(96)).batch(16).repeat()
        with strategy.scope():
            model.fit(data, steps_per_epoch=2, verbose=0, shuffle=False)  # 3 batches a step
        assert int(procedure.step.numpy()) == 2
        assert int(keras.ops.convert_to_numpy(procedure.decoder.optimizer.iterations)) == 4
        weights.append([w.numpy() for w in model.trainable_variables])
    for one, two in zip(*weights):
        np.testing.assert_allclose(one, two, atol=2e-6)


@keras.saving.register_keras_serializable(package="tests")
class Linear(keras.layers.Layer):
    """A network: flattened pixels times a matrix."""

    def build(self, shape):
        self.kernel = self.add_weight(shape=(int(np.prod(shape[1:])), 4), name="kernel")

    def call(self, x):
        return tf.reshape(x, [tf.shape(x)[0], -1]) @ self.kernel


def test_a_network():
    plain = models.plain()
    latent = StochasticLatent(GaussianPosterior((3,)), plain.latent.prior)
    model = VAE(Linear(), latent, plain.decoder, plain.likelihood)
    model.compile("adam")
    model.fit(models.images(32), verbose=0)
    assert any("kernel" in v.path and v.shape == (16, 4) for v in model.trainable_variables)


def test_a_model(monkeypatch):
    """A zoo file is a module with one name; here it is made on the spot."""
    from zoo import models as systems
    from zoo import recipe

    file = types.ModuleType("zoo.models.quarter_vae")
    file.RECIPE = recipe.Recipe("nobody", point={"beta": 0.25, "latent_width": 5})
    monkeypatch.setitem(sys.modules, "zoo.models.quarter_vae", file)
    monkeypatch.setattr(systems, "names", lambda: ["quarter_vae", "vae"])
    model = zoo.build("quarter_vae", dataset="digits", backbone="mlp", latent_width=2)
    assert model.latent.event_shape == (2,)
    x = np.random.default_rng(0).random((32, 8, 8, 1)).astype("float32").round()
    logs = model.fit(x, verbose=0).history
    expected = logs["distortion"][0] + 0.25 * logs["rate"][0]
    np.testing.assert_allclose(logs["objective"][0], expected, rtol=1e-4)
