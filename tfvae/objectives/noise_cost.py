"""What the noisy layers of an encoder cost.

Legend: B batch.
"""

from __future__ import annotations

import operator

import tensorflow as tf

from tfvae.checks import UserError
from tfvae.draw import Draw, every

__all__ = ["noise_cost"]


def noise_cost(draw: Draw) -> tf.Tensor:
    """sum_layers sum_units KL(p(z_l|x) || p(z_l)) of a `tfvae.networks.NoisyEncoder`, [B] nats.

    Achille and Soatto 2018; its released weight is beta / N of N training examples, beta = 3.

    Raises:
        UserError: nothing in the draw says such a cost.
    """
    costs = every(draw.aux, "noise_cost")
    if not costs:
        raise UserError(
            "noise_cost is of an encoder with noisy layers (tfvae.networks.NoisyEncoder), and this draw has "
            "no cost of any"
        )
    return tf.add_n(costs)


noise_cost.measured = lambda draw: {"noise_cost": noise_cost(draw)}
noise_cost.of_means = operator.itemgetter("noise_cost")
