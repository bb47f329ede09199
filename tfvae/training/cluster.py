"""Who the workers of a run are: TF_CONFIG, Slurm, or an indexed job of Kubernetes; and whether all are there.

TensorFlow waits in C++ for a worker that never comes, without a word. So the workers meet first: each
listens at its own port and knocks at the others', until all of them have answered.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import sys
import time
from typing import NamedTuple

import tensorflow as tf

from tfvae.checks import UserError, one_line

__all__ = ["Cluster", "meet", "resolver"]

_WAIT = 300.0  # seconds
_SAID_EVERY = 30.0
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):([0-9]{1,5})")
_SHOWN = 80


class Cluster(NamedTuple):
    """host:port of every worker, and which of them this process is."""

    workers: list[str]
    index: int


def resolver():
    """The cluster that the environment describes, once every worker of it is there.

    Raises:
        UserError: the environment describes none, or a worker did not come.
    """
    if os.environ.get("TF_CONFIG"):
        meet(_tf_config(os.environ["TF_CONFIG"]))
        return tf.distribute.cluster_resolver.TFConfigClusterResolver()
    if "SLURM_PROCID" in os.environ:
        return _slurm()
    if "JOB_COMPLETION_INDEX" in os.environ and "WORKER_HOSTS" in os.environ:
        cluster = _kubernetes()
        task = {"type": "worker", "index": cluster.index}
        os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": cluster.workers}, "task": task})
        meet(cluster)
        return tf.distribute.cluster_resolver.TFConfigClusterResolver()
    raise UserError(
        "--strategy=multi_worker finds no cluster: set TF_CONFIG, run under Slurm, or in a Kubernetes "
        "indexed job with WORKER_HOSTS=host:port,host:port,..."
    )


def _tf_config(text: str) -> Cluster:
    try:
        held = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"TF_CONFIG must be JSON, got {one_line(text, _SHOWN)!r}") from error
    cluster = held.get("cluster") if isinstance(held, dict) else None
    task = held.get("task") if isinstance(held, dict) else None
    if not isinstance(cluster, dict) or set(cluster) != {"worker"}:
        raise UserError(
            'TF_CONFIG must have "cluster": {"worker": [...]} and nothing else in it (the first worker '
            f"is the chief), got {one_line(json.dumps(cluster), _SHOWN)}"
        )
    if not isinstance(task, dict) or task.get("type") != "worker":
        raise UserError(
            'TF_CONFIG must have "task": {"type": "worker", "index": ...}, got '
            f"{one_line(json.dumps(task), _SHOWN)}"
        )
    workers = _addresses('TF_CONFIG: "worker"', cluster["worker"])
    return Cluster(workers, _index('TF_CONFIG: the task\'s "index"', task.get("index"), workers))


def _kubernetes() -> Cluster:
    workers = _addresses("WORKER_HOSTS", os.environ["WORKER_HOSTS"].split(","))
    index = os.environ["JOB_COMPLETION_INDEX"]
    return Cluster(workers, _index("JOB_COMPLETION_INDEX", index, workers))


def _slurm():
    try:
        found = tf.distribute.cluster_resolver.SlurmClusterResolver()
        workers = found.cluster_spec().as_dict()["worker"]  # this reads which task the process is
    except Exception as error:  # its parsers of Slurm's variables raise whatever they stumble over
        said = one_line(f"{type(error).__name__}: {error}", 2 * _SHOWN)
        raise UserError(
            f"the Slurm variables describe no cluster (start it by srun): {said}"
        ) from error
    meet(Cluster(_addresses("Slurm's nodes", workers), found.task_id))
    return found


def _addresses(what: str, workers) -> list[str]:
    if not isinstance(workers, list) or not workers:
        raise UserError(
            f"{what} must be a list of host:port, got {one_line(repr(workers), _SHOWN)}"
        )
    for worker in workers:
        match = _ADDRESS.fullmatch(worker) if isinstance(worker, str) else None
        if match is None or not 0 < int(match[2]) < 65536:
            raise UserError(f"{what} must be host:port each, got {one_line(repr(worker), _SHOWN)}")
        if workers.count(worker) > 1:
            raise UserError(f"{what} names {worker} twice")
    return workers


def _index(what: str, index, workers: list[str]) -> int:
    text = str(index) if isinstance(index, (int, str)) and not isinstance(index, bool) else ""
    if not (text.isascii() and text.isdigit() and int(text[:9]) < len(workers)):
        raise UserError(
            f"{what} must be 0 to {len(workers) - 1}, as there are {len(workers)} workers, got "
            f"{one_line(repr(index), _SHOWN)}"
        )
    return int(text)


def meet(cluster: Cluster, seconds: float | None = None) -> None:
    """Returns when every other worker has answered, and has been answered.

    Args:
        cluster: who.
        seconds: how long to wait; TFVAE_WAIT_SECONDS, or 300, if not given.

    Raises:
        UserError: one did not come within the time, or this worker's own port is taken.
    """
    seconds = _patience() if seconds is None else seconds
    others = set(range(len(cluster.workers))) - {cluster.index}
    answered, heard = set(), set()
    started = time.monotonic()
    quiet_until = started + min(2.0, seconds / 10)
    with _listening(cluster.workers[cluster.index]) as own:
        while True:
            answered |= {i for i in others - answered if _knock(cluster.workers[i], cluster.index)}
            heard |= _knocks(own)
            missing = [cluster.workers[i] for i in sorted(others - (answered & heard))]
            if not missing:
                return
            now = time.monotonic()
            if now - started > seconds:
                raise UserError(
                    f"waited {seconds:g} seconds (TFVAE_WAIT_SECONDS) for {', '.join(missing)}: start "
                    "every worker of the cluster, with the same list of them"
                )
            if now > quiet_until:
                print(f"waiting for {', '.join(missing)}", file=sys.stderr, flush=True)
                quiet_until = now + _SAID_EVERY
            time.sleep(min(0.2, seconds / 10))


def _patience() -> float:
    text = os.environ.get("TFVAE_WAIT_SECONDS", "")
    with contextlib.suppress(ValueError):
        if not text or 0 < float(text) <= 1e7:
            return float(text or _WAIT)
    raise UserError(f"TFVAE_WAIT_SECONDS must be a number above 0, got {one_line(text, _SHOWN)!r}")


def _split(worker: str) -> tuple[str, int]:
    host, _, port = worker.rpartition(":")
    return host.strip("[]"), int(port)


@contextlib.contextmanager
def _listening(worker: str):
    """At this worker's own port, which TensorFlow takes over when everybody has knocked."""
    port = _split(worker)[1]
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    try:
        held = socket.create_server(("", port), family=family, dualstack_ipv6=both)
    except OSError as error:
        raise UserError(f"worker {worker} cannot listen at its port: {error.strerror}") from error
    held.setblocking(False)
    with held:
        yield held


def _knock(worker: str, index: int) -> bool:
    """Says who is there; whether somebody listens."""
    try:
        with socket.create_connection(_split(worker), timeout=1.0) as door:
            door.sendall(f"{index}\n".encode())
            return True
    except (OSError, UnicodeError):  # not there yet, or its name is not known yet
        return False


def _knocks(own: socket.socket) -> set[int]:
    """Who has knocked since."""
    heard = set()
    with contextlib.suppress(BlockingIOError):
        while True:
            door, _ = own.accept()
            with door, contextlib.suppress(OSError, ValueError):  # somebody else's probe
                door.settimeout(1.0)
                heard.add(int(door.recv(16)))
    return heard
