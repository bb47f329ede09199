"""An optional package, whose types are not looked at."""

from typing import Any

def __getattr__(name: str) -> Any: ...
