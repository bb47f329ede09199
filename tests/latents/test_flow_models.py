"""A model with flows on both sides: two replicas, files, half precision, what it is asked for and has not."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import frames, models
from tfvae import UserError, objectives
from tfvae.diagnosis import inference_gaps
from tfvae.objectives import Objective, elbo
from tfvae.procedures import Joint, Update
from tfvae.randomness import seed_of


def _trained(make):
    def made():
        return make(), Joint(Update(elbo(), keras.optimizers.SGD(0.05), clip_norm=1.0), seed=7)

    return made


def test_two_replicas_a_file_and_the_same_draws(two_replicas, tmp_path):
    """Three steps of all weights, the same on one device and on two; then a file that says the same."""
    x = models.images(48)
    data = tf.data.Dataset.from_tensor_slices(x).batch(16).repeat()
    start = [v.numpy() for v in models.flow().trainable_variables]
    one, _, model, _ = frames.fitted(tf.distribute.get_strategy(), _trained(models.flow), data, 3)
    moved = [np.abs(a - b.numpy()).max() for a, b in zip(start, model.trainable_variables)]
    assert all(m > 0 for m in moved), moved
    two, *_ = frames.fitted(two_replicas, _trained(models.flow), data, 3)
    frames.assert_same(one, two, atol=2e-6)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.log_weights(x[:4], 3), model.log_weights(x[:4], 3))
    np.testing.assert_array_equal(again.sample(4, seed=1), model.sample(4, seed=1))


def test_half_precision_leaves_flows_alone():
    """Networks of the data in bfloat16: z, its densities and every weight of a flow are float32."""
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = models.flow()
    finally:
        keras.config.set_dtype_policy("float32")
    plain, x = models.flow(), models.images(8)
    plain.set_weights(model.get_weights())
    one, other = model.draw(x, 1), plain.draw(x, 1)
    assert one.z.dtype == one.rate.dtype == tf.float32
    np.testing.assert_allclose(one.rate, other.rate, rtol=0.1, atol=0.1)
    z = plain.sample_codes(5, seed_of(0))
    np.testing.assert_array_equal(model.log_prior(z), plain.log_prior(z))


def test_what_needs_a_gaussian_is_refused_in_one_line():
    model = models.flow()
    term = objectives.total_correlation(100)
    with pytest.raises(UserError, match="independent Gaussian numbers") as caught:
        model.compile("adam", objective=Objective({**elbo().terms, "tc": term}))
        model.fit(models.images(16), verbose=0)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_search_for_a_better_posterior_ends_no_worse():
    found = inference_gaps(models.flow(), models.images(4), num_steps=20, final_samples=40)
    assert found.amortisation.mean > -3 * found.amortisation.standard_error
    assert len(found.parameters) == 3 and found.parameters[2].shape == (4, 4)
