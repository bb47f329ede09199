"""Rendered bodies with known pose, light and shape, made here; the set is enumerated, and seen whole.

    body: x' A x = 1 seen along z, A = [[P, q], [q', r]], u the place on the image
    depth: z = (-q'u + sqrt((q'u)^2 - r (u'P u - 1))) / r;   normal ~ A (u, z)
    pixel: 0.2 + 0.8 max(0, normal . light), background 0

What the inverse graphics network of Kulkarni et al. 2015 is about, without its meshes: a body is two
ellipsoids, of which the nearer one is seen; it is turned (azimuth, then elevation) and the light moves.
"""

from __future__ import annotations

import itertools

import numpy as np

from zoo.datasets.data import Data, Split, refuse_files

__all__ = ["FACTORS", "load", "rendered", "shaded"]

ABOUT = {
    "ellipsoids": "4,200 rendered grey images with known factors: azimuth, elevation, light and shape"
}
"""What `tfvae list datasets` says of it."""

FACTORS = ("azimuth", "elevation", "light", "shape")
_SIDE = 32
_AMBIENT = 0.2
_AZIMUTHS = np.linspace(-90, 75, 12)  # degrees; 90 would be a body's other side
_ELEVATIONS = np.linspace(-45, 45, 5)
_LIGHTS = np.linspace(-80, 80, 7)
_SHAPES = 10
_SEED = 20150311  # of the shapes


def shaded(matrix, places, light) -> tuple[np.ndarray, np.ndarray]:
    """(depth [K], brightness [K]) of x' A x = 1 at places of the image; -inf and 0 where it is not.

    Args:
        matrix: A, [3, 3], positive definite.
        places: u, [K, 2], relative to the body's centre.
        light: unit vector towards the light, [3].
    """
    upper, across, r = matrix[:2, :2], matrix[:2, 2], matrix[2, 2]
    along = places @ across
    inside = along**2 - r * (np.einsum("ki,ij,kj->k", places, upper, places) - 1.0)
    depth = (-along + np.sqrt(np.maximum(inside, 0.0))) / r
    normal = np.concatenate([places, depth[:, None]], 1) @ matrix
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    bright = _AMBIENT + (1.0 - _AMBIENT) * np.maximum(normal @ np.asarray(light), 0.0)
    seen = inside > 0.0
    return np.where(seen, depth, -np.inf), np.where(seen, bright, 0.0)


def rendered(bodies, azimuth, elevation, light, side: int = _SIDE) -> np.ndarray:
    """One image, [side, side] from 0 to 1.

    Args:
        bodies: [(axes [3], centre [3])]: ellipsoids before they are turned.
        azimuth, elevation: degrees, about the upright axis and then about the one to the right.
        light: degrees from the viewer's direction, to the right.
    """
    turn = _about(0, elevation) @ _about(1, azimuth)
    angle = np.radians(light)
    towards = np.array([np.sin(angle), 0.0, np.cos(angle)])
    middle = (np.arange(side) + 0.5) / side * 2.0 - 1.0
    places = np.stack(np.meshgrid(middle, -middle), -1).reshape(-1, 2)
    depths, brights = [], []
    for axes, centre in bodies:
        matrix, at = turn @ np.diag(1.0 / np.square(axes)) @ turn.T, turn @ centre
        depth, bright = shaded(matrix, places - at[:2], towards)
        depths.append(depth + at[2])
        brights.append(bright)
    nearest = np.argmax(depths, 0)
    return np.take_along_axis(np.array(brights), nearest[None], 0)[0].reshape(side, side)


def _about(axis: int, degrees: float) -> np.ndarray:
    """The turn about an axis."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    first, second = [i for i in range(3) if i != axis]
    turn = np.eye(3)
    turn[first, first] = turn[second, second] = cosine
    turn[first, second], turn[second, first] = -sine, sine
    return turn


def _shapes():
    """A body, and a smaller one that looks out of it, so that each turn is seen."""
    rng, bodies = np.random.default_rng(_SEED), []
    for _ in range(_SHAPES):
        away = rng.normal(size=3)
        centre = 0.6 * away / np.linalg.norm(away)
        bodies.append(
            [(rng.uniform(0.3, 0.55, 3), np.zeros(3)), (rng.uniform(0.2, 0.35, 3), centre)]
        )
    return bodies


def load(name: str, data_dir=None) -> Data:
    """Factors: azimuth (12), elevation (5), light (7), shape (10). Every split is all of it."""
    refuse_files(name, data_dir)
    shapes = _shapes()
    grids = (_AZIMUTHS, _ELEVATIONS, _LIGHTS, shapes)
    factors = np.array(list(itertools.product(*(range(len(g)) for g in grids))), np.int64)
    x = np.stack(
        [rendered(shapes[s], _AZIMUTHS[a], _ELEVATIONS[e], _LIGHTS[n]) for a, e, n, s in factors]
    )
    pixels = np.round(255.0 * x).astype(np.uint8)[..., None]
    whole = Split(pixels, None, factors)
    return Data(
        name,
        whole,
        whole,
        whole,
        "grey8",
        f"synthetic: {len(x):,} grey images of {_SIDE}x{_SIDE}, {len(shapes)} bodies of two ellipsoids, "
        f"{len(_AZIMUTHS)} azimuths, {len(_ELEVATIONS)} elevations, {len(_LIGHTS)} directions of the light",
        "made by this project",
        {},
    )
