"""python -m tfvae.diagnose RUN_DIRECTORY | model.keras --data=FILE [--out=DIRECTORY]

Nothing may import this file: from Python, `tfvae.diagnose` is the function.
"""

import sys

from tfvae.examination import main

if __name__ == "__main__":
    sys.exit(main())
