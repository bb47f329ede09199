"""Where a run computes: one device, several on one machine, several machines."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from tfvae.checks import UserError, one_of
from tfvae.training import cluster

__all__ = ["agree", "distribute", "finish", "is_chief", "lost_worker", "make", "shard"]


def make(name: str = "auto", cpu_replicas: int = 1):
    """The strategy of a name.

    Args:
        name: `auto` (all GPUs if there is more than one, or all CPU replicas), `one_device`,
            `mirrored`, `multi_worker` (TF_CONFIG, Slurm, or Kubernetes' indexed jobs).
        cpu_replicas: logical CPU devices, to try a mirrored run without GPUs.

    Raises:
        UserError: what the name needs is not there.
    """
    one_of("strategy", name, ("auto", "one_device", "mirrored", "multi_worker"))
    if name == "multi_worker":
        return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=cluster.resolver())
    if cpu_replicas > 1:
        _split_cpu(cpu_replicas)
    if name == "one_device" and cpu_replicas > 1:
        raise UserError(f"--strategy=one_device has one device, got --cpu_replicas={cpu_replicas}")
    gpus = tf.config.list_physical_devices("GPU")
    if name == "one_device" or (name == "auto" and cpu_replicas == 1 and len(gpus) < 2):
        return tf.distribute.get_strategy()
    if cpu_replicas > 1:
        return tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(cpu_replicas)])
    if not gpus:
        raise UserError(
            "--strategy=mirrored finds no GPU here; --cpu_replicas=2 tries it on the CPU"
        )
    return tf.distribute.MirroredStrategy()


def _split_cpu(count: int) -> None:
    cpu = tf.config.list_physical_devices("CPU")[0]
    have = tf.config.get_logical_device_configuration(cpu)
    if have is not None and len(have) >= count:
        return
    try:
        tf.config.set_logical_device_configuration(
            cpu, [tf.config.LogicalDeviceConfiguration()] * count
        )
    except RuntimeError as error:
        raise UserError(
            f"cpu_replicas={count} must be set before TensorFlow's first operation"
        ) from error


def shard(strategy) -> tuple[int, int]:
    """(index, count) of this process among the workers."""
    resolver = strategy.cluster_resolver
    if resolver is None or not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return 0, 1
    return resolver.task_id, resolver.cluster_spec().num_tasks("worker")


def is_chief(strategy) -> bool:
    """Whether this process writes the run directory."""
    return shard(strategy)[0] == 0


def distribute(strategy, make_stream: Callable[[tuple[int, int]], Any], batch_size: int):
    """The batches for `fit`: each replica gets its rows of the global batch, in the replicas' order.

    Args:
        strategy: from `make`.
        make_stream: (index, count) -> this worker's rows of each global batch.
        batch_size: of the global batch.

    Raises:
        UserError: the batch does not divide into the replicas.
    """
    replicas = strategy.num_replicas_in_sync
    if batch_size % replicas:
        raise UserError(
            f"--batch_size must be a multiple of the {replicas} replicas, got {batch_size}"
        )
    stream = make_stream(shard(strategy))
    if shard(strategy)[1] == 1:
        return stream
    # every worker makes its own rows already; TensorFlow must not shard them once more
    local = batch_size // replicas
    return strategy.distribute_datasets_from_function(
        lambda context: stream.unbatch().batch(local, drop_remainder=True).prefetch(2)
    )


def finish(strategy) -> None:
    """Waits until every worker is here: one that leaves early breaks the steps of the others."""
    agree(strategy, 0)


def agree(strategy, value: int) -> bool:
    """Whether every worker came here with the same number; waits for all of them."""
    if shard(strategy)[1] == 1:
        return True

    @tf.function(autograph=False)
    def everyones():
        return strategy.gather(strategy.run(lambda: tf.fill([1], tf.cast(value, tf.int32))), 0)

    return len(set(everyones().numpy().tolist())) == 1


@contextlib.contextmanager
def lost_worker(strategy) -> Iterator[None]:
    """Turns the errors that a worker sees when another one is gone into one line."""
    try:
        yield
    except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError) as error:
        if shard(strategy)[1] == 1:
            raise
        raise UserError(
            "another worker of the cluster is gone; start all of them again with --resume"
        ) from error
