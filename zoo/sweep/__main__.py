"""python -m zoo.sweep: see `zoo.sweep.command`."""

import sys

from zoo.sweep.command import main

if __name__ == "__main__":
    sys.exit(main())
