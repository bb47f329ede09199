# For pyright: typeshed's stubs of TensorFlow know neither x[..., 0] nor symbolic sizes of shapes.
from typing import Any

def __getattr__(name: str) -> Any: ...
