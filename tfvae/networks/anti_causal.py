"""An encoder whose position t knows only the pixels from t on.

    features_t = f(x_i : i >= first pixel of segment t, in raster order)

A decoder p(x_i | x_<i, z) knows the past already, so the code has only to carry what is still to
come: Razavi, van den Oord, Poole and Vinyals, "Preventing Posterior Collapse with delta-VAEs",
ICLR 2019, section 2.3.

Segments are the cells of a grid over the image. Every cell becomes one vector; gated convolutions
over the grid of cells then look right and down only. A cell's own pixels, the cells to its right
and the cells below all come after its first pixel, so this is a restriction of the map above.

Legend: B batch, H W C image, h w grid, n = h w positions in raster order, F features.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops

from tfvae.checks import UserError
from tfvae.configured import Configured
from tfvae.networks.mlp import build_chain

__all__ = ["AntiCausalEncoder", "AntiCausalLayer"]


@keras.saving.register_keras_serializable(package="tfvae")
class AntiCausalLayer(Configured, keras.layers.Layer):
    """tanh(a) sigmoid(b) with two stacks: below (rows >= y) and right (columns >= x of row y).

        (a_v, b_v) = conv_v(v),      v' = v + tanh(a_v) sigmoid(b_v)
        (a, b) = conv_h(h) + conv1x1(v' of the next row),
        h' = h + conv1x1(tanh(a) sigmoid(b))

    It is the Gated PixelCNN layer (van den Oord et al. 2016, equation 2 and figure 2) turned by 180
    degrees with mask B, and like it has no blind spot. Padding the lower and the right side alone
    does what masking and turning would do, without computing products with zeros.

    Args:
        filters: channels of both stacks.
        kernel_size: odd; a layer sees kernel_size // 2 cells down and right.
    """

    def __init__(self, filters: int, kernel_size: int = 3, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.reach = kernel_size // 2

        def convolution(channels, size):
            return keras.layers.Conv2D(channels, size, dtype=self.dtype_policy)

        self.below = convolution(2 * filters, (self.reach + 1, kernel_size))
        self.right = convolution(2 * filters, (1, self.reach + 1))
        self.hand_over = convolution(2 * filters, 1)
        self.residual = convolution(filters, 1)

    def build(self, v_shape, h_shape):
        """Builds the convolutions for two maps [B, h, w, filters]."""
        del h_shape
        for layer in (self.below, self.right, self.hand_over, self.residual):
            build_chain([layer], (None, 9, 9, v_shape[-1]))  # sizes do not enter the weights

    def _gate(self, both):
        a, b = ops.split(both, 2, axis=-1)
        return ops.tanh(a) * ops.sigmoid(b)

    def call(self, v, h):
        """(v, h) -> (v', h'), each [B, h, w, filters]."""
        r = self.reach
        v = v + self._gate(self.below(ops.pad(v, ((0, 0), (0, r), (r, r), (0, 0)))))
        # h at row y takes v' at row y + 1: of its own row a position may see the right side only.
        further = ops.pad(v[:, 1:], ((0, 0), (0, 1), (0, 0), (0, 0)))
        right = self.right(ops.pad(h, ((0, 0), (0, 0), (0, r), (0, 0))))
        return v, h + self.residual(self._gate(right + self.hand_over(further)))


@keras.saving.register_keras_serializable(package="tfvae")
class AntiCausalEncoder(Configured, keras.layers.Layer):
    """cells = ELU(W2 ELU(W1 pixels of the cell)), then anti-causal gated layers over the grid.

    Each layer reaches kernel_size // 2 cells further; to see the whole rest of the image a grid of
    h rows wants about (h - 1) / (kernel_size // 2) layers. An image that the grid does not divide
    is padded below and on the right, where the padding comes last.

    Args:
        grid_shape: (h, w).
        filters: F, the channels throughout.
        num_layers: gated layers over the grid.
        kernel_size: of the gated layers, odd.
    """

    def __init__(
        self,
        grid_shape: Sequence[int],
        filters: int = 64,
        num_layers: int = 6,
        kernel_size: int = 3,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if kernel_size % 2 == 0 or kernel_size < 1:
            raise UserError(f"kernel_size must be odd and above 0, got {kernel_size}")
        self.grid_shape = grid_shape
        self.filters = filters
        self.num_layers = num_layers
        self.kernel_size = kernel_size
        self.cell_layers = [
            keras.layers.Dense(
                filters, "elu", kernel_initializer="he_normal", dtype=self.dtype_policy
            )
            for _ in range(2)
        ]
        self.grid_layers = [
            AntiCausalLayer(filters, kernel_size, dtype=self.dtype_policy)
            for _ in range(num_layers)
        ]

    def build(self, input_shape):
        """Builds the layers for images [B, H, W, C].

        Raises:
            UserError: so fine a grid that cells would lie outside of the image.
        """
        _, height, width, channels = input_shape
        self.cell = [-(-s // g) for s, g in zip((height, width), self.grid_shape)]
        for size, cell, cells in zip((height, width), self.cell, self.grid_shape):
            if cell * (cells - 1) >= size:
                raise UserError(
                    f"grid_shape {tuple(self.grid_shape)} leaves cells of {self.cell[0]} x "
                    f"{self.cell[1]} pixels outside of an image of {height} x {width}; "
                    "take a divisor of its size"
                )
        pixels = self.cell[0] * self.cell[1]
        build_chain(self.cell_layers, (None, *self.grid_shape, pixels * channels))
        grid = (None, *self.grid_shape, self.filters)
        for layer in self.grid_layers:
            if not layer.built:
                layer.build(grid, grid)

    def _cells(self, x):
        """[B, H, W, C] -> [B, h, w, pixels of the cell * C]."""
        (rows, columns), (h, w) = self.cell, self.grid_shape
        _, height, width, channels = x.shape
        x = ops.pad(x, ((0, 0), (0, rows * h - height), (0, columns * w - width), (0, 0)))
        x = ops.reshape(x, (-1, h, rows, w, columns, channels))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        return ops.reshape(x, (-1, h, w, rows * columns * channels))

    def call(self, x):
        """[B, H, W, C] -> [B, n, F]."""
        cells = self._cells(x)
        for layer in self.cell_layers:
            cells = layer(cells)
        below = right = cells
        for layer in self.grid_layers:
            below, right = layer(below, right)
        return ops.reshape(right, (-1, self.grid_shape[0] * self.grid_shape[1], self.filters))
