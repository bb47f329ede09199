"""A stage that is over when its objective is low enough."""

import keras
import tensorflow as tf

from tests import models
from tfvae.objectives import Objective
from tfvae.procedures import Until, Update
from tfvae.training import RunDirectory, train


def test_it_ends_with_the_first_step_below_the_level_is_measured_and_stays_over(tmp_path):
    """The objective is 1 - step / 10: at step 5 (the sixth) it is below 0.55 for the first time."""

    def falling(draw, step):
        return tf.reduce_sum(draw.rate) * 0.0 + 1.0 - tf.cast(step, tf.float32) / 10.0

    falling.reads_step = True
    data = tf.data.Dataset.from_tensors(models.images(8)).repeat()
    made = []

    def run(resume):
        model = models.plain()
        update = Update(Objective({"falling": falling}), keras.optimizers.SGD(0.0))
        procedure = Until(0.55, update=update)
        kind = RunDirectory.resume if resume else RunDirectory.create
        directory = kind(str(tmp_path / "run"), {"a": 1})
        measured = lambda: made.append(1) or {"distortion": 0.0, "rate": 0.0}  # noqa: E731
        stream = lambda start: data  # noqa: E731
        train("moments", model, procedure, stream, 90, directory, measured, 50, 50, resume, False)
        return procedure, [row["step"] for row in directory.metrics()]

    procedure, steps = run(False)
    assert procedure.over and int(procedure.step.numpy()) == 6 and steps == [6]
    again, steps = run(True)
    assert again.over and int(again.step.numpy()) == 6 and steps == [6] and len(made) == 1
