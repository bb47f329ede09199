"""What a text model does, in sentences.

Legend: B batch, T time.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfvae.networks import beam_search
from tfvae.randomness import fold, seed_of

__all__ = ["EXPLAINED", "TITLES", "sentences"]

TITLES = {
    "samples": "Sentences from the prior",
    "reconstructions": "Reconstructions",
    "interpolation": "From one sentence's code to another's",
}
EXPLAINED = {
    "samples": "z from the prior, then word after word drawn; where there is a code, the likeliest "
    "sentence of the same z beside it.",
    "reconstructions": "A test sentence; the likeliest words given its code, one after another; the "
    "likeliest sentence that a beam of 5 finds; a sentence drawn given the same code. What they share "
    "with the first is what the code holds.",
    "interpolation": "Equal steps (of arc, on a sphere) between the codes of two test sentences; the "
    "likeliest words one after another.",
}
_STEPS = 7
_BEAM = 5


def sentences(
    model,
    x: np.ndarray,
    words: Callable[[np.ndarray], list[str]],
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    number: int = 8,
    label: np.ndarray | None = None,
) -> dict[str, list[list[str]]]:
    """Rows of cells, by name, the first cell of each a label.

    Args:
        model: a `tfvae.VAE` of tokens.
        x: test sentences, [N, T].
        words: tokens [B, T] -> B sentences.
        seed: equal seeds give equal sentences.
        progress: as of `VAE.sample`.
        number: sentences of each kind.
        label: [N] of a conditional model; its samples are of each label in turn.
    """
    base = seed_of(seed)

    def told(labels):
        return {} if label is None else {"label": tf.constant(labels, tf.int32)}

    def drawn(place, **of):
        return words(np.asarray(model.sample(seed=fold(base, place), progress=progress, **of)))

    if not model.has_latent:
        return {"samples": [["draw", line] for line in drawn(0, num=number)]}
    each = told(np.arange(number) % (1 if label is None else label.max() + 1))
    z = model.sample_codes(number, fold(base, 1), each.get("label"))
    pairs = zip(drawn(2, z=z, **each), words(np.asarray(model.decode(z, **each))))
    rng = np.random.default_rng(seed & 0x7FFFFFFF)
    chosen = rng.choice(len(x), number, replace=len(x) < number)
    shown, own = x[chosen], told([] if label is None else label[chosen])
    codes = np.asarray(model.encode(shown, **own))
    rows = []
    found = words(
        beam_search(model.decoder, model.decoder_input(tf.constant(codes), **own), _BEAM)[0].numpy()
    )
    greedy = words(np.asarray(model.decode(codes, **own)))
    cells = zip(words(shown), greedy, found, drawn(3, z=codes, **own))
    for given, likeliest, beam, draw in cells:
        rows += [["test", given], ["likeliest", likeliest], ["beam", beam], ["draw", draw]]
    return {
        "samples": [row for draw, best in pairs for row in (["draw", draw], ["likeliest", best])],
        "reconstructions": rows,
        "interpolation": _between(model, shown, codes, words, own.get("label")),
    }


def _between(model, shown, codes, words, label) -> list[list[str]]:
    """The sentences whose codes are the ends, and those of the way (with the first one's label)."""
    share = np.linspace(0.0, 1.0, _STEPS, dtype=np.float32)
    share = share.reshape(-1, *[1] * (codes.ndim - 1))
    path = model.latent.between(codes[:1], codes[1:2], share)
    label = None if label is None else tf.repeat(label[:1], len(path))
    way = words(np.asarray(model.decode(path, label=label)))
    first, last = words(shown[:2])
    steps = [[f"{s:.2f}", line] for s, line in zip(share.ravel(), way)]
    return [["from", first], *steps, ["to", last]]
