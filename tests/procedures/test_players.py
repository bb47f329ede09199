"""Players that move parts of the model, critics with all that may stand around them, clipping."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfvae
from tests import models
from tfvae.checks import UserError
from tfvae.inference import code_only, encoder_only
from tfvae.latents import GaussianPosterior, Prior, StochasticLatent
from tfvae.objectives import (
    WASSERSTEIN,
    Bottleneck,
    Critic,
    CriticInformation,
    DualVariable,
    GradientPenalty,
    Objective,
    PriorCritic,
    PriorCriticLoss,
    PriorPlayer,
    SpectralNorm,
    distortion,
)
from tfvae.procedures import Alternating, Clip, Joint, Player, Update, encoder_variables
from tfvae.training import ExactCheckpoint

BATCH = 16


@keras.saving.register_keras_serializable(package="tests")
class Moved(Prior):
    """A prior that learns: N(m, I)."""

    def build(self, shape=None):
        self.mean = self.add_weight(name="mean", shape=self.event_shape, initializer="zeros")
        self.built = True

    def distribution(self):
        mean = tf.convert_to_tensor(self.mean)
        return tfp.distributions.MultivariateNormalDiag(mean, tf.ones_like(mean))


def learned_prior(seed=0):
    plain = models.plain(seed)
    keras.utils.set_random_seed(seed)
    latent = StochasticLatent(GaussianPosterior((3,)), Moved((3,)))
    model = tfvae.VAE(plain.encoder, latent, plain.decoder, plain.likelihood)
    model.build()
    return model


def prior_variables(model):
    return model.latent.prior.trainable_variables


def games(clip=0.05, jit_compile=False):
    """Four players: two critics, with all that may stand around one, the encoder again, the prior."""

    def update(terms, variables, inference, after=None, rate=0.1):
        optimizer = keras.optimizers.SGD(rate)
        more = {"after": after, "jit_compile": jit_compile}
        return Update(Objective(terms), optimizer, variables, inference=inference, **more)

    narrow = Bottleneck(Critic([6], 6, ("z", "x"), normalised=SpectralNorm()), Critic([4], 1))
    told, steep = PriorCriticLoss(narrow, 1), Critic([5], 1)
    distance = PriorCriticLoss(steep, 2, WASSERSTEIN)
    price = DualVariable("term/information", 0.2, "additive", 0.5, ema=0.0, start=0.1)
    of_narrow = {
        "critic": told,
        "information": (price, CriticInformation(told)),
        "slope": (2.0, GradientPenalty(told)),
    }
    nearer = {
        "adversary": (3.0, PriorCritic(narrow)),
        "distance": (3.0, PriorCritic(steep, WASSERSTEIN)),
    }
    towards = {"prior": PriorPlayer(steep, 3, WASSERSTEIN)}
    players = [
        Player("narrow", update(of_narrow, lambda m: narrow.trainable_variables, code_only), 2),
        Player(
            "steep",
            update(
                {"critic": distance},
                lambda m: steep.trainable_variables,
                code_only,
                Clip(clip),
                5.0,
            ),
        ),
        Player("nearer", update(nearer, encoder_variables, encoder_only)),
        Player("towards", update(towards, prior_variables, code_only, rate=1.0)),
    ]
    main = Update(Objective({"distortion": distortion}), keras.optimizers.SGD(0.05))
    return Alternating(Joint(main, seed=7), players)


def batches():
    return tf.data.Dataset.from_tensor_slices(models.images(40 * BATCH)).batch(BATCH).repeat()


def everything(model, procedure):
    """All weights, and what the procedure holds."""
    held = [v for v in model.variables]
    for value in procedure.state().values():
        held += getattr(value, "variables", [value])
    return [tf.convert_to_tensor(v).numpy().copy() for v in held]


def run(model, procedure, steps, skip=0):
    data, rows = batches().skip(skip), []
    log = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: rows.append({k: float(v) for k, v in logs.items()})
    )
    model.fit(data, steps_per_epoch=steps, verbose=0, shuffle=False, callbacks=[log])
    return rows


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Two steps on one device, kept; one more. (model, procedure, logs, what was held, the file)."""
    model, procedure = learned_prior(), games()
    model.compile(procedure=procedure)
    model.make_train_function()
    start = everything(model, procedure)
    path = str(tmp_path_factory.mktemp("kept"))
    rows = run(model, procedure, 2)
    middle = everything(model, procedure)
    ExactCheckpoint(path, model, procedure).save(2, {})
    rows += run(model, procedure, 1, procedure.position)
    return model, procedure, rows, (start, middle, everything(model, procedure)), path


def test_everything_of_every_player_moves_and_is_said(whole):
    model, procedure, rows, (start, _, end), _ = whole
    assert procedure.position == 3 * 6
    still = [i for i, (a, b) in enumerate(zip(start, end)) if np.array_equal(a, b)]
    # five learning rates, and the bias of the critic whose loss is a difference
    assert [start[i].size for i in still] == [1] * 6
    assert {"narrow/term/information", "narrow/weight/slope", "narrow/term/critic"} <= rows[
        0
    ].keys()
    assert "steep/term/critic" not in rows[0]  # it is steep/objective
    prices = [row["narrow/weight/information"] for row in rows]
    assert prices[0] != prices[1] != prices[2]
    steep = procedure.players[1].update.moving
    assert max(np.abs(v).max() for v in steep) == pytest.approx(0.05)
    narrow = procedure.players[0].update.moving
    assert max(np.abs(v).max() for v in narrow) > 0.06  # another's weights are not clipped


def test_games_resume_bit_for_bit(whole):
    _, _, _, (_, middle, end), path = whole
    model, procedure = learned_prior(seed=5), games()
    model.compile(procedure=procedure)
    model.make_train_function()
    assert ExactCheckpoint(path, model, procedure).restore() == (2, {})
    for a, b in zip(middle, everything(model, procedure)):
        np.testing.assert_array_equal(a, b)
    run(model, procedure, 1, procedure.position)
    for a, b in zip(end, everything(model, procedure)):
        np.testing.assert_array_equal(a, b)


def test_games_of_two_replicas_are_those_of_one_device(whole, two_replicas):
    model, procedure, rows, _, _ = whole
    with two_replicas.scope():
        other, theirs = learned_prior(), games()
    other.compile(procedure=theirs)
    with two_replicas.scope():
        found = run(other, theirs, 3)
    for one, two in zip(rows, found):
        assert one == pytest.approx(two, rel=1e-4, abs=1e-5)
    for a, b in zip(everything(model, procedure), everything(other, theirs)):
        np.testing.assert_allclose(a, b, atol=3e-6)


def test_what_is_frozen_no_player_moves(whole):
    model, procedure = learned_prior(), games()
    model.encoder.trainable = False
    for player in procedure.players[2:]:
        player.update.build(model)
        mine = {id(v) for v in player.update.moving}
        assert mine and not mine & {id(v) for v in model.encoder.variables}
    named = Update(
        Objective({"d": distortion}), "sgd", lambda m: [*m.encoder.variables, *m.latent.variables]
    )
    named.build(model)
    assert [id(v) for v in named.moving] == [id(v) for v in model.latent.variables]


def _player(name="a", optimizer="sgd"):
    critic = Critic([3], 1)
    return Player(
        name,
        Update(
            Objective({"critic": PriorCriticLoss(critic)}),
            optimizer,
            lambda m: critic.trainable_variables,
            inference=code_only,
        ),
    )


def _averaging(rate=0.1):
    return keras.optimizers.SGD(rate, use_ema=True)


def test_optimizers_that_two_share_and_averages_that_miss_something_are_refused():
    shared = keras.optimizers.SGD()
    with pytest.raises(
        UserError, match="'b' needs an optimizer of its own, got that of player 'a'"
    ):
        Alternating(Joint(), [_player("a", shared), _player("b", shared)])
    with pytest.raises(UserError, match="got that of the main procedure"):
        Alternating(Joint(Update(Objective({"rate": distortion}), shared)), [_player("a", shared)])
    with pytest.raises(UserError, match="player 'a' has use_ema, whose averages nobody takes"):
        Alternating(Joint(), [_player("a", _averaging())])
    model = learned_prior()
    main = Joint(Update(Objective({"d": distortion}), _averaging(), encoder_variables))
    towards = Update(
        Objective({"p": PriorPlayer(Critic([3], 1))}), "sgd", prior_variables, inference=code_only
    )
    model.compile(procedure=Alternating(main, [Player("prior", towards)]))
    with pytest.raises(UserError, match="player 'prior' moves .*mean beside it: leave use_ema out"):
        model.make_train_function()


def test_clipped_weights_beside_their_average_are_refused():
    main = Update(Objective({"d": distortion}), _averaging(), after=Clip(0.1))
    with pytest.raises(UserError, match="use_ema averages .* and Clip moves weights beside it"):
        main.build(models.plain())
