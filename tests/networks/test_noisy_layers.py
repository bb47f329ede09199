"""Noisy layers within an encoder: golden costs, the law of the noise, who has it and who pays for it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfvae
import zoo
from tests import models
from tfvae import inference, networks, objectives
from tfvae.checks import UserError
from tfvae.draw import Pass
from tfvae.latents import (
    GaussianPosterior,
    InformationDropoutPosterior,
    LogNormalPrior,
    LogUniformPrior,
    NoLatent,
    StandardNormalPrior,
    StochasticLatent,
)
from tfvae.likelihoods import Bernoulli, Gaussian
from tfvae.networks import InformationDropout, MLPEncoder, NoisyEncoder, ResNetEncoder
from tfvae.procedures import Joint, Update
from tfvae.randomness import seed_of
from zoo.modalities import documents, images, tables

SIDE = images.Space((8, 8, 1), 1)


def _logit(alpha, max_noise=0.7):
    share = (alpha - 0.001) / max_noise
    return np.log(share / (1 - share))


def _with(activation, raw, noise, charged="alive"):
    """A layer of one number whose heads say this of any h, and some h."""
    layer = InformationDropout(1, 0.7, activation, charged)
    layer.build((None, 2))
    for head, value in ((layer.size_head, raw), (layer.noise_head, noise)):
        head.set_weights([np.zeros([2, 1]), np.array([value])])
    return layer, tf.ones([1, 2])


@pytest.mark.parametrize(("noise", "golden"), [(0.1, 1.947338), (0.3, 0.848725), (0.7, 0.001428)])
def test_the_released_cost_of_a_relu_is_golden_and_nothing_where_it_is_off(noise, golden):
    layer, h = _with("relu", 2.0, _logit(noise))
    assert float(layer.with_cost(h)[1][0]) == pytest.approx(golden, abs=2e-6)
    layer, h = _with("relu", -2.0, _logit(noise), "all")
    assert float(layer.with_cost(h)[1][0]) == pytest.approx(golden, abs=2e-6)
    layer, h = _with("relu", -2.0, _logit(noise))
    assert float(layer.with_cost(h)[1][0]) == 0.0 == float(layer(h, seed=seed_of(1))[0, 0])


@pytest.mark.parametrize(("size", "noise", "golden"), [(2.0, 0.3, 0.989199), (0.5, 0.7, 0.341901)])
def test_the_cost_of_a_softplus_is_golden_under_what_is_learned(size, noise, golden):
    layer, h = _with("softplus", np.log(np.expm1(size)), _logit(noise))
    assert float(layer.with_cost(h)[1][0]) == pytest.approx(golden, abs=2e-6)
    # KL does not change if f, e and both of the prior's numbers are moved together
    layer.loc.assign(np.log(size))
    layer.log_scale.assign(np.log(noise))
    assert float(layer.with_cost(h)[1][0]) == pytest.approx(0.0, abs=2e-6)


@pytest.mark.parametrize("activation", ["relu", "softplus"])
def test_a_layer_on_a_map_is_the_posterior_at_each_place(activation):
    """Sizes and costs as of `InformationDropoutPosterior` with the same weights; noise of its law."""
    keras.utils.set_random_seed(0)
    layer = InformationDropout(4, 0.5, activation)
    h = tf.constant(np.random.default_rng(0).normal(size=(50, 3, 2, 5)), tf.float32)
    layer.build(h.shape)
    prior = LogNormalPrior((4,)) if activation == "softplus" else LogUniformPrior((4,), 0.5)
    same = StochasticLatent(InformationDropoutPosterior((4,), 0.5, activation), prior)
    same.build((None, 5))
    same.posterior.set_weights([*layer.size_head.get_weights(), *layer.noise_head.get_weights()])
    if activation == "softplus":
        layer.loc.assign(0.3)
        layer.log_scale.assign(-0.2)
        prior.set_weights([np.array(0.3), np.array(-0.2)])
    z, cost = layer.with_cost(h, seed_of(3))
    flat = tf.reshape(h, [-1, 5])
    found = same.infer(flat, Pass.measuring(5))
    assert cost.shape == (50,)
    np.testing.assert_allclose(cost, tf.reduce_sum(tf.reshape(found.rate, [50, -1]), 1), rtol=1e-4)
    clean = layer(h)
    np.testing.assert_allclose(tf.reshape(clean, [-1, 4]), same.code(flat), rtol=1e-5)
    alpha, alive = layer.size_and_noise(h)[1].numpy(), clean.numpy() > 0
    noise = np.log(z.numpy()[alive] / clean.numpy()[alive]) / alpha[alive]
    assert abs(noise.mean()) < 5 / np.sqrt(alive.sum()) and noise.std() == pytest.approx(
        1, abs=0.15
    )
    np.testing.assert_array_equal(z.numpy()[~alive], 0.0)


def test_the_cost_is_float32_and_finite_under_a_half_precision():
    layer = InformationDropout(3, 10.0, dtype="mixed_float16")
    layer.build((None, 5))
    layer.noise_head.set_weights([np.zeros([5, 3]), np.full(3, 20.0)])
    z, cost = layer.with_cost(tf.random.stateless_normal([500, 5], [1, 2]), seed_of(0))
    assert z.dtype == tf.float16 and cost.dtype == tf.float32
    assert np.isfinite(z).all() and np.isfinite(cost).all() and float(tf.reduce_max(z)) == 65504.0


# ---------------------------------------------------------------- within a model


def _encoder(hidden=(16, 12), activation="relu"):
    return NoisyEncoder.of(MLPEncoder(hidden, "tanh"), 0.7, activation)


def _softplus():
    return _encoder(activation="softplus")


def _model(seed=0, make=_encoder):
    keras.utils.set_random_seed(seed)
    latent = StochasticLatent(GaussianPosterior((3,)), StandardNormalPrior((3,)))
    image = networks.MLPImage(models.SHAPE, (16,), 1)
    decoder = networks.FactorisedDecoder(models.SHAPE, image)
    model = tfvae.VAE(make(), latent, decoder, Bernoulli())
    model.build()
    return model


def _procedure(optimizer, weight=0.01):
    terms = {"distortion": objectives.distortion, "rate": objectives.rate}
    terms["noise_cost"] = (weight, objectives.noise_cost)
    return Joint(Update(objectives.Objective(terms), optimizer), seed=1)


def test_each_layer_has_noise_of_its_own_in_training_alone():
    model, x = _model(), models.images(200)
    clean, noisy = model.draw(x, 1), model.draw(x, 1, training=True, step=0)
    np.testing.assert_array_equal(clean.features, model.features(x))
    np.testing.assert_array_equal(model.draw(x, 1, training=True, step=0).features, noisy.features)
    assert np.abs(model.draw(x, 2, training=True, step=0).features - noisy.features).max() > 0.01
    assert set(noisy.aux) == {"layer_2/noise_cost", "layer_4/noise_cost"} == set(clean.aux)
    # the first layer's cost is a function of x, the second's of the first one's noise
    first, second = (noisy.aux[k] - clean.aux[k] for k in sorted(noisy.aux))
    assert np.abs(first).max() == 0 and np.abs(second).max() > 0.01
    by_hand, h = 0.0, model.likelihood.preprocess(tf.constant(x))
    for layer in model.encoder.layers:
        if isinstance(layer, InformationDropout):
            by_hand += layer.with_cost(h)[1]
        h = layer(h)
    np.testing.assert_allclose(objectives.noise_cost(clean), by_hand, rtol=1e-5)


def test_the_noise_of_one_layer_is_not_that_of_another():
    """z = exp(alpha (n_1 + n_2)): a spread of sqrt(2) alpha, and 2 alpha if they were one; 2,000 draws."""
    encoder = NoisyEncoder([InformationDropout(1), InformationDropout(1)])
    encoder.build((None, 1))
    for layer, slope in zip(encoder.layers, (0.0, 1.0)):
        layer.size_head.set_weights([np.array([[slope]]), np.array([1.0 - slope])])
        layer.noise_head.set_weights([np.zeros([1, 1]), np.array([_logit(0.5)])])
    drawn = np.log(encoder(tf.ones([2000, 1]), pass_=Pass(seed_of(0), 0, True))) / 0.5
    assert drawn.std() == pytest.approx(np.sqrt(2), rel=5 / np.sqrt(4000))


@pytest.mark.parametrize("draw", [inference.amortised, inference.encoder_only])
def test_the_cost_reaches_the_encoder(draw):
    model, x = _model(), tf.constant(models.images(30))
    with tf.GradientTape() as tape:
        cost = tf.reduce_mean(objectives.noise_cost(draw(model, x, seed_of(0), 0)))
    heads = [layer.noise_head.kernel for layer in model.encoder.layers[2::2]]
    assert all(np.abs(g).max() > 0 for g in tape.gradient(cost, [h.value for h in heads]))


def test_it_is_logged_and_what_is_paid_for_falls():
    model, x = _model(), models.images(32)
    model.compile(procedure=_procedure(keras.optimizers.Adam(1e-2), 0.9))
    before = model.evaluate(x, batch_size=32, verbose=0, return_dict=True)
    logs = model.fit(x, batch_size=32, epochs=20, verbose=0).history
    after = model.evaluate(x, batch_size=32, verbose=0, return_dict=True)
    assert logs["term/noise_cost"][-1] > 0 and logs["weight/noise_cost"][0] == pytest.approx(0.9)
    total = after["distortion"] + after["rate"] + 0.9 * after["noise_cost"]
    assert after["loss"] == pytest.approx(total, rel=1e-5)
    assert after["noise_cost"] < 0.5 * before["noise_cost"]


@pytest.mark.parametrize(
    "draw", [inference.many_samples(3), inference.semi_amortised(2), inference.amortised]
)
def test_every_inference_hands_the_costs_on(draw):
    model, x = _model(), tf.constant(models.images(6))
    for step in (None, 0):
        found = draw(model, x, seed_of(0), step)
        assert objectives.noise_cost(found).shape == (6,)


def test_one_device_and_two_replicas_make_the_same_noise(two_replicas):
    def trained(strategy):
        with strategy.scope():
            model = _model(make=_softplus)
            model.compile(procedure=_procedure(keras.optimizers.SGD(1e-2)))
            data = tf.data.Dataset.from_tensor_slices(models.images(48)).batch(16).repeat()
            model.fit(data, steps_per_epoch=3, verbose=0, shuffle=False)
        return [v.numpy() for v in model.trainable_variables]

    one, start = trained(tf.distribute.get_strategy()), _model(make=_softplus)
    assert all(np.abs(a - b.numpy()).max() > 0 for a, b in zip(one, start.trainable_variables))
    for a, b in zip(one, trained(two_replicas)):
        np.testing.assert_allclose(a, b, atol=2e-6)


def test_a_file_holds_it(tmp_path):
    model = _model(make=lambda: NoisyEncoder.of(ResNetEncoder((8, 8), 6), 0.5, "softplus"))
    x = models.images(5)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.encode(x), model.encode(x))
    first, second = (m.draw(x, 3, training=True, step=0) for m in (again, model))
    np.testing.assert_array_equal(first.z, second.z)
    np.testing.assert_array_equal(*map(objectives.noise_cost, (first, second)))


@pytest.mark.slow
def test_an_export_is_without_its_noise(tmp_path):
    model, x = _model(), models.images(5)
    model.export(tmp_path / "saved")
    encode = tf.saved_model.load(str(tmp_path / "saved")).signatures["encode"]
    (found,) = encode(tf.constant(x)).values()
    np.testing.assert_allclose(found, model.encode(x), atol=1e-6)


# ---------------------------------------------------------------- the zoo


@pytest.mark.parametrize(
    ("model", "dataset", "space", "backbone", "layers"),
    [
        ("information_dropout", "digits", SIDE, "mlp", (128, 128)),
        ("vae", "digits", SIDE, "deconvolutional", (32, 32, 64)),
        ("vae", "table", tables.Space((1, 3, 1)), "mlp", (128, 128)),
        ("nvdm", "pydoc_words", documents.Space(9, 4), "mlp", (128,)),
    ],
)
def test_it_stands_after_each_hidden_layer_of_a_backbone(model, dataset, space, backbone, layers):
    given = {"backbone": backbone, "encoder": "information_dropout", "noise_weight": 0.5}
    given["layer_max_noise"] = 0.3
    made = zoo.build(model, dataset if space is SIDE else None, space, **given)
    noisy = [one for one in made.encoder.layers if isinstance(one, InformationDropout)]
    assert tuple(one.units for one in noisy) == layers
    assert {one.max_noise for one in noisy} == {0.3}
    weight, term = made.procedure.objective.terms["noise_cost"]
    assert weight.value == 0.5 and term is objectives.noise_cost


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"backbone": "linear"}, "some of them hidden, and this model has backbone=linear"),
        ({"backbone": "gated_mlp", "posterior": "ladder"}, "which posterior=ladder does not leave"),
        ({"backbone": "deconvolutional", "code": "sequence"}, "needs a latent of one vector"),
        ({"backbone": "mlp", "noise_weight": None}, "here N is not known"),
        ({"backbone": "mlp", "layer_activation": "tanh"}, "unknown value of .*layer_activation"),
        (
            {"backbone": "mlp", "encoder": "full"},
            "noise_weight belongs to encoder=information_dropout",
        ),
    ],
)
def test_what_is_wrong_in_the_zoo_is_refused(given, said):
    given = {"encoder": "information_dropout", "noise_weight": 0.5} | given
    with pytest.raises(UserError, match=said):
        zoo.build("vae", "digits", SIDE, **given)


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (lambda: InformationDropout(3, 0.0), "max_noise of information dropout"),
        (lambda: InformationDropout(3, activation="tanh"), "activation of information dropout"),
        (lambda: InformationDropout(3, 0.7, "softplus", "all"), "a softplus has none"),
        (lambda: InformationDropout(3, charged="both"), "charged of information dropout"),
        (lambda: NoisyEncoder([keras.layers.Dense(3)]), "needs an InformationDropout"),
        (lambda: NoisyEncoder.of(MLPEncoder(())), "needs an InformationDropout"),
        (lambda: NoisyEncoder.of(networks.NoEncoder()), "does not say after which"),
        (
            lambda: objectives.noise_cost(models.plain().draw(models.images(2), 0)),
            "this draw has no cost of any",
        ),
    ],
)
def test_what_is_wrong_is_refused(run, said):
    with pytest.raises(UserError, match=said):
        run()


# ---------------------------------------------------------------- the experiment


def _labelled(seed, number):
    """25 normal numbers, of which 5 say the label; a tenth of the labels is wrong."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(number, 1, 25, 1)).astype("float32")
    label = (x[:, 0, :5, 0] @ np.array([1.0, -1.0, 1.0, -1.0, 1.0]) > 0).astype("int32")
    return x, np.where(rng.random(number) < 0.1, 1 - label, label).astype("int32")


def _trained(beta, seed, charged):
    """The layer of 64 numbers, and the share of wrong labels of 4,000 others, after 2,000 steps of Adam."""
    keras.utils.set_random_seed(seed)
    layer = InformationDropout(64, charged=charged)
    parts = (
        NoisyEncoder([keras.layers.Flatten(), layer]),
        NoLatent(),
        networks.NoDecoder((1, 25, 1)),
    )
    classifier = networks.Classifier(2, reads="features")
    model = tfvae.VAE(*parts, Gaussian(1.0), classifier=classifier)
    model.build()
    terms = {"label": objectives.LabelLikelihood(), "noise": (beta / 400, objectives.noise_cost)}
    optimizer = keras.optimizers.Adam(1e-2)
    model.compile(procedure=Joint(Update(objectives.Objective(terms), optimizer), seed=seed))
    model.fit(*_labelled(seed, 400), batch_size=100, epochs=500, verbose=0)
    x, label = _labelled(1000 + seed, 4000)
    return layer, float((model.predict_labels(x) != label).mean())


@pytest.mark.slow
@pytest.mark.parametrize("charged", ["alive", "all"])
def test_the_noise_grows_with_its_price_over_three_seeds(charged):
    """Mean of alpha at beta = 0, 1, 10, of all numbers and of those above 0."""
    for seed in range(3):
        found = []
        for beta in (0.0, 1.0, 10.0):
            layer, wrong = _trained(beta, seed, charged)
            x = _labelled(seed, 400)[0].reshape(400, 25)
            size, alpha = (np.asarray(v) for v in layer.size_and_noise(tf.constant(x)))
            found.append((alpha.mean(), alpha[size > 0].mean(), wrong))
        print(charged, seed, np.round(found, 3).tolist())
        every, alive, _ = np.transpose(found)
        rising = every if charged == "all" else alive
        assert rising[0] + 0.2 < rising[1] and rising[1] + 0.03 < rising[2] < 0.702, found
