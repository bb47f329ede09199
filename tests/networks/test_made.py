"""The masked autoencoder: what each output sees, by the masks and by the gradient."""

import numpy as np
import pytest
import tensorflow as tf

from tfvae.networks import MADE


def shaken(layer, *shapes, seed=0):
    """With every weight at random."""
    layer.build(*shapes)
    rng = np.random.default_rng(seed)
    for weight in layer.trainable_variables:
        weight.assign(rng.normal(size=weight.shape))
    return layer


def _jacobian(layer, x, *more):
    """[D, P, inputs]: |d out_ip / d x_j|, the largest over the batch."""
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        out = layer(x, *more)
    return np.abs(tape.batch_jacobian(out, x)).max(0)


def test_the_masks_of_the_page():
    """Four numbers, hidden degrees (1,2,3,1,2,3): ones everywhere count the paths (Germain et al. 2015)."""
    layer = MADE((6,), 1, activation="linear")
    layer.build((None, 4))
    for kernel in layer.kernels:
        kernel.assign(tf.ones_like(kernel))
    found = _jacobian(layer, np.zeros((1, 4), "float32"))[:, 0]
    np.testing.assert_array_equal(found, [[0, 0, 0, 0], [2, 0, 0, 0], [4, 2, 0, 0], [6, 4, 2, 0]])


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("units", [(), (12,), (9, 7)])
def test_an_output_sees_all_numbers_before_it_and_no_other(units, reverse):
    layer = shaken(MADE(units, 2, reverse, "tanh"), (None, 6))
    x = np.random.default_rng(1).normal(size=(3, 6)).astype("float32")
    sees = np.tril(np.ones((6, 6)), -1)
    sees = sees[::-1, ::-1] if reverse else sees
    found = _jacobian(layer, x)
    for p in range(2):
        np.testing.assert_array_equal(found[:, p] > 0, sees > 0)


def test_few_hidden_units_see_the_last_numbers_too():
    """Seven of eight are needed for all; three lie at degrees 1, 4 and 7."""
    found = _jacobian(
        shaken(MADE((3,), 1, activation="tanh"), (None, 8)), np.ones((1, 8), "float32")
    )
    seen = np.array(
        [[j < i and any(j < m <= i for m in (1, 4, 7)) for j in range(8)] for i in range(8)]
    )
    np.testing.assert_array_equal(found[:, 0] > 0, seen)


def test_a_context_reaches_every_output_the_first_too():
    layer = shaken(MADE((5,), 2, activation="tanh"), (None, 4), (None, 3))
    x, context = np.ones((1, 4), "float32"), tf.ones([1, 3])
    with tf.GradientTape() as tape:
        tape.watch(context)
        out = layer(tf.constant(x), context)
    assert (np.abs(tape.batch_jacobian(out, context)) > 0).all()
    np.testing.assert_array_equal(_jacobian(layer, x, context)[0], 0)


def test_one_number_has_constants_alone():
    layer = shaken(MADE((4,), 2), (None, 1))
    np.testing.assert_array_equal(_jacobian(layer, np.ones((2, 1), "float32")), 0)
    np.testing.assert_array_equal(layer(tf.ones([2, 1]))[0], layer(tf.zeros([1, 1]))[0])
