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
    "interpolation": "Equal steps between the codes of two test sentences; the likeliest words one "
    "after another.",
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
) -> dict[str, list[list[str]]]:
    """Rows of cells, by name, the first cell of each a label.

    Args:
        model: a `tfvae.VAE` of tokens.
        x: test sentences, [N, T].
        words: tokens [B, T] -> B sentences.
        seed: equal seeds give equal sentences.
        progress: as of `VAE.sample`.
        number: sentences of each kind.
    """
    base = seed_of(seed)

    def drawn(place, **of):
        return words(np.asarray(model.sample(seed=fold(base, place), progress=progress, **of)))

    if not model.has_latent:
        return {"samples": [["draw", line] for line in drawn(0, num=number)]}
    z = model.latent.sample(number, fold(base, 1))
    pairs = zip(drawn(2, z=z), words(np.asarray(model.decode(z))))
    rng = np.random.default_rng(seed & 0x7FFFFFFF)
    shown = x[rng.choice(len(x), number, replace=len(x) < number)]
    codes = np.asarray(model.encode(shown))
    rows = []
    found = words(beam_search(model.decoder, tf.constant(codes), _BEAM)[0].numpy())
    cells = zip(words(shown), words(np.asarray(model.decode(codes))), found, drawn(3, z=codes))
    for given, likeliest, beam, draw in cells:
        rows += [["test", given], ["likeliest", likeliest], ["beam", beam], ["draw", draw]]
    return {
        "samples": [row for draw, best in pairs for row in (["draw", draw], ["likeliest", best])],
        "reconstructions": rows,
        "interpolation": _between(model, shown, codes, words),
    }


def _between(model, shown, codes, words) -> list[list[str]]:
    """The sentences whose codes are the ends, and those of the way."""
    share = np.linspace(0.0, 1.0, _STEPS, dtype=np.float32)
    share = share.reshape(-1, *[1] * (codes.ndim - 1))
    path = codes[0] * (1.0 - share) + codes[1] * share
    way = words(np.asarray(model.decode(tf.constant(path))))
    first, last = words(shown[:2])
    steps = [[f"{s:.2f}", line] for s, line in zip(share.ravel(), way)]
    return [["from", first], *steps, ["to", last]]
