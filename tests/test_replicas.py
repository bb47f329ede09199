"""Sums over the global batch: every replica gets the whole one, and no gradient."""

import numpy as np
import pytest
import tensorflow as tf

from tfvae.checks import UserError
from tfvae.replicas import batch_mean, batch_sum, replica_count

ROWS = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)


def test_alone():
    assert replica_count() == 1
    np.testing.assert_allclose(batch_sum(tf.constant(ROWS)), ROWS.sum(0), rtol=1e-6)
    np.testing.assert_allclose(batch_mean(tf.constant(ROWS)), ROWS.mean(0), rtol=1e-6)


def test_replicas_of_different_sizes_agree_on_the_whole(two_replicas):
    cut = [tf.constant(ROWS[:1]), tf.constant(ROWS[1:])]
    parts = two_replicas.experimental_distribute_values_from_function(
        lambda context: cut[context.replica_id_in_sync_group]
    )

    def replica(rows):
        with tf.GradientTape() as tape:
            tape.watch(rows)
            total, mean = batch_sum(rows), batch_mean(rows)
            both = tf.reduce_sum(total) + tf.reduce_sum(mean)
        return total, mean, tf.constant(tape.gradient(both, rows) is None), replica_count()

    total, mean, blocked, count = two_replicas.run(replica, (parts,))
    for one in two_replicas.experimental_local_results(total):
        np.testing.assert_allclose(one, ROWS.sum(0), rtol=1e-6)
    for one in two_replicas.experimental_local_results(mean):
        np.testing.assert_allclose(one, ROWS.mean(0), rtol=1e-6)
    assert all(bool(one) for one in two_replicas.experimental_local_results(blocked))
    assert set(two_replicas.experimental_local_results(count)) == {2}


def test_replicas_cannot_meet_in_a_compiled_function(two_replicas):
    """As `Update(jit_compile=True)` would have it: the error says what to do instead."""
    compiled = tf.function(lambda: batch_sum(tf.ones([2])), autograph=False)
    with pytest.raises(UserError, match="with several replicas use jit_compile=False"):
        two_replicas.run(
            lambda: compiled()
        )  # a bare tf.function would be lifted around the replicas
    np.testing.assert_array_equal(compiled(), 2.0)
