"""A procedure and further players, in turn: critics with weights and optimizers of their own."""

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
        name: its logs are `<name>/objective` and `<name>/gradient_norm`.
        update: its objective, optimizer and variables.
        steps: of it after each step of the main procedure, each on a fresh batch.
    """

    name: str
    update: Update
    steps: int = 1


class Alternating(Procedure):
    """repeat:  one cycle of `main`;  for each player: `steps` updates, each on a fresh batch.

    A player's objective sees z alone, and moves no weight but its own; the main objective holds the
    penalty that reads the player. Fresh batches: the players' z are independent of those that the
    model has just been fitted to (Kim and Mnih 2018).

    Args:
        main: any procedure; its step is the step of all schedules.
        players: at least one.

    Raises:
        UserError: no player, or two of one name.
    """

    def __init__(self, main: Procedure, players: Sequence[Player]):
        names = [player.name for player in players]
        if not names or len(set(names)) != len(names):
            raise UserError(f"an Alternating needs players with names of their own, got {names}")
        for player in players:
            positive(f"steps of {player.name}", player.steps)
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

        def turn(player, number):
            def step(iterator, index):
                seed = fold(self.seed, self.step, _PLAYERS, number, index)
                batch = next(iterator)
                with arrived(batch):
                    arguments = (batch, self.step.read_value(), seed)
                    logs = reduced(strategy, strategy.run(player.update, arguments))
                    player.update.objective.feed(self.step, logs)
                return logs

            return step if run_eagerly else tf.function(step)

        turns = [turn(player, number) for number, player in enumerate(self.players)]

        def cycle(iterator):
            logs = main(iterator)
            for player, step in zip(self.players, turns):
                for index in range(player.steps):
                    own = step(iterator, tf.constant(index))
                logs |= {f"{player.name}/{key}": own[key] for key in ("objective", "gradient_norm")}
            return logs

        return cycle

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
