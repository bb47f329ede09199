"""TensorFlow greets from C++ on stderr, past every Python setting, and nobody need read that."""

from __future__ import annotations

import io
import os
import sys

__all__ = ["import_tensorflow"]


def import_tensorflow() -> None:
    """Imports TensorFlow and TFP without their greeting; an error of the import arrives as it is.

    What C++ logs later is left to TF_CPP_MIN_LOG_LEVEL, which is 3 unless somebody has set it: what goes
    wrong there also comes as an exception, and the rest concerns TensorFlow's own developers.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "tensorflow_probability" in sys.modules or not _writes():
        return
    sys.stderr.flush()
    kept, nowhere = os.dup(2), io.FileIO(os.devnull, "w")
    try:
        os.dup2(nowhere.fileno(), 2)
        import tensorflow as tf

        tf.config.list_physical_devices()  # what it looks for and does not find is a greeting too
        import tensorflow_probability  # noqa: F401
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        nowhere.close()


def _writes() -> bool:
    """Whether there is a stderr at all."""
    try:
        os.fstat(2)
    except OSError:
        return False
    return sys.stderr is not None
