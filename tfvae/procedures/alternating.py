"""A procedure and further players, in turn: each with an objective and an optimizer of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from tfvae.checks import UserError, positive
from tfvae.procedures.procedure import Procedure, arrived, reduced
from tfvae.procedures.update import Update
from tfvae.randomness import fold

__all__ = ["Alternating", "Player"]

_PLAYERS = 0x9A7E


class Player(NamedTuple):
    """One of the others.

    Attributes:
        name: its logs are `<name>/objective` and `<name>/gradient_norm`, and of an objective of several
            terms each of these and its weight.
        update: its objective, optimizer and variables.
        steps: of it after each step of the main procedure, each on a fresh batch.
    """

    name: str
    update: Update
    steps: int = 1


class Alternating(Procedure):
    """repeat:  one cycle of `main`;  for each player: `steps` updates, each on a fresh batch.

    A player moves what its update says: the weights of a critic, which a penalty of the main objective
    reads, or some of the model's, such as the encoder's or the prior's (a variable may be moved by several
    of them; each optimizer then keeps moments of its own gradients). Fresh batches: the players' z are
    independent of those that the model has just been fitted to (Kim and Mnih 2018). The dual variables of
    a player's objective are fed from its own logs.

    Args:
        main: any procedure; its step is the step of all schedules.
        players: at least one.

    Raises:
        UserError: no player, or two of one name; an optimizer that two share, or that averages what it
            moves; when built, averages of the main one that would miss what a player moves.
    """

    def __init__(self, main: Procedure, players: Sequence[Player]):
        names = [player.name for player in players]
        if not names or len(set(names)) != len(names):
            raise UserError(f"an Alternating needs players with names of their own, got {names}")
        for player in players:
            positive(f"steps of {player.name}", player.steps)
        _refuse_optimizers(main, players)
        super().__init__(0, main.inference, main.learning_rate)
        self.main, self.players = main, list(players)
        self.seed, self.step = main.seed, main.step  # one counter
        self.objective = main.objective

    several_batches = True

    @property
    def optimizer(self):
        return self.main.optimizer

    @property
    def asks_validation(self):
        return super().asks_validation or self.main.asks_validation

    @property
    def lacks_examples(self):
        return self.main.lacks_examples

    @property
    def lacks_epoch(self):
        return self.main.lacks_epoch

    def take_epoch(self, steps):
        self.main.take_epoch(steps)

    def take_validation(self, x, label):
        self.main.take_validation(x, label)

    @property
    def position(self) -> int:
        taken = sum(player.steps for player in self.players)
        return self.main.position + taken * int(self.step.numpy())

    @property
    def updates(self):
        return [*self.main.updates, *(player.update for player in self.players)]

    def build(self, model, strategy, run_eagerly=False):
        main = self.main.build(model, strategy, run_eagerly)
        with strategy.scope():
            for player in self.players:
                player.update.build(model)
                self._refuse_averages(model, player)

        def turn(player, number):
            def step(iterator, index):
                seed = fold(self.seed, self.step, _PLAYERS, number, index)
                batch = next(iterator)
                with arrived(batch):
                    arguments = (batch, self.step.read_value(), seed)
                    logs = reduced(strategy, strategy.run(player.update, arguments))
                    player.update.objective.feed(self.step, logs)
                return logs

            return step if run_eagerly else tf.function(step, autograph=False)

        turns = [turn(player, number) for number, player in enumerate(self.players)]

        def cycle(iterator):
            logs = main(iterator)
            for player, step in zip(self.players, turns):
                for index in range(player.steps):
                    own = step(iterator, tf.constant(index))
                logs |= {f"{player.name}/{key}": own[key] for key in _shown(player, own)}
            return logs

        return cycle

    def _refuse_averages(self, model, player) -> None:
        if not any(o.use_ema for update in self.main.updates for o in update.optimizers):
            return
        averaged = {id(v) for update in self.main.updates for v in update.moving}
        mine = {id(v) for v in model.trainable_variables} - averaged
        missed = [v.path for v in player.update.moving if id(v) in mine]
        if missed:
            raise UserError(
                f"use_ema averages what the main optimizer moves, and player {player.name!r} moves "
                f"{missed[0]} beside it: leave use_ema out, or let the main objective move it too"
            )

    def state(self):
        held = self.main.state()
        for player in self.players:
            own = player.update.state()
            held |= {f"{player.name}_{key}": value for key, value in own.items()}
        return held

    def observe(self, measured, optimizers=()):
        self.main.observe(measured, optimizers)

    @property
    def over(self) -> bool:
        return self.main.over

    def finish(self):
        self.main.finish()


def _refuse_optimizers(main: Procedure, players: Sequence[Player]) -> None:
    """One that two share would mix the moments of two objectives; averages of a player nobody takes."""
    taken = {id(o): "the main procedure" for update in main.updates for o in update.optimizers}
    for player in players:
        for optimizer in player.update.optimizers:
            if optimizer.use_ema:
                raise UserError(
                    f"the optimizer of player {player.name!r} has use_ema, whose averages nobody takes: "
                    "leave it out"
                )
            owner = taken.setdefault(id(optimizer), f"player {player.name!r}")
            if owner != f"player {player.name!r}":
                raise UserError(
                    f"player {player.name!r} needs an optimizer of its own, got that of {owner}"
                )


def _shown(player: Player, logs) -> list[str]:
    """Of one term the objective says it all."""
    several = len(player.update.objective.terms) > 1
    kept = [key for key in logs if several and key.startswith(("term/", "weight/"))]
    return ["objective", "gradient_norm", *kept]
