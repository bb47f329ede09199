"""TensorBoard: the scalars of a training are in RUN/tensorboard always; this adds config, report, figures."""

from __future__ import annotations

import json
import os

import tensorflow as tf

from zoo.trackers import tracker

__all__ = ["Tracker"]


class Tracker(tracker.Tracker):
    """The same folder."""

    def __init__(self, path, config, state):
        super().__init__(path, config, state)
        self._writer = tf.summary.create_file_writer(os.path.join(path, "tensorboard"))
        if state is None:
            with self._writer.as_default(0):
                text = json.dumps(dict(config), indent=1).replace("\n", "\n    ")
                tf.summary.text("config", f"    {text}")
            self.state = {"config": True}

    def row(self, values, step):
        """Written by the training itself."""

    def report(self, values, verdict, figures):
        with self._writer.as_default(0):
            for name, value in values.items():
                tf.summary.scalar(f"report/{name}", value)
            tf.summary.text("verdict", verdict)
            for path in figures:
                image = tf.io.decode_png(tf.io.read_file(path), channels=3)
                name = os.path.basename(path).rpartition(".")[0]
                tf.summary.image(f"figures/{name}", image[None])

    def close(self):
        self._writer.close()
