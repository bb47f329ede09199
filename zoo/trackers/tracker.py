"""What a tracker is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from tfvae.checks import UserError

__all__ = ["Tracker"]


class Tracker:
    """One run, shown somewhere else. Whatever its methods raise is said in one line, and ends no training.

    Args:
        path: the run directory.
        config: its config.json.
        state: what `state` was when the run was last shown there, `None` at first: a resumed run goes on
            with the same run of the tracker.
    """

    PACKAGE: str | None = None
    """The module that it needs, the name of the extra too."""

    holds: int | None = None
    """The last step of the run that it surely has, of one that sends later than it takes: a kill may lose
    rows between. `None`: what it took it has."""

    def __init__(self, path: str, config: Mapping[str, Any], state: Any):
        self.path, self.config, self.state = path, config, state

    @classmethod
    def refuse_missing(cls) -> None:
        """Before anything slow.

        Raises:
            UserError: the package is not installed.
        """
        if cls.PACKAGE is None:
            return
        try:
            importlib.import_module(cls.PACKAGE)
        except ImportError as error:
            raise UserError(
                f"track={cls.PACKAGE} needs a package: pip install 'tfvae[{cls.PACKAGE}]' ({error})"
            ) from error

    def row(self, values: Mapping[str, float], step: int) -> None:
        """Numbers of an evaluation: {"stage/train/elbo": nats}, after `step` steps of the run."""
        raise NotImplementedError

    def report(self, values: Mapping[str, float], verdict: str, figures: list[str]) -> None:
        """At the end: the report's numbers, its verdict, and paths of the figures."""
        raise NotImplementedError

    def close(self) -> None:
        """Nothing follows in this process."""
