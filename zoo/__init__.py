"""The zoo: one file a system, made of the parts of `tfvae`.

import zoo
model = zoo.build("delta_vae", dataset="mnist")     # untrained, compiled, ready for fit
model = zoo.load("runs/delta_vae_digits")           # what a run left
"""

from __future__ import annotations

__all__ = ["build", "load", "names"]


def names() -> list[str]:
    """The models there are."""
    from zoo import recipe

    return recipe.names()


def build(
    model: str, dataset: str | None = None, image_shape=None, bits: int | None = None, **given
):
    """An untrained model with its objective and optimizer, ready for `fit`.

    Args:
        model: a name of the zoo.
        dataset: gives the images' shape and kind without reading any file; the model's default if
            nothing is given.
        image_shape, bits: instead of a dataset's: (H, W, C), and 1 (binary) or 8 (bytes).
        **given: settings of the model and fields of a plan (`backbone`, `size`, `learning_rate` ...).

    Raises:
        UserError: an unknown name, a wrong value, parts that do not fit.
    """
    from zoo import run

    return run.build(model, dataset, image_shape, bits, given)


def load(workdir: str):
    """The trained model of a run directory (with the auxiliary prior, where one was fitted)."""
    from zoo import run

    return run.load(workdir)
