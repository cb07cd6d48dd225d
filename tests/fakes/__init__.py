"""Commands and kinds that only tests have, found as real ones are: a folder on a package's ``__path__``."""

import sys
from pathlib import Path

from napari_xct_crack import commands, cracks

HERE = Path(__file__).parent
CHILD = "import sys; sys.path.insert(0, sys.argv.pop(1)); import fakes; from napari_xct_crack.cli import main; sys.exit(main())"

commands.__path__.append(str(HERE / "commands"))
cracks.__path__.append(str(HERE / "cracks"))


def child(*words: str) -> list[str]:
    """The command line in a child process that knows the fakes."""
    return [sys.executable, "-c", CHILD, str(HERE.parent), *words]
