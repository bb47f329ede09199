"""A decoder to which no two z are the same: gradients of convex functions.

    f(z) = grad C_2(B grad C_1(z)),   |f(a) - f(b)| >= L |a - b|

Wang, Blei and Cunningham, "Posterior Collapse and Latent Variable Non-identifiability", NeurIPS 2021; the
term L |z|^2 / 2, and with it the bound, is that of Kinoshita et al. 2023 (an inverse Lipschitz constraint).

Legend: B batch, H W C image, D latent width, n positions, P parameters a pixel, N numbers in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
from keras import ops

from tfvae.checks import UserError
from tfvae.configured import Configured
from tfvae.networks.mlp import flat_size

__all__ = ["ConvexGradient", "InjectiveImage"]

SLOPE = 0.2  # of the leaky rectifier below zero


@keras.saving.register_keras_serializable(package="tfvae")
class ConvexGradient(Configured, keras.layers.Layer):
    """The gradient of an input-convex network (Amos, Xu and Kolter 2017), in closed form.

        h_1 = leaky(W_1 z + b_1)^2 / 2,   h_l = softplus(P_l h_{l-1} + W_l z + b_l)
        C(z) = p h_n + c z + L |z|^2 / 2

    All P_l and p are positive, hence C - L |z|^2 / 2 is convex and |grad C(a) - grad C(b)| >= L |a - b|.

    Args:
        units: widths of h_1 to h_n.
        inverse_lipschitz: L.
    """

    def __init__(self, units: Sequence[int], inverse_lipschitz: float = 0.1, **kwargs):
        # Small differences of large sums: float32 under every precision policy.
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.units, self.inverse_lipschitz = units, inverse_lipschitz

    def build(self, input_shape):
        """Makes the weights for [B, N]."""
        size = input_shape[-1]
        self.reads = [
            self.add_weight(name=f"reads_{i}", shape=(size, u)) for i, u in enumerate(self.units)
        ]
        self.biases = [
            self.add_weight(name=f"bias_{i}", shape=(u,), initializer="zeros")
            for i, u in enumerate(self.units)
        ]
        # softplus of these, so that no step of an optimiser can leave what is convex
        self.raw = [
            self.add_weight(name=f"positive_{i}", shape=shape, initializer="random_normal")
            for i, shape in enumerate(zip(self.units, (*self.units[1:], 1)))
        ]
        self.shift = self.add_weight(name="shift", shape=(size,), initializer="zeros")

    def _positive(self):
        *between, last = [ops.softplus(raw) for raw in self.raw]
        return [*(p / p.shape[0] for p in between), last]

    def call(self, z):
        """[B, N] -> [B, N] float32."""
        z = ops.cast(z, "float32")
        positive = self._positive()
        a = z @ self.reads[0] + self.biases[0]
        leaky = ops.leaky_relu(a, SLOPE)
        h, slopes = leaky**2 / 2, [leaky * ops.where(a > 0, 1.0, SLOPE)]
        for reads, bias, p in zip(self.reads[1:], self.biases[1:], positive):
            a = h @ p + z @ reads + bias
            h = ops.softplus(a)
            slopes.append(ops.sigmoid(a))
        found, up = self.inverse_lipschitz * z + self.shift, ops.ones_like(z[:, :1])
        for reads, slope, p in reversed(list(zip(self.reads, slopes, positive))):
            up = (up @ ops.transpose(p)) * slope
            found = found + up @ ops.transpose(reads)
        return found


@keras.saving.register_keras_serializable(package="tfvae")
class InjectiveImage(Configured, keras.layers.Layer):
    """grad C_2(B grad C_1(z)) with B = [I; A], which has full rank whatever A is.

    Each of the two gradients has sqrt(L), and |B u| >= |u|: hence L for the whole.

    Args:
        image_shape: (H, W, C); or of any rank, (C,) of a table.
        units: widths of the hidden layers of C_1 and of C_2.
        parameter_size: P, see `Likelihood.parameter_size`.
        inverse_lipschitz: L.
    """

    def __init__(
        self,
        image_shape: Sequence[int],
        units: Sequence[int],
        parameter_size: int,
        inverse_lipschitz: float = 0.1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape, self.units = image_shape, units
        self.parameter_size, self.inverse_lipschitz = parameter_size, inverse_lipschitz
        self.below, self.above = (
            ConvexGradient(units, math.sqrt(inverse_lipschitz)) for _ in range(2)
        )
        self.size = math.prod(image_shape[:-1]) * parameter_size

    def build(self, input_shape):
        """Builds for latents [B, D] or [B, n, d].

        Raises:
            UserError: z has more numbers than there are parameters.
        """
        width = flat_size(input_shape)
        if width > self.size:
            raise UserError(
                f"an injective decoder of {self.size} parameters takes at most as many latent numbers, "
                f"got {width}"
            )
        self.lift = self.add_weight(name="lift", shape=(width, self.size - width), dtype="float32")
        for layer, numbers in ((self.below, width), (self.above, self.size)):
            if not layer.built:
                layer.build((None, numbers))

    def call(self, z):
        """[B, D] or [B, n, d] -> [B, H, W, P] float32."""
        u = self.below(ops.reshape(z, (-1, flat_size(z.shape))))
        found = self.above(ops.concatenate([u, u @ self.lift], -1))
        return ops.reshape(found, (-1, *self.image_shape[:-1], self.parameter_size))
