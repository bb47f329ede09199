"""A run from Python: trained by one call, and what it left, as a notebook shows it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
from typing import Any

__all__ = ["Picture", "Run", "train"]


class Picture:
    """A figure of a run, which a notebook draws.

    Attributes:
        png: its bytes.
    """

    def __init__(self, png: bytes):
        self.png = png

    def _repr_png_(self) -> bytes:
        return self.png


class Run:
    """What a finished run left.

    Attributes:
        workdir: its directory.
        report: every figure, as report.json holds it; nats per example.

    Args:
        workdir: of `zoo.train`, or of the command.

    Raises:
        UserError: there is no finished run.
    """

    def __init__(self, workdir: str):
        from zoo.command import run

        self.workdir, self.report = workdir, run.finished(workdir)

    def model(self):
        """The trained `tfvae.VAE`."""
        from zoo.command import run

        return run.load(self.workdir)

    def examples(self):
        """(x, label) of at most 1,000 validation examples; `label` is `None` if the model is told none.

        Raises:
            UserError: the run was told to leave none.
        """
        from tfvae.checks import UserError
        from tfvae.training import reading

        path = os.path.join(self.workdir, "examples.npz")
        if not os.path.exists(path):
            raise UserError(f"{self.workdir} was told to leave no examples (keep_examples)")
        return reading.data(path)

    def figures(self) -> list[str]:
        """The names of its figures."""
        return sorted(p.stem for p in pathlib.Path(self.workdir, "figures").glob("*.png"))

    def figure(self, name: str) -> Picture:
        """One of them.

        Raises:
            UserError: it has none of that name.
        """
        from tfvae.checks import one_of

        name = one_of("figure", name, self.figures())
        return Picture(pathlib.Path(self.workdir, "figures", f"{name}.png").read_bytes())

    def __repr__(self) -> str:
        """The verdict in a sentence."""
        from tfvae import diagnosis

        return f"{self.workdir}: {diagnosis.sentence(self.report)}"


def train(
    model: str,
    workdir: str | None = None,
    resume: bool = False,
    **given: Any,
) -> Run:
    """Trains a model of the zoo, measures it and leaves a run directory, as train_main.py does.

    For the rest of the process kernels are deterministic, unless `deterministic=False`, as in the command.

    Args:
        model: a name of the zoo.
        workdir: the run directory; a new one under runs/ if not given.
        resume: go on with the run in `workdir` where it stopped; a finished one is left as it is.
        **given: the command's flags (`dataset`, `data`, `backbone`, `train_steps`, `seed` ...), and parts and
            settings of the model (`prior="ar1"`, `committed_rate=4.0`).

    Raises:
        UserError: an unknown name, a wrong value, parts that do not fit, data that cannot be read.
    """
    from zoo.command import cell, console

    console.import_tensorflow()  # before Keras does, with its greeting
    import keras

    from zoo.command import run

    resolved = run.resolved_of(model, workdir=workdir, **given)
    policy = keras.config.dtype_policy()
    try:
        with cell.speaking(), _place(resolved, resume) as path:
            run.run(dataclasses.replace(resolved, workdir=path), resume)
    finally:
        keras.config.set_dtype_policy(policy)  # of what is made here next
    return Run(path)


def _place(resolved, resume: bool):
    from zoo.command import run

    if resume:
        return contextlib.nullcontext(resolved.workdir or "")  # which is refused
    return run.claimed(resolved)
