"""An ordinary Keras model: each habit of `keras.Model` once, with the value that it must have."""

import random

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfvae
import zoo
from tests import models
from tfvae.objectives import (
    MaximumMeanDiscrepancy,
    Objective,
    Switch,
    cosine_similarity,
    distortion,
    elbo,
    free_bits,
    inverse_multiquadratic,
    rate,
)
from tfvae.procedures import Aggressive, Alternating, Joint, Plateau, Player, Update
from tfvae.schedules import Linear

X = models.images(32)
ORDER = {"batch_size": 8, "shuffle": False, "verbose": 0}


def _weights(model):
    return [v.numpy().copy() for v in model.variables]


def _moved(part, before):
    return max(float(np.abs(v.numpy() - w).max()) for v, w in zip(part.variables, before))


def _same(one, other, tolerance=0.0):
    for a, b in zip(one.variables, other.variables):
        np.testing.assert_allclose(a.numpy(), b.numpy(), atol=tolerance, rtol=tolerance)


def _sgd(rate=0.1, **more):
    return keras.optimizers.SGD(rate, **more)


def _fitted(optimizer, epochs=1, seed=0, callbacks=(), **more):
    model = models.plain(seed)
    model.compile(optimizer, **more)
    model.fit(X, epochs=epochs, callbacks=list(callbacks), **ORDER)
    return model


@pytest.fixture(scope="module")
def trained():
    """Three epochs of SGD, uninterrupted."""
    return _fitted(_sgd(), epochs=3)


# ---------------------------------------------------------------- weights of examples


def _step(objective, weights, x=None):
    """The step of SGD with rate 1 on one batch, by variables."""
    x = X[:8] if x is None else x
    model = models.plain()
    model.compile(_sgd(1.0), objective=objective)
    before = _weights(model)
    model.fit(x, sample_weight=weights, batch_size=len(x), shuffle=False, verbose=0)
    return [v.numpy() - w for v, w in zip(model.variables, before)], model


def test_an_example_counts_as_its_weight_says():
    """sum_b w_b l_b / B, as Keras has it: its gradient by a tape over the same draw."""
    weights = np.array([0, 0.5, 2, 1, 0, 3, 1, 1], np.float32)
    steps, _ = _step(None, weights)
    model = models.plain()
    with tf.GradientTape() as tape:
        seed = tfvae.randomness.fold(tfvae.randomness.seed_of(0), 0)
        loss = tf.reduce_sum(-model.draw(X[:8], seed).elbo * weights) / 8
    wanted = tape.gradient(loss, [v.value for v in model.trainable_variables])
    for step, gradient in zip(steps, wanted):
        np.testing.assert_allclose(step, -gradient, atol=1e-6)


@pytest.mark.parametrize(
    "objective", [None, Objective({"d": distortion, "f": (1.0, free_bits(0.2))})]
)
def test_what_weighs_nothing_moves_nothing(objective):
    assert all(np.abs(step).max() == 0 for step in _step(objective, np.zeros(8))[0])


def test_a_floor_under_the_batch_is_under_the_weighted_one():
    """Examples of weight 0 do not decide whether the rate of the others is paid."""
    objective = Objective({"distortion": distortion, "free": free_bits(0.2)})
    pair = np.concatenate([X[:4], X[:4]])
    twice, _ = _step(objective, np.r_[np.ones(4), np.zeros(4)].astype(np.float32), pair)
    with_others = np.concatenate([X[:4], 1 - X[4:8]])
    alone, _ = _step(objective, np.r_[np.ones(4), np.zeros(4)].astype(np.float32), with_others)
    for one, other in zip(twice, alone):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize(
    ("term", "word"),
    [
        (MaximumMeanDiscrepancy(inverse_multiquadratic((1.0,))), "compares the examples"),
        (cosine_similarity, "compares the examples"),
        (lambda draw: tf.reduce_mean(draw.z), "'term' speaks for a whole batch"),
    ],
)
def test_weights_are_refused_by_what_looks_at_the_whole_batch(term, word):
    with pytest.raises(tfvae.UserError, match=f"sample_weight .*{word}"):
        _step(Objective({"distortion": distortion, "term": term}), np.ones(8))


def test_weights_are_refused_by_a_codebook_and_without_labels_beside_them():
    model = models.discrete()
    model.compile("adam")
    with pytest.raises(tfvae.UserError, match="sample_weight cannot go with MovingCodebook"):
        model.fit(X, sample_weight=np.ones(32), verbose=0)
    model = models.associative()
    model.compile("adam")
    with pytest.raises(tfvae.UserError, match=r"needs batches \(x, index\)"):
        model.fit(X, sample_weight=np.ones(32), verbose=0)
    model = models.plain()
    model.compile("adam")
    with pytest.raises(tfvae.UserError, match="one number for each example"):
        model.fit(X, sample_weight=np.ones((32, 4)), verbose=0)


@pytest.mark.parametrize("how", ["evaluate", "tf.data", "test_on_batch", "validation"])
def test_measures_are_weighted_means(how, trained):
    """Weight 0 on a half: the figures of the other half alone, whose noise is that of its rows."""
    weights = np.r_[np.ones(8), np.zeros(8)].astype(np.float32)
    changed = np.concatenate([X[:8], 1 - X[8:16]])
    if how == "evaluate":
        got = trained.evaluate(changed, sample_weight=weights, verbose=0, return_dict=True)
    elif how == "tf.data":
        rows = tf.data.Dataset.from_tensors((changed, np.zeros(16, np.int32), weights))
        got = trained.evaluate(rows, verbose=0, return_dict=True)
    elif how == "test_on_batch":
        got = trained.test_on_batch(changed, sample_weight=weights, return_dict=True)
    else:
        model = models.plain()
        model.set_weights(trained.get_weights())
        model.compile(_sgd(0.0))
        valid = (changed, None, weights)
        logs = model.fit(X, validation_data=valid, validation_batch_size=16, **ORDER).history
        got = {name[4:]: value[-1] for name, value in logs.items() if name.startswith("val_")}
    draw = trained.draw(
        X[:16], tfvae.randomness.fold(tfvae.randomness.seed_of(20260), 0)
    )  # the same noise: it belongs to the rows
    wanted = {
        "distortion": np.mean(draw.distortion[:8]),
        "elbo": np.mean(draw.elbo[:8]),
        "rate": np.mean(np.sum(draw.rate[:8], -1)),
        "loss": -np.sum(draw.elbo[:8]) / 16,
    }
    assert set(got) == set(wanted)
    for name, value in wanted.items():
        assert got[name] == pytest.approx(value, rel=1e-4), name


# ---------------------------------------------------------------- arguments


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"loss": "mse"}, r"compile\(loss=...\)"),
        ({"metrics": ["mae"]}, r"compile\(metrics=...\)"),
        ({"weighted_metrics": ["mae"]}, r"compile\(weighted_metrics=...\)"),
        ({"loss_weights": [1.0]}, r"compile\(loss_weights=...\)"),
        ({"optimizer": "adam", "procedure": Joint()}, "a procedure or optimizer"),
        ({"objective": elbo(), "procedure": Joint()}, "a procedure or objective"),
        ({"jit_compile": True, "procedure": Joint()}, "a procedure or jit_compile"),
    ],
)
def test_what_compile_cannot_take_is_said(arguments, word):
    with pytest.raises(tfvae.UserError, match=word):
        models.plain().compile(**arguments)


@pytest.mark.parametrize("call", ["fit", "train_on_batch"])
def test_class_weights_are_refused(call):
    model = models.plain()
    model.compile("adam")
    with pytest.raises(tfvae.UserError, match="class_weight .* sample_weight"):
        getattr(model, call)(X, np.zeros(32), class_weight={0: 1.0})


@pytest.mark.parametrize("name", ["train_step", "test_step", "compute_loss", "compute_metrics"])
def test_a_method_that_would_never_be_called_is_refused(name):
    kind = type("Mine", (tfvae.VAE,), {name: lambda self, *a, **k: None})
    base = models.plain()
    model = kind(base.encoder, base.latent, base.decoder, base.likelihood)
    with pytest.raises(tfvae.UserError, match=f"Mine overrides {name}"):
        model.compile("adam")


def test_several_steps_an_execution_are_the_same_steps(trained):
    calls = []
    seen = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: calls.append(batch)
    )
    model = _fitted(_sgd(), epochs=3, callbacks=[seen], steps_per_execution=3)
    _same(model, trained)
    assert len(calls) == 3 * 2  # four batches an epoch


def test_compiled_by_xla_it_learns_the_same(trained):
    """Its noise is another (XLA draws otherwise), so that only the loss is alike."""
    model = _fitted(_sgd(), epochs=3, jit_compile=True)
    assert model.procedure.update.jit_compile
    losses = [m.evaluate(X, verbose=0, return_dict=True)["loss"] for m in (model, trained)]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)


def test_eagerly_it_is_the_same(trained):
    _same(_fitted(_sgd(), epochs=3, run_eagerly=True), trained, 1e-6)


def test_a_learning_rate_schedule_of_keras_is_followed():
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([3], [0.1, 0.0])
    once = _fitted(_sgd(), epochs=1)
    _same(_fitted(_sgd(schedule), epochs=3), once)


# ---------------------------------------------------------------- optimizers


@pytest.mark.parametrize("clip", [None, 0.5])
def test_a_scaled_loss_moves_the_weights_as_an_unscaled_one(clip):
    ends = []
    for wrap in (lambda o: o, keras.optimizers.LossScaleOptimizer):
        model = models.plain()
        model.compile(procedure=Joint(Update(elbo(), wrap(_sgd()), clip_norm=clip)))
        history = model.fit(X, **ORDER).history
        ends.append((model, history["gradient_norm"][0]))
    _same(ends[0][0], ends[1][0], 1e-5)
    assert ends[0][1] == pytest.approx(ends[1][1], rel=1e-4)


def test_a_scaled_gradient_that_overflows_is_skipped():
    optimizer = keras.optimizers.LossScaleOptimizer(_sgd(), initial_scale=1e38)
    model = models.plain()
    model.compile(optimizer)
    before = _weights(model)
    model.train_on_batch(X[:8])
    assert _moved(model, before) == 0
    assert float(optimizer.dynamic_scale.numpy()) == pytest.approx(5e37)


def test_two_optimizers_cannot_scale_one_loss():
    with pytest.raises(tfvae.UserError, match="scales the loss for itself"):
        Aggressive(keras.optimizers.LossScaleOptimizer(_sgd()), _sgd(), None, 1)


class _Bias:
    """A term with a weight of its own."""

    def build(self, model):
        self.variable = keras.Variable(1.0, name="bias")

    @property
    def trainable_variables(self):
        return [self.variable]

    def __call__(self, draw):
        return tf.square(self.variable.value - 3.0) * tf.ones_like(draw.log_likelihood)


@pytest.mark.parametrize("kind", ["plain", "a term with a weight", "two optimizers"])
def test_averaged_weights_are_taken_over_when_fit_ends(kind):
    optimizer = _sgd(use_ema=True, ema_momentum=0.5)
    model = models.plain()
    if kind == "plain":
        model.compile(optimizer)
    elif kind == "a term with a weight":
        terms = {"distortion": distortion, "rate": rate, "bias": _Bias()}
        model.compile(optimizer, objective=Objective(terms))
    else:
        model.compile(procedure=Aggressive(optimizer, _sgd(), None, 100, largest=0))
    model.fit(X, epochs=2, **ORDER)
    owned, averages = optimizer._trainable_variables, optimizer._model_variables_moving_average
    assert len(owned) > 3
    for variable, average in zip(owned, averages):
        np.testing.assert_array_equal(variable, average)


def test_the_optimizer_is_the_main_one_and_cannot_be_replaced():
    model = models.plain()
    assert model.optimizer is None
    optimizer = _sgd()
    model.compile(optimizer)
    assert model.optimizer is optimizer
    with pytest.raises(tfvae.UserError, match="give another one to compile"):
        model.optimizer = _sgd()


def test_callbacks_set_the_learning_rate():
    rates = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    assert float(_fitted(_sgd(), 3, callbacks=[rates]).optimizer.learning_rate) == pytest.approx(
        0.0125
    )
    model = models.plain()
    model.compile(_sgd(0.0))
    never = keras.callbacks.ReduceLROnPlateau(
        monitor="val_loss", patience=1, min_delta=10, factor=0.1
    )
    model.compile(_sgd())
    model.fit(X, validation_data=X, epochs=3, callbacks=[never], **ORDER)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.001)


def test_of_two_optimizers_they_set_both():
    model = models.plain()
    pair = _sgd(0.2), _sgd(0.2)
    model.compile(procedure=Aggressive(*pair, None, 100, largest=0))
    rates = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    model.fit(X, callbacks=[rates], **ORDER)
    assert [float(o.learning_rate) for o in pair] == pytest.approx([0.1, 0.1])


def test_a_rate_that_a_schedule_decides_is_not_set_by_a_callback():
    model = models.plain()
    update = Update(elbo(), _sgd())
    model.compile(procedure=Joint(update, learning_rate=Linear(0.1, 0.0, 100)))
    model.fit(X, epochs=2, **ORDER)  # its own changes are its own
    rates = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.5)
    with pytest.raises(tfvae.UserError, match="set to 0.5, and a schedule"):
        model.fit(X, epochs=2, callbacks=[rates], **ORDER)


def test_averages_are_swapped_in_for_validation():
    """`SwapEMAWeights`: what is validated are the averages, which begin with the first step and stay."""
    model = models.plain()
    model.compile(_sgd())
    model.train_on_batch(X[:8])
    first = model.evaluate(X, batch_size=32, verbose=0, return_dict=True)["elbo"]
    model = models.plain()
    model.compile(_sgd(use_ema=True, ema_momentum=0.999999))
    swap = keras.callbacks.SwapEMAWeights()
    logs = model.fit(
        X, validation_data=X, validation_batch_size=32, epochs=2, callbacks=[swap], **ORDER
    ).history
    assert logs["val_elbo"][-1] == pytest.approx(first, abs=0.01)


def test_early_stopping_needs_no_arguments():
    model = models.plain()
    model.compile(_sgd(0.0))
    stop = keras.callbacks.EarlyStopping(patience=1)
    logs = model.fit(X, validation_data=X, epochs=9, callbacks=[stop], **ORDER).history
    assert len(logs["val_loss"]) == 2


# ---------------------------------------------------------------- what is frozen


@pytest.mark.parametrize("part", ["encoder", "latent", "decoder"])
def test_what_is_frozen_does_not_move(part):
    model = models.discrete(averaged=True)
    model.compile("adam")
    getattr(model, part).trainable = False
    before = {name: _weights(getattr(model, name)) for name in ("encoder", "latent", "decoder")}
    model.fit(X, **ORDER)
    for name, weights in before.items():
        assert (_moved(getattr(model, name), weights) == 0) == (name == part)


def test_a_frozen_memory_is_not_written():
    model = models.associative()
    model.compile("adam")
    model.latent.prior.memory.trainable = False
    before = _weights(model.latent.prior.memory)
    model.fit(X, np.arange(32), **ORDER)
    assert _moved(model.latent.prior.memory, before) == 0


def test_what_is_frozen_later_stays_and_what_is_thawed_wants_a_compile():
    model = models.plain()
    model.compile(_sgd())
    model.fit(X, **ORDER)
    model.decoder.trainable = False
    before = _weights(model.decoder)
    model.fit(X, **ORDER)
    assert _moved(model.decoder, before) == 0
    model.compile(_sgd())
    model.fit(X, **ORDER)
    model.decoder.trainable = True
    with pytest.raises(tfvae.UserError, match="has no place for .* compile again"):
        model.fit(X, **ORDER)


def test_a_plain_compile_trains_codes_and_memories_too():
    for averaged in (True, False):
        model = models.discrete(averaged=averaged)
        model.compile("adam")
        before = _weights(model.latent.codebook)
        logs = model.fit(X, **ORDER).history
        assert _moved(model.latent.codebook, before) > 0 and "term/commitment" in logs
        assert ("term/codebook" in logs) == (not averaged)
    model = models.associative()
    model.compile("adam")
    before = _weights(model.latent.prior.memory)
    model.fit(X, np.arange(32), **ORDER)
    assert _moved(model.latent.prior.memory, before) > 0


# ---------------------------------------------------------------- going on


class _Killed(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt


def _critic():
    from tfvae import inference
    from tfvae.objectives import Critic, PriorCritic, PriorCriticLoss

    critic = Critic([8], 1)
    terms = {"distortion": distortion, "rate": rate, "critic": PriorCritic(critic)}
    update = Update(
        Objective({"critic": PriorCriticLoss(critic, 0)}),
        keras.optimizers.Adam(1e-2),
        variables=lambda model: critic.trainable_variables,
        inference=inference.code_only,
    )
    return Alternating(
        Joint(Update(Objective(terms), keras.optimizers.Adam())), [Player("c", update)]
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: {"optimizer": keras.optimizers.Adam(0.01)},
        lambda: {
            "procedure": Joint(
                Update(elbo(), keras.optimizers.Adam(0.01)), learning_rate=Linear(0.01, 0.0, 16)
            )
        },
        lambda: {
            "procedure": Joint(Update(elbo(Switch(0.0, Linear(0.0, 1.0, 9))), "adam"), seed=3)
        },
    ],
    ids=["plain", "schedule", "switch"],
)
def test_backup_and_restore_brings_everything_back(make, tmp_path):
    def run(callbacks):
        model = models.plain()
        model.compile(**make())
        model.fit(X, epochs=4, callbacks=callbacks, **ORDER)
        return model

    backup = str(tmp_path / "backup")
    with pytest.raises(KeyboardInterrupt):
        run([keras.callbacks.BackupAndRestore(backup), _Killed()])
    resumed, whole = run([keras.callbacks.BackupAndRestore(backup)]), run([])
    assert int(resumed.procedure.step.numpy()) == int(whole.procedure.step.numpy()) == 16
    _same(resumed, whole)


def test_weights_files_hold_critics_and_their_optimizers(tmp_path):
    path = str(tmp_path / "m.weights.h5")
    model = models.plain()
    model.compile(procedure=_critic())
    model.fit(X, **ORDER)
    model.save_weights(path)
    other = models.plain(seed=1)
    other.compile(procedure=_critic())
    other.make_train_function()
    other.load_weights(path)
    one, two = model.procedure.state(), other.procedure.state()
    for name in one:
        variables = getattr(one[name], "variables", None)
        pairs = (
            [(one[name], two[name])] if variables is None else zip(variables, two[name].variables)
        )
        for a, b in pairs:
            np.testing.assert_array_equal(tf.convert_to_tensor(a), tf.convert_to_tensor(b))
    bare = models.plain(seed=2)
    bare.load_weights(path)
    _same(bare, model)


def test_weights_of_another_training_are_loaded_with_a_word(tmp_path):
    path = str(tmp_path / "m.weights.h5")
    model = models.plain()
    model.compile(procedure=_critic())
    model.make_train_function()
    model.save_weights(path)
    other = models.plain(seed=1)
    other.compile(procedure=Joint(Update(elbo(Switch(0.0, 1.0)), "sgd")))
    other.make_train_function()
    with pytest.warns(UserWarning, match="of another procedure"):
        other.load_weights(path)
    _same(other, model)


def test_a_file_of_a_plain_compile_goes_on_where_it_stood(tmp_path):
    path = str(tmp_path / "m.keras")
    adam = keras.optimizers.Adam
    whole = _fitted(adam(0.01), epochs=2)
    model = _fitted(adam(0.01), epochs=1)
    model.save(path)
    loaded = keras.models.load_model(path)
    assert loaded.compiled
    loaded.fit(X, **ORDER)
    _same(loaded, whole)


def test_a_file_of_any_other_training_says_what_is_missing(tmp_path):
    path = str(tmp_path / "m.keras")
    model = models.plain()
    model.compile(procedure=_critic())
    model.fit(X, **ORDER)
    model.save(path)
    loaded = keras.models.load_model(path)
    _same(loaded, model)
    assert not loaded.compiled and loaded.optimizer is None
    with pytest.raises(tfvae.UserError, match="compile this model first"):
        loaded.fit(X)
    assert set(loaded.evaluate(X, verbose=0, return_dict=True)) >= {"loss", "elbo"}


# ---------------------------------------------------------------- what `fit` gives


def test_the_history_has_means_over_the_epoch_and_the_objective_as_loss():
    model = models.plain()
    model.compile(_sgd(), objective=elbo(0.5))
    steps = []
    seen = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: steps.append({k: float(v) for k, v in logs.items()})
    )
    logs = model.fit(X, validation_data=X, callbacks=[seen], **ORDER).history
    for name in ("loss", "objective", "rate", "distortion"):
        assert logs[name][0] == pytest.approx(np.mean([s[name] for s in steps]), rel=1e-6)
    assert logs["loss"] == logs["objective"]
    for prefix in ("", "val_"):
        d, r, loss = (logs[prefix + name][0] for name in ("distortion", "rate", "loss"))
        assert loss == pytest.approx(d + 0.5 * r, rel=1e-5)


def test_evaluate_has_an_order(trained):
    by_name = trained.evaluate(X, verbose=0, return_dict=True)
    listed = trained.evaluate(X, verbose=0)
    assert listed == [by_name[name] for name in ("loss", "elbo", "distortion", "rate")]
    assert by_name["loss"] == pytest.approx(-by_name["elbo"], rel=1e-6)


def test_one_batch_is_one_step_and_no_new_trace():
    model, other = models.plain(), models.plain()
    for each in (model, other):
        each.compile(_sgd())
    other.fit(X[:24], **ORDER)
    traces = tfvae.inference.amortised
    counted = []
    model.procedure.update.inference = lambda *a, **k: counted.append(1) or traces(*a, **k)
    for start in (0, 8, 16):
        model.train_on_batch(X[start : start + 8])
    _same(model, other)
    assert len(counted) == 1
    with pytest.raises(tfvae.UserError, match="several batches a step"):
        model.compile(procedure=_critic())
        model.train_on_batch(X[:8])


@pytest.mark.parametrize("given", ["arrays", "dataset"])
def test_inner_steps_do_not_eat_the_epochs(given):
    """Nine inner steps at most and four batches an epoch: an epoch is four steps all the same."""
    model = models.plain()
    model.compile(procedure=Aggressive(_sgd(), _sgd(), None, 100, inner_steps=9))
    before = _weights(model.decoder)
    x = X if given == "arrays" else tf.data.Dataset.from_tensor_slices(X).batch(8)
    logs = model.fit(x, epochs=2, **(ORDER if given == "arrays" else {"verbose": 0})).history
    assert int(model.procedure.step.numpy()) == 8 and len(logs["loss"]) == 2
    assert _moved(model.decoder, before) > 0 and max(logs["inner_steps"]) > 4


def test_the_end_of_a_stream_is_no_step():
    """Of a stream of unknown length: neither the step nor the optimizer counts what had no data."""

    def three():
        for start in (0, 8, 16):
            yield X[start : start + 8]

    stream = tf.data.Dataset.from_generator(three, output_signature=tf.TensorSpec((None, 4, 4, 1)))
    model, other = models.plain(), models.plain()
    for each in (model, other):
        each.compile(keras.optimizers.Adam(0.01))
    model.fit(stream, epochs=3, verbose=0)
    other.fit(X[:24], epochs=3, **ORDER)
    assert int(model.procedure.step.numpy()) == int(model.optimizer.iterations.numpy()) == 9
    _same(model, other)


def test_a_stream_without_an_end_says_its_steps():
    def endless():
        while True:
            yield X[:8]

    stream = tf.data.Dataset.from_generator(endless, output_signature=tf.TensorSpec((8, 4, 4, 1)))
    model = models.plain()
    model.compile(procedure=_critic())
    with pytest.raises(tfvae.UserError, match="several batches a step.*steps_per_epoch"):
        model.fit(stream, verbose=0)
    model.fit(stream, steps_per_epoch=3, verbose=0)
    assert int(model.procedure.step.numpy()) == 3


def test_a_procedure_hears_of_validation():
    def plateau():
        return Joint(Update(elbo(), _sgd()), learning_rate=Plateau(0.0, patience=1, falls=2))

    model = models.plain()
    model.compile(procedure=plateau())
    with pytest.raises(
        tfvae.UserError, match="Plateau looks at validation data: give fit validation_data"
    ):
        model.fit(X, **ORDER)
    logs = model.fit(X, validation_split=0.25, epochs=9, **ORDER).history
    assert len(logs["loss"]) == 3  # the first is the best, then two falls end it


def test_remedies_and_aggressive_phases_look_at_the_validation_data_of_fit():
    point = {"check_every": 2, "inner_steps": 2, "on_collapse": "annealing"}
    model = zoo.build("aggressive_vae", dataset="digits", backbone="mlp", **point)
    x = (np.random.default_rng(0).random((24, 8, 8, 1)) < 0.3).astype("float32")
    with pytest.raises(tfvae.UserError, match="validation_data"):
        model.fit(x, batch_size=8, verbose=0)
    model.fit(x, validation_data=x, batch_size=8, verbose=0)
    assert model.procedure.information.x is not None
    assert float(model.procedure.reference.numpy()) != 0.0


def test_without_validation_data_an_aggressive_phase_looks_at_the_training_data_and_says_so():
    point = {"inner_steps": 2, "backbone": "mlp"}
    model = zoo.build("aggressive_vae", dataset="digits", **point)
    x = (np.random.default_rng(0).random((24, 8, 8, 1)) < 0.3).astype("float32")
    with pytest.warns(UserWarning, match="no validation_data: the mutual information .* training"):
        model.fit(x, batch_size=8, verbose=0)
    assert model.procedure.check_every == 3  # an epoch
    np.testing.assert_array_equal(model.procedure.information.x, x)


def test_training_that_goes_wrong_stops_at_the_first_term_that_failed():
    model = models.plain()
    model.compile(_sgd(1e30))
    with pytest.raises(tfvae.UserError, match="stopped at step 2: rate is (nan|inf)"):
        model.fit(X, epochs=3, **ORDER)
    model = models.plain()
    model.compile(_sgd(3e38), objective=Objective({"distortion": (1e3, distortion)}))
    with pytest.raises(tfvae.UserError, match="weight .* is no longer finite"):
        model.fit(X[:8], batch_size=8, verbose=0)


def test_building_a_model_leaves_the_process_generators_alone():
    ends = []
    for seed in (1, 2):
        random.seed(seed)
        np.random.seed(seed)
        model = zoo.build("factor_vae", dataset="digits", size="tiny")
        ends.append((random.random(), np.random.rand(), model))
    assert ends[0][0] != ends[1][0] and ends[0][1] != ends[1][1]
    _same(ends[0][2], ends[1][2])
    critics = [model.procedure.players[0].update.moving for *_, model in ends]
    for one, other in zip(*critics):
        np.testing.assert_array_equal(one, other)


def test_the_space_decides_the_kind_of_data():
    from zoo.modalities import images, text

    words = zoo.build("vae", space=text.Space(30, 8))
    assert type(words.likelihood).__name__ == "Tokens"
    with pytest.raises(tfvae.UserError, match="digits is images, and the space is of text"):
        zoo.build("vae", dataset="digits", space=text.Space(30, 8))
    assert zoo.build("vae", space=images.Space((6, 6, 1), 1)).data_shape == (6, 6, 1)
