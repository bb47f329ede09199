"""Streams of a stage's own: `(source, start, shard) -> batches`, functions of the seed and the position.

A stream that starts at position k is the uninterrupted one from there on; the rows of its shards, put
together, are those of one device. With `held_out(x, label)` it says what the stage's validation data are.
"""

from tfvae.streams.coded import CodesOf
from tfvae.streams.interleaved import PartlyLabelled, interleaved
from tfvae.streams.one_factor import OneFactorVaries
from tfvae.streams.order import endless, gathering, shuffled
from tfvae.streams.source import Source, chosen

__all__ = [
    "CodesOf",
    "OneFactorVaries",
    "PartlyLabelled",
    "Source",
    "chosen",
    "endless",
    "gathering",
    "interleaved",
    "shuffled",
]
