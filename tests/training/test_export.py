"""The SavedModel: loads with TensorFlow alone, says what the model says, and encodes without dice."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import models
from tests.graphs import operations
from tfvae.checks import UserError
from tfvae.training.export import export_saved_model, save_keras

ALONE = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("tfvae", "zoo", "tf_keras", "tensorflow_probability"):
            raise ImportError("blocked: " + name)
sys.meta_path.insert(0, Block())
import json, numpy as np, tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
x = tf.constant(np.load(sys.argv[2]))
code = model.encode(x)
out = {
    "encode": code.numpy().tolist(), "decode": model.decode(code).numpy().tolist(),
    "reconstruct": model.reconstruct(x).numpy().tolist(),
    "sample": model.sample(tf.constant(3), tf.constant(5)).numpy().tolist(),
    "again": model.sample(tf.constant(3), tf.constant(5)).numpy().tolist(),
    "elbo": model.elbo(x, tf.constant(1)).numpy().tolist(),
    "log_prob": model.log_prob(x, tf.constant(7), tf.constant(1)).numpy().tolist(),
    "signatures": sorted(model.signatures),
}
print(json.dumps(out))
"""


def _trained_normalised():
    """Its running averages are not those it began with."""
    model = models.normalised()
    model.compile("adam")
    model.fit(models.images(32), batch_size=8, verbose=0)
    return model


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(models.plain, marks=pytest.mark.slow),  # less of the same than delta
        models.delta,
        models.exact,
        pytest.param(models.flow, marks=pytest.mark.slow),
        pytest.param(_trained_normalised, marks=pytest.mark.slow),
    ],
    ids=["plain", "delta", "exact", "flow", "normalised"],
)
def test_saved_model_alone_equals_the_model(make, tmp_path):
    model, x = make(), models.images(6)
    model.export(tmp_path / "saved")
    np.save(tmp_path / "x.npy", x)
    words = [sys.executable, "-c", ALONE, str(tmp_path / "saved"), str(tmp_path / "x.npy")]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    got = json.loads(done.stdout.splitlines()[-1])
    assert {"encode", "decode", "reconstruct", "sample", "elbo", "log_prob"} <= set(
        got["signatures"]
    )
    code = model.encode(x)
    np.testing.assert_allclose(got["encode"], code, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(got["decode"], model.decode(code), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(got["reconstruct"], model.reconstruct(x), rtol=1e-4, atol=1e-5)
    assert got["sample"] == got["again"]
    np.testing.assert_array_equal(got["sample"], model.sample(3, seed=5))
    np.testing.assert_allclose(got["elbo"], model.elbo(x, seed=1), rtol=1e-5)
    np.testing.assert_allclose(got["log_prob"], model.log_prob(x, 7, seed=1), rtol=1e-5)
    if make is models.exact:
        np.testing.assert_allclose(got["log_prob"], model.log_prob(x), rtol=1e-5)


OUTPUTS = {
    "encode": "code",
    "serving_default": "code",
    "decode": "x",
    "reconstruct": "x",
    "sample": "x",
    "elbo": "elbo",
    "log_prob": "log_prob",
}


def test_encode_has_no_random_operation_and_outputs_have_names(tmp_path):
    model, x = models.delta(), tf.constant(models.images(2))
    export_saved_model(model, str(tmp_path / "saved"))
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    named = {name: list(f.structured_outputs) for name, f in loaded.signatures.items()}
    assert named == {name: [output] for name, output in OUTPUTS.items()}
    got = loaded.signatures["elbo"](x=x, seed=tf.constant(3))["elbo"]
    np.testing.assert_allclose(got, loaded.elbo(x, tf.constant(3)), rtol=1e-6)

    def random_operations(name):
        kinds = operations(loaded.signatures[name].graph.as_graph_def())
        return {k for k in kinds if "Random" in k or "Multinomial" in k}

    for name in ("sample", "elbo", "log_prob"):
        assert random_operations(name), name
    assert not random_operations("encode")


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (lambda m, d: m.export(d / "m", format="onnx"), "unknown export format 'onnx'"),
        (lambda m, d: m.export(d / "m", input_signature=[1]), "no argument 'input_signature'"),
        (lambda m, d: m.export(d), "is no older export, and is not replaced"),
        (lambda m, d: m.export(d / "mine.txt"), "is no older export, and is not replaced"),
        (lambda m, d: m.save(d / "m.h5"), "is saved as .keras, got .*m.h5'; weights alone"),
        (lambda m, d: m.save(d / "m"), "is saved as .keras"),
        (
            lambda m, d: m.fit(
                models.images(8),
                callbacks=[keras.callbacks.ModelCheckpoint(d / "m.h5", save_freq=1)],
                verbose=0,
            ),
            "is saved as .keras",
        ),
    ],
)
def test_what_is_no_file_of_a_model_is_refused_and_nothing_lost(write, says, tmp_path):
    model = models.plain()
    model.compile("adam")
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match=says) as caught:
        write(model, tmp_path)
    assert "\n" not in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_weights_alone(tmp_path):
    model, other = models.plain(), models.plain(seed=1)
    model.save_weights(tmp_path / "m.weights.h5")
    other.load_weights(tmp_path / "m.weights.h5")
    np.testing.assert_array_equal(other.encode(models.images(3)), model.encode(models.images(3)))


def test_keras_file_is_written_whole(tmp_path):
    model = models.plain()
    save_keras(model, str(tmp_path / "model.keras"))
    assert [p.name for p in tmp_path.iterdir()] == ["model.keras"]
    copy = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(copy.encode(models.images(3)), model.encode(models.images(3)))
