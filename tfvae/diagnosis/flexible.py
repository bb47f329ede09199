"""A family of posteriors that is flexible for one x: an auxiliary variable and a coupling flow of its own.

    z_0 ~ N(mu, diag sigma^2),   v_0 ~ q(v|z_0);   twice:  v <- m_1(z) + s_1(z) v,   z <- m_2(v) + s_2(v) z
    log q(z) = log q(z_0) + log q(v_0|z_0) - sum log s_1 - sum log s_2 - log r(v|z)

Cremer, Li and Duvenaud 2018, eq. 6 to 8 (their q_AF); its bound lies below log p(x), whatever r.

Legend: B batch, D numbers of z, H hidden units.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.draw import Pass
from tfvae.latents import DrawnPosterior
from tfvae.model import VAE
from tfvae.randomness import batch_normal, fold

__all__ = ["FlexiblePosterior", "flexible"]

tfd = tfp.distributions
_TURNS = 2
_NETWORKS = ("given", "reverse", *(f"{of}_{turn}" for turn in range(_TURNS) for of in ("v", "z")))
_BOUND = 3.0  # of log s
_OF_V = 0xF1E  # the noise of v, apart from that of z
_SPREAD = 0.1  # of a start about a deterministic code


class FlexiblePosterior(DrawnPosterior):
    """Each example has networks of its own, D -> H tanh -> 2 D, all of them parameters of its q.

    They begin as the identity: q(z) = N(mu, diag sigma^2), and r knows all of v.

    Args:
        event_shape: of z.
        begin: (features, pass) -> mean and log-variance where a search begins, [B, *event_shape] each.
        units: H.
    """

    def __init__(self, event_shape, begin: Callable, units: int = 32, **kwargs):
        super().__init__(event_shape, **kwargs)
        self.begin, self.units = begin, units
        self.size = int(np.prod(self.event_shape))

    def build(self, features_shape):
        del features_shape
        self.built = True

    def parameters(self, features, pass_=None) -> tuple[tf.Tensor, ...]:
        mean, log_variance = self.begin(features, pass_)
        rows, rng = tf.shape(mean)[0], np.random.default_rng(0)
        found = [mean, log_variance]
        for _ in _NETWORKS:
            first = rng.normal(size=(self.size, self.units)) / np.sqrt(self.size)
            for start in (first, np.zeros(self.units), np.zeros((self.units, 2 * self.size))):
                found.append(_each(start, rows))
            found.append(_each(np.zeros(2 * self.size), rows))
        return tuple(found)

    def neutral(self, parameters) -> list[tf.Tensor]:
        mean, log_variance, *networks = parameters
        return [tf.zeros_like(mean), tf.zeros_like(log_variance), *networks]

    def of(self, *parameters) -> tuple[tf.Tensor, ...]:
        return parameters

    def parameters_of(self, posterior) -> tuple[tf.Tensor, ...]:
        return tuple(posterior)

    def scored(self, posterior, seed):
        mean, log_variance, *weights = posterior
        networks = {name: weights[4 * i : 4 * i + 4] for i, name in enumerate(_NETWORKS)}

        def told(name, by):
            """(m, log s) of the other, [B, D] each."""
            w1, b1, w2, b2 = networks[name]
            hidden = tf.tanh(tf.einsum("bi,bih->bh", by, w1) + b1)
            shift, raw = tf.split(tf.einsum("bh,bho->bo", hidden, w2) + b2, 2, -1)
            return shift, _BOUND * tf.tanh(raw / _BOUND)

        def log_normal(x, shift, log_scale):
            return tf.reduce_sum(tfd.Normal(shift, tf.exp(log_scale)).log_prob(x), -1)

        flat = [-1, self.size]
        half = 0.5 * tf.reshape(log_variance, flat)
        noise = tf.reshape(batch_normal(tf.shape(mean), seed), flat)
        z = tf.reshape(mean, flat) + tf.exp(half) * noise
        log_q = tf.reduce_sum(tfd.Normal(0.0, 1.0).log_prob(noise) - half, -1)
        shift, log_scale = told("given", z)
        noise = batch_normal(tf.shape(z), fold(seed, _OF_V))
        v = shift + tf.exp(log_scale) * noise
        log_q += log_normal(v, shift, log_scale)
        for turn in range(_TURNS):
            shift, log_scale = told(f"v_{turn}", z)
            v = shift + tf.exp(log_scale) * v
            log_q -= tf.reduce_sum(log_scale, -1)
            shift, log_scale = told(f"z_{turn}", v)
            z = shift + tf.exp(log_scale) * z
            log_q -= tf.reduce_sum(log_scale, -1)
        log_q -= log_normal(v, *told("reverse", z))
        return tf.reshape(z, tf.shape(mean)), lambda: log_q

    def code(self, posterior) -> tf.Tensor:
        """The mean of the first draw, [B, *event_shape]."""
        return posterior[0]


def _each(start, rows) -> tf.Tensor:
    start = tf.constant(start, tf.float32)
    return tf.tile(start[None], [rows] + [1] * len(start.shape))


def flexible(model, units: int = 32) -> Any:
    """The same model, encoder and decoder under a `FlexiblePosterior`, for a search for each x.

    The search begins at the encoder's mean and scale, where q is a diagonal Gaussian, else about its code.

    Args:
        model: a `tfvae.VAE` whose posterior can be given for each x anew.
        units: H.
    """
    latent = model.latent

    def begin(features, pass_):
        pass_ = Pass.measuring() if pass_ is None else pass_
        gaussian = latent.mean_field(features, pass_)
        if gaussian is not None:
            return gaussian[0], 2.0 * tf.math.log(gaussian[1])
        mean = latent.code(features, pass_)
        return mean, tf.zeros_like(mean) + 2.0 * np.log(_SPREAD)

    free = latent.with_posterior(FlexiblePosterior(latent.event_shape, begin, units))
    parts = (model.encoder, free, model.decoder, model.likelihood, model.condition)
    told = {} if model.condition is None else {"told": model.told}
    made = VAE(*parts, **told, name=model.name)
    made.build()
    return made
