"""Files for other runtimes compute what the model does."""

import os

import numpy as np
import pytest

import zoo
from tests import models
from tfvae import training
from tfvae.checks import UserError
from tfvae.training import formats
from zoo import datasets
from zoo.modalities import text
from zoo.models import load

slow = pytest.mark.slow  # a converter takes ten seconds


def _run(format, path, given):
    with open(path, "rb") as stream:
        return formats.FORMATS[format][2](stream.read(), given)


MODULES = {"onnx": "tf2onnx", "litert": "ai_edge_litert.interpreter"}


@slow
@pytest.mark.parametrize(("format", "module"), MODULES.items())
def test_a_batch_of_another_size_through_the_files_is_that_of_the_model(tmp_path, format, module):
    pytest.importorskip(module, reason=f"the extra {format}")
    model = models.plain()
    path = str(tmp_path / format)
    found = training.formats.export_format(model, format, path)
    assert list(found) == ["encode", "decode", "reconstruct"]
    assert len(os.listdir(path)) == 3
    ending, x = formats.FORMATS[format][0], models.images(7)
    code = _run(format, f"{path}/encode.{ending}", {"x": x})
    np.testing.assert_allclose(code, model.encode(x), atol=1e-5)
    decoded = _run(format, f"{path}/decode.{ending}", {"z": np.asarray(code)})
    np.testing.assert_allclose(decoded, model.decode(code), atol=1e-5)
    again = _run(format, f"{path}/reconstruct.{ending}", {"x": x})
    np.testing.assert_allclose(again, model.reconstruct(x), atol=1e-5)


@slow
def test_what_a_runtime_computes_otherwise_is_not_written(tmp_path, monkeypatch):
    wrong = ("bin", lambda function, weights: b"", lambda data, given: np.full((3, 3), 7.0))
    monkeypatch.setitem(formats.FORMATS, "wrong", wrong)
    with pytest.raises(UserError, match="wrong of encode computes something else"):
        training.formats.export_format(models.plain(), "wrong", str(tmp_path / "out"))
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
    ("said", "named"),
    [
        (
            "a.py:1:1: error: 'tf.TensorListReserve' op requires element_shape to be static",
            "TensorListReserve",
        ),
        (
            '10 : INVALID_GRAPH : In Node, ("Call/Expm1", Expm1, "", -1) : ("LogSigmoid:0": tensor',
            "Expm1",
        ),
        ("1 : FAIL : Node (Call/Reshape) Op (Reshape) [ShapeInferenceError] Invalid", "Reshape"),
        ("Could not find an implementation for operator Foo", "Foo"),
        ("Invalid tensor size.", ""),
    ],
)
def test_the_operation_that_stops_a_converter_is_named(said, named):
    assert formats._operations(said) == named


# what each format lacks, by the model; any other goes
LOOP, EMPTY = "operation TensorListReserve", "encode cannot be written as litert: Invalid tensor"
# a PixelCNN that is told the code draws pixel by pixel
TOLD = ("acn", "bn_vae", "contrastive_vae", "delta_vae", "vlae")
LSTMS = (
    "aggressive_vae", "bow_vae", "cnn_vae", "cyclical_vae", "free_bits_vae", "pooled_vae", "rate_target_vae",
    "sa_vae", "sentence_vae", "vmf_vae",
)  # fmt: skip
LACKS = {
    "onnx": {
        **dict.fromkeys(TOLD, "decode .* operation Loop"),
        "flow_vae": "encode .* operation Expm1",
        "lm": "decode .* operation Reshape",
    },
    "litert": {
        **dict.fromkeys((*TOLD, "beta_vae"), f"decode .* {LOOP}"),
        **dict.fromkeys(LSTMS, LOOP),
        **dict.fromkeys(("lm", "pixelcnn"), EMPTY),
    },
}


@slow
@pytest.mark.parametrize("format", formats.FORMATS)
@pytest.mark.parametrize("name", zoo.names())
def test_each_model_of_the_zoo_goes_or_says_in_a_line_what_stops_it(tmp_path, name, format):
    """With noise on all weights: what is initialised to 0 would agree with anything."""
    pytest.importorskip(MODULES[format], reason=f"the extra {format}")
    home = load(name).defaults.dataset
    space = text.Space(30, 9) if datasets.modality(home) == "text" else None
    more = {"memory_size": 32, "transition_units": 8} if name == "acn" else {}
    model = zoo.build(name, home, space, size="tiny", **more)
    random = np.random.default_rng(0)
    for weight in model.trainable_variables:
        weight.assign_add(0.1 * random.standard_normal(weight.shape).astype("float32"))
    lacks = LACKS[format].get(name)
    path = str(tmp_path / format)
    if lacks is None:
        assert training.formats.export_format(model, format, path)
        return
    with pytest.raises(UserError, match=lacks) as caught:
        training.formats.export_format(model, format, path)
    assert "\n" not in str(caught.value) and not os.path.exists(path)
