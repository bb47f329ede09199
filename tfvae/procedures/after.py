"""What no gradient moves: the running averages, memories and bounds that a step of the optimizer leaves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["After"]


class After:
    """Several of them as one, in their order, after the weights.

    Each is an object with `build(model)`, `__call__(seen, step, seed)` in replica context, and `state()`,
    the variables that are its own. It may have

        read(draw)            what `__call__` takes of a draw as `seen`; without it nothing is looked at
        take(variables)       is given what the update moves, before `build`
        moves_weights         True: averaged weights (`use_ema`) would miss what it moves
        examples_to_settle    it is called for so many examples once more when the training is done

    Args:
        given: one, several, or `None`.
    """

    def __init__(self, given=None):
        several = isinstance(given, Sequence)
        self.parts = list(given) if several else [] if given is None else [given]

    def build(self, model, moving, further: Sequence = ()) -> None:
        """Builds each.

        Args:
            model: the update's.
            moving: the variables that the update moves.
            further: more of them, that the terms of the objective bring.
        """
        mine = {id(part) for part in self.parts}
        self.parts += [part for part in further if id(part) not in mine]
        for part in self.parts:
            if hasattr(part, "take"):
                part.take(moving)
            part.build(model)

    @property
    def readers(self) -> list:
        """Those that look at the examples."""
        return [part for part in self.parts if hasattr(part, "read")]

    @property
    def movers(self) -> list:
        """Those that move weights which an optimizer may average."""
        return [part for part in self.parts if getattr(part, "moves_weights", False)]

    @property
    def settling(self) -> After:
        """Those that look at the data once more."""
        return After([part for part in self.parts if getattr(part, "examples_to_settle", 0)])

    @property
    def examples_to_settle(self) -> int:
        """How many examples the one that wants most of them looks at."""
        return max((getattr(part, "examples_to_settle", 0) for part in self.parts), default=0)

    def read(self, draw) -> list:
        """What each takes of a draw."""
        return [part.read(draw) if hasattr(part, "read") else () for part in self.parts]

    def __call__(self, seen, step, seed) -> None:
        """Each in turn, in replica context."""
        for part, of_it in zip(self.parts, seen):
            part(of_it, step, seed)

    def state(self) -> dict[str, Any]:
        """Of all; of the second and further ones under names of their own."""
        held = {}
        for number, part in enumerate(self.parts):
            before = f"after_{number}_" if number else ""
            held |= {before + name: value for name, value in part.state().items()}
        return held
