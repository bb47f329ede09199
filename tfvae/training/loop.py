"""One stage of a run, driven through `fit`, from where it stands to its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfvae.checks import UserError
from tfvae.training import strategy as strategies
from tfvae.training.callbacks import Checkpointer, FiniteGuard, Monitor, Progress
from tfvae.training.checkpoint import ExactCheckpoint
from tfvae.training.collapse_monitor import CollapseMonitor
from tfvae.training.run_directory import RunDirectory

__all__ = ["train"]


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
) -> None:
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

    Raises:
        UserError: a loss or a weight that is not finite, a full disk, a checkpoint of another
            model, a worker that is gone.
    """
    model.compile(procedure=procedure)
    model.make_train_function()  # makes the optimizers' slots, which a checkpoint restores into
    checkpoint = ExactCheckpoint(directory.join("checkpoints", stage), model, procedure)
    restored = checkpoint.restore() if resume else None
    start, state = (0, None) if restored is None else (restored[0], restored[1]["monitor"])
    strategy = model.distribute_strategy
    if resume and not strategies.agree(strategy, start):
        raise UserError(
            f"the workers find different checkpoints (step {start} here); --workdir must be on a "
            "disk that all of them share"
        )
    if resume and write:
        directory.keep_metrics(lambda row: row["stage"] != stage or row["step"] <= start)
    if start >= steps or procedure.over:
        procedure.finish()
        return
    writer = tf.summary.create_noop_writer()
    if write:
        writer = tf.summary.create_file_writer(directory.join("tensorboard"))
    append = directory.append_metrics if write else lambda row: None
    monitor = Monitor(
        start, steps, eval_every, stage, evaluate, append, writer, state, further, procedure, watch
    )

    def last_good():
        whole = checkpoint.steps()
        return whole[-1] if whole else None

    def keeps(step):
        return step % eval_every == 0 or step % checkpoint_every == 0 or step == steps

    def save(step):
        checkpoint.save(step, {"monitor": monitor.state})

    weights = [v for v in model.variables if tf.as_dtype(v.dtype).is_floating]
    callbacks = [FiniteGuard(start, keeps, weights, last_good), monitor]
    if write:
        callbacks.append(Checkpointer(start, steps, checkpoint_every, save))
    if progress and write:
        callbacks.append(Progress(start, steps, stage))
    with strategies.lost_worker(strategy):
        model.fit(
            stream(procedure.position),
            steps_per_epoch=steps - start,
            epochs=1,
            verbose=0,
            shuffle=False,
            callbacks=callbacks,
        )
    writer.close()
    procedure.finish()
