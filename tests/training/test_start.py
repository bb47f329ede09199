"""A stage begins with weights of another run, by part, and is refused what does not fit."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import models
from tfvae.checks import UserError
from tfvae.objectives import elbo
from tfvae.procedures import Joint, Start, Update
from tfvae.training import RunDirectory, take_weights, train


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """A finished run: (its model, its directory)."""
    model = models.plain(seed=1)
    path = tmp_path_factory.mktemp("other")
    model.save(path / "model.keras")
    return model, path


def weights(part):
    return [v.numpy() for v in part.variables]


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(weights(a), weights(b)))


def test_parts_are_taken_and_the_others_left(other):
    theirs, path = other
    model, before = models.plain(seed=2), models.plain(seed=2)
    take_weights(model, Start(str(path), ("encoder", "latent.posterior")))
    assert same(model.encoder, theirs.encoder) and same(model.latent, theirs.latent)
    assert same(model.decoder, before.decoder) and not same(model.decoder, theirs.decoder)
    take_weights(model, Start(str(path / "model.keras")))
    x = models.images(4)
    np.testing.assert_array_equal(model.elbo(x), theirs.elbo(x))


@pytest.mark.parametrize(
    "start, model, said",
    [
        (
            ("encoder",),
            models.delta,
            r"encoder of \S+ is a MLPEncoder, and here .* AntiCausalEncoder",
        ),
        (
            (),
            lambda: models.plain(width=5),
            r"weight 0 is kernel \[16, 3\] there and kernel \[16, 5\]",
        ),
        (("encodr",), models.plain, "unknown part of a start 'encodr'; did you mean encoder"),
        (("encoder", "latent.prior"), models.plain, "the latent.prior has no weights"),
        (("latent.posterior",), models.discrete, "start: this model has no latent.posterior"),
    ],
)
def test_a_part_that_is_made_otherwise_is_refused_by_name(other, start, model, said):
    made = model()
    held = weights(made)
    with pytest.raises(UserError, match=said):
        take_weights(made, Start(str(other[1]), start))
    assert all(np.array_equal(a, b) for a, b in zip(held, weights(made)))


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(UserError, match="holds no model.keras: its run is not finished"):
        take_weights(models.plain(), Start(str(tmp_path)))
    with pytest.raises(UserError, match="start=.*none.keras is not there"):
        take_weights(models.plain(), Start(str(tmp_path / "none.keras")))


def test_a_stage_begins_with_them_once_and_resumes_from_its_own(other, tmp_path):
    theirs, path = other

    def run(folder, last, resume, gone=False):
        directory = (RunDirectory.resume if resume else RunDirectory.create)(str(folder), {})
        model = models.plain(seed=4 if resume else 3)
        procedure = Joint(Update(elbo(), keras.optimizers.Adam(1e-2)), seed=1)
        begin = Start(str(tmp_path / "gone" if gone else path))
        data = tf.data.Dataset.from_tensor_slices(models.images(96)).batch(8)
        arguments = (last, directory, dict, 100, 100, resume)
        more = {"progress": False, "begin_with": begin}
        train("a", model, procedure, lambda at: data.skip(at).repeat(), *arguments, **more)
        return weights(model)

    whole = run(tmp_path / "whole", 6, False)
    run(tmp_path / "cut", 3, False)
    for a, b in zip(whole, run(tmp_path / "cut", 6, True, gone=True)):
        np.testing.assert_array_equal(a, b)
    moved = max(np.abs(a - b).max() for a, b in zip(whole, weights(theirs)))
    assert 0 < moved < 0.07  # six steps of Adam at 0.01 from there
