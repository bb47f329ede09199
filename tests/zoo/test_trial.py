"""What is said to pass does: objective and critics are tried before training, on data that is there."""

import pytest
import tensorflow as tf

import zoo
from tests import models
from tfvae.checks import UserError
from tfvae.objectives import Objective, distortion, rate
from tfvae.procedures import Alternating, Joint, Player, Stage, Update
from zoo import datasets
from zoo import models as systems
from zoo.command import assemble, describe, plan, run, trial
from zoo.modalities import images

BITS = images.Space((8, 8, 1), 1)
SMALL = images.Space(models.SHAPE, 1)


def _shapes(draw):
    return draw.z + tf.zeros([3, 5])


def _not_a_number(draw):
    return tf.math.log(-draw.distortion - 1.0)


@pytest.mark.parametrize(
    ("term", "says"),
    [
        (_shapes, "the objective of stage 'train' and .* do not fit: "),
        (_not_a_number, "is no number before anything is trained: its objective, term/odd is not"),
    ],
)
@pytest.mark.parametrize("whose", ["the model's", "a player's"])
def test_an_objective_that_fails_is_refused_before_training(term, says, whose):
    model = models.plain()
    fine = Update(Objective({"distortion": distortion, "rate": rate}))
    broken = Update(Objective({"distortion": distortion, "odd": term}))
    if whose == "the model's":
        procedure = Joint(broken)
    else:
        procedure = Alternating(Joint(fine), [Player("critic", broken)])
    trial.model_runs(model, SMALL)
    with pytest.raises(UserError, match=says):
        trial.stage_runs(Stage("train", model, procedure, 1), SMALL)


def test_the_main_objective_is_tried_before_the_stages_that_come_first():
    resolved = plan.resolve(
        "vae", (), {"stages": "+moments", "latent_width": 2, "beta": 1e30}, backbone="mlp"
    )
    kind_made_for = run.context(resolved, BITS, 100)
    described = systems.load("vae")
    model = assemble.model(described, kind_made_for)
    model.build()
    for weight in model.latent.weights:
        weight.assign(tf.ones_like(weight) * 1e6)  # a rate beyond float32 with that beta
    with pytest.raises(UserError, match="'train' and vae is no number"):
        next(assemble.stages(described, kind_made_for, model))


def test_what_is_described_was_read(capsys):
    given = {"backbone": "mlp", "size": "tiny"}
    describe.describe(
        plan.resolve("sentence_vae", ("annealing_midpoint=9",), dataset="digits", **given)
    )
    said = capsys.readouterr().out
    assert "(1,257 train, 140 valid, 400 test)" in said and said.endswith(
        "one tiny batch passes.\n"
    )
    assert "        annealing_midpoint=9.0  in steps" in said
    assert (
        "or cyclical: Rises to beta again" in said and "cycles=" not in said
    )  # a part that is not here
    assert "or uniform" not in said and "or bag_of_words" not in said  # they would not fit
    assert "each part of x is made" not in said
    describe.describe(plan.resolve("vae", dataset="mnist", **given))
    said = capsys.readouterr().out
    assert "(not looked at: --data_dir does not say where they lie)" in said
    assert said.endswith("passes; whether the data can be read was not looked at.\n")
    describe.describe(plan.resolve("vlae", dataset="digits"))
    said = capsys.readouterr().out
    assert "from z and 11 pixels before it, up to 2 rows above, 2 columns to the left" in said


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"dataset": "mnist", "data_dir": "/nowhere"}, "'mnist': no train-images"),
        (
            {"dataset": "digits", "batch_size": 1258},
            "--batch_size must be at most the 1,257 examples",
        ),
        (
            {"dataset": "digits", "information_batch": 401},
            "--information_batch must be at most the 400",
        ),
    ],
)
def test_what_the_data_cannot_be_is_refused_when_it_is_described(given, says):
    with pytest.raises(UserError, match=says):
        describe.describe(plan.resolve("vae", backbone="mlp", **given))


@pytest.mark.parametrize("settings", [{"memory_size": 10**9}, {"num_codes": 10**6}])
def test_what_no_memory_holds_is_refused_by_name(settings, monkeypatch):
    monkeypatch.setattr("tfvae.checks.os.sysconf", lambda name: 2**16)  # 4 GiB
    name, value = next(iter(settings.items()))
    model = {"memory_size": "acn", "num_codes": "vq_vae"}[name]
    with pytest.raises(
        UserError, match=f"^{name}={value}.* needs [0-9,]+ GiB, and this machine has 4"
    ):
        zoo.build(model, "digits", latent_width=4096, **settings)


def test_sets_that_need_no_file_are_sets():
    assert set(datasets.names()) > datasets.MADE_HERE
