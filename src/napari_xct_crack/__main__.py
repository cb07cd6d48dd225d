"""``python -m napari_xct_crack`` is the command line."""

import sys

from .cli import main

sys.exit(main())
