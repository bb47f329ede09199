"""What a point says of a setting, by its name alone."""

import dataclasses


def value(point, name):
    """Of the one part that has it."""
    (part,) = [p for p in point if name in {f.name for f in dataclasses.fields(p)}]
    return getattr(part, name)
