"""8-bit pixels as a mixture of discretised logistics whose components span the channels.

    P(v) = sum_k w_k prod_c [ F((v_c + 1/255 - m_kc) / s_kc) - F((v_c - 1/255 - m_kc) / s_kc) ]

with F the logistic function and v = x / 127.5 - 1; the lowest bin is open to the left and the
highest to the right, so the 256 masses sum to 1. In RGB the means of one pixel are coupled:

    m_G += tanh(c0) v_R,      m_B += tanh(c1) v_R + tanh(c2) v_G

Salimans, Karpathy, Chen and Kingma, "PixelCNN++", ICLR 2017, equations 1 to 3. Their code replaces
a bin mass below 1e-5 by density times width; here the mass is exact however small, through

    F(a) - F(b) = F(a) F(-b) (1 - exp(b - a))

whose logarithm has no cancellation, no branch and no NaN, so nothing has to be replaced.

Parameters a pixel: K weights (logits), then for each channel K means, K log-scales and (RGB only) K
raw coefficients: c0 stands in R's place, c1 in G's, c2 in B's. P = 3 K (grey) or 10 K (RGB).

Legend: B batch, H W C image, K components, P parameters a pixel, ... any leading axes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.checks import UserError
from tfvae.likelihoods.likelihood import (
    Likelihood,
    check_bytes,
    event_rank,
    preprocess_bytes,
    sizes,
    sum_event,
)
from tfvae.parts import Part, facts, part, setting
from tfvae.randomness import batch_uniform, fold

tfd = tfp.distributions

__all__ = ["DiscretizedLogisticMixture"]

HALF_BIN = 1.0 / 255.0
# The floor is PixelCNN++'s. The ceiling (s = 1097 against an interval of length 2) is out of the
# way of any fit and keeps 1 - exp(-width / s) away from 0 in float32.
LOG_SCALE_RANGE = (-7.0, 7.0)


class _Components(NamedTuple):
    """What the parameters of a pixel mean: log_weights [..., K], the others [..., C, K]."""

    log_weights: tf.Tensor
    means: tf.Tensor
    log_scales: tf.Tensor
    coefficients: Any  # None of a grey pixel

    def mean(self, channel: int, values: list) -> tf.Tensor:
        """The mean [..., K] of a channel, given the channels before it.

        Args:
            channel: which.
            values: the preprocessed values of the channels before it, each broadcastable to
                [..., K].
        """
        mean = self.means[..., channel, :]
        if channel == 1:
            mean += self.coefficients[..., 0, :] * values[0]
        elif channel == 2:
            mean += self.coefficients[..., 1, :] * values[0]
            mean += self.coefficients[..., 2, :] * values[1]
        return mean


def _log_mass(v, mean, log_scale) -> tf.Tensor:
    """ln [F((v + h - m)/s) - F((v - h - m)/s)] with open edges; all arguments broadcast.

    Returns:
        nats, finite for every finite argument; v = -1 takes F(upper), v = 1 takes 1 - F(lower).
    """
    inverse = tf.exp(-log_scale)
    upper = (v - mean + HALF_BIN) * inverse
    lower = (v - mean - HALF_BIN) * inverse
    width = tf.math.log(-tf.math.expm1(-2.0 * HALF_BIN * inverse))
    below = tf.math.log_sigmoid(upper)
    above = -tf.nn.softplus(lower)
    lowest, highest = v < -0.999, v > 0.999
    inside = tf.logical_not(tf.logical_or(lowest, highest))
    # Every summand is finite, so switching off by `where` leaks no NaN into the gradient.
    return (
        tf.where(highest, 0.0, below) + tf.where(lowest, 0.0, above) + tf.where(inside, width, 0.0)
    )


def _level_masses(mean, log_scale) -> tf.Tensor:
    """[...] and [...] -> [..., 256]: one component's mass at every level."""
    levels = preprocess_bytes(tf.range(256))
    return tf.exp(_log_mass(levels, mean[..., None], log_scale[..., None]))


@keras.saving.register_keras_serializable(package="tfvae")
class DiscretizedLogisticMixture(Likelihood):
    """The PixelCNN++ likelihood (formula at the module's head) for grey or RGB images of 8 bits.

    Args:
        num_components: K.
    """

    bits = 8
    input_range = (-1.0, 1.0)

    def __init__(self, num_components: int = 10):
        if type(num_components) is not int or num_components < 1:
            raise UserError(f"num_components must be an integer above 0, got {num_components!r}")
        self.num_components = num_components

    def parameter_size(self, channels: int) -> int:
        """3 K for one channel, 10 K for three.

        Raises:
            UserError: any other number of channels.
        """
        if channels not in (1, 3):
            raise UserError(f"the logistic mixture wants images of 1 or 3 channels, got {channels}")
        return self.num_components * (3 if channels == 1 else 10)

    def _components(self, parameters) -> _Components:
        parameters = tf.cast(parameters, tf.float32)
        k = self.num_components
        size = parameters.shape[-1]
        if size not in (3 * k, 10 * k):
            raise UserError(
                f"a logistic mixture of {k} components wants {3 * k} (grey) or {10 * k} (RGB) "
                f"parameters a pixel, got {size}"
            )
        channels, kinds = (1, 2) if size == 3 * k else (3, 3)
        rest = tf.reshape(parameters[..., k:], [*sizes(parameters)[:-1], channels, kinds, k])
        return _Components(
            log_weights=tf.nn.log_softmax(parameters[..., :k]),
            means=rest[..., 0, :],
            log_scales=tf.clip_by_value(rest[..., 1, :], *LOG_SCALE_RANGE),
            coefficients=tf.tanh(rest[..., 2, :]) if kinds == 3 else None,
        )

    def preprocess(self, x) -> tf.Tensor:
        """x / 127.5 - 1."""
        return preprocess_bytes(x)

    def log_prob(self, parameters, x) -> tf.Tensor:
        """[B] nats; see `Likelihood.log_prob`."""
        components = self._components(parameters)
        values = tf.unstack(preprocess_bytes(x)[..., None], axis=-2)  # C times [..., 1]
        joint = components.log_weights
        for c, value in enumerate(values):
            joint += _log_mass(value, components.mean(c, values), components.log_scales[..., c, :])
        return sum_event(tf.reduce_logsumexp(joint, -1, keepdims=True), event_rank(parameters))

    def distribution(self, parameters) -> Any:
        """The mixture as a `tfd.Distribution`, event [..., C], values 0. .. 255."""
        return _LogisticMixtureImage(self, parameters)

    def mean(self, parameters) -> tf.Tensor:
        """E[x]: exact for grey images.

        In RGB each component's G and B are taken at the component's mean of the channels before,
        which is exact but for the part of the logistic that the open edges cut off.
        """
        components = self._components(parameters)
        levels = tf.range(256, dtype=tf.float32)
        values, means = [], []
        for c in range(components.means.shape[-2]):
            each = zip(
                tf.unstack(components.mean(c, values), axis=-1),
                tf.unstack(components.log_scales[..., c, :], axis=-1),
            )
            # One component at a time: [..., K, 256] would not fit for whole images.
            raw = tf.stack([tf.reduce_sum(_level_masses(m, s) * levels, -1) for m, s in each], -1)
            values.append(preprocess_bytes(raw))
            means.append(tf.reduce_sum(tf.exp(components.log_weights) * raw, -1))
        return tf.stack(means, -1)

    def mode(self, parameters) -> tf.Tensor:
        """The likeliest of the 256 levels; in RGB channel by channel, given the modes before it."""
        components = self._components(parameters)
        log_weights = components.log_weights
        values, modes = [], []
        for c in range(components.means.shape[-2]):
            mean, log_scale = components.mean(c, values), components.log_scales[..., c, :]
            parts = (tf.exp(log_weights), mean, log_scale)
            each = zip(*(tf.unstack(part, axis=-1) for part in parts))
            masses = sum(w[..., None] * _level_masses(m, s) for w, m, s in each)
            mode = tf.cast(tf.argmax(masses, -1), tf.float32)
            value = preprocess_bytes(mode)[..., None]
            # What the next channel knows of the component: p(k | the modes so far).
            log_weights = tf.nn.log_softmax(log_weights + _log_mass(value, mean, log_scale))
            values.append(value)
            modes.append(mode)
        return tf.stack(modes, -1)

    def sample(self, parameters, seed) -> tf.Tensor:
        """Draws the component, then the channels in order, each rounded before the next sees it."""
        components = self._components(parameters)
        shape = sizes(components.log_weights)
        gumbel = -tf.math.log(-tf.math.log(batch_uniform(shape, fold(seed, 0))))
        chosen = tf.argmax(components.log_weights + gumbel, -1)[..., None]  # [..., 1]

        def pick(part):
            return tf.gather(part, chosen, axis=-1, batch_dims=len(shape) - 1)

        values, draws = [], []
        for c in range(components.means.shape[-2]):
            u = batch_uniform([*shape[:-1], 1], fold(seed, 1 + c))
            noise = tf.math.log(u) - tf.math.log1p(-u)
            scale = tf.exp(pick(components.log_scales[..., c, :]))
            real = pick(components.mean(c, values)) + scale * noise
            draw = tf.round((tf.clip_by_value(real, -1.0, 1.0) + 1.0) * 127.5)
            values.append(preprocess_bytes(draw))
            draws.append(draw)
        return tf.concat(draws, -1)

    def check(self, array: np.ndarray) -> None:
        """Refuses what is not whole numbers from 0 to 255."""
        check_bytes(array)


class _LogisticMixtureImage(tfd.Distribution):
    """A `DiscretizedLogisticMixture` with its parameters [B, ..., P], as TFP wants it."""

    def __init__(self, likelihood, image_parameters, validate_args=False, name="LogisticMixture"):
        parameters = dict(locals())
        self._likelihood = likelihood
        self._image_parameters = tf.convert_to_tensor(image_parameters)
        k = likelihood.num_components
        self._channels = 1 if self._image_parameters.shape[-1] == 3 * k else 3
        super().__init__(
            dtype=tf.float32,
            reparameterization_type=tfd.NOT_REPARAMETERIZED,
            validate_args=validate_args,
            allow_nan_stats=True,
            parameters=parameters,
            name=name,
        )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {
            "likelihood": tfp.util.ParameterProperties(event_ndims=None, is_preferred=False),
            "image_parameters": tfp.util.ParameterProperties(
                event_ndims=lambda mixture: event_rank(mixture._image_parameters)
            ),
        }

    def _event_shape(self):
        return tf.TensorShape([*self._image_parameters.shape[1:-1], self._channels])

    def _event_shape_tensor(self):
        return tf.concat([tf.shape(self._image_parameters)[1:-1], [self._channels]], 0)

    def _log_prob(self, value):
        return self._likelihood.log_prob(self._image_parameters, value)

    def _sample_n(self, n, seed=None):
        seed = tfp.random.sanitize_seed(seed)
        repeated = tf.repeat(self._image_parameters[None], n, axis=0)
        return self._likelihood.sample(repeated, seed)

    def _mean(self):
        return self._likelihood.mean(self._image_parameters)

    def _mode(self):
        return self._likelihood.mode(self._image_parameters)


@part
class LogisticPixels(Part):
    """256 levels, cut from a mixture of logistics (Salimans et al. 2017)."""

    place, name, kinds = "likelihood", "logistic_mixture", ("images",)
    needs = facts("bytes")
    offers = facts("smooth_inputs")
    mixture_components: int = setting(10, "of the mixture", low=1, high=100)

    def make(self, context):
        return DiscretizedLogisticMixture(self.mixture_components)
