"""MixMarkov: sequences whose exact likelihood is known, so every NLL bound can be checked.

    c uniform on 8 maps (a, b);  x_1 uniform on 0..4;
    x_{t+1} = (a x_t + b) mod 5 with probability 0.7, each other symbol with 0.075;  T = 24
    log p(x) = logsumexp_c sum_t log P_c(x_t, x_{t+1}) - ln 8 - ln 5

The one exception to the form of text: rows are 24 tokens without `</s>`, so that a model's NLL is of
the same 24 symbols as the exact one.

Legend: N sequences.
"""

from __future__ import annotations

import math

import numpy as np

from zoo.datasets.data import Split, refuse_files
from zoo.datasets.text.corpus import SPLITS, TextData
from zoo.datasets.text.generated import fixed_vocabulary, refuse_settings
from zoo.datasets.text.vocabulary import SPECIAL

__all__ = ["ENTROPY", "ENTROPY_GIVEN_CLASS", "LENGTH", "exact_log_prob", "generate", "load"]

LENGTH = 24
ENTROPY = 27.3022  # H(x) in nats, standard error 1e-4
_MAPS = ((1, 1), (1, 2), (1, 3), (1, 4), (2, 0), (2, 1), (3, 0), (3, 1))
_SYMBOLS, _KEEP, _ELSE = 5, 0.7, 0.075
ENTROPY_GIVEN_CLASS = math.log(5) - 23 * (_KEEP * math.log(_KEEP) + 0.3 * math.log(_ELSE))
_SIZES = (8_000, 1_000, 2_000)
_FIRST = len(SPECIAL)  # the token of symbol 0

# [8, 5, 5]: class, symbol, next symbol
_TRANSITION = np.full((len(_MAPS), _SYMBOLS, _SYMBOLS), _ELSE)
for _class, (_a, _b) in enumerate(_MAPS):
    for _symbol in range(_SYMBOLS):
        _TRANSITION[_class, _symbol, (_a * _symbol + _b) % _SYMBOLS] = _KEEP


def exact_log_prob(x: np.ndarray) -> np.ndarray:
    """log p(x) in nats, float64 [N], of tokens [N, 24]; -inf where a token is none of 4 ... 8.

    Raises:
        ValueError: x is not [N, 24].
    """
    x = np.asarray(x)
    if x.ndim != 2 or x.shape[1] != LENGTH:
        raise ValueError(f"x must be [N, {LENGTH}], got {list(x.shape)}")
    symbols = x.astype(np.int64) - _FIRST
    possible = np.all((symbols >= 0) & (symbols < _SYMBOLS), 1)
    symbols = np.where(possible[:, None], symbols, 0)
    by_class = np.log(_TRANSITION)[:, symbols[:, :-1], symbols[:, 1:]].sum(-1)  # [8, N]
    total = np.logaddexp.reduce(by_class, 0) - math.log(len(_MAPS)) - math.log(_SYMBOLS)
    return np.where(possible, total, -np.inf)


def generate(number: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(tokens int32 [N, 24], class int64 [N])."""
    rng = np.random.default_rng(seed)
    label = rng.integers(len(_MAPS), size=number)
    a, b = np.asarray(_MAPS)[label].T
    x = np.empty((number, LENGTH), np.int32)
    x[:, 0] = rng.integers(_SYMBOLS, size=number)
    for step in range(1, LENGTH):
        follows = (a * x[:, step - 1] + b) % _SYMBOLS
        other = (follows + rng.integers(1, _SYMBOLS, size=number)) % _SYMBOLS
        x[:, step] = np.where(rng.random(number) < _KEEP, follows, other)
    return x + np.int32(_FIRST), label


def load(
    name: str,
    data_dir: str | None = None,
    *,
    vocabulary_size: int | None = None,
    min_count: int | None = None,
    max_length: int | None = None,
    seed: int = 0,
) -> TextData:
    """8,000 / 1,000 / 2,000 sequences; the label is the class.

    `extras`: `fixed_length` 24, `entropy` H(x), `entropy_given_class`, and `exact_nll`, the mean of
    -log p(x) over each split (compare a model with that, not with the entropy).
    """
    refuse_files(name, data_dir)
    refuse_settings(
        name, vocabulary_size=vocabulary_size, min_count=min_count, max_length=max_length
    )
    x, label = generate(sum(_SIZES), seed)
    ends = np.cumsum(_SIZES)
    splits = [
        Split(x[end - size : end], label[end - size : end]) for size, end in zip(_SIZES, ends)
    ]
    exact = {s: float(-exact_log_prob(split.x).mean()) for s, split in zip(SPLITS, splits)}
    return TextData(
        name,
        *splits,
        vocabulary=fixed_vocabulary([str(symbol) for symbol in range(_SYMBOLS)]),
        description=f"{' / '.join(f'{size:,}' for size in _SIZES)} sequences of 24 of 5 symbols, a "
        f"mixture of 8 Markov chains with known likelihood (seed {seed})",
        citation="made by this project; see zoo/datasets/text/mixmarkov.py",
        source={},
        extras={
            "fixed_length": LENGTH,
            "entropy": ENTROPY,
            "entropy_given_class": ENTROPY_GIVEN_CLASS,
            "exact_nll": exact,
        },
    )
