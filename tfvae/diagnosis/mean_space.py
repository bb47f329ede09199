"""The plane of true and approximate posterior means, where the encoder's lag can be seen.

    mu_theta(x) = sum_g w_g z_g,   w = softmax_g [log p(x|z_g) + log p(z_g)],   z_g a grid
    mu_phi(x)   = E_q(z|x)[z]

He et al. 2019, section 3.2 and figure 2, for a latent of one number; here of two as well. Points on
the horizontal axis: the decoder uses z and the encoder lags behind; on the diagonal: it has caught up;
all at the origin: collapse.

Legend: N examples, g grid, D = 1 or 2 numbers of z.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tfvae.checks import UserError

__all__ = ["GRID", "PLANE", "posterior_means"]

GRID = np.arange(-20.0, 20.0, 0.1).astype(np.float32)
"""The published grid, 400 values."""
PLANE = np.arange(-6.0, 6.1, 0.2).astype(np.float32)
"""Of each of two numbers: 61 x 61 values."""


def posterior_means(
    model, x: np.ndarray, grid: np.ndarray | None = None, chunk: int = 4000
) -> dict[str, Any]:
    """Both means of each example.

    Args:
        model: a `tfvae.VAE` whose z is one number or two.
        x: [N, ...] raw units.
        grid: values of each number of z, evenly spaced; the posterior must be negligible at both
            ends. `GRID`, or `PLANE` for two numbers, if not given.
        chunk: examples times grid values decoded at a time.

    Returns:
        `true` and `approximate`, [N D] each (the numbers of an example side by side), and `edge`: the
        largest weight at an end of the grid.

    Raises:
        UserError: z has another shape, or is a point on a circle, whose mean is none.
    """
    if model.latent.confined_to:
        raise UserError(
            "the plane of posterior means is for a z of any numbers, and here z is "
            f"{model.latent.confined_to}"
        )
    if model.latent.event_shape not in ((1,), (2,)):
        raise UserError(
            "the plane of posterior means is for a z of one number or two, got "
            f"{model.latent.event_shape}"
        )
    (width,) = model.latent.event_shape
    if grid is None:
        grid = GRID if width == 1 else PLANE
    places = np.stack(np.meshgrid(*[grid] * width, indexing="ij"), -1).reshape(-1, width)
    at_edge = tf.constant(((places == grid[0]) | (places == grid[-1])).any(1))
    z = tf.constant(places)
    prior = model.log_prior(z)

    @tf.function(reduce_retracing=True, autograph=False)
    def means(batch):
        size, number = tf.shape(batch)[0], len(places)
        tiled = tf.repeat(batch, number, 0)
        parameters = model.decoder(tf.tile(z, [size, 1]), model.likelihood.preprocess(tiled))
        likelihood = tf.reshape(model.likelihood.log_prob(parameters, tiled), [size, number])
        weight = tf.nn.softmax(likelihood + prior)
        edge = tf.reduce_max(tf.boolean_mask(weight, at_edge, axis=1))
        return tf.reshape(weight @ z, [-1]), tf.reshape(model.encode(batch), [-1]), edge

    rows = max(1, chunk // len(places))
    parts = [
        means(tf.constant(model.likelihood.trim(x[start : start + rows])))
        for start in range(0, len(x), rows)
    ]
    return {
        "true": [float(v) for part in parts for v in part[0]],
        "approximate": [float(v) for part in parts for v in part[1]],
        "edge": max(float(part[2]) for part in parts),
    }
