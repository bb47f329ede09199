"""A von Mises-Fisher direction with a length: the norm latent of Xu and Durrett 2018.

Legend: B batch, s points, d numbers of a point.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from tfvae.checks import UserError, positive
from tfvae.distributions import HeldVonMisesFisher, Shell, draw_von_mises_fisher, great_circle, unit
from tfvae.latents.posteriors.spherical import (
    SphericalPart,
    SphericalPosterior,
    concentration_setting,
    spheres_setting,
)
from tfvae.parts import facts, part, setting
from tfvae.randomness import batch_uniform, fold

__all__ = ["VMFNormPosterior"]

_LENGTH = 1  # purpose of the seed


@keras.saving.register_keras_serializable(package="tfvae")
class VMFNormPosterior(SphericalPosterior):
    """z = r u,   u ~ vMF(mu(x), kappa),   r ~ U(rho(x), rho(x) + 1),   rho = (norm_max - 1) sigmoid(a(x)).

        rate = KL(vMF || uniform) + ln norm_max,   the prior's r ~ U(0, norm_max): one constant

    Xu and Durrett 2018, section 3.3, whose rho is the length of the encoder's vector, cut off at the ends
    (where it has no gradient). q holds a range of length 1 of the prior's norm_max and no more, so the
    importance-weighted NLL stays above -log p(x) with any number of samples.

    Args:
        event_shape, spheres, uniform_scale: see `SphericalPosterior`; each point has a length of its own.
        concentration: kappa.
        norm_max: the largest length, above 1.

    Raises:
        UserError: no room for a range of length 1.
    """

    confined_to = ""

    def __init__(self, event_shape, concentration: float = 35.0, norm_max: float = 5.0, **kwargs):
        super().__init__(event_shape, **kwargs)
        self.concentration = float(positive("concentration", concentration))
        self.norm_max = float(positive("norm_max", norm_max))
        if self.norm_max <= 1.0:
            raise UserError(f"norm_max must be above 1, the range of one length, got {norm_max}")
        self.length_head = keras.layers.Dense(self.spheres, dtype="float32", name="length")

    @property
    def unit_scale(self) -> float:
        """E r^2 = norm_max^2 / 3 under the prior, evenly on d numbers."""
        return super().unit_scale * self.norm_max / 3.0**0.5

    def build(self, features_shape):
        super().build(features_shape)
        if not self.length_head.built:
            self.length_head.build(features_shape)

    def further(self, features) -> tuple[tf.Tensor]:
        """a, [B, s] or [B, n, s]."""
        return (self.length_head(features),)

    def each(self, directions, raw) -> Shell:
        low = (self.norm_max - 1.0) * tf.sigmoid(raw)
        return Shell(HeldVonMisesFisher(directions, self.concentration), low, 1.0)

    def parameters_of(self, posterior) -> tuple[tf.Tensor, tf.Tensor]:
        """What `of` was given for this q."""
        share = tf.clip_by_value(posterior.each.low / (self.norm_max - 1.0), 1e-7, 1.0 - 1e-7)
        return (*super().parameters_of(posterior), tf.math.log(share) - tf.math.log1p(-share))

    def draw_each(self, each, seed) -> tf.Tensor:
        u = draw_von_mises_fisher(each.mean_direction, self.concentration, seed)
        shape = [tf.shape(u)[0], *u.shape[1:-1]]
        return u * (each.low + batch_uniform(shape, fold(seed, _LENGTH)))[..., None]

    def code(self, posterior) -> tf.Tensor:
        """The direction, at the middle of the lengths."""
        return posterior.mode()

    def between(self, first, last, share) -> tf.Tensor:
        """Directions along the great circle, lengths evenly."""
        share = tf.reshape(share, [-1] + [1] * (len(self.event_shape) + 1))
        first, last = self._apart(first), self._apart(last)
        near, far = (tf.norm(end, axis=-1, keepdims=True) for end in (first, last))
        way = great_circle(unit(first), unit(last), share)
        return self._together(way * (near * (1.0 - share) + far * share))

    def get_config(self):
        return {
            **super().get_config(),
            "concentration": self.concentration,
            "norm_max": self.norm_max,
        }


@part
class VMFNorm(SphericalPart):
    """A direction by vMF(mu(x), kappa) and a length, whose rates are constants (Xu and Durrett 2018)."""

    name = "vmf_norm"
    needs = facts("shell_prior")
    offers = facts("z density density_of_every_z in_shell gradient_moves_all")
    closes = ("rate_weight", "rate_budget")  # the rate is that constant whatever x is
    brings = {"prior": "uniform_norm"}
    layer = VMFNormPosterior
    concentration: float = concentration_setting(35.0)
    spheres: int = spheres_setting()
    norm_max: float = setting(
        5.0, "the largest length of z; its logarithm is paid", low=1.001, high=1e4
    )
