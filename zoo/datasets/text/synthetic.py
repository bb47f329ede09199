"""Sequences of a random LSTM with a two-dimensional latent: the synthetic set of He et al. 2019.

    z ~ 1/4 sum_m N((+-2, +-2), I)      c_0 = W z, h_0 = tanh(c_0)      x_1 uniform
    h_t = LSTM([emb(x_{t-1}); z], h_{t-1})      p(x_t) = softmax(W1 h_t + W2 z), t = 2 ... 10

All weights are U(-1, 1) but W2, which is U(-5, 5). The sum of the conditional entropies given z is
below every valid NLL bound of a model that does not know z; `</s>` after 10 words costs nothing.

Legend: N sequences, V words, H state, L length.
"""

from __future__ import annotations

import numpy as np

from zoo.datasets.data import Split, refuse_files
from zoo.datasets.text.corpus import SPLITS, TextData
from zoo.datasets.text.generated import fixed_vocabulary, refuse_settings
from zoo.datasets.text.vocabulary import END, SPECIAL

__all__ = ["generate", "load"]

_CITATION = (
    "He, Spokoyny, Neubig and Berg-Kirkpatrick, Lagging Inference Networks and Posterior Collapse in "
    "Variational Autoencoders, ICLR 2019"
)
_LENGTH = 10
_BLOCK = 4000  # sequences at a time: keeps [N, V] small

ABOUT = {
    "synthetic": "sequences of a random LSTM with a two-dimensional latent (He et al. 2019)",
    "synthetic_small": "the same from a smaller LSTM: 200 words, 8,000 sequences",
}
"""What `tfvae list datasets` says of each."""

# name: V, H, sequences in train, valid, test
_SIZES = {
    "synthetic": (1000, 100, (16_000, 2_000, 2_000)),
    "synthetic_small": (200, 50, (8_000, 2_000, 2_000)),
}
# Draws of the generator differ by several nats. For the small one, that of the first 32 seeds whose
# entropy given z (19.03 on test) is nearest to the 19.06 of the draw behind the figures that the
# benchmark's thresholds come from.
_SEEDS = {"synthetic": 0, "synthetic_small": 14}


def generate(
    number: int, words: int, width: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draws a generator and sequences of it.

    Args:
        number: N. The first sequences do not hang on it (in blocks of 4,000).
        words: V.
        width: H, of the embedding and of the state.
        seed: of weights and sequences.

    Returns:
        x [N, 10] from 0 to V - 1; z [N, 2]; the mixture's component [N]; sum_t H(x_t | x_<t, z) [N]
        in nats.
    """
    rng = np.random.default_rng([seed, 0])

    def weight(*shape: int, bound: float = 1.0) -> np.ndarray:
        return rng.uniform(-bound, bound, shape).astype(np.float32)

    weights = {
        "embedding": weight(words, width),
        "start": weight(2, width),
        "lstm": weight(width + 2 + width, 4 * width),  # of [emb; z; h]
        "bias": weight(4 * width) + weight(4 * width),  # the two of torch.nn.LSTM
        "out": np.concatenate([weight(width, words), weight(2, words, bound=5.0)]),
    }
    starts = range(0, number, _BLOCK)
    blocks = [
        _draw(weights, min(_BLOCK, number - start), np.random.default_rng([seed, 1, block]))
        for block, start in enumerate(starts)
    ]
    x, z, component, entropy = (np.concatenate(part) for part in zip(*blocks))
    return x, z, component, entropy


def _draw(weights: dict[str, np.ndarray], number: int, rng: np.random.Generator) -> tuple:
    words = len(weights["embedding"])
    component = rng.integers(4, size=number)
    centre = np.stack([component // 2, component % 2], 1) * 4.0 - 2.0
    z = (centre + rng.standard_normal((number, 2))).astype(np.float32)
    cell = z @ weights["start"]
    state = np.tanh(cell)
    x = np.empty((number, _LENGTH), np.int32)
    x[:, 0] = rng.integers(words, size=number)
    entropy = np.full(number, np.log(words))
    for step in range(1, _LENGTH):
        before = np.concatenate([weights["embedding"][x[:, step - 1]], z, state], 1)
        gates = before @ weights["lstm"] + weights["bias"]
        take, forget, fresh, give = np.split(gates, 4, 1)
        cell = _sigmoid(forget) * cell + _sigmoid(take) * np.tanh(fresh)
        state = _sigmoid(give) * np.tanh(cell)
        logits = np.concatenate([state, z], 1) @ weights["out"]
        logits -= logits.max(1, keepdims=True)
        p = np.exp(logits)
        reached = np.cumsum(p, 1)
        total = reached[:, -1:]
        # H = log Z - E[logit]
        entropy += np.log(total[:, 0]) - np.einsum("nv,nv->n", p, logits) / total[:, 0]
        point = rng.random((number, 1)) * total  # float64: stays below the total
        x[:, step] = np.argmax(reached > point, 1)  # the first that passes
    return x, z, component, entropy


def _sigmoid(value: np.ndarray) -> np.ndarray:
    return 0.5 * (1.0 + np.tanh(0.5 * value))


def load(
    name: str,
    data_dir: str | None = None,
    *,
    vocabulary_size: int | None = None,
    min_count: int | None = None,
    max_length: int | None = None,
    seed: int | None = None,
) -> TextData:
    """`synthetic`: the original sizes (1,000 words, state 100); `synthetic_small`: 200 and 50.

    The label is the component of the mixture that z came from. `extras["oracle"]` holds the mean
    over test of sum_t H(x_t | x_<t, z) in nats and its standard error.
    """
    refuse_files(name, data_dir)
    refuse_settings(
        name, vocabulary_size=vocabulary_size, min_count=min_count, max_length=max_length
    )
    words, width, sizes = _SIZES[name]
    seed = _SEEDS[name] if seed is None else seed
    x, z, component, entropy = generate(sum(sizes), words, width, seed)
    tokens = np.pad(x + len(SPECIAL), ((0, 0), (0, 1)), constant_values=END).astype(np.int32)
    ends = np.cumsum(sizes)
    parts = [slice(end - size, end) for end, size in zip(ends, sizes)]
    test = entropy[parts[2]]
    oracle = {"mean": float(test.mean()), "standard_error": float(test.std() / len(test) ** 0.5)}
    return TextData(
        name,
        *(Split(tokens[part], component[part].astype(np.int64)) for part in parts),
        vocabulary=fixed_vocabulary([f"w{i}" for i in range(words)]),
        description=f"{' / '.join(f'{size:,}' for size in sizes)} sequences of 10 of {words:,} words, "
        f"drawn from a random LSTM with z in 2-D (seed {seed})",
        citation=_CITATION,
        source={},
        extras={"oracle": oracle, "z": {split: z[part] for split, part in zip(SPLITS, parts)}},
    )
