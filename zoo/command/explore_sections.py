"""What `tfvae explore` shows of a trained model: a section each, with a picture or rows of text.

Legend: N examples, U numbers of z, K steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfvae import exploring
from tfvae.checks import UserError
from tfvae.diagnosis.figures import codes_on_a_plane, grid
from tfvae.exploring.codes import decoded
from tfvae.randomness import seed_of
from tfvae.values import number

__all__ = ["Examples", "Section", "sections"]

_STEPS = 7
_PAIRS = 4
_NEAR = 7
_SHOWN = 8  # images in a row
_EACH = 5  # examples for a number of z, of a Gaussian with its covariance
_FITTED = 0.8  # of the examples: of the others the rate is measured
_MOST_SCORED = 200


class Examples(NamedTuple):
    """What is explored.

    Attributes:
        x: [N, ...] raw units.
        label: [N] of a conditional model.
        known: [N] what is known of each, for colours; or `None`.
        levels: the brightest number of an image; `None` of what is no image.
        words: tokens [B, T] -> sentences, of text.
    """

    x: np.ndarray
    label: np.ndarray | None = None
    known: np.ndarray | None = None
    levels: float | None = None
    words: Callable[[np.ndarray], list[str]] | None = None

    def told(self, rows) -> np.ndarray | None:
        """The labels of some rows."""
        return None if self.label is None else self.label[rows]


class Section(NamedTuple):
    """name: of its picture; title; says: what is to be seen; picture: PNG; rows: of cells."""

    name: str
    title: str
    says: str
    picture: bytes | None = None
    rows: Sequence[Sequence[str]] = ()


def sections(model, examples: Examples, method: str, seed: int) -> Iterator[Section]:
    """Each section; where a latent cannot have it, its one line says why.

    Args:
        model: a `tfvae.VAE` with a latent.
        examples: held-out ones.
        method: of the map, see `tfvae.exploring.code_map`.
        seed: of every draw.

    Raises:
        UserError: another method; a map that needs a package.
    """
    yield _map(model, examples, method, seed)
    for title, make in (
        ("One number of the code at a time", _traversals),
        ("Each kind of a category", _categories),
        ("From one example to another", _interpolations),
        ("Neighbours among the codes", _neighbours),
        ("Instead of the prior", _samplers),
        ("Strange examples", _strange),
    ):
        try:
            yield from make(model, examples, seed, title)
        except UserError as error:
            yield Section("", title, f"Not of this model: {error}.")


def _map(model, examples, method, seed) -> Section:
    z = exploring.codes(model, examples.x, examples.label)
    plane = exploring.code_map(z, method, seed)
    known = examples.label if examples.known is None else examples.known
    coloured = "" if known is None else "; the colours are the labels, if they are few"
    says = f"{_METHODS[method]}: each point is the code of an example{coloured}. {_MEANS[method]}"
    return Section("map", "Map of the codes", says, codes_on_a_plane(plane, known))


_METHODS = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
_NEIGHBOURS_ALONE = "Neighbours are kept; sizes and distances of groups mean nothing."
_MEANS = {
    "pca": "The two directions along which the codes vary most.",
    "tsne": _NEIGHBOURS_ALONE,
    "umap": _NEIGHBOURS_ALONE,
}


def _traversals(model, examples, seed, title) -> Iterator[Section]:
    del seed
    z = exploring.codes(model, examples.x, examples.label).reshape(len(examples.x), -1)
    most, steps = (
        (10, _STEPS) if examples.levels is not None else (4, 5)
    )  # sentences take more room
    units = exploring.most_varied(z, model.latent.free_numbers)[:most].tolist() or [0]
    found = exploring.traverse(model, examples.x[:1], units, steps, label=examples.told(slice(1)))
    names = ", ".join(str(unit) for unit in units)
    says = (
        f"The code of one example, of which one number is set to values from -2 to 2 of the prior's spreads, "
        f"from the left. The numbers are those that vary most over the examples, from above: {names}. A row "
        "in which nothing changes is a number that the decoder does not read."
    )
    rows = [
        (f"z[{unit}] = {value:+.1f}", found.x[0, u, k])
        for u, unit in enumerate(units)
        for k, value in enumerate(found.values)
    ]
    yield from _shown(examples, "traversals", title, says, found.x[0], rows)


def _categories(model, examples, seed, title) -> Iterator[Section]:
    del seed
    says = (
        "Examples from above; in each, the category of its code is set to each of its kinds, from the left. "
        "The rest of the code stays."
    )
    for category in range(len(model.latent.categories)):
        name = title if category == 0 else f"{title} ({category + 1})"
        x, told = examples.x[:_PAIRS], examples.told(slice(_PAIRS))
        made = exploring.each_category(model, x, category, told)
        rows = [
            (f"example {n}, kind {k}", made[n, k])
            for n in range(len(made))
            for k in range(made.shape[1])
        ]
        picture = "categories" if category == 0 else f"categories_{category + 1}"
        yield from _shown(examples, picture, name, says, made, rows)


def _interpolations(model, examples, seed, title) -> Iterator[Section]:
    rng = np.random.default_rng(seed)
    first, last = rng.choice(len(examples.x), (2, _PAIRS))
    label = examples.told(first)
    ways = exploring.interpolate(model, examples.x[first], examples.x[last], _SHOWN, label)
    says = "A pair a row: what the decoder makes of the codes between two, in equal steps."
    rows = [
        (f"{p + 1}: {k}/{_SHOWN - 1}", ways[p, k]) for p in range(_PAIRS) for k in range(_SHOWN)
    ]
    yield from _shown(examples, "interpolations", title, says, ways, rows)


def _neighbours(model, examples, seed, title) -> Iterator[Section]:
    z = exploring.codes(model, examples.x, examples.label)
    asked = np.random.default_rng(seed).choice(len(z), min(_PAIRS, len(z)), replace=False)
    number = min(_NEAR + 1, len(z))
    near, distances = exploring.nearest(z, z[asked], number)
    says = "An example, and those whose codes lie nearest, the nearest first."
    rows = [
        ("example" if k == 0 else f"at {distances[a, k]:.2f}", examples.x[near[a, k]])
        for a in range(len(asked))
        for k in range(number)
    ]
    yield from _shown(examples, "neighbours", title, says, examples.x[near], rows)


def _mixture(model, x, seed, label):
    """With as many components as there are examples for."""
    size = int(np.prod(model.latent.event_shape))
    components = int(np.clip(len(x) // (_EACH * size), 1, 10))
    return exploring.fit_gaussian_mixture(model, x, components, seed, label)


_FITS = {
    "Gaussian mixture": _mixture,
    "flow": exploring.fit_flow,
    "second VAE": exploring.fit_two_stage,
}


def _samplers(model, examples, seed, title) -> Iterator[Section]:
    """The prior's draws and those of each sampler, and what each costs on examples it was not fitted to."""
    split = int(_FITTED * len(examples.x))
    known, held = slice(split), slice(split, None)
    label = examples.told(np.arange(2 * _SHOWN) % len(examples.x))
    fitted = {
        name: fit(model, examples.x[known], seed=seed, label=examples.told(known))
        for name, fit in _FITS.items()
    }
    held_out = examples.x[held], seed, examples.told(held)
    codes = {"prior": model.sample_codes(2 * _SHOWN, seed_of(seed), _tensor(label)).numpy()}
    costs = {"prior": _cost_of_prior(model, *held_out)}
    for name, sampler in fitted.items():
        costs[name] = np.asarray(sampler.rate(*held_out))
        codes[name] = sampler.codes(2 * _SHOWN, seed)
    says = (
        f"Draws of z from the prior, and from densities fitted to the codes of {split:,} examples. "
        f"Here is what the codes of {len(examples.x) - split:,} others cost with each as the prior, with the "
        "standard error: where a density is cheaper by much, the prior draws codes that the decoder never "
        "saw."
    )
    table = [[name, "-" if cost is None else _nats(cost)] for name, cost in costs.items()]
    yield Section("", title, says, rows=table)
    for name, z in codes.items():
        made = _drawn(model, z, seed, label)
        rows = [("draw", each) for each in made]
        image = made.reshape(2, _SHOWN, *made.shape[1:])
        yield from _shown(
            examples, f"samples_{name.replace(' ', '_').lower()}", "", f"From: {name}.", image, rows
        )


def _nats(each: np.ndarray) -> str:
    error = each.std(ddof=1) / np.sqrt(len(each))
    return f"{number(float(each.mean()))} \u00b1 {error:.2f} nats"


def _cost_of_prior(model, x, seed, label) -> np.ndarray | None:
    """[N] the rate at a draw; `None` of a prior that has no density of z alone."""
    drawn = exploring.draws(model, x, seed, label)
    try:
        prior = model.log_prior(drawn.z, label=label).numpy()
    except UserError:
        return None
    return np.asarray(drawn.log_posterior - prior)


def _drawn(model, z, seed, label) -> np.ndarray:
    """The likeliest x of each code; of a decoder that reads x, whose likeliest is often blank, a draw."""
    if model.decoder.factorised:
        return decoded(model, z, label)
    return model.sample(seed=seed, z=z, label=_tensor(label)).numpy()


def _strange(model, examples, seed, title) -> Iterator[Section]:
    rows = slice(_MOST_SCORED)
    x = examples.x[rows]
    scores = exploring.elbo_score(model, x, 8, seed, examples.told(rows))
    order = np.argsort(scores)
    number = min(_SHOWN, len(order))
    chosen = np.stack([order[:number], order[::-1][:number]])
    says = (
        f"Of {len(x)} examples those with the least -ELBO (above, {scores[order[0]]:.1f} nats for the first) "
        f"and the greatest (below, {scores[order[-1]]:.1f} nats)."
    )
    cells = [(f"{scores[row]:.1f} nats", examples.x[row]) for row in chosen.ravel()]
    yield from _shown(examples, "strange", title, says, x[chosen], cells)


def _shown(examples, name, title, says, images, rows) -> Iterator[Section]:
    """As a picture of images [R, K, H, W, C], or as sentences; of neither nothing is shown but words."""
    if examples.levels is not None:
        picture = grid(np.asarray(images, np.float32) / examples.levels, "")
        yield Section(name, title, says, picture)
    elif examples.words is not None:
        said = examples.words(np.stack([x for _, x in rows]))
        yield Section(name, title, says, rows=[[head, text] for (head, _), text in zip(rows, said)])
    elif title:
        yield Section("", title, "Only of images and text there is something to be seen here.")


def _tensor(label) -> tf.Tensor | None:
    return None if label is None else tf.constant(label, tf.int32)
