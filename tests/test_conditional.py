"""Models that are told a label: who reads it, and that no label reaches nobody."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfvae
from tests import models
from tfvae import diagnosis
from tfvae.checks import UserError
from tfvae.inference import code_only, semi_amortised
from tfvae.latents import (
    AR1Prior,
    Codebook,
    ConditionalNormalPrior,
    DiscreteLatent,
    GaussianPosterior,
    StandardNormalPrior,
    StochasticLatent,
    UniformCodes,
)
from tfvae.likelihoods import Bernoulli
from tfvae.networks import (
    AutoregressiveDecoder,
    DenseHead,
    FactorisedDecoder,
    GatedPixelCNN,
    GridConditioner,
    GridEncoder,
    GridImage,
    LabelCondition,
    MLPEncoder,
    MLPImage,
    joined,
)
from tfvae.procedures import Joint, Update
from tfvae.randomness import seed_of
from tfvae.training import export

LABELS = np.array([0, 1, 2, 1, 0], np.int32)
SHAPE = models.SHAPE
tfd = tfp.distributions


def _vector(prior=StandardNormalPrior, seed=0):
    keras.utils.set_random_seed(seed)
    made = ConditionalNormalPrior((2,), 3) if prior is ConditionalNormalPrior else prior((2,))
    return tfvae.VAE(
        MLPEncoder((8,), "tanh"),
        StochasticLatent(GaussianPosterior((2,)), made),
        FactorisedDecoder(SHAPE, MLPImage(SHAPE, (8,), 1)),
        Bernoulli(),
        LabelCondition(3),
    )


def _told_prior():
    model = _vector(ConditionalNormalPrior)
    model.build()
    head = model.latent.prior.head
    head.kernel.assign(np.random.default_rng(0).normal(size=head.kernel.shape))
    return model


def _grid(latent):
    network = GatedPixelCNN(6, 1, 3, 3)
    decoder = AutoregressiveDecoder(SHAPE, network, DenseHead(1), GridConditioner(SHAPE, (2, 2), 3))
    return tfvae.VAE(GridEncoder((2, 2), 6, 1), latent, decoder, Bernoulli(), LabelCondition(3, 2))


def _delta():
    keras.utils.set_random_seed(0)
    return _grid(StochasticLatent(GaussianPosterior((4, 2)), AR1Prior.from_rate((4, 2), 1.0)))


def _codes():
    keras.utils.set_random_seed(0)
    latent = DiscreteLatent(Codebook((4, 3), 6), UniformCodes((4,), 6))
    decoder = FactorisedDecoder(SHAPE, GridImage(SHAPE, (2, 2), 8, 1, 1))
    return tfvae.VAE(GridEncoder((2, 2), 6, 1), latent, decoder, Bernoulli(), LabelCondition(3))


MADE = {"vector": _vector, "told prior": _told_prior, "delta": _delta, "codes": _codes}


def _built(name):
    model = MADE[name]()
    if not model.built:
        model.build()
    return model


@pytest.mark.parametrize("name", MADE)
def test_every_part_hears_the_label_and_only_its_own(name):
    """Another label for example 1 changes what example 1 gives, and nothing of the others."""
    model, x, other = _built(name), models.images(5), LABELS.copy()
    other[1] = 2
    z = np.random.default_rng(0).normal(size=(5, *model.latent.event_shape)).astype("float32")
    told = {
        "decoder": lambda label: model.parameters(z, x, label),
        "bound": lambda label: model.elbo(x, 3, label=label),
        "likelihood": lambda label: model.log_prob(x, 4, 3, label=label),
        "generated": lambda label: model.sample(z=z, seed=1, label=label),
        "features": lambda label: model.features(x, label),
    }
    if name != "codes":
        told["encoder"] = lambda label: model.posterior(x, label).mean()
    for what, of in told.items():
        one, two = np.asarray(of(LABELS)), np.asarray(of(other))
        same = [np.array_equal(a, b) for a, b in zip(one, two)]
        if what != "generated":  # a binary image may come out alike
            assert not same[1], what
        assert all(same[:1] + same[2:]), what


@pytest.mark.parametrize(
    "told", [("encoder",), ("decoder",), ("prior",), ("decoder", "prior"), ("encoder", "prior")]
)
def test_who_is_told_is_said_part_by_part(told, tmp_path):
    """Another label changes what the parts that are told give, and nothing of the others; so in a file."""
    whole = _told_prior()
    model = tfvae.VAE(
        MLPEncoder((8,), "tanh"),
        whole.latent if "encoder" in told else _vector(ConditionalNormalPrior).latent,
        FactorisedDecoder(SHAPE, MLPImage(SHAPE, (8,), 1)),
        Bernoulli(),
        LabelCondition(3),
        told=told,
    )
    model.build()
    head = model.latent.prior.head
    head.kernel.assign(np.random.default_rng(0).normal(size=head.kernel.shape))
    if "prior" not in told:  # one that hears nothing
        model = model.with_prior(StandardNormalPrior((2,)))
    model.save(tmp_path / "told.keras")
    model = keras.models.load_model(tmp_path / "told.keras")
    x, z, other = models.images(5), tf.ones([5, 2]), np.roll(LABELS, 1)
    of = {
        "encoder": lambda label: model.encode(x, label),
        "decoder": lambda label: model.parameters(z, x, label),
        "prior": lambda label: model.prior(label).log_prob(z),
    }
    for part, give in of.items():
        assert np.allclose(give(LABELS), give(other)) != (part in told), part
    draw = model.draw(x, 0, label=LABELS)
    np.testing.assert_array_equal(draw.label, LABELS)
    if "encoder" not in told:
        np.testing.assert_array_equal(model.encode(x), model.encode(x, LABELS))  # needs none


@pytest.mark.parametrize(
    ("told", "condition", "says"),
    [
        (("coder",), True, "coder"),
        ((), True, "at least one of encoder, decoder, prior, got none"),
        (("decoder",), False, "made without"),
    ],
)
def test_telling_nobody_is_refused(told, condition, says):
    plain = _vector()
    parts = (plain.encoder, plain.latent, plain.decoder, plain.likelihood)
    with pytest.raises(UserError, match=says):
        tfvae.VAE(*parts, LabelCondition(3) if condition else None, told=told)


@pytest.mark.parametrize("name", MADE)
def test_keras_files_exports_and_fit_know_the_label(name, tmp_path):
    model, x = _built(name), models.images(40)
    label = (np.arange(40) % 3).astype(np.int32)
    model.compile(optimizer="adam")
    model.fit(x, label, batch_size=10, verbose=0)
    with_label = model.evaluate(x, label, batch_size=10, verbose=0, return_dict=True)
    assert np.isfinite(list(with_label.values())).all()
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again.elbo(x, 1, label), model.elbo(x, 1, label))
    if name != "told prior":  # every endpoint of one model: tracing takes its seconds
        return
    export.export_saved_model(model, str(tmp_path / "saved"))
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    np.testing.assert_allclose(
        loaded.elbo(x, tf.constant(1), label), model.elbo(x, 1, label), rtol=1e-5
    )
    shape = loaded.sample(num=tf.constant(3), seed=tf.constant(0), label=label[:3]).shape
    assert shape == (3, *SHAPE)


def test_rate_and_draws_of_a_told_prior_are_those_of_its_gaussian():
    model, x = _told_prior(), models.images(5)
    draw = model.draw(x, 0, label=LABELS)
    mean, log_scale = tf.split(model.latent.prior.head(tf.one_hot(LABELS, 3)), 2, -1)
    p = tfd.Normal(mean, tf.exp(3 * tf.tanh(log_scale / 3)))
    wanted = tfd.kl_divergence(draw.posterior.distribution, p)
    np.testing.assert_allclose(draw.rate, wanted, rtol=1e-5)
    assert model.prior(LABELS).batch_shape == (5,)
    label = np.full(4000, 1, np.int32)
    z = model.sample_codes(4000, seed_of(0), label).numpy()
    # 4,000 draws: 5 standard errors
    np.testing.assert_allclose(z.mean(0), p.loc[1], atol=5 * float(p.scale[1].numpy().max()) / 63)


def test_a_told_prior_begins_as_the_standard_normal():
    one, two = _vector(), _vector(ConditionalNormalPrior)
    for model in (one, two):
        model.build()
    x = models.images(5)
    inferred = two.draw(x, 0, label=LABELS)
    oracle = tfd.kl_divergence(inferred.posterior.distribution, tfd.Normal(0.0, 1.0))
    np.testing.assert_allclose(inferred.rate, oracle, atol=1e-6)


def test_importance_weights_meet_the_exact_likelihood_of_each_label():
    """z of one number on a grid: log p(x|y) to 0.02 nats at 100,000 samples."""
    keras.utils.set_random_seed(1)
    model = tfvae.VAE(
        MLPEncoder((8,), "tanh"),
        StochasticLatent(GaussianPosterior((1,)), ConditionalNormalPrior((1,), 3)),
        FactorisedDecoder(SHAPE, MLPImage(SHAPE, (8,), 1)),
        Bernoulli(),
        LabelCondition(3),
    )
    model.build()
    head = model.latent.prior.head
    head.kernel.assign(np.random.default_rng(0).normal(size=head.kernel.shape) * 0.3)
    x = models.images(3)
    label = np.array([0, 1, 2], np.int32)
    grid = np.linspace(-12, 12, 4001).astype(np.float32)
    for i in range(3):
        many, told = np.repeat(x[i : i + 1], 4001, 0), np.full(4001, label[i], np.int32)
        likelihood = model.likelihood.log_prob(model.parameters(grid[:, None], many, told), many)
        prior = model.prior(label[i : i + 1]).log_prob(grid[:, None])
        exact = tf.reduce_logsumexp(likelihood + prior) + np.log(grid[1] - grid[0])
        found = model.log_prob(x[i : i + 1], 100000, 0, chunk=10000, label=label[i : i + 1])[0]
        assert float(found) == pytest.approx(float(exact), abs=0.02)


@pytest.mark.parametrize("name", MADE)
def test_measures_take_labels(name):
    model, x = _built(name), models.images(60)
    label = np.arange(60) % 3
    report = diagnosis.measure(model, x, num_samples=5, nll_examples=20, reference=60, label=label)
    assert np.isfinite(report["nll"]) and np.isfinite(report["mutual_information"])
    assert report["given_label"] and "given what the model is told" in diagnosis.sentence(report)
    images = diagnosis.collect(model, x, label=label, columns=4)
    assert images["samples"].shape[:2] == (4, 4)
    with pytest.raises(UserError, match="needs a label for each of 60 examples, got none"):
        diagnosis.measure(model, x)


@pytest.mark.parametrize("averaged", ["vector", "told prior", "delta"])
def test_two_replicas_equal_one_device(two_replicas, averaged):
    def run(strategy):
        with strategy.scope():
            model = _built(averaged)
            model.compile(procedure=Joint(Update(optimizer=keras.optimizers.SGD(0.02), **_elbo())))
        x, label = models.images(80), (np.arange(80) % 3).astype(np.int32)
        data = tf.data.Dataset.from_tensor_slices((x, label)).batch(16).repeat()
        with strategy.scope():
            model.fit(data, steps_per_epoch=4, verbose=0, shuffle=False)
        return [v.numpy() for v in model.trainable_variables]

    for a, b in zip(run(tf.distribute.get_strategy()), run(two_replicas)):
        np.testing.assert_allclose(a, b, atol=2e-6)


def _elbo():
    return {"objective": tfvae.objectives.elbo()}


def test_other_ways_of_inference_are_told_too():
    model, x = _told_prior(), models.images(5)
    other = np.roll(LABELS, 1)
    for inference in (code_only, semi_amortised(2)):
        one, two = (inference(model, x, seed_of(0), 0, label=y) for y in (LABELS, other))
        assert not np.allclose(one.rate, two.rate)


def test_who_is_told_nothing_or_tells_nobody():
    x, conditional, plain = models.images(5), _built("vector"), models.plain()
    for ask in (conditional.elbo, conditional.encode, conditional.reconstruct):
        with pytest.raises(UserError, match="this model is conditional: give it label"):
            ask(x)
    with pytest.raises(UserError, match="this model is conditional: give it label"):
        conditional.sample(3)
    with pytest.raises(UserError, match="takes no label"):
        plain.elbo(x, label=LABELS)
    conditional.compile()
    with pytest.raises(UserError, match=r"this model needs batches \(x, label\)"):
        conditional.fit(x, verbose=0)
    with pytest.raises(UserError, match="at least 2 labels, got 1"):
        LabelCondition(1)
    plain.compile()
    plain.fit(x, LABELS, verbose=0)  # labels that nobody asked for are let pass


def test_joined_puts_the_condition_behind_every_position():
    values = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    condition = np.array([[7.0], [8.0]], np.float32)
    found = joined(tf.constant(values), tf.constant(condition)).numpy()
    for b, t in itertools.product(range(2), range(3)):
        np.testing.assert_array_equal(found[b, t], [*values[b, t], condition[b, 0]])


def test_a_conditional_model_learns_the_classes_and_leaves_z_the_rest():
    """Two kinds of images, told apart by the label: samples of a label are of its kind."""
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 600).astype(np.int32)
    p = np.where(label[:, None, None, None] == 0, 0.1, 0.9)
    x = (rng.random((600, *SHAPE)) < p).astype("float32")
    keras.utils.set_random_seed(0)
    model = tfvae.VAE(
        MLPEncoder((16,), "tanh"),
        StochasticLatent(GaussianPosterior((2,)), StandardNormalPrior((2,))),
        FactorisedDecoder(SHAPE, MLPImage(SHAPE, (16,), 1)),
        Bernoulli(),
        LabelCondition(2),
    )
    model.compile(optimizer=keras.optimizers.Adam(1e-2))
    model.fit(x, label, epochs=12, batch_size=50, verbose=0)
    for y, share in ((0, 0.1), (1, 0.9)):
        drawn = model.sample(400, seed=1, label=y).numpy()
        # 6,400 pixels: a standard error of 0.004
        assert drawn.mean() == pytest.approx(share, abs=0.04)
    rate = float(tf.reduce_mean(tf.reduce_sum(model.draw(x, 0, label=label).rate, -1)))
    assert rate < 0.3  # nothing is left for the code


def test_there_is_no_marginal_kl_where_each_label_has_a_prior_of_its_own():
    """log q(z) of all labels less log p(z|y) is no KL: it was below 0."""
    x, label = models.images(60), np.arange(60, dtype=np.int32) % 3
    told, plain = _told_prior(), _vector()
    plain.build()
    found = diagnosis.measure(told, x, label=label, num_samples=2)
    assert found["marginal_kl"] is None and found["mutual_information"] > 0
    assert diagnosis.measure(plain, x, label=label, num_samples=2)["marginal_kl"] > -0.05
