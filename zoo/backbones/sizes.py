"""How large the networks of each size are; one table, so that sizes can be compared at a glance."""

from __future__ import annotations

import dataclasses

__all__ = ["ENCODERS", "Encoder", "sized"]

from tfvae.checks import one_of


@dataclasses.dataclass(frozen=True)
class Encoder:
    """Sizes of the convolutional encoders that go with an autoregressive or deconvolutional decoder.

    Attributes:
        filters: of each stride-2 residual block, for one latent vector.
        units: features of the vector encoder.
        grid_filters, grid_layers: of the encoders of a latent grid.
    """

    filters: tuple[int, ...]
    units: int
    grid_filters: int
    grid_layers: int


ENCODERS = {
    "tiny": Encoder((32, 32), 64, 32, 3),
    "small": Encoder((64, 64, 64), 256, 64, 6),
    "paper": Encoder((64, 64, 64), 512, 256, 12),
}


def sized(table: dict, size: str):
    """The entry of a size; an unknown size is refused by name."""
    return table[one_of("size", size, table)]
