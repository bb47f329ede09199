"""One tiny batch through a model and through what trains it, so that what does not fit is refused first."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import tensorflow as tf

from tfvae.checks import UserError, one_line
from tfvae.randomness import seed_of

__all__ = ["model_runs", "stage_runs"]


def model_runs(model, space) -> None:
    """A draw of two examples: encoder, latent, decoder and likelihood.

    Raises:
        UserError: naming the model, with what the parts said of their shapes.
    """
    with _named(f"the parts of {model.name}"):
        model.build()
        draw = model.draw(space.example(), seed_of(0), label=_label(model))
    scored = not model.decodes or draw.log_likelihood.shape == (2,)
    if not scored or draw.rate.shape.rank != 2:
        raise UserError(
            f"{model.name}: log-likelihood must be [B] and rate [B, G], got "
            f"{getattr(draw.log_likelihood, 'shape', None)} and {draw.rate.shape}"
        )


def stage_runs(stage, space) -> None:
    """The objective of every update of a stage, critics included, on two examples.

    Raises:
        UserError: naming the stage, with what its terms said; or a term that is no number.
    """
    model, step = stage.model, tf.constant(0, tf.int64)
    for update in stage.procedure.updates:
        with _named(f"the objective of stage {stage.name!r} and {model.name}"):
            update.objective.build(model)
            label = tf.constant([0, 0]) if stage.procedure.reads_beside else _label(model)
            draw = model.draw_by(update.inference, _example(model, space), seed_of(0), step, label)
            _, logs = update.objective(draw, step)
            wrong = [name for name, value in logs.items() if not bool(tf.math.is_finite(value))]
        if wrong:
            raise UserError(
                f"the objective of stage {stage.name!r} and {model.name} is no number before "
                f"anything is trained: its {', '.join(wrong)} is not finite"
            )


def _example(model, space):
    """Two examples in the units of the model: of a stage with data of its own they are other ones."""
    example = space.example()
    sizes = zip(model.data_shape, example.shape[1:])
    same = len(model.data_shape) == len(example.shape) - 1 and all(a in (None, b) for a, b in sizes)
    return example if same else tf.zeros([2, *model.data_shape], model.likelihood.dtype)


def _label(model):
    return None if model.condition is None else tf.constant([0, 1])


@contextlib.contextmanager
def _named(what: str) -> Iterator[None]:
    """Of what TensorFlow and Keras say of shapes."""
    try:
        yield
    except UserError:
        raise
    except (ValueError, tf.errors.InvalidArgumentError) as error:
        raise UserError(f"{what} do not fit: {one_line(str(error), 300)}") from error
