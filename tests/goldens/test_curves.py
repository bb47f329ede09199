"""Golden loss curves: the first steps of two flagfiles, so that nothing changes them unseen.

Kernels differ in rounding between machines, and training magnifies it: the first step is held to
1e-4, the tenth to 1 %. After an intended change: python -m tests.goldens.test_curves
"""

import json
import pathlib

import keras
import numpy as np
import pytest

import train_main
from zoo import datasets, models
from zoo.command import assemble, plan, run
from zoo.datasets.data import Split
from zoo.datasets.pipeline import training_stream
from zoo.modalities import images

HERE = pathlib.Path(__file__).parent
FLAGFILES = ("delta_vae_digits", "delta_vae_omniglot")
STEPS = 10


def curve(name):
    """The objective of the first steps, on the flagfile's data or a stand-in of its form."""
    words = pathlib.Path(train_main._found(name)).read_text().splitlines()
    pairs = [w[2:].split("=", 1) for w in words if w.startswith("--")]
    sets = [value for key, value in pairs if key == "set"]
    flags = {key: value for key, value in pairs if key != "set"}
    size = int(flags["batch_size"])
    resolved = plan.resolve(
        flags["model"],
        sets,
        dataset=flags["dataset"],
        backbone=flags["backbone"],
        size=flags["size"],
    )
    shape, kind = datasets.form(resolved.dataset)
    described = models.load(resolved.model)
    keras.utils.set_random_seed(0)
    context = run.context(resolved, images.Space(shape, 1))
    model = assemble.model(described, context)
    model.build()
    stage = next(assemble.stages(described, context, model))
    y, x = np.mgrid[: shape[0], : shape[1]] / shape[0]
    grey = np.stack([0.5 + 0.45 * np.sin(7 * (x * k + y) + k) for k in range(40)])[..., None]
    model.compile(procedure=stage.procedure)
    losses = []
    callback = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: losses.append(float(logs["objective"]))
    )
    stream = training_stream(Split(grey.astype("float32"), None), kind, min(size, 20), 0)
    steps = STEPS if shape[0] < 20 else 4
    model.fit(stream, steps_per_epoch=steps, verbose=0, shuffle=False, callbacks=[callback])
    return losses


@pytest.mark.parametrize(
    "name", [FLAGFILES[0], *(pytest.param(n, marks=pytest.mark.slow) for n in FLAGFILES[1:])]
)
def test_curve(name):
    golden = json.loads((HERE / f"{name}.json").read_text())
    got = curve(name)
    assert got[0] == pytest.approx(golden[0], rel=1e-4)
    np.testing.assert_allclose(got, golden, rtol=1e-2)


if __name__ == "__main__":
    for flagfile in FLAGFILES:
        (HERE / f"{flagfile}.json").write_text(json.dumps(curve(flagfile)) + "\n")
