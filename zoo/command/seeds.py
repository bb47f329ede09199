"""How all commands spell seeds: --seeds=5 are the seeds 0 to 4, --seeds=0,1,7 are these."""

from __future__ import annotations

from tfvae.checks import UserError, within

__all__ = ["seeds"]

_MOST = 10_000
_GREATEST = 2**32 - 1


def seeds(text: str) -> list[int]:
    """The seeds that the text names, in its order.

    Args:
        text: how many of them, or each with commas between; a single one has a comma behind it, as in "7,".

    Raises:
        UserError: it is neither, it names none or one twice, or a seed is out of range.
    """
    try:
        numbers = [int(word) for word in text.removesuffix(",").split(",")]
    except ValueError as error:
        raise UserError(
            f"--seeds must be whole numbers with commas between, or how many, got {text[:80]!r}"
        ) from error
    if "," not in text:
        return list(range(within("--seeds", numbers[0], 1, _MOST)))
    within("the number of --seeds", len(numbers), 1, _MOST)
    seen: set[int] = set()
    for number in numbers:
        if within("a seed of --seeds", number, 0, _GREATEST) in seen:
            raise UserError(f"--seeds names {number} twice")
        seen.add(number)
    return numbers
