"""One device = two replicas = two workers, on the same global batch, with all noise."""

import json
import os
import socket
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import models
from tfvae.objectives import elbo
from tfvae.procedures import Joint, Update
from tfvae.training import strategy as strategies
from zoo.datasets.data import Split
from zoo.datasets.pipeline import training_stream

STEPS, BATCH = 20, 16


def train(strategy, make, optimizer):
    """The weights after 20 clipped steps on binarised, shuffled data."""
    grey = np.random.default_rng(0).random((50, *models.SHAPE)).astype("float32")
    with strategy.scope():
        model = make()
        procedure = Joint(Update(elbo(), optimizer(), clip_norm=0.5), seed=7)
    data = strategies.distribute(
        strategy,
        lambda shard: training_stream(Split(grey, None), "binary_dynamic", BATCH, 1, shard=shard),
        BATCH,
    )
    model.compile(procedure=procedure)
    with strategy.scope():
        model.fit(data, steps_per_epoch=STEPS, epochs=1, verbose=0, shuffle=False)
    return [w.numpy() for w in model.trainable_variables]


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (models.plain, "SGD"),
        (models.delta, "Adam"),
        pytest.param(models.plain, "Adam", marks=pytest.mark.slow),
        pytest.param(models.delta, "SGD", marks=pytest.mark.slow),
    ],
    ids=["plain-SGD", "delta-Adam", "plain-Adam", "delta-SGD"],
)
def test_two_replicas_equal_one_device(two_replicas, make, name):
    def optimizer():
        return {"SGD": keras.optimizers.SGD(0.05), "Adam": keras.optimizers.Adam(1e-3)}[name]

    one = train(tf.distribute.get_strategy(), make, optimizer)
    two = train(two_replicas, make, optimizer)
    start = [w.numpy() for w in make().trainable_variables]
    assert max(np.abs(a - b).max() for a, b in zip(one, start)) > 1e-3
    # Adam divides by the root of the squared gradient: rounding of a tiny one is magnified
    for a, b in zip(one, two):
        np.testing.assert_allclose(a, b, atol=2e-6 if name == "SGD" else 2e-5, rtol=1e-4)


def _free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


WORKER = """
import sys, numpy as np, keras
from tests.training.test_replicas import train
from tests import models
from tfvae.training import strategy as strategies
strategy = strategies.make("multi_worker")
weights = train(strategy, models.plain, lambda: keras.optimizers.SGD(0.05))
np.savez(sys.argv[1], *weights)
strategies.finish(strategy)
"""


def test_two_workers_equal_one_device(tmp_path):
    hosts = [f"127.0.0.1:{port}" for port in _free_ports(2)]
    running = []
    for index in range(2):
        config = {"cluster": {"worker": hosts}, "task": {"type": "worker", "index": index}}
        environment = {**os.environ, "TF_CONFIG": json.dumps(config), "TF_CPP_MIN_LOG_LEVEL": "3"}
        words = [sys.executable, "-c", WORKER, str(tmp_path / f"{index}.npz")]
        running.append(subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True))
    for process in running:
        _, errors = process.communicate(timeout=180)
        assert process.returncode == 0, errors[-3000:]
    one = train(tf.distribute.get_strategy(), models.plain, lambda: keras.optimizers.SGD(0.05))
    for index in range(2):
        with np.load(tmp_path / f"{index}.npz") as held:
            for a, name in zip(one, held.files):
                np.testing.assert_allclose(a, held[name], atol=2e-6, rtol=1e-4)


def test_strategies_refuse_what_is_not_there(monkeypatch):
    from tfvae.checks import UserError

    for name in ("TF_CONFIG", "SLURM_PROCID", "JOB_COMPLETION_INDEX"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UserError, match="finds no cluster"):
        strategies.make("multi_worker")
    monkeypatch.setenv("TF_CONFIG", "{not json")
    with pytest.raises(UserError, match="TF_CONFIG must be JSON"):
        strategies.make("multi_worker")
    monkeypatch.delenv("TF_CONFIG")
    monkeypatch.setenv("WORKER_HOSTS", "a:1,b:1")
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "2")
    with pytest.raises(UserError, match="must be 0 to 1, .*got '2'"):
        strategies.make("multi_worker")
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    with pytest.raises(UserError, match="finds no GPU"):
        strategies.make("mirrored")
    with pytest.raises(UserError, match="unknown strategy 'mirored'; did you mean mirrored"):
        strategies.make("mirored")
