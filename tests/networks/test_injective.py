"""The injective decoder: a gradient is that of its function, and what moves z moves the output."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfvae import UserError
from tfvae.networks import ConvexGradient, InjectiveImage, MLPImage

RNG = np.random.default_rng(0)


def potential(layer, z):
    """C(z) of the docstring in NumPy, float64: independent of how the layer finds its gradient."""
    reads, biases, raw = (
        [w.numpy().astype(float) for w in group] for group in (layer.reads, layer.biases, layer.raw)
    )
    a = z @ reads[0] + biases[0]
    h = np.where(a > 0, a, 0.2 * a) ** 2 / 2
    for w, b, r in zip(reads[1:], biases[1:], raw):
        h = np.logaddexp(0, h @ (np.logaddexp(0, r) / len(r)) + z @ w + b)
    c = layer.shift.numpy().astype(float)
    return (
        (h @ np.logaddexp(0, raw[-1]))[:, 0] + z @ c + layer.inverse_lipschitz / 2 * (z**2).sum(1)
    )


def scrambled(layer, *shape):
    """Built, with weights far from those of the start."""
    layer.build((None, *shape))
    for w in layer.weights:
        w.assign(RNG.normal(size=w.shape) * 1.5)
    return layer


@pytest.mark.parametrize("units", [(7,), (7, 5), (6, 5, 4)])
def test_the_gradient_is_that_of_the_convex_network(units):
    layer = scrambled(ConvexGradient(units, 0.3), 3)
    z, step = RNG.normal(size=(4, 3)), 1e-5
    found = layer(z.astype("float32")).numpy()
    exact = [
        (potential(layer, z + step * e) - potential(layer, z - step * e)) / (2 * step)
        for e in np.eye(3)
    ]
    np.testing.assert_allclose(found, np.transpose(exact), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("bound", [0.05, 2.0])
def test_what_is_made_moves_at_least_as_far_as_is_said(bound):
    layer = scrambled(InjectiveImage((3, 2, 1), (5, 4), 2, bound), 4)
    a = RNG.normal(size=(2000, 4)) * 3
    b = a + RNG.normal(size=a.shape) * RNG.choice([0.1, 1, 5], (2000, 1))
    far = [layer(v.astype("float32")).numpy().reshape(2000, -1).astype(float) for v in (a, b)]
    ratio = np.linalg.norm(far[0] - far[1], axis=1) / np.linalg.norm(a - b, axis=1)
    assert ratio.min() >= bound * (1 - 1e-3)


@pytest.mark.parametrize(("injective", "rank"), [(True, 3), (False, 1)])
def test_a_z_that_no_layer_reads_still_reaches_the_output(injective, rank):
    """All kernels zero but what reads the first number of z: the plain decoder loses the other two."""
    keras.utils.set_random_seed(0)
    make = (
        (lambda: InjectiveImage((2, 3, 1), (5,), 1))
        if injective
        else (lambda: MLPImage((2, 3, 1), (5,), 1))
    )
    network = make()
    z = tf.constant(RNG.normal(size=(1, 3)), tf.float32)
    network(z)
    reads = network.below.reads[0] if injective else network.hidden[0].kernel
    reads.assign(reads.numpy() * np.array([[1], [0], [0]]))
    with tf.GradientTape() as tape:
        tape.watch(z)
        found = tf.reshape(network(z), (1, -1))
    jacobian = tape.jacobian(found, z)[0, :, 0].numpy()
    assert np.linalg.matrix_rank(jacobian, tol=1e-4) == rank


def test_without_its_networks_it_is_the_bound_itself():
    """Both convex networks are L |z|^2 / 2 alone: f(z) = L [z, z A], so z alone gives the bound."""
    layer = scrambled(InjectiveImage((2, 3, 1), (4,), 1, 0.3), 2)
    for network in (layer.below, layer.above):
        for w in (*network.reads, network.shift):
            w.assign(np.zeros(w.shape))
    z = RNG.normal(size=(5, 2)).astype("float32")
    exact = 0.3 * np.concatenate([z, z @ layer.lift.numpy()], 1)
    np.testing.assert_allclose(layer(z).numpy().reshape(5, 6), exact, rtol=1e-5, atol=1e-6)


def test_more_latent_numbers_than_parameters_are_refused():
    with pytest.raises(
        UserError, match=r"of 4 parameters takes at most as many latent numbers, got 5"
    ):
        InjectiveImage((2, 2, 1), (3,), 1).build((None, 5))
