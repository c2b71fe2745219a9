"""``python -m maniple script.py`` is ``maniple script.py``."""

import sys

from maniple._cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
