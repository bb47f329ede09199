"""Variational lossy autoencoders: what z, and then a flow as its prior, win over a decoder of 69 pixels.

The three steps of Chen et al. 2017, table 3 (dynamic MNIST, NLL and KL: 87.55 and 0; 79.48 and 10.60; 78.94
and 11.73), with small networks: the same PixelCNN without z, with z ~ N(0, I), and with a flow (4 steps of a
MADE, shift alone) as the prior; 0.01 free nats a pixel. On the embedded digits the window is 11 pixels. Nats;
NLL of 400 test images, 100 samples.
"""

from __future__ import annotations

from zoo.benchmarks.table import Benchmark, Row

__all__ = ["BENCHMARK"]

_FREE = {"rate_budget": "free_bits", "free_bits_form": "batch_total"}
_AVERAGED = {"kept_weights": "average", "ema_decay": 0.998}

_SMALL = {**_AVERAGED}
_LARGE = {"decoder_layers": 6, "decoder_filters": 12, **_AVERAGED}
_OF = {"digits": _SMALL, "mnist": _LARGE, "omniglot": _LARGE}
_WITH_Z = {
    "digits": {"latent_width": 16, "free_bits": 0.64, **_FREE},
    "mnist": {"latent_width": 64, "free_bits": 7.84, **_FREE},
    "omniglot": {"latent_width": 64, "free_bits": 7.84, **_FREE},
}
_UNITS = {"digits": {"maf_units": 64}, "mnist": {"maf_units": 640}, "omniglot": {"maf_units": 640}}
_FIELDS = {
    "digits": {"dataset": "digits", "size": "tiny", "train_steps": 2000},
    "mnist": {"dataset": "mnist"},
    "omniglot": {"dataset": "omniglot"},
}
_LEAST = {"digits": 2.0, "mnist": 5.0, "omniglot": 5.0}  # nats


def _rows(name: str) -> list[Row]:
    fields, used = (
        _FIELDS[name],
        (
            f"rate > {_LEAST[name]:g}",
            lambda figures: figures["rate"] > _LEAST[name],
        ),
    )
    own, with_z = _OF[name], {**_OF[name], **_WITH_Z[name]}
    flow = {**with_z, **_UNITS[name]}
    return [
        Row(f"{name}, no z", "pixelcnn", own, None, fields),
        Row(f"{name}, z", "vlae", {**with_z, "prior": "normal"}, used, fields),
        Row(f"{name}, z and a flow", "vlae", flow, used, fields),
    ]


def _falls(name: str):
    rows = [row.name for row in _rows(name)]

    def holds(found) -> bool:
        without, plain, flow = (found[row]["nll"] for row in rows)
        return without > plain > flow

    return f"NLL on {name} falls with z, and again with a flow", holds


BENCHMARK = Benchmark(
    about=__doc__,
    fields={
        "dataset": "mnist",
        "backbone": "masked_pixelcnn",
        "size": "small",
        "train_steps": 1500,
        "batch_size": 100,
        "learning_rate": 1e-3,
        "nll_samples": 100,
        "nll_examples": 400,
    },
    settings={},
    rows=tuple(row for name in _FIELDS for row in _rows(name)),
    columns=(
        "nll",
        "nll_stderr",
        "elbo",
        "distortion",
        "rate",
        "mutual_information",
        "marginal_kl",
        "active_units",
        "train_seconds",
    ),
    joint=tuple(map(_falls, _FIELDS)),
)
