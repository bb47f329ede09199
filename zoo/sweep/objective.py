"""What a search looks at: a figure of a finished run by its name, and which way is better.

valid_NAME is of the last evaluation on validation data (`metrics.jsonl`); any other name is of `report.json`,
whose figures are of test data: what was chosen by them says too much of itself there.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, cast

from tfvae.checks import UserError
from tfvae.procedures import MAIN
from tfvae.training import RunDirectory
from zoo.comparison.tables import is_number

__all__ = ["DIRECTIONS", "Objective"]

_VALID = "valid_"
_UP = ("elbo", "mutual_information", "active_units", "linear_probe_accuracy",
       "nearest_neighbour_accuracy", "codebook_perplexity", "codes_used", "mig", "sap",
       "factor_vae_score", "shuffle_gap")  # fmt: skip
_DOWN = ("nll", "auxiliary_nll", "distortion", "bits_per_dim", "perplexity", "loss", "train_seconds",
         "parameters", "marginal_kl")  # fmt: skip
Direction = Literal["maximize", "minimize"]
DIRECTIONS = ("maximize", "minimize")


class Objective(NamedTuple):
    """A figure and a direction."""

    name: str
    direction: Direction

    @classmethod
    def of(cls, name: str, direction: str | None) -> Objective:
        """The direction that the name has, if none is said.

        Raises:
            UserError: the name has none, or the other one.
        """
        plain = name.removeprefix(_VALID)
        usual = "maximize" if plain in _UP else "minimize" if plain in _DOWN else None
        if usual is None and direction is None:
            raise UserError(
                f"--objective={name[:80]} does not say which way is better: add --direction=maximize or "
                "minimize"
            )
        if usual is not None and direction not in (None, usual):
            raise UserError(f"--objective={name} is better the other way: leave --direction out")
        return cls(name, cast(Direction, direction or usual))

    @property
    def of_test_data(self) -> bool:
        """Whether what is chosen by it was measured on the examples that it is chosen by."""
        return not self.name.startswith(_VALID)

    def value(self, workdir: str, report: dict[str, Any]) -> float:
        """Of a finished run.

        Raises:
            UserError: this run has no such figure; says which there are.
        """
        held = self._rows(workdir)[-1:] if not self.of_test_data else [report]
        found: Any = held[0].get(self.name) if held else None
        if not is_number(found):
            names = sorted(name for row in held for name, value in row.items() if is_number(value))
            raise UserError(f"a run here has no number {self.name!r}; it has {', '.join(names)}")
        return float(found)

    def course(self, workdir: str) -> list[tuple[int, float]]:
        """(step, the figure on validation data) so far, of a run that goes on."""
        name = self.name if not self.of_test_data else f"{_VALID}{self.name}"
        rows: list[tuple[int, Any]] = [(row["step"], row.get(name)) for row in self._rows(workdir)]
        return [(step, float(value)) for step, value in rows if is_number(value)]

    def _rows(self, workdir: str) -> list[dict[str, Any]]:
        """Of the main stage, by the names of an objective."""
        return [
            {
                "step": row["step"],
                **{f"{_VALID}{k}": v for k, v in row.get("latent", {}).items()},
                **{f"{_VALID}{k}": v for k, v in row["valid"].items()},
            }
            for row in RunDirectory(workdir, {}).metrics()
            if row["stage"] == MAIN
        ]
