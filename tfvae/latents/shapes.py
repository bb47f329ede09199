"""What features a code of a shape needs."""

from __future__ import annotations

from collections.abc import Mapping

from tfvae.checks import UserError, count

__all__ = ["check_features", "of_spheres"]


def check_features(name: str, event_shape, features_shape) -> None:
    """Refuses features that have no such positions.

    Args:
        name: of the part that reads them.
        event_shape: `(D,)` for one vector, or `(n, D)`.
        features_shape: what came, [B, F] or [B, n, F].

    Raises:
        UserError: otherwise.
    """
    if isinstance(features_shape, Mapping):
        raise UserError(
            f"the encoder gives features by name ({', '.join(features_shape)}), which a Hierarchy of such "
            f"levels takes, and {name} takes one tensor"
        )
    want = len(event_shape) + 1
    if len(features_shape) != want or (want == 3 and features_shape[1] != event_shape[0]):
        raise UserError(
            f"{name} with event shape {event_shape} needs features "
            f"[B, {', '.join([str(s) for s in event_shape[:-1]] + ['F'])}], "
            f"got {tuple(features_shape)}"
        )


def of_spheres(event_shape, spheres: int) -> int:
    """d, where the last axis of z is that many points side by side.

    Raises:
        UserError: it cannot be divided so, or a point would have a single number.
    """
    width, spheres = event_shape[-1], count("spheres", spheres)
    if width % spheres or width // spheres < 2:
        raise UserError(
            f"a z of {width} numbers must be cut into points of 2 numbers or more on spheres={spheres}: a "
            f"point of one number would be a sign"
        )
    return width // spheres
