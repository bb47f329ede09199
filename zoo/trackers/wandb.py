"""Weights & Biases: WANDB_MODE=offline writes to the disk alone, WANDB_PROJECT names the project."""

from __future__ import annotations

import os
import secrets

from zoo.trackers import tracker

__all__ = ["Tracker"]


class Tracker(tracker.Tracker):
    """A run of the project `tfvae`."""

    PACKAGE = "wandb"

    def __init__(self, path, config, state):
        super().__init__(path, config, state)
        import wandb

        number = secrets.token_hex(4) if state is None else state["run"]
        self.state = {"run": number}
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", "tfvae"),
            name=os.path.basename(os.path.abspath(path)),
            id=number,
            resume="allow",
            config=dict(config),
            dir=path,
            settings=wandb.Settings(silent=True),
        )
        # its own process writes and sends, some time later; offline it does not know what it wrote before,
        # and is told all again: a step that comes twice is one step when it is synchronised
        self.holds = self._run.step - 1

    def row(self, values, step):
        self._run.log(dict(values), step=step)

    def report(self, values, verdict, figures):
        import wandb

        named = {os.path.basename(p).rpartition(".")[0]: wandb.Image(p) for p in figures}
        self._run.log({f"figures/{name}": image for name, image in named.items()})
        self._run.summary.update(
            {f"report/{k}": v for k, v in values.items()} | {"verdict": verdict}
        )

    def close(self):
        self._run.finish()
