"""`wide_vae`: a package of somebody else, as pip would lay it down: a prior, a term, a data set, a model.

p(z) = N(0, s^2 I),   loss = distortion + rate + w mean |z|^2
"""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.latents import Prior
from tfvae.latents.parts import PriorPart
from tfvae.objectives.parts import Added, TermPart
from tfvae.parts import facts, part, setting
from zoo.datasets.data import Data, Split
from zoo.datasets.registry import Outside
from zoo.recipe import Defaults, Recipe

tfd = tfp.distributions


@keras.saving.register_keras_serializable(package="outside_vae")
class WidePrior(Prior):
    """N(0, s^2 I)."""

    def __init__(self, event_shape, spread=2.0, **kwargs):
        super().__init__(event_shape, **kwargs)
        self.spread = spread

    def distribution(self):
        """Of one z."""
        return tfd.Independent(tfd.Normal(tf.zeros(self.event_shape), self.spread), 1)

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "spread": self.spread}


@part
class Wide(PriorPart):
    """N(0, s^2 I)."""

    name = "wide"
    needs = facts("density one_vector")
    offers = facts("one_prior renewable_prior prior_without_rows continuous_prior")
    spread: float = setting(2.0, "s", low=1e-3, high=1e3)

    def make(self, context):
        """The layer."""
        return WidePrior(context.shape, self.spread)


@part
class Energy(TermPart):
    """w mean |z|^2."""

    name = "energy"
    needs = facts("z")
    energy_weight: float = setting(1.0, "w", low=0.0)

    def make(self, context):
        """The term."""
        return Added({"energy": (self.energy_weight, lambda draw: tf.reduce_sum(draw.z**2, -1))})


def _load(data_dir):
    del data_dir
    rng = np.random.default_rng(0)
    x = (rng.random((60, 1, 6, 1)) < 0.5).astype("float32") * np.ones((60, 4, 6, 1), "float32")
    labels = np.arange(60) % 3
    splits = [Split(x[i::3], labels[i::3]) for i in range(3)]
    return Data("stripes", *splits, "binary_fixed", "60 images of stripes", "nobody", {})


STRIPES = Outside((4, 6, 1), "binary_fixed", _load, labels=3, made_here=True)

RECIPE = Recipe(
    "Nobody, nowhere, 2026",
    Defaults("stripes", "mlp", train_steps=4, batch_size=5),
    {"prior": "wide", "terms": "+energy", "latent_width": 2},
)
