"""examples/serving: a SavedModel over HTTP, as its container starts it."""

import http.client
import importlib.util
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

from tests import models

FOLDER = pathlib.Path(__file__).parent.parent / "examples" / "serving"


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    model = models.plain()
    path = tmp_path_factory.mktemp("served") / "saved_model"
    model.export(path)
    return model, str(path)


@pytest.fixture(scope="module")
def port(exported):
    spec = importlib.util.spec_from_file_location("serving_example", FOLDER / "server.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    server = module.make(exported[1], "vae", "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


def _ask(port, method, path, body=None, **headers):
    """(status, what was answered)."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    link.request(method, path, content, headers)
    answer = link.getresponse()
    said = json.loads(answer.read())
    link.close()
    return answer.status, said


def _predict(port, signature, **inputs):
    given = {k: np.asarray(v).tolist() for k, v in inputs.items()}
    body = {"signature_name": signature, "inputs": given}
    status, said = _ask(port, "POST", "/v1/models/vae:predict", body)
    assert status == 200, said
    return np.asarray(said["outputs"], "float32")


def test_each_signature_answers_what_the_model_says(exported, port):
    model, _ = exported
    x = models.images(5)
    code = _predict(port, "encode", x=x)
    np.testing.assert_allclose(code, model.encode(x), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(_predict(port, "decode", z=code), model.decode(code), atol=1e-5)
    np.testing.assert_allclose(_predict(port, "reconstruct", x=x), model.reconstruct(x), atol=1e-5)
    np.testing.assert_array_equal(_predict(port, "sample", num=3, seed=5), model.sample(3, seed=5))
    np.testing.assert_allclose(
        _predict(port, "elbo", x=x, seed=1), model.elbo(x, seed=1), rtol=1e-5
    )
    scored = _predict(port, "log_prob", x=x, num_samples=7, seed=1)
    np.testing.assert_allclose(scored, model.log_prob(x, 7, seed=1), rtol=1e-5)
    status, told = _ask(port, "GET", "/v1/models/vae/metadata")
    assert status == 200 and told["log_prob"] == {
        "inputs": {
            "num_samples": {"dtype": "int32", "shape": []},
            "seed": {"dtype": "int32", "shape": []},
            "x": {"dtype": "float32", "shape": [None, 4, 4, 1]},
        },
        "outputs": {"log_prob": {"dtype": "float32", "shape": [None]}},
    }
    assert _ask(port, "GET", "/v1/models/vae")[0] == 200


X = models.images(2).tolist()


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"{", 400, "no JSON"),
        (b"[" * 100_000, 400, "no JSON"),
        ([], 400, "the body must be"),
        ({"instances": X}, 400, "the body must be"),
        ({"inputs": {"x": X}, "signature": "encode"}, 400, "unknown key 'signature'"),
        ({"signature_name": "draw", "inputs": {}}, 404, "no signature 'draw'; there are: decode"),
        ({"signature_name": ["encode"], "inputs": {}}, 404, "no signature .*there are"),
        ({"inputs": {"y": X}}, 400, "takes x; got y"),
        ({"inputs": {"x": "high"}}, 400, "x must be float32"),
        ({"inputs": {"x": [[1], [1, 2]]}}, 400, "x is ragged"),
        ({"inputs": {"x": []}}, 400, "x is empty"),
        ({"inputs": {"x": X[0]}}, 400, r"x must be of shape \(None, 4, 4, 1\), got \(4, 4, 1\)"),
        ({"inputs": {"x": np.full((1, 4, 4, 1), np.nan).tolist()}}, 400, "x must be finite"),
        ({"inputs": {"x": np.zeros((5000, 4, 4, 1)).tolist()}}, 413, "at most 4096 rows"),
        ({"signature_name": "sample", "inputs": {"num": -1, "seed": 0}}, 400, "num must lie in 1"),
        ({"signature_name": "sample", "inputs": {"num": 1, "seed": 2**40}}, 400, "beyond it"),
        ({"signature_name": "sample", "inputs": {"num": 1.5, "seed": 0}}, 400, "must be int32"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_a_line(port, body, status, says):
    got, said = _ask(port, "POST", "/v1/models/vae:predict", body)
    assert got == status and re.search(says, said["error"]) and "\n" not in said["error"]


def test_addresses_and_lengths_are_looked_at_before_a_body_is_read(port):
    predict = "/v1/models/vae:predict"
    assert _ask(port, "POST", "/v1/models/other:predict", {})[0] == 404
    assert _ask(port, "GET", "/")[0] == 404
    assert _ask(port, "POST", predict, **{"Content-Length": str(10**12)})[0] == 413
    assert _ask(port, "POST", predict, b"", **{"Content-Length": "many"})[0] == 411


@pytest.mark.slow
def test_the_container_s_command_serves_with_tensorflow_alone(exported, tmp_path):
    """A process of TensorFlow and the file alone; it ends by SIGTERM as a container does."""
    model, path = exported
    text = (FOLDER / "Dockerfile").read_text()
    _, file, *flags = json.loads(re.findall(r"^CMD (.*)$", text, re.M)[-1])
    assert f"COPY server.py {file}\n" in text and "EXPOSE 8501" in text
    version = re.search(r"tensorflow-cpu>=([\d.]+),<([\d.]+)", text)
    assert version and f'"tensorflow>={version[1]},<{version[2]}"' in _setup()
    held = {"--model": path, "--host": "127.0.0.1", "--port": "0"}
    given = [f"{flag.split('=')[0]}={held[flag.split('=')[0]]}" for flag in flags]
    blocked = tmp_path / "tfvae.py"
    blocked.write_text("raise ImportError('TensorFlow alone')")
    words = [sys.executable, str(FOLDER / "server.py"), *given]
    process = subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    try:
        port = int(re.search(r":(\d+)/v1/models/vae", process.stdout.readline())[1])
        x = models.images(3)
        np.testing.assert_allclose(_predict(port, "encode", x=x), model.encode(x), atol=1e-5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate()


def _setup():
    return (FOLDER.parent.parent / "setup.py").read_text()
