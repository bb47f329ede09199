"""One stage of a run, driven through `fit`, from where it stands to its end."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from tfvae.checks import NotFinite, UserError
from tfvae.procedures import Start
from tfvae.training import strategy as strategies
from tfvae.training.callbacks import Checkpointer, FiniteGuard, Monitor, Progress
from tfvae.training.checkpoint import ExactCheckpoint
from tfvae.training.collapse_monitor import CollapseMonitor
from tfvae.training.run_directory import RunDirectory, room
from tfvae.training.start import take_weights

__all__ = ["train"]

_now = time.monotonic
_NEW = (0, None, 0.0)  # where a stage stands that begins: step, the monitor's state, seconds


def train(
    stage: str,
    model,
    procedure,
    stream: Callable[[int], Any],
    steps: int,
    directory: RunDirectory,
    evaluate: Callable[[], dict[str, float]],
    eval_every: int,
    checkpoint_every: int,
    resume: bool = False,
    progress: bool = True,
    write: bool = True,
    further: Callable[[], dict[str, Any]] = dict,
    watch: CollapseMonitor | None = None,
    begin_with: Start | None = None,
    written: Callable[[], None] = lambda: None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> float | None:
    """Trains `model` by `procedure` up to step `steps`.

    With `resume` it goes on from the newest whole checkpoint and ends with the same weights and rows
    as if it had never stopped; a stage that is done is only restored.

    Args:
        stage: name of the stage's checkpoints and rows.
        model: a built `tfvae.VAE`, made under the current strategy's scope.
        procedure: a `tfvae.procedures.Procedure`.
        stream: position -> the batches from that one on (a step may take several).
        steps: the last step.
        directory: the run's.
        evaluate: measures on validation data.
        eval_every, checkpoint_every: in steps.
        resume: look for checkpoints; without it the stage starts at 0.
        progress: show a progress line.
        write: this process writes the run directory; the others of a cluster only compute.
        further: more of each evaluation's row, for the report's figures.
        watch: looks at the latent with each evaluation.
        begin_with: weights of another run, taken where the stage begins at step 0.
        written: called by the process that writes, after each row.
        callbacks: more of Keras' callbacks; of a run that goes on they see what is left of it.

    Returns:
        Seconds of all the steps that the stage is made of, also of those before a resume; `None` where
        a checkpoint does not know.

    Raises:
        UserError: a loss or a weight that is not finite, a full disk, a checkpoint of another
            model, no whole checkpoint where there must have been one, a worker that is gone; a
            procedure that waits for the length of an epoch.
    """
    begun = _now()
    if procedure.lacks_epoch:
        raise UserError("a run has steps and no epochs: check_every must say after how many steps")
    model.compile(procedure=procedure)
    model.make_train_function()  # makes the optimizers' slots, which a checkpoint restores into
    checkpoint = ExactCheckpoint(directory.join("checkpoints", stage), model, procedure)
    first = min(checkpoint_every, steps)
    start, state, before = _restored(checkpoint, directory, stage, first) if resume else _NEW
    strategy = model.distribute_strategy
    if resume and not strategies.agree(strategy, start):
        raise UserError(
            f"the workers find different checkpoints (step {start} here); --workdir must be on a "
            "disk that all of them share"
        )
    if resume and write:
        _take_up(checkpoint, directory, stage, start, state)

    if start == 0 and begin_with is not None:
        take_weights(model, begin_with)

    def settle():
        if procedure.settles:
            procedure.settle(strategy, stream(0))

    if start >= steps or procedure.over:
        procedure.finish()
        settle()
        return before
    writer = tf.summary.create_noop_writer()
    if write:
        with room(directory.join("tensorboard")):
            os.makedirs(directory.join("tensorboard"), exist_ok=True)
        writer = tf.summary.create_file_writer(directory.join("tensorboard"))

    def append(row):
        if write:
            directory.append_metrics(row)
            written()

    monitor = Monitor(
        start, steps, eval_every, stage, evaluate, append, writer, state, further, procedure, watch
    )

    seconds = before

    def keeps(step):
        return step % eval_every == 0 or step % checkpoint_every == 0 or step == steps

    def save(step):
        nonlocal seconds
        seconds = None if before is None else before + _now() - begun
        directory.check()
        checkpoint.save(step, {"monitor": monitor.state, "seconds": seconds})

    weights = [v for v in model.variables if tf.as_dtype(v.dtype).is_floating]
    used = [*callbacks, FiniteGuard(start, keeps, weights), monitor]
    if write:
        used.append(Checkpointer(start, steps, checkpoint_every, save))
    if progress and write:
        used.append(Progress(start, steps, stage))
    with strategies.lost_worker(strategy), _last_good(checkpoint):
        model.fit(
            stream(procedure.position),
            steps_per_epoch=steps - start,
            epochs=1,
            verbose=0,
            shuffle=False,
            callbacks=used,
        )
    settle()
    writer.close()
    return seconds


@contextlib.contextmanager
def _last_good(checkpoint) -> Iterator[None]:
    """Adds to what went wrong where the run may go on from."""
    try:
        yield
    except NotFinite as error:
        whole = checkpoint.steps()
        kept = (
            f"the last good checkpoint is of step {whole[-1]}"
            if whole
            else "no checkpoint was written yet"
        )
        advice = f"{kept}; a smaller --learning_rate or --set=clip_norm may help"
        raise NotFinite(error.step, error.what, advice) from error


def _restored(checkpoint, directory, stage, first) -> tuple[int, dict | None, float | None]:
    """Where the stage stands; a stage whose checkpoints are all lost is not begun anew."""
    found = checkpoint.restore()
    if found is not None:
        return found[0], found[1].get("monitor"), found[1].get("seconds")
    # a kill leaves one that is cut short, the first; after that one is whole at any time
    damaged = checkpoint.damaged()
    rows = [row["step"] for row in directory.metrics() if row["stage"] == stage]
    if (
        any(step != first or not cut for step, (_, cut) in damaged.items())
        or max(rows, default=0) > first
    ):
        said = ", ".join(f"step_{step}: {fault}" for step, (fault, _) in damaged.items())
        raise UserError(
            f"no checkpoint of stage {stage!r} in {checkpoint.directory} is whole "
            f"({said or 'there is none'}), though it went beyond step {first}; take them from a copy, or "
            "begin anew in another --workdir"
        )
    return _NEW


def _take_up(checkpoint, directory, stage, start, state) -> None:
    """Rows that are later than the checkpoint are dropped; what is lost is said, each in a line."""
    seen = set()

    def keep(row) -> bool:
        place = row["stage"], row["step"]
        new = place not in seen
        seen.add(place)
        return new and (row["stage"] != stage or row["step"] <= start)

    directory.keep_metrics(keep)
    notes = [
        f"note: {checkpoint.directory}/step_{step} is damaged ({fault}); left out"
        for step, (fault, cut) in checkpoint.damaged().items()
        if not cut
    ]
    have = sum(row["stage"] == stage for row in directory.metrics())
    lost = 0 if state is None else state.get("rows", have) - have
    if lost > 0:
        notes.append(
            f"note: {directory.join('metrics.jsonl')} has lost {lost} of the {have + lost} rows of stage "
            f"{stage!r} up to step {start}; the curves of the report lack them, the weights do not"
        )
    notes.append(f"{stage}: goes on from step {start}" if start else f"{stage}: begins at step 0")
    for line in notes:
        print(line, file=sys.stderr, flush=True)
