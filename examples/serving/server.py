"""A trained VAE over HTTP: the SavedModel of a run, with TensorFlow alone.

    python server.py --model=runs/delta_vae_digits/saved_model --port=8501

It speaks the columns of TensorFlow Serving's REST interface, so a client needs no change to go there:

    GET  /v1/models/vae             is it there
    GET  /v1/models/vae/metadata    {signature: {"inputs": ..., "outputs": ...}}
    POST /v1/models/vae:predict     {"signature_name": "encode", "inputs": {"x": [...]}} -> {"outputs": [...]}

A signature has one output, which is "outputs" itself. A request that cannot be answered gets status 4xx and
{"error": one line}.
"""

from __future__ import annotations

import argparse
import http.server
import json
import signal
import sys
from typing import Any

import numpy as np
import tensorflow as tf

MOST = 4096  # rows of a request, images of a sample, draws of a log_prob
LONGEST = 64 * 2**20  # bytes of a request


class Refused(Exception):
    """(status, one line)."""


class Model:
    """The signatures of a SavedModel.

    Args:
        path: of the SavedModel.
    """

    def __init__(self, path: str):
        self._loaded = tf.saved_model.load(path)  # the functions below live as long as this
        self._signatures = self._loaded.signatures
        self.told = {name: _told(function) for name, function in self._signatures.items()}

    def predict(self, asked: Any) -> dict[str, Any]:
        """{"outputs": nested lists}.

        Raises:
            Refused: an unknown signature, an input that is missing, unknown or of another shape or kind.
        """
        if not isinstance(asked, dict) or not isinstance(asked.get("inputs"), dict):
            raise Refused(400, 'the body must be {"signature_name": NAME, "inputs": {NAME: value}}')
        if unknown := asked.keys() - {"signature_name", "inputs"}:
            raise Refused(400, f"unknown key {min(unknown)!r} of the body")
        name = asked.get("signature_name", "serving_default")
        if not isinstance(name, str) or name not in self.told:
            raise Refused(
                404, f"no signature {str(name)[:80]!r}; there are: {', '.join(sorted(self.told))}"
            )
        function, given = self._signatures[name], asked["inputs"]
        specs = function.structured_input_signature[1]
        if given.keys() != specs.keys():
            raise Refused(400, f"{name} takes {', '.join(specs)}; got {', '.join(given) or 'none'}")
        arrays = {key: _array(key, given[key], spec) for key, spec in specs.items()}
        if len({len(value) for value in arrays.values() if value.shape}) > 1:
            raise Refused(400, f"the inputs of {name} differ in their number of rows")
        try:
            (output,) = function(**{k: tf.constant(v) for k, v in arrays.items()}).values()
        except tf.errors.InvalidArgumentError as error:  # a token that no vocabulary has
            raise Refused(400, f"{name} refuses its inputs: {_line(error)}") from error
        return {"outputs": output.numpy().tolist()}


def _told(function) -> dict[str, Any]:
    """Of a signature, what goes in and what comes out; a size that is free is None."""
    sides = {
        "inputs": function.structured_input_signature[1],
        "outputs": function.structured_outputs,
    }
    return {
        side: {k: {"dtype": s.dtype.name, "shape": s.shape.as_list()} for k, s in specs.items()}
        for side, specs in sides.items()
    }


def _array(name: str, value: Any, spec: tf.TensorSpec) -> np.ndarray:
    wanted = spec.dtype.as_numpy_dtype
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise Refused(400, f"{name} is ragged: {_line(error)}") from error
    if array.size == 0:
        raise Refused(400, f"{name} is empty")
    if array.dtype.kind not in ("iu" if spec.dtype.is_integer else "iuf"):
        raise Refused(400, f"{name} must be {spec.dtype.name}, got {array.dtype.name}")
    if not spec.shape.is_compatible_with(array.shape):
        raise Refused(400, f"{name} must be of shape {spec.shape}, got {array.shape}")
    if array.shape and len(array) > MOST:
        raise Refused(413, f"{name} must have at most {MOST} rows, got {len(array)}")
    if not array.shape and name != "seed" and not 1 <= array <= MOST:
        raise Refused(400, f"{name} must lie in 1 to {MOST}, got {array}")
    with np.errstate(over="ignore"):
        cast = array.astype(wanted)
    if spec.dtype.is_integer and not np.array_equal(cast, array):
        raise Refused(400, f"{name} must be {spec.dtype.name}, got a number beyond it")
    if not np.isfinite(cast).all():
        raise Refused(400, f"{name} must be finite")
    return cast


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


class Handler(http.server.BaseHTTPRequestHandler):
    """Requests of one `model` of that `name`."""

    model: Model
    name: str
    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds for which a silent client holds a thread

    def do_GET(self):
        base = f"/v1/models/{self.name}"
        if self.path == base:
            status = {"error_code": "OK", "error_message": ""}
            self._answer(200, {"model_version_status": [{"state": "AVAILABLE", "status": status}]})
        elif self.path == f"{base}/metadata":
            self._answer(200, self.model.told)
        else:
            self._answer(404, {"error": f"GET {base} or {base}/metadata"})

    def do_POST(self):
        try:
            self._answer(200, self.model.predict(self._body()))
        except Refused as refused:
            status, line = refused.args
            self.close_connection = True  # its body may not have been read
            self._answer(status, {"error": line})

    def _body(self) -> Any:
        if self.path != f"/v1/models/{self.name}:predict":
            raise Refused(404, f"POST /v1/models/{self.name}:predict")
        length = self.headers.get("Content-Length", "")
        if not length.isdigit():
            raise Refused(411, "Content-Length is missing")
        if int(length) > LONGEST:
            raise Refused(
                413, f"a request must have at most {LONGEST:,} bytes, got {int(length):,}"
            )
        try:
            return json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError) as error:
            raise Refused(400, f"the body is no JSON: {_line(error)}") from error

    def _answer(self, status: int, value: Any) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)


def make(path: str, name: str, host: str, port: int) -> http.server.ThreadingHTTPServer:
    """A server that listens; port 0 is any that is free."""
    handler = type("Handler", (Handler,), {"model": Model(path), "name": name})
    return http.server.ThreadingHTTPServer((host, port), handler)


def main() -> int:
    """Until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(description="A trained VAE over HTTP.")
    parser.add_argument("--model", required=True, help="the folder of a SavedModel")
    parser.add_argument("--name", default="vae", help="of the model, in the addresses")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0: every address")
    parser.add_argument("--port", type=int, default=8501, help="0: any that is free")
    asked = parser.parse_args()
    try:
        server = make(asked.model, asked.name, asked.host, asked.port)
    except OSError as error:  # no SavedModel, or a port that is taken
        print(f"server: {_line(error)}", file=sys.stderr)
        return 2

    def stop(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    host, port = server.server_address[:2]
    print(f"http://{host}:{port}/v1/models/{asked.name}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
