"""Points on several unit spheres, side by side in one z, and what draws them.

Legend: B batch, n positions, s spheres of one position, d numbers of a point; z is [..., s * d] or
[..., n, s * d].
"""

from __future__ import annotations

import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.randomness import batch_gamma, batch_normal, batch_uniform, fold, this_replica

tfd = tfp.distributions

__all__ = [
    "Spheres",
    "about",
    "draw_power_spherical",
    "draw_von_mises_fisher",
    "great_circle",
    "log_noise",
    "unit",
]

_PROPOSALS = 4  # at a time: at least two in three are accepted
_UNIFORM, _TANGENT = 1, 2  # purposes of the seed


class Spheres(tfd.Distribution):
    """A distribution of each point, independent, as one of z = the points side by side.

    Args:
        each: batch shape [..., s] or [..., n, s], event shape [d].
        positions: whether there is an axis n.
    """

    def __init__(self, each: tfd.Distribution, positions: bool = False, name: str = "Spheres"):
        parameters = dict(locals())
        self.each, self.positions = each, positions
        self._axes = 2 if positions else 1
        super().__init__(
            dtype=each.dtype,
            reparameterization_type=each.reparameterization_type,
            validate_args=False,
            allow_nan_stats=True,
            parameters=parameters,
            name=name,
        )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {}

    def __getitem__(self, slices):
        return Spheres(self.each[slices], self.positions)

    def _batch_shape(self):
        return self.each.batch_shape[: -self._axes]

    def _batch_shape_tensor(self, **kwargs):
        del kwargs
        return self.each.batch_shape_tensor()[: -self._axes]

    def _event_shape(self):
        *leading, spheres = self.each.batch_shape[-self._axes :]
        return tf.TensorShape([*leading, spheres * self.each.event_shape[0]])

    def _event_shape_tensor(self, **kwargs):
        del kwargs
        return tf.constant(self._event_shape().as_list(), tf.int32)

    def apart(self, z) -> tf.Tensor:
        """[..., s * d] -> [..., s, d]."""
        spheres, width = self.each.batch_shape[-1], self.each.event_shape[0]
        return tf.reshape(z, tf.concat([tf.shape(z)[:-1], [spheres, width]], 0))

    def together(self, points) -> tf.Tensor:
        """[..., s, d] -> [..., s * d]."""
        return tf.reshape(points, tf.concat([tf.shape(points)[:-2], [self.event_shape[-1]]], 0))

    def _over(self, values):
        return tf.reduce_sum(values, list(range(-self._axes, 0)))

    def _log_prob(self, z):
        return self._over(self.each.log_prob(self.apart(z)))

    def _sample_n(self, n, seed=None):
        return self.together(self.each.sample(n, seed=seed))

    def _entropy(self):
        return self._over(self.each.entropy())

    def _mean(self):
        return self.together(self.each.mean())

    def _mode(self):
        return self.together(self.each.mode())


# ------------------------------------------------------------------ geometry


def unit(vectors) -> tf.Tensor:
    """v / |v| over the last axis, for any finite v; the first axis' direction where v is 0."""
    size = tf.reduce_max(tf.abs(vectors), -1, keepdims=True)
    nothing = size == 0.0
    # by the largest first: squares of large and of tiny numbers leave float32
    vectors = vectors / tf.stop_gradient(tf.where(nothing, tf.ones_like(size), size))
    first = tf.one_hot(0, vectors.shape[-1], dtype=vectors.dtype)
    vectors = tf.where(nothing, first, vectors)
    return vectors / tf.norm(vectors, axis=-1, keepdims=True)


def about(direction, local) -> tf.Tensor:
    """What is said about the first axis, said about `direction`: z . mu = local_1, |z| = |local|.

        z = -s (y - 2 u (u . y) / |u|^2),   u = mu + s e_1,   s the sign of mu_1

    The reflection by mu - e_1, as most codes have it, has no gradient at mu = e_1; |u|^2 >= 2 here.

    Args:
        direction: mu, unit vectors [..., d].
        local: y, [..., d].
    """
    sign = tf.where(direction[..., :1] < 0.0, -1.0, 1.0)
    first = tf.one_hot(0, direction.shape[-1], dtype=direction.dtype)
    u = direction + sign * first
    along = tf.reduce_sum(u * local, -1, keepdims=True)
    return -sign * (local - 2.0 * u * along / tf.reduce_sum(u * u, -1, keepdims=True))


def great_circle(first, last, share) -> tf.Tensor:
    """[sin((1 - t) a) first + sin(t a) last] / sin a,  cos a = first . last: equal steps of arc.

    Opposite points have many shortest ways: one of them.

    Args:
        first, last: unit vectors [..., d].
        share: t, broadcasts against [..., 1].
    """
    cosine = tf.reduce_sum(first * last, -1, keepdims=True)
    across = last - cosine * first
    size = tf.norm(across, axis=-1, keepdims=True)
    aside = about(first, tf.one_hot(1, first.shape[-1], dtype=first.dtype) + 0.0 * first)
    # where they are one there is no way to go, and where they are opposite any will do
    across = tf.where(size > 1e-6, across / tf.maximum(size, 1e-6), aside)
    angle = share * tf.atan2(tf.where(size > 1e-6, size, 0.0), cosine)
    return tf.cos(angle) * first + tf.sin(angle) * across


# ------------------------------------------------------------------ draws, whose noise belongs to the example


def draw_von_mises_fisher(direction, concentration, seed) -> tf.Tensor:
    """z ~ vMF(mu, kappa), [B, ..., d]; Ulrich 1984, Wood 1994.

    A proposal is made of one point g / |g| of the sphere, g ~ N(0, I): its first number t gives the cosine,
    (1 + t) / 2 ~ Beta(m/2, m/2), the others the direction around mu, independent of it, m = d - 1.

        b = m / (2 kappa + sqrt(4 kappa^2 + m^2)),   v = (1 - t + b (1 + t)) / 2
        1 - w = b (1 + t) / v;   accepted if  m ln[(1 + b) / (2 v)] - 2 kappa b t / ((1 + b) v) >= ln u

    No difference of near numbers is taken, so that it holds for every kappa. The noise is a constant: the
    gradient in kappa lacks what the acceptance moves (`tfvae.objectives.rejection_correction`).

    Args:
        direction: mu, unit vectors [B, ..., d].
        concentration: kappa, a number or [B, ...].
        seed: [2] int32.
    """
    direction = tf.convert_to_tensor(direction)
    width = int(direction.shape[-1])
    free = width - 1.0
    kappa = tf.convert_to_tensor(concentration, direction.dtype)
    b = free / (2.0 * kappa + tf.sqrt(4.0 * kappa**2 + free**2))
    shape, replica = _leading(direction), this_replica()

    def proposals(index):
        """Of one round: points [B, ..., J, d] of the sphere and whether they are accepted [B, ..., J]."""
        own = fold(seed, index)
        noise = direction.dtype, replica
        points = unit(batch_normal([*shape, _PROPOSALS, width], own, *noise))
        uniform = batch_uniform([*shape, _PROPOSALS], fold(own, _UNIFORM), *noise)
        t, c, k = points[..., 0], tf.stop_gradient(b)[..., None], tf.stop_gradient(kappa)[..., None]
        v = _nearness(t, c)
        ratio = free * tf.math.log((1.0 + c) / (2.0 * v)) - 2.0 * k * c * t / ((1.0 + c) * v)
        return points, ratio >= tf.math.log(uniform)

    def body(index, point, done):
        points, accepted = proposals(index)
        chosen = tf.argmax(tf.cast(accepted, tf.int32), -1)  # the first of them
        new = tf.gather(points, chosen, axis=-2, batch_dims=len(shape))
        point = tf.where(done[..., None], point, tf.ensure_shape(new, direction.shape))
        done = tf.ensure_shape(done | tf.reduce_any(accepted, -1), direction.shape[:-1])
        return index + 1, point, done

    start = (tf.constant(0), tf.zeros_like(direction), tf.zeros(shape, tf.bool))
    _, point, _ = tf.while_loop(
        lambda index, point, done: ~tf.reduce_all(done), body, start, parallel_iterations=1
    )
    point = tf.stop_gradient(point)
    t = point[..., 0]
    v = _nearness(t, b)
    cosine = 1.0 - b * (1.0 + t) / v
    around = (tf.sqrt(b) / v)[..., None] * point[..., 1:]
    return about(direction, tf.concat([cosine[..., None], around], -1))


def _leading(points) -> list:
    """The sizes of all axes but the last: an integer where it is known, else a scalar tensor."""
    dynamic = tf.shape(points)
    return [dynamic[i] if size is None else size for i, size in enumerate(points.shape[:-1])]


def _nearness(t, b):
    """v = (1 - t + b (1 + t)) / 2, which is 0 nowhere: b > 0."""
    return 0.5 * (1.0 - t) + 0.5 * b * (1.0 + t)


def draw_power_spherical(direction, concentration, seed) -> tf.Tensor:
    """z ~ PowerSpherical(mu, kappa), [B, ..., d]; De Cao and Aziz 2020. Its gradients are exact in both.

        (1 + cos) / 2 = g_a / (g_a + g_b),  g ~ Gamma(a), Gamma(b);  b = (d - 1)/2,  a = b + kappa

    Args:
        direction: mu, unit vectors [B, ..., d].
        concentration: kappa, a number or [B, ...].
        seed: [2] int32.
    """
    direction = tf.convert_to_tensor(direction)
    width = int(direction.shape[-1])
    shape = _leading(direction)
    second = 0.5 * (width - 1.0) + tf.zeros(shape, direction.dtype)
    first = second + tf.convert_to_tensor(concentration, direction.dtype)
    near, far = (
        batch_gamma(alpha, fold(seed, place)) for place, alpha in enumerate((first, second))
    )
    total = near + far
    cosine = (near - far) / total
    sine = 2.0 * tf.sqrt(near / total) * tf.sqrt(far / total)
    around = unit(batch_normal([*shape, width - 1], fold(seed, _TANGENT), direction.dtype))
    return about(direction, tf.concat([cosine[..., None], sine[..., None] * around], -1))


def log_noise(cosine_distance, concentration, dimension: int) -> tf.Tensor:
    """The logarithm of the density of the accepted noise t at a draw, but for what has no gradient in kappa.

        kappa w + (m / 2) ln b - m ln v - ln Z(kappa),   w and v those of t at kappa;  d ln Z / d kappa = A

    Naesseth, Ruiz, Linderman and Blei 2017, equation 8. Its mean gradient is 0.

    Args:
        cosine_distance: 1 - mu . z, [...] of draws; a constant here.
        concentration: kappa, [...].
        dimension: d.
    """
    free = dimension - 1.0
    b = free / (2.0 * concentration + tf.sqrt(4.0 * concentration**2 + free**2))
    held, far = tf.stop_gradient(b), tf.stop_gradient(cosine_distance)
    # (1 + t) / 2 of that distance
    above = far / (far + held * (2.0 - far))
    v = (1.0 - above) + b * above
    cosine = 1.0 - 2.0 * b * above / v
    mean = tf.stop_gradient(tfp.math.bessel_iv_ratio(dimension / 2.0, concentration))
    return concentration * (cosine - mean) + 0.5 * free * tf.math.log(b) - free * tf.math.log(v)
