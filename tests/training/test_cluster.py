"""The environment of a cluster: what is wrong with it is one line; workers that do not come are named."""

import contextlib
import json
import socket
import threading
import time

import pytest

from tfvae.checks import UserError
from tfvae.training import cluster
from tfvae.training.cluster import Cluster, meet, resolver

VARIABLES = (
    "TF_CONFIG",
    "SLURM_PROCID",
    "SLURM_STEP_NUM_TASKS",
    "JOB_COMPLETION_INDEX",
    "WORKER_HOSTS",
    "TFVAE_WAIT_SECONDS",
)
ONE = {"worker": ["localhost:1"]}
TWO = {"worker": ["localhost:1", "localhost:2"]}
FIRST = {"type": "worker", "index": 0}


def _tf(cluster, task=FIRST):
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})}


def _kubernetes(hosts, index="0"):
    return {"WORKER_HOSTS": hosts, "JOB_COMPLETION_INDEX": index}


ROWS = [
    ({}, "finds no cluster: set TF_CONFIG"),
    ({"TF_CONFIG": "{not json"}, "TF_CONFIG must be JSON, got '{not json'"),
    ({"TF_CONFIG": "[" * 100_000}, "TF_CONFIG must be JSON"),
    ({"TF_CONFIG": "3"}, '"cluster"'),
    ({"TF_CONFIG": "null"}, '"cluster"'),
    ({"TF_CONFIG": "[]"}, '"cluster"'),
    ({"TF_CONFIG": json.dumps({"task": FIRST})}, '"cluster"'),
    (_tf(["localhost:1"]), '"cluster"'),
    (_tf({}), '"cluster"'),
    (_tf({"ps": ["localhost:1"]}), '"cluster"'),
    (_tf({**ONE, "chief": ["localhost:3"]}), "nothing else in it"),
    ({"TF_CONFIG": json.dumps({"cluster": ONE})}, '"task"'),
    (_tf(ONE, 0), '"task"'),
    (_tf(ONE, {"index": 0}), '"task"'),
    *[(_tf(ONE, {"type": kind, "index": 0}), '"task"') for kind in ("ps", "chief", "evaluator", 3)],
    *[
        (_tf(TWO, {"type": "worker", "index": index}), "must be 0 to 1, as there are 2 workers, got")
        for index in (2, -1, 0.5, "x", "", None, True, [0], 10**30, "9" * 6000)
    ],
    *[
        (_tf({"worker": hosts}), "must be a list of host:port, got")
        for hosts in ([], {}, None, 3, "localhost:1")
    ],
    *[
        (_tf({"worker": [host]}), "must be host:port each, got")
        for host in ("localhost", "localhost:", ":1", "a b:1", "a:0", "a:65536", "http://a:1", 3, None)
    ],
    (_tf({"worker": ["a:1", "a:1"]}), "names a:1 twice"),
    (_kubernetes(""), "WORKER_HOSTS must be host:port each, got ''"),
    (_kubernetes("a:1,,b:1"), "WORKER_HOSTS must be host:port each, got ''"),
    (_kubernetes("a:1,b:1", "2"), "JOB_COMPLETION_INDEX must be 0 to 1"),
    (_kubernetes("a:1,b:1", "x"), "JOB_COMPLETION_INDEX must be 0 to 1"),
    ({"SLURM_PROCID": "0"}, "the Slurm variables describe no cluster"),
    ({"SLURM_PROCID": "x", "SLURM_STEP_NUM_TASKS": "y"}, "the Slurm variables describe no cluster"),
    *[
        ({**_tf(TWO), "TFVAE_WAIT_SECONDS": wait}, "TFVAE_WAIT_SECONDS must be a number above 0")
        for wait in ("x", "-1", "0", "nan", "inf")
    ],
]  # fmt: skip


@pytest.mark.parametrize(("environment", "says"), ROWS, ids=range(len(ROWS)))
def test_an_environment_that_is_wrong_is_refused(monkeypatch, environment, says):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError) as refused:
        resolver()
    said = str(refused.value)
    assert says in said and "\n" not in said and len(said) < 400


def _free():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{held.getsockname()[1]}"


def test_a_worker_that_does_not_come_is_named_and_waited_for_no_longer(capsys):
    own, other = _free(), _free()
    started = time.monotonic()
    with pytest.raises(UserError, match=f"waited 0.3 seconds .* for {other}: start every worker"):
        meet(Cluster([own, other], 0), 0.3)
    assert time.monotonic() - started < 5
    assert capsys.readouterr().err == f"waiting for {other}\n"


def test_workers_that_come_meet_and_leave_their_ports(capsys):
    workers = [_free(), _free()]
    late = threading.Timer(0.3, meet, (Cluster(workers, 1), 20.0))
    late.start()
    meet(Cluster(workers, 0), 20.0)
    late.join(20.0)
    assert not late.is_alive() and capsys.readouterr().err == ""
    for worker in workers:  # TensorFlow takes the ports over
        with cluster._listening(worker):
            pass


def test_a_probe_of_somebody_else_is_no_worker():
    own, other = _free(), _free()

    def probe():
        for _ in range(20):
            with (
                contextlib.suppress(OSError),
                socket.create_connection(cluster._split(own)) as door,
            ):
                door.sendall(b"GET / HTTP/1.1")
            time.sleep(0.05)

    stranger = threading.Thread(target=probe)
    with socket.create_server(cluster._split(other)):  # listens, and never knocks
        stranger.start()
        with pytest.raises(UserError, match=f"waited 0.5 seconds .* for {other}"):
            meet(Cluster([own, other], 0), 0.5)
    stranger.join()


def test_a_port_that_is_taken_is_said():
    with socket.create_server(("127.0.0.1", 0)) as held:
        own = f"127.0.0.1:{held.getsockname()[1]}"
        with pytest.raises(UserError, match=f"worker {own} cannot listen at its port: Address"):
            meet(Cluster([own, _free()], 0), 0.3)


def test_one_worker_alone_waits_for_nobody():
    meet(Cluster([_free()], 0), 0.1)
