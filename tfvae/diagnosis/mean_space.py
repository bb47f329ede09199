"""The plane of true and approximate posterior means, where the encoder's lag can be seen.

    mu_theta(x) = sum_g w_g z_g,   w = softmax_g [log p(x|z_g) + log p(z_g)],   z_g a grid
    mu_phi(x)   = E_q(z|x)[z]

He et al. 2019, section 3.2 and figure 2, for a latent of one number. Points on the horizontal axis:
the decoder uses z and the encoder lags behind; on the diagonal: it has caught up; all at the origin:
collapse.

Legend: N examples, g grid.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tfvae.checks import UserError

__all__ = ["GRID", "posterior_means"]

GRID = np.arange(-20.0, 20.0, 0.1).astype(np.float32)
"""The published grid, 400 values."""


def posterior_means(
    model, x: np.ndarray, grid: np.ndarray = GRID, chunk: int = 4000
) -> dict[str, list[float]]:
    """Both means of each example.

    Args:
        model: a `tfvae.VAE` whose z is one number.
        x: [N, ...] raw units.
        grid: values of z, evenly spaced; the posterior must be negligible at both ends.
        chunk: examples times grid values decoded at a time.

    Returns:
        `true` and `approximate`, [N] each, and `edge`: the largest weight at an end of the grid.

    Raises:
        UserError: z is not one number.
    """
    if model.latent.event_shape != (1,):
        raise UserError(
            f"the plane of posterior means is for a z of one number, got {model.latent.event_shape}"
        )
    z = tf.constant(grid[:, None])
    prior = model.prior().log_prob(z)

    @tf.function(reduce_retracing=True)
    def means(batch):
        size, number = tf.shape(batch)[0], len(grid)
        tiled = tf.repeat(batch, number, 0)
        parameters = model.decoder(tf.tile(z, [size, 1]), model.likelihood.preprocess(tiled))
        likelihood = tf.reshape(model.likelihood.log_prob(parameters, tiled), [size, number])
        weight = tf.nn.softmax(likelihood + prior)
        edge = tf.maximum(tf.reduce_max(weight[:, 0]), tf.reduce_max(weight[:, -1]))
        return tf.linalg.matvec(weight, z[:, 0]), model.encode(batch)[:, 0], edge

    rows = max(1, chunk // len(grid))
    parts = [
        means(tf.constant(model.likelihood.trim(x[start : start + rows])))
        for start in range(0, len(x), rows)
    ]
    return {
        "true": [float(v) for part in parts for v in part[0]],
        "approximate": [float(v) for part in parts for v in part[1]],
        "edge": max(float(part[2]) for part in parts),
    }
