"""Uniform over categories, and several priors in one z.

Legend: K categories, P priors.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.checks import UserError
from tfvae.distributions import OneHot, SideBySide
from tfvae.latents.parts import PriorPart
from tfvae.latents.prior import Prior
from tfvae.latents.priors.standard_normal import StandardNormalPrior
from tfvae.parts import facts, part

tfd = tfp.distributions

__all__ = ["SideBySidePrior", "UniformCategoryPrior"]


@keras.saving.register_keras_serializable(package="tfvae")
class UniformCategoryPrior(Prior):
    """p(c) = 1 / K of each one-hot vector c: one group.

    Args:
        event_shape: `(K,)`, or `(n, K)`.
    """

    @property
    def unit_widths(self) -> tuple[int, ...]:
        return self.event_shape[-1:]

    def distribution(self) -> tfd.Distribution:
        """p(c), batch shape [], event shape as declared."""
        each = OneHot(tf.zeros(self.event_shape))
        return tfd.Independent(each, 1) if len(self.event_shape) > 1 else each


@keras.saving.register_keras_serializable(package="tfvae")
class SideBySidePrior(Prior):
    """p(z) = prod_i p_i(z_i),   z = (z_1, ..., z_P).

    Args:
        priors: the same for all examples, of event shapes that differ in the last axis alone.

    Raises:
        UserError: one that tells examples apart.
    """

    def __init__(self, priors: Sequence[Prior], event_shape=None, **kwargs):
        priors = list(priors)
        for each in priors:
            if type(each).given is not Prior.given:
                raise UserError(
                    f"a {type(each).__name__} tells examples apart and cannot stand beside other priors"
                )
        width = sum(each.event_shape[-1] for each in priors)
        super().__init__((*priors[0].event_shape[:-1], width), **kwargs)
        self.priors = priors

    @property
    def unit_widths(self) -> tuple[int, ...]:
        return sum((each.unit_widths for each in self.priors), ())

    @property
    def proper(self) -> bool:
        return all(each.proper for each in self.priors)

    def build(self, input_shape=None):
        for each in self.priors:
            if not each.built:
                each.build(input_shape)
        self.built = True

    def distribution(self) -> SideBySide:
        """p(z), batch shape [], event shape as declared."""
        return SideBySide([each.distribution() for each in self.priors])

    def get_config(self):
        priors = [keras.saving.serialize_keras_object(each) for each in self.priors]
        return {**super().get_config(), "priors": priors}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        priors = config.pop("priors")
        return cls([keras.saving.deserialize_keras_object(each) for each in priors], **config)


@part
class UniformCategories(PriorPart):
    """Uniform over each of the posterior's categories; N(0, I) of the rest."""

    name = "uniform_categories"
    needs = facts("categories")
    offers = facts("category_prior one_prior prior_without_rows")

    def make(self, context):
        asked, leading = context.point["posterior"], context.shape[:-1]
        left = asked.gaussian_width(context.shape)
        priors: list[Prior] = [UniformCategoryPrior((*leading, k)) for k in asked.categories]
        if left:
            priors.append(StandardNormalPrior((*leading, left)))
        return SideBySidePrior(priors)
