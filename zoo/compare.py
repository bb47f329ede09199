"""python -m zoo.compare: see `zoo.comparison.command`."""

import sys

from zoo.comparison.command import main

if __name__ == "__main__":
    sys.exit(main())
