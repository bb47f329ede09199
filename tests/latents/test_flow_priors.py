"""A masked autoregressive flow as a prior: values of the page, TFP's own, integrals, differences."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests import models
from tests.networks.test_made import shaken
from tfvae import UserError, flows
from tfvae.latents import AR1Prior, MaskedAutoregressivePrior, StandardNormalPrior, StochasticLatent
from tfvae.networks import MADE
from tfvae.procedures.auxiliary_prior import AuxiliaryFlow
from tfvae.randomness import seed_of

tfd, tfb = tfp.distributions, tfp.bijectors

A = tf.constant([[0, 0, 0], [0.5, 0, 0], [-0.3, 0.8, 0]], tf.float64)
B = tf.constant([[0, 0, 0], [0.1, 0, 0], [0.2, -0.1, 0]], tf.float64)
X = tf.constant([[0.6, -1.2, 0.4]], tf.float64)


def _log_normal(u):
    return float(tf.reduce_sum(tfd.Normal(tf.constant(0.0, u.dtype), 1.0).log_prob(u)))


def linear(x, kind="plain"):
    """m = A x, a = B x, as the page has them; gated with s = sigmoid(B x + 1.5)."""
    raw = tf.stack([tf.linalg.matvec(A, x), tf.linalg.matvec(B, x)], -1)
    return (raw[..., 0], raw[..., 1]) if kind == "plain" else flows.affine(raw, kind)


def prior(shape, seed=0, size=0.4, base=None, **more):
    """With weights at random."""
    layer = MaskedAutoregressivePrior(
        base or StandardNormalPrior(shape), **{"num_flows": 3, "units": (8,)} | more
    )
    layer.build()
    rng = np.random.default_rng(seed)
    for weight in layer.trainable_variables:
        weight.assign(size * rng.normal(size=weight.shape))
    return layer


def differences(function, x, step=1e-6):
    """The Jacobian [D, D] of a function of [1, D] by central differences, float64."""
    columns = []
    for axis in range(x.shape[-1]):
        move = step * tf.one_hot([axis], x.shape[-1], dtype=x.dtype)
        columns.append(((function(x + move) - function(x - move)) / (2 * step))[0])
    return np.stack(columns, -1)


def integral(log_density, largest=7.0, number=701):
    """Of exp of it over the plane, by steps along asinh of each axis, which reach 500 from the middle."""
    side = np.linspace(-largest, largest, number)
    grid = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    density = np.exp(log_density(tf.constant(np.sinh(grid), tf.float32)).numpy().astype(float))
    return (density * np.cosh(grid).prod(-1)).sum() * (side[1] - side[0]) ** 2


def test_the_values_of_the_page():
    u, log_det = flows.noise_of(X, [linear])
    np.testing.assert_allclose(u[0], [0.6, -1.41264680, 1.21140691], atol=1e-8)
    assert _log_normal(u) + float(log_det[0]) == pytest.approx(-4.96835444, abs=1e-8)
    z, log_det = flows.inverse_autoregressive(X, [linear])
    np.testing.assert_allclose(z[0], [0.6, -0.97420386, -0.63150034], atol=1e-8)
    assert _log_normal(X) - float(log_det[0]) == pytest.approx(-4.03681560, abs=1e-8)
    z, log_det = flows.inverse_autoregressive(X, [lambda x: linear(x, "gated")])
    np.testing.assert_allclose(z[0], [0.49054469, -0.93953003, 0.17005808], atol=1e-8)
    assert float(log_det[0]) == pytest.approx(-0.55385703, abs=1e-8)
    assert _log_normal(X) - float(log_det[0]) == pytest.approx(-3.18295857, abs=1e-8)


def test_the_example_of_vlae():
    """z_1 = e_1, z_2 = e_2 exp(.3 z_1) + .5 z_1."""

    def conditional(z):
        zero = tf.zeros_like(z[:, :1])
        return tf.concat([zero, 0.5 * z[:, :1]], 1), tf.concat([zero, 0.3 * z[:, :1]], 1)

    noise, log_det = flows.noise_of(tf.constant([[0.7, -0.4]], tf.float64), [conditional])
    np.testing.assert_allclose(noise[0], [0.7, -0.60793818], atol=1e-8)
    assert float(log_det[0]) == pytest.approx(-0.21, abs=1e-12)
    assert _log_normal(noise) + float(log_det[0]) == pytest.approx(-2.47767148, abs=1e-8)


def test_a_bounded_step_begins_with_slope_one_and_stays_within_its_bound():
    raw = tf.constant([[0.0, 1e-4], [2.0, 1e3], [0.0, -1e3]], tf.float64)
    shift, log_scale = flows.affine(raw, "bounded", 1.5)
    np.testing.assert_array_equal(shift, raw[:, 0])
    np.testing.assert_allclose(log_scale, [1e-4, 1.5, -1.5], rtol=1e-6)


CONDITIONALS = {"linear": linear, "gated": lambda x: linear(x, "gated")}
for _kind in ("shift", "bounded"):
    for _reverse in (False, True):
        _made = shaken(
            MADE((7,), flows.parameter_size(_kind), _reverse, "tanh", dtype="float64"), (None, 3)
        )
        CONDITIONALS[f"{_kind}, reverse {_reverse}"] = lambda x, m=_made, k=_kind: flows.affine(
            m(x), k
        )


@pytest.mark.parametrize("name", CONDITIONALS)
def test_determinants_by_differences_and_the_way_back(name):
    """Central differences in float64, and both directions of a flow undo each other."""
    chain = [CONDITIONALS[name], linear]
    for function in (flows.noise_of, flows.inverse_autoregressive):
        jacobian = differences(lambda x, f=function: f(x, chain)[0], X)
        _, log_det = function(X, chain)
        assert float(log_det[0]) == pytest.approx(np.linalg.slogdet(jacobian)[1], abs=1e-7)
    z = flows.masked_autoregressive(X, chain)
    np.testing.assert_allclose(flows.noise_of(z, chain)[0], X, atol=1e-10)
    if name.startswith("shift"):
        np.testing.assert_array_equal(flows.noise_of(X, chain[:1])[1], 0)


@pytest.mark.parametrize("more", [{}, {"scale": "shift"}, {"units": ()}], ids=str)
def test_the_density_of_two_numbers_integrates_to_one(more):
    assert integral(prior((2,), **more).distribution().log_prob) == pytest.approx(1.0, abs=2e-4)


def test_it_is_the_flow_of_tfp():
    """The same networks behind `tfb.MaskedAutoregressiveFlow`: density, and draws of the same noise."""
    layer = prior((5,), size=0.3)
    steps = [tfb.MaskedAutoregressiveFlow(each) for each in reversed(layer.conditionals())]
    theirs = tfd.TransformedDistribution(tfd.MultivariateNormalDiag(tf.zeros(5)), tfb.Chain(steps))
    ours = layer.distribution()
    z = ours.sample(6, seed=[3, 4])
    assert z.shape == (6, 5) and z.numpy().std() > 0.3
    np.testing.assert_allclose(ours.log_prob(z), theirs.log_prob(z), rtol=1e-5, atol=1e-5)
    noise = tf.random.stateless_normal([6, 5], tfp.random.sanitize_seed([3, 4]))
    np.testing.assert_allclose(flows.noise_of(z, layer.conditionals())[0], noise, atol=1e-4)
    again = z[tf.newaxis] + tf.zeros([2, 1, 1])
    np.testing.assert_allclose(ours.log_prob(again)[1], ours.log_prob(z), rtol=1e-6)


def test_along_positions_and_channels():
    """z of (3, 2): a number's noise sees earlier positions, and earlier channels of its own."""
    layer = prior((3, 2), num_flows=1)
    z = tf.random.stateless_normal([40, 6], [0, 1])
    with tf.GradientTape() as tape:
        tape.watch(z)
        u, _ = flows.noise_of(z, layer.conditionals())
    jacobian = np.abs(tape.batch_jacobian(u, z)).max(0)
    np.testing.assert_array_equal(jacobian != 0, np.tril(np.ones((6, 6))) > 0)
    density = layer.distribution()
    assert density.sample(4, seed=[0, 1]).shape == (4, 3, 2)
    z = np.random.default_rng(0).normal(size=(4, 3, 2)).astype("float32")
    flat = prior((6,), num_flows=1)
    flat.set_weights(layer.get_weights())
    np.testing.assert_allclose(
        density.log_prob(z), flat.distribution().log_prob(z.reshape(4, 6)), rtol=1e-6
    )


def test_it_begins_as_the_standard_normal_and_is_a_prior_of_a_model():
    """At first the rate of the Gaussian under N(0, I), by a draw; afterwards log q - log p in one group."""
    model, x = models.plain(), models.images(20)
    layer = MaskedAutoregressivePrior(StandardNormalPrior((3,)))
    under = model.with_prior(layer)
    plain, found = model.draw(x, 3), under.draw(x, 3)
    np.testing.assert_array_equal(found.z, plain.z)
    np.testing.assert_allclose(found.rate[:, 0], -plain.at_draw.log_ratio(), atol=1e-5)
    assert found.rate.shape == (20, 1) and not found.at_draw.rate_is_exact
    assert isinstance(under.latent, StochasticLatent) and under.latent.committed_rate is None
    shaken(layer, None)
    assert np.abs(under.draw(x, 3).rate - found.rate).max() > 0.1
    np.testing.assert_allclose(under.prior().log_prob(found.z), under.log_prior(found.z), rtol=1e-6)
    assert under.sample_codes(4, seed_of(0)).shape == (4, 3)


def test_it_begins_as_the_prior_that_it_replaces():
    """AR(1), whose own flow comes last: at first its density; a draw is that of noise that came back."""
    base = AR1Prior((3, 2), (0.9, -0.5))
    layer = MaskedAutoregressivePrior(base)
    layer.build()
    z = base.distribution().sample(5, seed=[1, 2])
    wanted = base.distribution().log_prob(z)
    np.testing.assert_allclose(layer.distribution().log_prob(z), wanted, rtol=1e-5)
    layer = prior((3, 2), base=base)
    z = layer.distribution().sample(5, seed=[3, 4])
    first, _ = layer.without_base(z)
    u, _ = flows.noise_of(tf.reshape(first, [5, 6]), layer.conditionals())
    noise = tf.random.stateless_normal([5, 6], tfp.random.sanitize_seed([3, 4]))
    np.testing.assert_allclose(u, noise, atol=1e-4)
    density = layer.distribution().log_prob
    flat = z[:1].numpy().astype(float).reshape(1, 6)

    def moved(x):
        first, _ = layer.without_base(tf.reshape(tf.cast(x, tf.float32), [1, 3, 2]))
        return (
            flows.noise_of(tf.reshape(first, [1, 6]), layer.conditionals())[0].numpy().astype(float)
        )

    log_det = np.linalg.slogdet(differences(moved, tf.constant(flat), 1e-2))[1]
    assert float(density(z[:1])[0]) == pytest.approx(_log_normal(u[:1]) + log_det, abs=5e-3)


def test_a_linear_flow_learns_a_correlation():
    """z ~ N(0, [[1, .8], [.8, 1]]): 2.32705144 nats, and 2.83787707 under N(0, I)."""
    nodes, mass = np.polynomial.hermite_e.hermegauss(12)  # means over them are those of N(0, 1)
    mass = tf.constant(np.outer(mass, mass).ravel() / mass.sum() ** 2, tf.float32)
    z = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), -1).reshape(-1, 2)
    z = tf.constant(z @ np.linalg.cholesky([[1, 0.8], [0.8, 1]]).T, tf.float32)
    layer = MaskedAutoregressivePrior(StandardNormalPrior((2,)), 1, ())
    layer.build()
    optimizer = keras.optimizers.Adam(0.05)
    optimizer.build(layer.trainable_variables)

    @tf.function
    def fit():
        for _ in tf.range(300):
            with tf.GradientTape() as tape:
                loss = -tf.reduce_sum(mass * layer.distribution().log_prob(z))
            optimizer.apply(
                tape.gradient(loss, layer.trainable_variables), layer.trainable_variables
            )

    before = -tf.reduce_sum(mass * layer.distribution().log_prob(z))
    fit()
    after = -tf.reduce_sum(mass * layer.distribution().log_prob(z))
    assert float(before) == pytest.approx(2.83787707, abs=1e-5)
    assert float(after) == pytest.approx(2.32705144, abs=1e-4)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (
            {"scale": "gated"},
            "unknown scale of a MaskedAutoregressivePrior 'gated'; known: bounded, shift",
        ),
        ({"num_flows": 0}, "num_flows must be .*got 0"),
        ({"units": (0,)}, "units of a MaskedAutoregressivePrior must be .*got 0"),
        ({"bound": 0.0}, "bound must be .*got 0.0"),
    ],
    ids=str,
)
def test_what_is_refused(more, says):
    with pytest.raises(UserError, match=says):
        MaskedAutoregressivePrior(StandardNormalPrior((2,)), **more)


def test_the_last_stage_fits_it_on_the_frozen_posterior():
    """Correlated codes of a frozen encoder: its rate falls, and nothing else moves."""
    model = models.plain()
    head = model.latent.posterior.mean_head
    head.kernel.assign(tf.repeat(head.kernel[:, :1] * 2.0, 3, 1))  # three numbers that say the same
    part = AuxiliaryFlow(maf_flows=2, maf_units=8, auxiliary_steps=60, auxiliary_learning_rate=0.02)
    context = types.SimpleNamespace(train_steps=4, seed=0)
    stage = part.make(context, model)
    assert stage.steps == 60 and isinstance(stage.model.latent.prior, MaskedAutoregressivePrior)
    x, before = models.images(64), [v.numpy() for v in model.variables]
    start = float(tf.reduce_mean(stage.model.draw(x, 1).rate))
    stage.model.compile(procedure=stage.procedure)
    stage.model.fit(x, epochs=15, batch_size=16, verbose=0)
    assert float(tf.reduce_mean(stage.model.draw(x, 1).rate)) < start - 0.5
    for one, other in zip(before, model.variables):
        np.testing.assert_array_equal(one, other.numpy())
