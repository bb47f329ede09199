"""fsdd, spoken digits: do codes 32 times shorter than the waveform hold the word, and the speaker the voice?

2,400 / 300 / 300 recordings of 4,096 samples; a classifier of real recordings listens to what is drawn from
the codes of test recordings. The temperature of the draws is chosen on the validation recordings.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tfvae import metrics
from tfvae.likelihoods import Tempered
from tfvae.randomness import seed_of
from zoo.benchmarks.listener import Listener
from zoo.benchmarks.table import Benchmark, Row
from zoo.datasets import fsdd

__all__ = ["BENCHMARK"]

_TEMPERATURES = (1.0, 0.8, 0.6, 0.4)
_CHOSEN_ON = 150  # validation recordings
_CLIPS = 100  # at a time


def _further(report, model, data, test) -> dict[str, float]:
    """What the listeners recognise, and what a logistic regression reads from the codes."""
    if getattr(model.latent, "codebook", None) is None:
        return {}
    seed = report["seed"]
    digits = Listener(data.train.x, data.train.label, seed)
    voices = Listener(data.train.x, data.train.told, seed)
    # recordings are sorted by digit
    some = np.random.default_rng(0).permutation(len(data.valid.x))[:_CHOSEN_ON]
    valid = data.valid._replace(
        x=data.valid.x[some], label=data.valid.label[some], told=data.valid.told[some]
    )
    kept = {t: digits.accuracy(_drawn(model, valid, t), valid.label) for t in _TEMPERATURES}
    best = max(kept, key=kept.__getitem__)
    plain = _drawn(model, data.test, 1.0)
    cool = plain if best == 1.0 else _drawn(model, data.test, best)
    more = {
        "heard_real": digits.accuracy(test, data.test.label),
        "heard_drawn": digits.accuracy(plain, data.test.label),
        "temperature": best,
        "heard_cool": digits.accuracy(cool, data.test.label),
        "voice_real": voices.accuracy(test, data.test.told),
        "voice_cool": voices.accuracy(cool, data.test.told),
    }
    if model.asks_label:
        other = (data.test.told + 1 + np.arange(len(test)) % 5) % len(fsdd.SPEAKERS)
        swapped = _drawn(model, data.test, best, other)
        more["swapped_digit"] = digits.accuracy(swapped, data.test.label)
        more["swapped_voice"] = voices.accuracy(swapped, other)
    number = model.latent.codebook.num_codes
    known, codes = _codes(model, data.train), _codes(model, data.test)
    for name in ("label", "told"):
        label = (getattr(data.train, name), getattr(data.test, name))
        which = {"label": "digit", "told": "voice"}[name]
        for of, made in (("counts", _counts), ("sequence", _one_hot)):
            more[f"{which}_from_{of}"] = metrics.linear_probe_accuracy(
                made(known, number), label[0], made(codes, number), label[1], regularisation=10.0
            )
    return more


def _each(function, model, split, *more) -> np.ndarray:
    """function(levels, speaker, *more) of all recordings, a part at a time."""
    parts = []
    for start in range(0, len(split.x), _CLIPS):
        part = slice(start, start + _CLIPS)
        x = tf.constant(split.x[part].astype(np.float32))
        told = tf.constant(split.told[part], tf.int32) if model.asks_label else None
        parts.append(np.asarray(function(x, told, *(m[part] for m in more))))
    return np.concatenate(parts)


def _drawn(model, split, temperature: float, speaker=None) -> np.ndarray:
    """A draw given the code of each recording, levels [N, T]; as the speaker, its own if none is given."""
    likelihood = Tempered(model.likelihood, temperature)

    def draw(x, told, other):
        z = model.encode(x, told)
        other = None if told is None else tf.constant(other, tf.int32)
        return model.decoder.generate(model.decoder_input(z, other), likelihood, seed_of(1))

    return _each(draw, model, split, split.told if speaker is None else speaker)


def _codes(model, split) -> np.ndarray:
    """Indices [N, n]."""

    @tf.function(reduce_retracing=True, autograph=False)
    def indices(x, told):
        pass_ = model.passed(0, label=told)
        return model.latent.infer(model.features(x, told, pass_), pass_).aux["codes"]

    return _each(indices, model, split)


def _counts(codes: np.ndarray, number: int) -> np.ndarray:
    """How often each code comes, [N, n] -> [N, K]: their order is lost."""
    return _one_hot(codes, number).reshape(*codes.shape, number).sum(1)


def _one_hot(codes: np.ndarray, number: int) -> np.ndarray:
    """[N, n] -> [N, n K]."""
    return np.eye(number, dtype=np.float32)[codes].reshape(len(codes), -1)


BENCHMARK = Benchmark(
    about=__doc__,
    fields={
        "dataset": "fsdd",
        "backbone": "wavenet",
        "size": "small",
        "train_steps": 16000,
        "batch_size": 4,
        "learning_rate": 1e-3,
        "deterministic": False,  # the loss over 256 levels is slower where it must be
    },
    settings={
        "condition": "labels",
        "downsampling": 32,  # 250 codes a second, as the paper has
        "num_codes": 512,
        "latent_width": 8,
        "commitment": 1.0,
        "decoder_layers": 7,  # sees 128 samples, 16 ms: what is said must come from the codes
        "stages": "none",
    },
    rows=(
        Row(
            "vq 512",
            "vq_vae",
            {},
            (
                "the listener knows 70 % of the digits; the codes tell it better than chance, 10 %",
                lambda f: f["heard_cool"] >= 0.7 and f["digit_from_counts"] > 0.2,
            ),
        ),
    ),
    columns=(
        "bits_per_dim",
        "codebook_perplexity",
        "heard_real",
        "heard_drawn",
        "heard_cool",
        "swapped_digit",
        "swapped_voice",
        "digit_from_counts",
        "digit_from_sequence",
        "voice_from_counts",
        "train_seconds",
    ),
    further=_further,
)
