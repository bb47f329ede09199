"""A classifier of codes: labels as the target of a model, instead of x or beside it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfvae
import zoo
from tests import models
from tfvae import diagnosis
from tfvae.checks import UserError
from tfvae.latents import (
    FixedScalePosterior,
    GaussianPosterior,
    StandardNormalPrior,
    StochasticLatent,
)
from tfvae.likelihoods import Bernoulli
from tfvae.networks import Classifier, LabelCondition, MLPEncoder, NoDecoder
from tfvae.objectives import LabelLikelihood, Objective, elbo, rate
from tfvae.procedures import Joint, Update

COUNT = 240


def bottleneck(classifier=None, **given):
    """Without a decoder, two numbers wide."""
    keras.utils.set_random_seed(0)
    latent = StochasticLatent(GaussianPosterior((2,)), StandardNormalPrior((2,)))
    encoder = MLPEncoder((16,), "tanh")
    made = tfvae.VAE(
        encoder, latent, NoDecoder(models.SHAPE), Bernoulli(), classifier=classifier, **given
    )
    made.build()
    return made


@pytest.fixture(scope="module")
def learned():
    """(model, x, label): bright and dark images."""
    x = models.images(COUNT)
    label = (x.mean((1, 2, 3)) > 0.5).astype("int32")
    model = bottleneck(Classifier(2))
    objective = Objective({"label": LabelLikelihood(), "rate": (0.05, rate)})
    model.compile(procedure=Joint(Update(objective, keras.optimizers.Adam(2e-2)), seed=0))
    model.fit(x, label, batch_size=40, epochs=20, verbose=0)
    return model, x, label


# y = x = +-1, q(z|x) = N(m x, s^2), the classifier the true one: log-odds 2 m z / s^2
# (m, s) -> cross entropy, KL, I(Z; Y), nats, by numerical integration
GOLDEN = [
    ((1.0, 0.5), (0.060427, 0.818147, 0.632720)),
    ((1.0, 1.0), (0.356316, 0.500000, 0.336831)),
    ((0.5, 0.75**0.5), (0.549695, 0.143841, 0.143452)),
]


class Signs(keras.layers.Layer):
    """features = m x."""

    def __init__(self, mean):
        super().__init__()
        self.mean = mean

    def call(self, x):
        return self.mean * keras.ops.reshape(x, (-1, 1))


@pytest.mark.statistical
@pytest.mark.parametrize(("given", "golden"), GOLDEN)
def test_both_bounds_of_two_classes(given, golden):
    """40,000 draws; five standard errors of the cross entropy: a false failure in 1,700,000 a row."""
    (mean, scale), (cross, cost, information) = given, golden
    latent = StochasticLatent(FixedScalePosterior((1,), scale), StandardNormalPrior((1,)))
    likelihood, classifier = tfvae.likelihoods.Gaussian(1.0), Classifier(2)
    model = tfvae.VAE(Signs(mean), latent, NoDecoder((1, 1, 1)), likelihood, classifier=classifier)
    model.build()
    head = latent.posterior.mean_head
    head.kernel.assign([[1.0]])
    head.bias.assign([0.0])
    classifier.logits.kernel.assign([[0.0, 2.0 * mean / scale**2]])
    classifier.logits.bias.assign([0.0, 0.0])
    label = np.arange(40_000) % 2
    x = (2.0 * label - 1.0).reshape(-1, 1, 1, 1).astype("float32")
    found = diagnosis.label_figures(model, x, label)
    assert found["label_distortion"] == pytest.approx(cross, abs=5 * 0.6 / 200)
    assert found["rate_bits"] * np.log(2.0) == pytest.approx(cost, abs=1e-5)
    bits = found["label_information_bits"]
    assert bits * np.log(2.0) == pytest.approx(information, abs=5 * 0.6 / 200)
    assert bits <= found["rate_bits"] + 5 * 0.6 / 200
    # several draws make the mean of the probabilities sharper, never worse by more than noise
    assert found["accuracy_of_draws"] >= found["accuracy"]


def test_it_learns_and_says_so(learned):
    model, x, label = learned
    found = model.evaluate(x, label, verbose=0, return_dict=True)
    assert set(found) == {"loss", "rate", "label_distortion", "accuracy"}
    assert found["accuracy"] > 0.97 > 0.6 > label.mean()
    assert found["loss"] == pytest.approx(
        found["label_distortion"] + 0.05 * found["rate"], rel=1e-5
    )
    assert (model.predict_labels(x) == label).mean() > 0.97
    probable = model.label_probabilities(x[:7], seed=3).numpy()
    np.testing.assert_allclose(probable.sum(1), 1.0, rtol=1e-6)
    by_hand = [
        tf.nn.softmax(model.classifier(model.encode(x[:7]))).numpy().argmax(1),
        probable.argmax(1),
    ]
    np.testing.assert_array_equal(*by_hand)
    # without noise: of the code, exactly
    still = model.label_probabilities(x[:7], 0, seed=1)
    np.testing.assert_array_equal(still, model.label_probabilities(x[:7], 0, seed=2))
    wanted = tf.nn.softmax(model.classifier(model.encode(x[:7])))
    np.testing.assert_array_equal(still, wanted)
    assert np.abs(still - probable).max() > 1e-4
    np.testing.assert_array_equal(model.predict_labels(x[:7], 0), wanted.numpy().argmax(1))
    figures = diagnosis.label_figures(model, x, label)
    assert 0.8 < figures["label_information_bits"] <= 1.0 <= figures["rate_bits"]
    report = {**diagnosis.measure(model, x, num_samples=2), **figures}
    assert diagnosis.verdict(report) == "healthy"
    assert "right." in diagnosis.sentence(report) and "code costs" not in diagnosis.sentence(report)


def test_files_hold_it_and_the_export_classifies(learned, tmp_path):
    model, x, _ = learned
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    wanted = model.label_probabilities(x[:9], seed=5)
    np.testing.assert_array_equal(again.label_probabilities(x[:9], seed=5), wanted)
    other = model.with_prior(StandardNormalPrior((2,)))
    np.testing.assert_array_equal(other.label_probabilities(x[:9], seed=5), wanted)
    model.export(tmp_path / "saved")
    served = tf.saved_model.load(str(tmp_path / "saved"))
    assert set(served.signatures) == {"encode", "classify", "serving_default"}
    found = served.signatures["classify"](x=tf.constant(x[:9]), seed=tf.constant(5))
    np.testing.assert_allclose(found["probabilities"], wanted, rtol=1e-5, atol=1e-6)


def test_an_unknown_label_counts_nothing_and_half_of_them_half():
    model = bottleneck(Classifier(3))
    term = LabelLikelihood()
    term.build(model)
    x = models.images(6)
    draw = model.draw(x, 0)._replace(label=tf.constant([0, 1, 2, 0, 1, 2]))
    every = term(draw).numpy()
    logits = model.label_logits(draw).numpy().astype("float64")
    by_hand = np.log(np.exp(logits).sum(1)) - logits[np.arange(6), [0, 1, 2, 0, 1, 2]]
    np.testing.assert_allclose(every, by_hand, rtol=1e-5)
    some = term(draw._replace(label=tf.constant([0, -1, 2, -1, 1, -1]))).numpy()
    np.testing.assert_array_equal(some, every * [1, 0, 1, 0, 1, 0])
    assert np.isnan(term(draw._replace(label=tf.constant([0, 1, 2, 0, 1, 3]))).numpy()[-1])


def test_a_plain_compile_trains_it_beside_x_or_alone():
    x, label = models.images(40), np.arange(40) % 2
    model = bottleneck(Classifier(2))
    model.compile("adam")
    assert set(model.procedure.objective.terms) == {"rate", "label"}
    model.fit(x, label, batch_size=20, verbose=0)
    held = models.plain()
    parts = held.encoder, held.latent, held.decoder, held.likelihood
    classifier = Classifier(2)
    both = tfvae.VAE(*parts, classifier=classifier)
    both.build()
    both.compile("adam")
    before = [v.numpy() for v in classifier.weights]
    history = both.fit(x, label, batch_size=20, verbose=0).history
    assert {"distortion", "rate", "term/label"} <= set(history)
    assert any((a != b.numpy()).any() for a, b in zip(before, classifier.weights))


def test_of_features_it_knows_nothing_of_what_the_encoder_is_told():
    told = bottleneck(Classifier(2, (4,), "features"), condition=LabelCondition(3))
    x = models.images(4)
    draws = [told.draw(x, 0, label=tf.fill([4], number)) for number in (0, 2)]
    assert (draws[0].features.numpy() != draws[1].features.numpy()).any()
    found = [tf.nn.softmax(told.label_logits(draw)).numpy() for draw in draws]
    np.testing.assert_array_equal(*found)
    np.testing.assert_allclose(told.label_probabilities(x), found[0], rtol=1e-6)
    seen = told.predict_labels(x)
    np.testing.assert_array_equal(seen, found[0].argmax(1))
    figures = diagnosis.label_figures(told, x, seen)
    assert figures["accuracy"] == figures["accuracy_of_draws"] == 1.0
    own = -np.log(found[0].max(1)).mean()
    assert figures["label_distortion"] == pytest.approx(own, rel=1e-5)


def test_a_sure_classifier_of_features_has_a_finite_cost():
    """Logits 200 apart: the wrong label costs 200 nats, though its probability is 0 in float32."""
    model = bottleneck(Classifier(2, reads="features"))
    model.classifier.logits.kernel.assign(0.0 * model.classifier.logits.kernel)
    model.classifier.logits.bias.assign([0.0, 200.0])
    figures = diagnosis.label_figures(model, models.images(8), np.arange(8) % 2)
    assert figures["label_distortion"] == pytest.approx(100.0)


def plain(compiled=None):
    model = bottleneck(Classifier(2))
    if compiled:
        model.compile(**compiled)
    return model


X = models.images(8)
REFUSED = {
    "no label in fit": (lambda: plain({"optimizer": "adam"}).fit(X, verbose=0), "needs batches"),
    "a label too many": (
        lambda: plain({"optimizer": "adam"}).fit(X, np.full(8, 2), verbose=0),
        "label must be whole numbers .8. from -1 to 1",
    ),
    "no classifier": (lambda: bottleneck().predict_labels(X), "made without classifier"),
    "a term without one": (lambda: LabelLikelihood().build(bottleneck()), "needs a model with a"),
    "one label": (lambda: Classifier(1), "num_labels of a classifier"),
    "another reader": (lambda: Classifier(2, reads="x"), "what a classifier reads"),
    "no network": (lambda: bottleneck(3), "classifier must be a Keras network, got int"),
    "an ordinary one": (lambda: bottleneck(keras.layers.Dense(2)), "must have num_labels"),
    "an unbuilt term": (
        lambda: LabelLikelihood()(plain().draw(X, 0)._replace(label=tf.zeros([8], tf.int32))),
        "is built with a model",
    ),
    "no draws": (lambda: plain().label_probabilities(X, -1), "num_draws"),
    "labels of others": (
        lambda: diagnosis.label_figures(plain(), X, np.arange(8)),
        "label must be whole numbers .8. from 0 to 1",
    ),
    "a distortion": (lambda: plain({"objective": elbo()}).fit(X, verbose=0), "of other terms"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_wrong_is_refused_in_one_line(what):
    run, said = REFUSED[what]
    with pytest.raises(UserError, match=said) as caught:
        run()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("model", "given", "said"),
    [
        ("vae", {"target": "terms"}, "target=terms needs a term that asks something of the code"),
        ("vae", {"terms": "+label_likelihood"}, "needs a classifier of labels.*classifier=dense"),
        ("vib", {"bound": "many_samples"}, "needs a decoder, which target=terms does not leave"),
        ("vib", {"inference": "semi_amortised"}, "needs a decoder, which target=terms"),
        ("vib", {"stages": "+pretrain"}, "needs a decoder, which target=terms"),
        ("vib", {"rate_budget": "target_distortion"}, "needs a decoder, which target=terms"),
        ("vae", {"classifier": "dense"}, "a term that teaches the classifier.*label_likelihood"),
        (
            "vib",
            {"condition": "labels"},
            "labels that the encoder is not told, which condition=labels",
        ),
        ("vib", {"classifier_reads": "features"}, "asks nothing of z"),
        ("vib", {"dataset": "sprites"}, "needs data with labels, and images has none"),
    ],
)
def test_parts_that_contradict_each_other(model, given, said):
    given = {"dataset": "digits", **given}
    with pytest.raises(UserError, match=said):
        zoo.build(model, backbone="mlp", **given)


def test_the_softplus_head_begins_far_from_the_prior():
    """sigma = softplus(a - 5), which is 0.0067 at a = 0: about 4.5 nats a number."""
    posterior = GaussianPosterior((3,), head="softplus")
    posterior.build((None, 4))
    posterior.scale_head.kernel.assign(np.zeros((4, 3)))
    features = np.random.default_rng(0).normal(size=[5, 4]).astype("float32")
    _, log_variance = posterior.parameters(features)
    np.testing.assert_allclose(np.exp(log_variance / 2), np.log1p(np.exp(-5.0)), rtol=1e-5)
    posterior.scale_head.bias.assign([30.0, 5.0, -30.0])
    _, log_variance = posterior.parameters(features)
    a = 8 * np.tanh(np.array([30.0, 5.0, -30.0]) / 8)
    np.testing.assert_allclose(np.exp(log_variance[0] / 2), np.log1p(np.exp(a - 5)), rtol=1e-4)
    with pytest.raises(UserError, match="initial scale of its own"):
        GaussianPosterior((3,), initial_scale=0.5, head="softplus")
