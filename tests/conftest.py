"""Shared set-up: quiet TensorFlow, two logical CPUs, deterministic kernels."""

import gc
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import pytest
import tensorflow as tf
from tensorflow.python.data.ops import dataset_ops

from tests.default_rows import KEPT
from tfvae.batches import untuned
from tfvae.randomness import deterministic

_CPU = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(_CPU, [tf.config.LogicalDeviceConfiguration()] * 2)
deterministic()
tf.random.set_seed(0)  # which Keras then asks for where `fit` shuffles
# Every stream, Keras' own too: what tunes one can keep a test waiting for a minute (see `untuned`).
_asked = dataset_ops.DatasetV2._apply_debug_options
dataset_ops.DatasetV2._apply_debug_options = lambda stream: untuned(_asked(stream))


@pytest.fixture(scope="session")
def two_replicas():
    """A MirroredStrategy over two logical CPUs, shared by the session (its set-up is slow)."""
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Rows that repeat others are slow; see tests/default_rows.py."""
    for item in items:
        name, _, row = item.nodeid.partition("[")
        if name in KEPT and row.rstrip("]") not in KEPT[name]:
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish():
    """What is imported lives as long as the tests: it need not be searched for garbage with each search."""
    gc.collect()
    gc.freeze()
