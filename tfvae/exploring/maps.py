"""Codes on a plane, and those that lie near each other.

Legend: N examples, M queries, D numbers of z, K neighbours.
"""

from __future__ import annotations

import numpy as np

from tfvae.checks import UserError, count, one_of

__all__ = ["METHODS", "code_map", "nearest"]

METHODS = ("pca", "tsne", "umap")
_FEWEST = 4  # points of a map
_PERPLEXITY = 30.0  # of t-SNE, as published; it must be below the number of points


def _flat(name: str, codes) -> np.ndarray:
    found = np.asarray(codes, np.float32)
    if found.ndim < 2 or not found.size:
        raise UserError(f"{name} must be [N, ...] with a number each, got {list(found.shape)}")
    if not np.isfinite(found).all():
        raise UserError(f"{name} must be finite numbers, got nan or inf")
    return found.reshape(len(found), -1)


def code_map(codes, method: str = "pca", seed: int = 0) -> np.ndarray:
    """Each code's place on a plane, [N, 2].

    Args:
        codes: [N, ...], such as `tfvae.exploring.codes` gives.
        method: `pca` keeps distances as well as a linear map can; `tsne` (van der Maaten and Hinton 2008)
            and `umap` (McInnes et al. 2018; `pip install umap-learn`) keep neighbours, and neither sizes
            nor distances of groups mean anything there.
        seed: of t-SNE and UMAP.

    Raises:
        UserError: another method, fewer than 4 codes, UMAP without its package.
    """
    one_of("map of codes", method, METHODS)
    flat = _flat("codes", codes)
    if len(flat) < _FEWEST:
        raise UserError(f"a map needs {_FEWEST} codes at least, got {len(flat)}")
    if flat.shape[1] == 1:
        flat = np.pad(flat, [(0, 0), (0, 1)])  # on a line
    return np.asarray(_METHODS[method](flat, seed), np.float32)


def _pca(flat, seed):
    from sklearn.decomposition import PCA

    return PCA(2, svd_solver="full").fit_transform(flat)


def _tsne(flat, seed):
    from sklearn.manifold import TSNE

    perplexity = min(_PERPLEXITY, (len(flat) - 1) / 3)
    return TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(flat)


def _umap(flat, seed):
    try:
        from umap import UMAP
    except ImportError:
        raise UserError("the map umap needs a package: pip install 'tfvae[umap]'") from None
    near = min(15, len(flat) - 1)
    # a spectral start has no room for its vectors among very few points
    start = "spectral" if len(flat) > near + 5 else "random"
    return UMAP(n_neighbors=near, random_state=seed, n_jobs=1, init=start).fit_transform(flat)


_METHODS = {"pca": _pca, "tsne": _tsne, "umap": _umap}


def nearest(codes, queries, number: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """The codes that lie nearest to each query, by Euclidean distance (on a sphere: by the chord).

    Args:
        codes: [N, ...].
        queries: [M, ...] of the same shape each.
        number: K.

    Returns:
        rows of `codes`, [M, K], the nearest first, and the distances, [M, K].

    Raises:
        UserError: codes of two shapes; more neighbours than codes.
    """
    from sklearn.neighbors import NearestNeighbors

    held, asked = _flat("codes", codes), _flat("queries", queries)
    if held.shape[1] != asked.shape[1]:
        raise UserError(
            f"queries must be as wide as codes, got {asked.shape[1]} and {held.shape[1]}"
        )
    if count("number", number) > len(held):
        raise UserError(f"there are {len(held)} codes, and {number} neighbours are asked for")
    distances, rows = NearestNeighbors(n_neighbors=number).fit(held).kneighbors(asked)
    return rows, distances
