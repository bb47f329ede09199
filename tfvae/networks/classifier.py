"""q(y|z): what a code says of the label of its x.

Legend: B batch, K labels, D latent width, F features.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops

from tfvae.checks import UserError, count, one_of
from tfvae.configured import Configured
from tfvae.networks.mlp import build_chain, flat_size
from tfvae.parts import Part, facts, part, setting

__all__ = ["READS", "Classifier"]

READS = ("z", "features")


@keras.saving.register_keras_serializable(package="tfvae")
class Classifier(Configured, keras.layers.Layer):
    """log q(y|z) up to a constant: h_0 = z flattened, h_i = relu(h_{i-1} W_i + b_i), logits = h W + b.

    Alemi, Fischer, Dillon and Murphy 2017 (one linear layer on a draw of z); of the features of x it is
    the q(y|x) of Kingma, Rezende, Mohamed and Welling 2014.

    Args:
        num_labels: K; labels are 0 .. K - 1.
        units: widths of the hidden layers.
        reads: `z`, or `features`: what the encoder makes of x, without what it is told besides.

    Raises:
        UserError: fewer than two labels.
    """

    def __init__(self, num_labels: int, units: Sequence[int] = (), reads: str = "z", **kwargs):
        super().__init__(**kwargs)
        self.num_labels = count("num_labels of a classifier", num_labels, 2)
        self.units = units
        self.reads = one_of("what a classifier reads", reads, READS)
        self.hidden = [keras.layers.Dense(u, "relu", dtype=self.dtype_policy) for u in units]
        self.logits = keras.layers.Dense(num_labels, dtype="float32")

    def build(self, input_shape):
        """Builds the layers for z [B, ...], or features."""
        build_chain([*self.hidden, self.logits], (None, flat_size(input_shape)))

    def call(self, values):
        """[B, ...] -> logits [B, K] float32."""
        h = ops.reshape(values, (-1, flat_size(values.shape)))
        for layer in self.hidden:
            h = layer(h)
        return self.logits(h)


@part
class DenseClassifier(Part):
    """Fully connected: what z (or the features of x) says of the label."""

    place, name = "classifier", "dense"
    needs = facts("labels z taught_classifier")
    offers = facts("classifier")
    classifier_units: tuple[int, ...] = setting(
        (), "widths of its hidden layers; empty: linear", low=1, high=65536, length=(0, 20)
    )
    classifier_reads: str = setting(
        "z", "z: a draw of the code; features: what the encoder makes of x", choices=READS
    )

    def needed(self):
        return self.needs | facts("labels_kept_back" if self.classifier_reads == "z" else "")

    def make(self, context):
        if self.classifier_reads == "features" and context.point["target"] is not None:
            raise UserError(
                "classifier_reads=features asks nothing of z, which is all that target=terms leaves: take "
                "classifier_reads=z"
            )
        return Classifier(context.num_labels, self.classifier_units, self.classifier_reads)
