"""Labels that are gone through: by hand, as a bound, and what is refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfvae
import zoo
from tests import models
from tfvae.checks import UserError
from tfvae.inference import enumerated
from tfvae.latents import (
    ConditionalNormalPrior,
    GaussianPosterior,
    StandardNormalPrior,
    StochasticLatent,
)
from tfvae.likelihoods import Bernoulli
from tfvae.networks import Classifier, FactorisedDecoder, LabelCondition, MLPEncoder, MLPImage
from tfvae.objectives import LabelLikelihood, Objective, distortion, rate
from tfvae.procedures import Joint, Update
from tfvae.randomness import fold, seed_of

SEED, NUMBER = seed_of(3), 3


def partly(classifier=None, condition=None):
    """Of three labels, told to encoder and decoder."""
    classifier = Classifier(NUMBER, (), "features") if classifier is None else classifier
    condition = LabelCondition(NUMBER, guessed=True) if condition is None else condition
    keras.utils.set_random_seed(1)
    latent = StochasticLatent(GaussianPosterior((3,)), StandardNormalPrior((3,)))
    decoder = FactorisedDecoder(models.SHAPE, MLPImage(models.SHAPE, (16,), 1))
    parts = MLPEncoder((16,)), latent, decoder, Bernoulli()
    model = tfvae.VAE(*parts, condition=condition, classifier=classifier)
    model.build()
    return model


def test_the_bound_is_the_sum_by_hand():
    model, x = partly(), models.images(5)
    label = tf.constant([2, -1, 0, -1, -1])
    draw = enumerated(model, x, SEED, label=label)
    q = model.label_probabilities(x).numpy()
    each = [model.draw(x, fold(SEED, y), label=tf.fill([5], y)) for y in range(NUMBER)]
    nats = np.stack([one.elbo for one in each], 1)
    for row, known in enumerate(label.numpy()):
        bound = nats[row, known] if known >= 0 else q[row] @ (nats[row] - np.log(q[row] * NUMBER))
        assert float(draw.elbo[row]) == pytest.approx(bound, rel=1e-5)
    assert draw.rate.shape == (5, each[0].rate.shape[1] + 1)
    surprise = (q * np.log(q * NUMBER)).sum(1)
    np.testing.assert_allclose(draw.rate[:, -1], np.where(label >= 0, 0.0, surprise), atol=1e-6)
    np.testing.assert_array_equal(draw.label, label)


def of_codes(prior_only=True):
    """Two labels, told to the prior alone; the classifier reads z."""
    keras.utils.set_random_seed(1)
    latent = StochasticLatent(GaussianPosterior((3,)), ConditionalNormalPrior((3,), 2))
    decoder = FactorisedDecoder(models.SHAPE, MLPImage(models.SHAPE, (16,), 1))
    model = tfvae.VAE(
        *(MLPEncoder((16,)), latent, decoder, Bernoulli()),
        condition=LabelCondition(2, guessed=True),
        classifier=Classifier(2),
        **({"told": ("prior",)} if prior_only else {}),
    )
    model.build()
    latent.prior.head.set_weights([np.eye(2, 6) - 0.5, np.linspace(-1, 1, 6)])
    return model


def test_a_classifier_of_codes_weighs_the_priors_of_one_draw():
    model, x = of_codes(), models.images(5)
    label = tf.constant([1, -1, 0, -1, -1])
    draw = enumerated(model, x, SEED, label=label)
    each = [model.draw(x, SEED, label=tf.fill([5], y)) for y in range(2)]
    np.testing.assert_array_equal(each[0].z, each[1].z)
    np.testing.assert_array_equal(draw.z, each[0].z)
    np.testing.assert_allclose(draw.log_likelihood, each[0].log_likelihood, rtol=1e-6)
    q = tf.nn.softmax(model.classifier(draw.z)).numpy()
    costs = np.stack([one.rate.numpy().sum(1) for one in each], 1)
    assert np.abs(costs[:, 0] - costs[:, 1]).min() > 1e-3
    for row, known in enumerate(label.numpy()):
        cost = costs[row, known] if known >= 0 else q[row] @ (costs[row] + np.log(q[row] * 2))
        assert float(tf.reduce_sum(draw.rate[row])) == pytest.approx(cost, rel=1e-5)


def test_what_no_label_changes_is_asked_for_none():
    model, x = of_codes(), models.images(5)
    told = [model.label_probabilities(x, 3, label=tf.fill([5], y)) for y in range(2)]
    np.testing.assert_array_equal(told[0], told[1])
    np.testing.assert_array_equal(model.label_probabilities(x, 3), told[0])
    np.testing.assert_array_equal(
        model.predict_labels(x, 3), model.predict_labels(x, 3, label=[1] * 5)
    )
    np.testing.assert_array_equal(model.encode(x), model.encode(x, tf.ones([5], tf.int32)))


def test_it_bounds_the_marginal_likelihood():
    """64 images, 200 importance samples for each label; 4 standard errors of the mean's difference."""
    model, x = partly(), models.images(64)
    unknown = tf.fill([64], -1)
    bound = np.mean([enumerated(model, x, seed_of(s), label=unknown).elbo for s in range(6)], 0)
    told = [model.log_prob(x, 200, label=tf.fill([64], y)) for y in range(NUMBER)]
    exact = tf.reduce_logsumexp(tf.stack(told), 0) - np.log(NUMBER)
    gap = exact.numpy() - bound
    assert gap.mean() > -4 * gap.std() / 8
    # and with the true q(y|x) in the classifier's place it is nearer than with an even one
    scores = tf.stack(told, 1)
    model.label_scores = lambda *_: scores
    nearer = np.mean([enumerated(model, x, seed_of(s), label=unknown).elbo for s in range(6)], 0)
    model.label_scores = lambda *_: tf.zeros([64, NUMBER])
    even = np.mean([enumerated(model, x, seed_of(s), label=unknown).elbo for s in range(6)], 0)
    assert nearer.mean() > even.mean()


def test_fit_takes_unknown_labels_and_moves_the_classifier_by_them():
    model, x = partly(), models.images(40)
    label = np.where(np.arange(40) % 4 == 0, np.arange(40) % NUMBER, -1)
    objective = Objective({"distortion": distortion, "rate": rate})
    model.compile(procedure=Joint(Update(objective, "adam", inference=enumerated)))
    before = model.label_scores(x).numpy()
    model.fit(x, label, batch_size=20, verbose=0)
    assert np.abs(model.label_scores(x).numpy() - before).max() > 1e-5
    objective = Objective({"distortion": distortion, "rate": rate, "label": LabelLikelihood()})
    model.compile(procedure=Joint(Update(objective, "adam", inference=enumerated)))
    found = model.fit(x, label, batch_size=20, verbose=0).history
    assert np.isfinite([v for values in found.values() for v in values]).all()
    with pytest.raises(UserError, match="label must be whole numbers .* 0 to 2"):
        model.encode(x[:2], np.array([0, -1]))  # a network is told none that is unknown
    assert model.predict_labels(x).shape == (40,)


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (
            lambda: enumerated(models.plain(), models.images(4), SEED),
            "need a model that is told labels, and a classifier of features",
        ),
        (
            lambda: enumerated(of_codes(prior_only=False), models.images(4), SEED),
            "or of z, where the prior alone is told",
        ),
        (
            lambda: enumerated(partly(Classifier(NUMBER)), models.images(4), SEED),
            "a classifier of features",
        ),
        (
            lambda: zoo.build("m2_vae", "digits", backbone="mlp", classifier_reads="z"),
            "labels that the encoder is not told, which condition=guessed_labels does not leave",
        ),
        (
            lambda: zoo.build("vae", "digits", backbone="mlp", condition="guessed_labels"),
            "needs an inference that goes through labels.*inference=enumerated",
        ),
        (
            lambda: zoo.build("m2_vae", "digits", backbone="mlp", labelled_fraction=0.5),
            "labelled_examples and labelled_fraction both say",
        ),
        (
            lambda: zoo.build("m2_vae", "sprites", backbone="mlp"),
            "needs data with labels, and images has none",
        ),
        (
            lambda: partly(condition=LabelCondition(NUMBER)).check_beside([0, -1]),
            "from 0 to 2",
        ),
    ],
)
def test_what_is_wrong_is_refused_in_one_line(run, said):
    with pytest.raises(UserError, match=said) as caught:
        run()
    assert "\n" not in str(caught.value)
