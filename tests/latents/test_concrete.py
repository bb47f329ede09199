"""Categories in a code: closed forms, the relaxation, mixed groups, and what is refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfvae
import zoo
from tests import models
from tfvae import diagnosis, exploring
from tfvae.checks import UserError
from tfvae.distributions import OneHot, SideBySide, draw_one_hot, rate
from tfvae.draw import Pass
from tfvae.latents import (
    AuxiliaryPosterior,
    ConcretePosterior,
    GaussianPosterior,
    SideBySidePosterior,
    SideBySidePrior,
    StandardNormalPrior,
    StochasticLatent,
    UniformCategoryPrior,
    VampPrior,
)
from tfvae.likelihoods import Bernoulli
from tfvae.networks import FactorisedDecoder, MLPEncoder, MLPImage
from tfvae.objectives import CategoryLikelihood, Objective, distortion
from tfvae.randomness import seed_of
from tfvae.schedules import LAST, Constant

tfd = tfp.distributions
LOGITS = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")


def mixed(seed=0, width=2, kinds=(3, 4), **own):
    """An MLP VAE whose z is categories, and numbers."""
    keras.utils.set_random_seed(seed)
    posteriors = [ConcretePosterior((k,), **own) for k in kinds]
    priors = [UniformCategoryPrior((k,)) for k in kinds]
    if width:
        posteriors.append(GaussianPosterior((width,)))
        priors.append(StandardNormalPrior((width,)))
    latent = StochasticLatent(SideBySidePosterior(posteriors), SideBySidePrior(priors))
    decoder = FactorisedDecoder(models.SHAPE, MLPImage(models.SHAPE, (16,), 1))
    model = tfvae.VAE(MLPEncoder((16,), "tanh"), latent, decoder, Bernoulli())
    model.build()
    return model


def test_a_one_hot_draw_is_where_the_relaxed_one_is_largest_and_its_limit():
    hard = draw_one_hot(OneHot(LOGITS), seed_of(3))
    assert set(np.unique(hard)) == {0.0, 1.0} and np.all(np.sum(hard, -1) == 1.0)
    for temperature in (2.0, 0.67, 0.01):
        soft = draw_one_hot(OneHot(LOGITS, temperature), seed_of(3))
        np.testing.assert_allclose(np.sum(soft, -1), 1.0, atol=1e-6)
        np.testing.assert_array_equal(np.argmax(soft, -1), np.argmax(hard, -1))
        through = draw_one_hot(OneHot(LOGITS, temperature), seed_of(3), True)
        np.testing.assert_allclose(through, hard, atol=1e-6)
    np.testing.assert_allclose(soft, hard, atol=0.2)


def test_the_gradient_of_a_straight_through_draw_is_that_of_the_relaxed_one():
    logits, weights = tf.constant(LOGITS), tf.constant(LOGITS[::-1].copy())

    def gradient(through):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            drawn = draw_one_hot(OneHot(logits, 0.5), seed_of(1), through)
            value = tf.reduce_sum(weights * drawn)
        return tape.gradient(value, logits)

    assert np.abs(gradient(False)).max() > 0.01
    np.testing.assert_allclose(gradient(True), gradient(False), atol=1e-6)


@pytest.mark.statistical
def test_draws_have_the_law_of_tfp_s():
    """40,000 draws: frequencies within 5 standard errors of pi; the relaxed ones by Kolmogorov-Smirnov
    against TFP's (two samples, p > 1e-4 for each of 3 numbers: a false failure in 3,000)."""
    from scipy.stats import ks_2samp

    pi = np.array([0.2, 0.5, 0.3])
    logits = tf.tile(tf.math.log(tf.constant([pi], tf.float32)), [40_000, 1])
    hard = draw_one_hot(OneHot(logits), seed_of(0)).numpy()
    assert np.all(np.abs(hard.mean(0) - pi) < 5 * np.sqrt(pi * (1 - pi) / 40_000))
    soft = draw_one_hot(OneHot(logits, 0.67), seed_of(0)).numpy()
    theirs = tfd.RelaxedOneHotCategorical(0.67, logits=logits[0]).sample(40_000, seed=[1, 2])
    for k in range(3):
        assert ks_2samp(soft[:, k], theirs[:, k]).pvalue > 1e-4


def test_the_rate_is_ln_k_less_the_entropy_and_never_more_than_ln_k():
    found = rate(OneHot(LOGITS), OneHot(tf.zeros([4])), tf.zeros([6, 4]))
    assert found.is_exact
    entropy = tfd.Categorical(LOGITS).entropy()
    np.testing.assert_allclose(found.nats[:, 0], np.log(4) - entropy, atol=1e-6)
    sure = rate(OneHot(40.0 * LOGITS), OneHot(tf.zeros([4])), tf.zeros([6, 4]))
    assert np.all(sure.nats <= np.log(4) + 1e-6) and np.all(sure.nats > np.log(4) - 0.1)
    theirs = tfd.kl_divergence(
        tfd.OneHotCategorical(LOGITS), tfd.OneHotCategorical(LOGITS[::-1].copy())
    )
    np.testing.assert_allclose(
        tfd.kl_divergence(OneHot(LOGITS), OneHot(LOGITS[::-1].copy())), theirs, atol=1e-6
    )


def test_side_by_side_is_the_product():
    both = SideBySide(
        [OneHot(LOGITS), tfd.Independent(tfd.Normal(LOGITS[:, :2], tf.ones([6, 2])), 1)]
    )
    assert both.batch_shape == [6] and both.event_shape == [6]
    z = both.sample(seed=[1, 2])
    hot, numbers = both.apart(z)
    expected = np.sum(hot * tf.nn.log_softmax(LOGITS), -1)
    expected += np.sum(tfd.Normal(LOGITS[:, :2], 1.0).log_prob(numbers), -1)
    np.testing.assert_allclose(both.log_prob(z), expected, atol=1e-5)
    np.testing.assert_allclose(both[2:4].log_prob(z[2:4]), expected[2:4], atol=1e-5)
    theirs = tfd.Categorical(LOGITS).entropy() + 2 * 0.5 * np.log(2 * np.pi * np.e)
    np.testing.assert_allclose(both.entropy(), theirs, atol=1e-5)
    np.testing.assert_allclose(both.mean()[:, :4], tf.nn.softmax(LOGITS), atol=1e-6)


@pytest.mark.parametrize("width", [0, 2])
def test_it_trains_on_relaxed_draws_and_measures_one_hot_ones(width):
    model, x = mixed(width=width), models.images(32)
    for training, step in ((False, None), (True, 3)):
        z = model.draw(x, seed_of(2), training=training, step=step).z.numpy()
        hot = np.isin(z[:, :7], (0.0, 1.0)).all()
        assert hot == (not training)
        for category in (z[:, :3], z[:, 3:7]):
            np.testing.assert_allclose(category.sum(-1), 1.0, atol=1e-5)
    draw = model.draw(x, seed_of(2), training=True, step=3)
    assert draw.rate.shape == [32, 2 + width] and draw.at_draw.rate_is_exact
    assert np.all(draw.rate[:, :2] <= np.log([3, 4]) + 1e-6)
    assert model.latent.unit_scale[:4] == pytest.approx([2**0.5 / 3] * 3 + [3**0.5 / 4])


def test_a_gradient_reaches_the_categories_through_the_decoder():
    model, x = mixed(), models.images(32)
    head = model.latent.posterior.posteriors[0].logits_head.kernel

    def gradient(training):
        with tf.GradientTape() as tape:
            draw = model.draw(x, seed_of(2), training=training, step=0)
            value = tf.reduce_mean(draw.log_likelihood)
        return tape.gradient(value, head)

    assert np.abs(gradient(True)).max() > 1e-5
    assert gradient(False) is None or not np.abs(gradient(False)).max()
    assert not model.latent.refinable  # so nobody seeks parameters along such a gradient


def test_the_bound_is_that_of_the_model_with_categories():
    """Of 3 x 2 codes: log p(x) = log 1/6 sum_c p(x|c), and the ELBO is a sum, too. From 2,000 draws each is
    found within 5 standard errors (16 examples: a false failure in 50,000)."""
    model, x = mixed(width=0, kinds=(3, 2)), models.images(16)
    codes = np.array(
        [[*np.eye(3)[i], *np.eye(2)[j]] for i in range(3) for j in range(2)], "float32"
    )
    each = np.stack([model.conditional(np.tile(c, (16, 1))).log_prob(x) for c in codes])
    mass = np.stack([model.posterior(x).log_prob(c) for c in codes])
    np.testing.assert_allclose(np.exp(mass).sum(0), 1.0, atol=1e-5)
    weights = model.log_weights(x, 2000, seed=3).numpy()  # log p(x|c) p(c) / q(c|x)
    elbo = np.sum(np.exp(mass) * (each - np.log(6.0) - mass), 0)
    error = weights.std(0) / np.sqrt(2000)
    assert np.all(np.abs(weights.mean(0) - elbo) < 5 * error + 1e-5)
    likelihood = np.exp(each).mean(0)
    error = np.exp(weights).std(0) / np.sqrt(2000)
    assert np.all(np.abs(np.exp(weights).mean(0) - likelihood) < 5 * error + 1e-9)
    assert np.all(elbo < np.log(likelihood))


def test_temperature_falls_with_the_step():
    posterior = ConcretePosterior((4,), 1.0, 0.25, 100)
    posterior.build((None, 5))
    features, seed = tf.ones([1, 5]), seed_of(0)
    found = [
        float(posterior.distribution(features, Pass(seed, step, True)).temperature)
        for step in (0, 50, 100, 1000)
    ]
    assert found == pytest.approx([1.0, 0.625, 0.25, 0.25])
    assert posterior.distribution(features, Pass(seed, 50, False)).temperature is None
    assert posterior.distribution(features).temperature is None


def test_a_saved_model_is_the_same(tmp_path):
    model, x = mixed(temperature=0.5, straight_through=True), models.images(8)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.encode(x), model.encode(x))
    for training in (False, True):
        draws = [m.draw(x, seed_of(1), training=training, step=0).z for m in (model, again)]
        np.testing.assert_array_equal(*draws)


def test_everything_that_measures_works_on_a_mixed_code():
    model, x = mixed(), models.images(64)
    measured = diagnosis.measure(model, x, num_samples=20)
    assert 0.0 <= measured["mutual_information"] <= np.log(64) + 1e-4
    ends = exploring.interpolate(model, x[:2], x[2:4], 5)
    assert ends.shape == (2, 5, *models.SHAPE)
    walked = exploring.traverse(model, x[:6])
    assert sorted(walked.units) == [7, 8]  # the numbers, and not those of a category
    with pytest.raises(UserError, match="which 3 may not"):
        exploring.traverse(model, x[:2], [3, 7])
    with pytest.raises(UserError, match="here z is a category beside a category$"):
        exploring.traverse(mixed(width=0), x[:2])
    made = exploring.each_category(model, x[:2], 1)
    assert made.shape == (2, 4, *models.SHAPE)
    own = model.encode(x[:2])[:, 3:7].numpy().argmax(-1)
    np.testing.assert_allclose(made[[0, 1], own], model.reconstruct(x[:2]), atol=1e-5)
    with pytest.raises(UserError, match="one of the 2 that z has, got 2"):
        exploring.each_category(model, x[:2], 2)


@pytest.mark.parametrize(("kinds", "width"), [((2,) * 10, 2), ((3,) * 11, 0), ((2,) * 11, 0)])
def test_the_density_of_all_codes_is_right_however_many_parts_there_are(kinds, width):
    """q(z) = 1/N sum_j q(z|x_j) by itself, and with it I(x; z) <= ln N."""
    model, x = mixed(kinds=kinds, width=width), models.images(40)
    kept = model.latent.kept(model.draw(x, seed_of(1)))
    found = model.latent.log_aggregate(kept, kept)
    each = [model.posterior(x).log_prob(z).numpy() for z in kept["z"]]
    np.testing.assert_allclose(found, np.log(np.mean(np.exp(each), 1)), atol=1e-4)
    assert diagnosis.measure(model, x, num_samples=2)["mutual_information"] <= np.log(40) + 1e-4


def test_a_category_whose_odds_do_not_move_is_not_active():
    """pi between 0.099 and 0.1 + 0.01: the likeliest kind differs from x to x, E[z] does not."""
    model, x = mixed(kinds=(10,), width=0), models.images(64)
    head = model.latent.posterior.posteriors[0].logits_head
    head.kernel.assign(0.003 * head.kernel)
    assert len(set(model.encode(x).numpy().argmax(1))) > 3
    found = diagnosis.measure(model, x, num_samples=2)
    assert found["active_units"] == 0 and found["rate"] < 1e-3
    sure = mixed(kinds=(10,), width=0)
    head = sure.latent.posterior.posteriors[0].logits_head
    head.kernel.assign(100.0 * head.kernel)
    assert diagnosis.measure(sure, x, num_samples=2)["active_units"] > 3


def test_evaluate_counts_known_labels_and_refuses_others():
    model, x = mixed(kinds=(4,)), models.images(40)
    terms = {
        "distortion": (Constant(1.0), distortion),
        "category": (Constant(1.0), CategoryLikelihood()),
    }
    model.compile("adam", objective=Objective(terms))
    y = model.encode(x)[:, :4].numpy().argmax(1)
    model.fit(x, y, batch_size=20, verbose=0)
    y = model.encode(x)[:, :4].numpy().argmax(1)
    assert model.evaluate(x, y, verbose=0, return_dict=True)["category_accuracy"] == 1.0
    half = np.where(np.arange(40) % 2, y, -1)
    assert model.evaluate(x, half, verbose=0, return_dict=True)["category_accuracy"] == 1.0
    for label in (4, -2):
        with pytest.raises(UserError, match="label"):
            model.evaluate(x, np.where(np.arange(40) % 2, y, label), verbose=0)


def test_the_capacity_of_categories_is_that_of_all_positions():
    built = zoo.build(
        "joint_vae",
        dataset="digits",
        backbone="gated_pixelcnn",
        code="sequence",
        category_capacity=300.0,
    )
    positions, k = built.latent.event_shape[0], 10
    _, term = built.procedure.objective.terms["capacity_of_categories"]
    assert positions > 1
    assert float(term.target(LAST)) == pytest.approx(positions * np.log(k), rel=1e-6)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: StochasticLatent(GaussianPosterior((4,)), UniformCategoryPrior((4,))),
            "makes z of real numbers, prior UniformCategoryPrior expects units of 4: a probability",
        ),
        (
            lambda: StochasticLatent(ConcretePosterior((4,)), StandardNormalPrior((4,))),
            "makes z of units of 4, prior StandardNormalPrior expects real numbers",
        ),
        (
            lambda: StochasticLatent(
                SideBySidePosterior([ConcretePosterior((2,)), ConcretePosterior((3,))]),
                SideBySidePrior([UniformCategoryPrior((3,)), UniformCategoryPrior((2,))]),
            ),
            "makes z of units of 2, 3, prior SideBySidePrior expects units of 3, 2",
        ),
        (lambda: ConcretePosterior((1,)), "the categories of a code"),
        (lambda: ConcretePosterior((3,), 0.0), "temperature"),
        (lambda: ConcretePosterior((3,), 1.0, 0.5), "temperature_steps"),
        (lambda: ConcretePosterior((3,), 1.0, -0.5, 10), "last_temperature"),
        (lambda: SideBySidePosterior([]), "got none"),
        (lambda: SideBySidePosterior([AuxiliaryPosterior((2,), 2, (4,))]), "num_parameters"),
        (
            lambda: SideBySidePosterior([ConcretePosterior((3,)), GaussianPosterior((4, 2))]),
            "the same positions",
        ),
        (lambda: SideBySidePrior([VampPrior((2,), (4, 4, 1), 3)]), "tells examples apart"),
        (
            lambda: rate(SideBySide([OneHot(LOGITS)]), SideBySide([OneHot(LOGITS[:, :3])]), LOGITS),
            "cut alike",
        ),
    ],
)
def test_refused(make, said):
    with pytest.raises(UserError, match=said):
        make()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"categories": (30,)}, "categories=30 take 30 numbers of z, which has latent_width=12"),
        ({"prior": "normal"}, "needs a prior of categories"),
        (
            {"inference": "semi_amortised", "rate_budget": "none"},
            "needs a posterior whose mean and scale differ",
        ),
        ({"terms": "covariance"}, "needs a posterior of independent numbers"),
        ({"posterior": "gaussian"}, "a code of categories"),
        (
            {"terms": "labelled_category", "categories": (4,)},
            r"as many kinds as there are labels \(10\), got categories=4",
        ),
        (
            {"terms": "labelled_category", "condition": "labels"},
            "needs labels that the encoder is not told, which condition=labels does not leave",
        ),
        (
            {
                "terms": "labelled_category,label_likelihood",
                "condition": "guessed_labels",
                "classifier": "dense",
                "classifier_reads": "features",
                "inference": "enumerated",
                "rate_budget": "none",
            },
            "needs labels that the encoder is not told, which condition=guessed_labels does not leave",
        ),
        (
            {
                "terms": "label_likelihood",
                "condition": "guessed_labels",
                "classifier": "dense",
                "classifier_reads": "features",
                "inference": "enumerated",
            },
            "joint_capacity needs a rate that is of the code alone, which inference=enumerated does not",
        ),
        (
            {"bound": "many_samples", "rate_budget": "none"},
            "needs draws in training whose gradient is exact, which posterior=concrete does not leave",
        ),
        (
            {"terms": "mmd"},
            r"those of the prior \(concrete_draws=straight_through\), which posterior=",
        ),
        ({"terms": "adversary"}, "needs draws in training like those of the prior"),
        ({"concrete_temperature_steps": 10}, "concrete_last_temperature"),
        ({"concrete_draws": "hard"}, "straight_through"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_line(settings, said):
    with pytest.raises(UserError, match=said):
        zoo.build("joint_vae", dataset="digits", backbone="mlp", **settings)
