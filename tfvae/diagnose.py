"""python -m tfvae.diagnose RUN_DIRECTORY | model.keras --data=FILE [--out=DIRECTORY]

From Python `tfvae.diagnose(model, x)` is the function. Python puts an imported module of this name in
the function's place, so the module can be called like it.
"""

import sys
import types

from tfvae.diagnosis import VERDICTS, Diagnosis, diagnose
from tfvae.examination import main

__all__ = ["VERDICTS", "Diagnosis", "diagnose", "main"]


class _Callable(types.ModuleType):
    def __call__(self, *args, **kwargs) -> Diagnosis:
        """See `tfvae.diagnosis.diagnose`."""
        return diagnose(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable

if __name__ == "__main__":
    sys.exit(main())
