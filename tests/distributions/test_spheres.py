"""The sphere: constants against mpmath's figures, densities against quadrature, draws against theory."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import stats

from tfvae import UserError, distributions
from tfvae.distributions import spheres
from tfvae.randomness import seed_of

tfd = tfp.distributions
DRAWS = 20_000

# (d, kappa): KL(vMF || uniform) and E cos, mpmath with 40 digits
VMF = {
    (2, 1.0): (0.2104756074, 0.4463899659),
    (2, 10.0): (1.543026176, 0.9485998260),
    (3, 1.0): (0.1515959239, 0.3130352855),
    (3, 5.0): (1.303084514, 0.800090804),
    (5, 10.0): (2.416176651, 0.8111111060),
    (10, 30.0): (6.310700952, 0.8590136883),
    (25, 100.0): (18.802477040, 0.886644482),
    (50, 35.0): (7.743044278, 0.5171247114),
    (50, 80.0): (19.51520793, 0.7382866072),
    (200, 100.0): (18.850579092, 0.414641793),
    (512, 100.0): (9.251638694, 0.1884047640),
    (768, 1000.0): (245.4958430, 0.6873995803),
}
POWER = {
    (3, 1.0): (0.1931471806, 1 / 3),
    (3, 10.0): (1.488804364, 0.8333333),
    (5, 10.0): (1.655532435, 0.7142857),
    (16, 50.0): (6.958655358, 0.7692308),
    (50, 80.0): (12.06392386, 0.6201550),
    (100, 100.0): (14.52770634, 0.5025126),
}
FAMILIES = {
    "vmf": (
        distributions.von_mises_fisher_constants,
        distributions.HeldVonMisesFisher,
        spheres.draw_von_mises_fisher,
        tfd.VonMisesFisher,
    ),
    "power": (
        distributions.power_spherical_constants,
        distributions.HeldPowerSpherical,
        spheres.draw_power_spherical,
        tfd.PowerSpherical,
    ),
}


@pytest.mark.parametrize(
    ("family", "place", "wanted"),
    [("vmf", *row) for row in VMF.items()] + [("power", *row) for row in POWER.items()],
)
def test_constants_are_the_golden_ones(family, place, wanted):
    found = FAMILIES[family][0](*place)
    assert found.rate == pytest.approx(wanted[0], rel=1e-9)
    assert found.cosine == pytest.approx(wanted[1], rel=1e-7)


def test_constants_by_theory():
    """SciPy's entropy; the bounds of Amos; the limits of a small and a large kappa."""
    for d, kappa in VMF:
        found = distributions.von_mises_fisher_constants(d, kappa)
        if kappa < 500:
            entropy = stats.vonmises_fisher(np.eye(d)[0], kappa).entropy()
            assert found.rate == pytest.approx(distributions.log_area(d) - entropy, abs=2e-9)
        v = d / 2 - 1
        low, high = (kappa / (v + 0.5 + np.hypot(v + plus, kappa)) for plus in (1.5, 0.5))
        assert low <= found.cosine <= high
        small = distributions.von_mises_fisher_constants(d, 1e-2)
        assert small.rate == pytest.approx(1e-4 / (2 * d), rel=1e-3)
    far, farther = (distributions.von_mises_fisher_constants(50, k) for k in (1e4, 1e5))
    assert farther.rate - far.rate == pytest.approx(24.5 * np.log(10), rel=5e-3)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("d", [2, 3, 16])
def test_densities(family, d):
    """1 = area of S^{d-2} int p(w) (1 - w^2)^{(d-3)/2} dw, and TFP's own logarithms."""
    _, held, _, theirs = FAMILIES[family]
    angle = np.linspace(0.0, np.pi, 20001)
    z = np.zeros((len(angle), d), "float32")
    z[:, 0], z[:, 1] = np.cos(angle), np.sin(angle)
    first = tf.one_hot(0, d)
    nats = held(first, 7.5).log_prob(z).numpy().astype(float)
    ring = np.exp(distributions.log_area(d - 1)) if d > 2 else 2.0
    whole = np.trapezoid(np.exp(nats) * np.sin(angle) ** (d - 2), angle) * ring
    assert whole == pytest.approx(1.0, abs=2e-5)
    seen = z[:, 0] > -0.99  # ln 0 of the other end is cut
    np.testing.assert_allclose(
        nats[seen], theirs(first, 7.5).log_prob(z[seen]), rtol=5e-5, atol=5e-5
    )
    q = held(tf.stack([first, -first]), 7.5)
    uniform = tfd.SphericalUniform(d)
    np.testing.assert_allclose(
        tfd.kl_divergence(q, uniform), tfd.kl_divergence(theirs(first, 7.5), uniform), rtol=1e-4
    )
    np.testing.assert_allclose(
        tfd.kl_divergence(q, uniform), -q.entropy() + uniform.entropy(), rtol=1e-4
    )
    assert q[1:].batch_shape == (1,)


def _directions(d, number=DRAWS):
    return distributions.unit(tf.random.stateless_normal([number, d], [d, 2]))


@pytest.mark.statistical
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("d", "kappa"), [(2, 1.0), (3, 5.0), (10, 50.0), (50, 80.0), (50, 1e4)])
def test_draws(family, d, kappa):
    """Norm 1; mean and variance of the cosine; no direction around mu is preferred.

    20,000 draws; 5 standard errors each (the variance: 6 %, 4 of them): false-fail rate below 1e-4 in all.
    """
    constants, _, draw, _ = FAMILIES[family]
    mu = _directions(d)
    z = draw(mu, kappa, seed_of(3))
    np.testing.assert_allclose(np.linalg.norm(z, axis=-1), 1.0, atol=1e-6)
    cosine = 1.0 - 0.5 * np.sum((z - mu).numpy().astype(float) ** 2, -1)
    wanted = constants(d, kappa).cosine
    error = cosine.std() / np.sqrt(DRAWS)
    assert abs(cosine.mean() - wanted) < 5 * error
    b = (d - 1) / 2
    spread = {
        "vmf": 1 - wanted**2 - (d - 1) * wanted / kappa,
        "power": 4 * (b + kappa) * b / ((2 * b + kappa) ** 2 * (2 * b + kappa + 1)),
    }
    assert cosine.var() == pytest.approx(spread[family], rel=0.06)
    around = (z - mu * cosine[:, None].astype("float32")).numpy()
    fixed = around @ np.eye(d)[0] - np.sum(around * mu, -1) * mu.numpy()[:, 0]
    assert abs(fixed.mean()) < 5 * fixed.std() / np.sqrt(DRAWS)


@pytest.mark.statistical
@pytest.mark.parametrize(
    ("d", "kappa", "wanted"),
    [(2, 1.0, 0.868043), (3, 10.0, 0.714383), (10, 50.0, 0.731643), (50, 35.0, 0.887042)],
)
def test_the_share_of_proposals_that_are_accepted(d, kappa, wanted):
    """By quadrature; 40,000 proposals, 5 standard errors (1e-6 a row)."""
    t = distributions.unit(tf.random.stateless_normal([40000, d], [5, 6]))[:, 0]
    free = d - 1.0
    b = free / (2 * kappa + np.sqrt(4 * kappa**2 + free**2))
    v = spheres._nearness(t, b)
    nats = free * np.log((1 + b) / (2 * v)) - 2 * kappa * b * t / ((1 + b) * v)
    assert np.max(nats) <= 1e-5  # a bound of the density
    share = np.minimum(1.0, np.exp(nats))
    assert abs(share.mean() - wanted) < 5 * share.std() / 200


@pytest.mark.statistical
@pytest.mark.parametrize(("d", "kappa"), [(2, 1.0), (5, 10.0), (50, 80.0)])
def test_gradients_of_draws(d, kappa):
    """d E[a . z] / d kappa = A'(kappa) a . mu, with the correction for vMF; in mu it is A a on the tangent.

    20,000 draws, 5 standard errors a figure: false-fail rate below 1e-5 in all.
    """
    direction = distributions.unit(tf.range(1.0, d + 1.0))
    a = tf.cast(tf.one_hot(0, d), tf.float32) + 0.3
    c = distributions.von_mises_fisher_constants(d, kappa).cosine
    slope = {"vmf": 1 - c * c - (d - 1) * c / kappa, "power": (d - 1) / (kappa + d - 1) ** 2}
    for family, (constants, _, draw, _) in FAMILIES.items():
        raw = tf.tile(direction[None], [DRAWS, 1])
        many = tf.fill([DRAWS], kappa)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([raw, many])
            mu = distributions.unit(raw)
            z = draw(mu, many, seed_of(4))
            value = tf.linalg.matvec(z, a)
            whole, nats = value, None
            if family == "vmf":
                distance = 0.5 * tf.reduce_sum((z - mu) ** 2, -1)
                nats = spheres.log_noise(distance, many, d)
                # the mean is no part of the gradient: without it the noise is less
                whole += tf.stop_gradient(value - tf.reduce_mean(value)) * nats
        by_mu, by_kappa = (g.numpy().astype(float) for g in tape.gradient(whole, [raw, many]))
        if nats is not None:  # a score: its own mean is 0
            score = tape.gradient(nats, many).numpy().astype(float)
            assert abs(score.mean()) < 5 * score.std() / np.sqrt(DRAWS)
        along = float(tf.reduce_sum(a * direction))
        error = by_kappa.std() / np.sqrt(DRAWS)
        assert abs(by_kappa.mean() - slope[family] * along) < 5 * error, family
        tangent = constants(d, kappa).cosine * (a - along * direction).numpy()
        error = by_mu.std(0) / np.sqrt(DRAWS)
        assert np.all(np.abs(by_mu.mean(0) - tangent) < 5 * error + 1e-6), family


def test_rotation_and_great_circle():
    """A rotation keeps lengths and the first number; equal steps of arc, opposite ends and equal ones too."""
    mu = tf.concat([_directions(5, 50), tf.eye(5)[:1], -tf.eye(5)[:1]], 0)
    y = tf.random.stateless_normal([52, 5], [1, 1])
    with tf.GradientTape() as tape:
        tape.watch(mu)
        z = spheres.about(mu, y)
    assert np.isfinite(tape.gradient(z, mu)).all()
    np.testing.assert_allclose(tf.norm(z, axis=-1), tf.norm(y, axis=-1), rtol=1e-6)
    np.testing.assert_allclose(tf.reduce_sum(z * mu, -1), y[:, 0], atol=1e-6)
    first, last = mu[:1], mu[1:2]
    for end in (last, -first, first):
        way = distributions.great_circle(first, end, tf.reshape(tf.linspace(0.0, 1.0, 5), [5, 1]))
        np.testing.assert_allclose(tf.norm(way, axis=-1), 1.0, rtol=1e-6)
        np.testing.assert_allclose(way[0], first[0], atol=1e-6)
        np.testing.assert_allclose(way[-1], end[0], atol=1e-6)
        steps = tf.norm(way[1:] - way[:-1], axis=-1).numpy()
        np.testing.assert_allclose(steps, steps[0], atol=1e-6)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_a_direction_of_any_length(scale):
    v = scale * tf.constant([[3.0, -4.0], [0.0, 0.0]])
    with tf.GradientTape() as tape:
        tape.watch(v)
        found = distributions.unit(v)
    np.testing.assert_allclose(found, [[0.6, -0.8], [1.0, 0.0]], rtol=1e-6)
    assert np.isfinite(tape.gradient(found, v)).all()


@pytest.mark.parametrize(
    ("d", "kappa", "says"),
    [
        (1, 1.0, "a point on a sphere has two numbers or more"),
        (3, 0.0, "concentration must be a number above 0, got 0"),
        (3, -1.0, "concentration must be a number above 0"),
        (3, np.inf, "concentration must be a number above 0"),
    ],
)
def test_what_is_no_sphere_or_no_concentration(d, kappa, says):
    for constants, *_ in FAMILIES.values():
        with pytest.raises(UserError, match=says):
            constants(d, kappa)
