"""Commands and kinds that only tests have, found as real ones are: a folder on a package's ``__path__``.

They are imported here and hidden again, so that tests over all kinds and commands do not meet them; the fixture
`fakes_found` shows them to a test.
"""

import sys
from importlib import import_module
from pathlib import Path

from napari_xct_crack import commands, cracks

HERE = Path(__file__).parent
FOLDERS = {commands: str(HERE / "commands"), cracks: str(HERE / "cracks")}
CHILD = """
import sys
sys.path.insert(0, sys.argv.pop(1))
import fakes
from napari_xct_crack.cli import main
fakes.show()
sys.exit(main())
"""


def show() -> None:
    """Let the fakes be found."""
    for package, folder in FOLDERS.items():
        package.__path__.append(folder)


def hide() -> None:
    """Let them be found no more."""
    for package, folder in FOLDERS.items():
        package.__path__.remove(folder)


def child(*words: str) -> list[str]:
    """The command line in a child process that knows the fakes."""
    return [sys.executable, "-c", CHILD, str(HERE.parent), *words]


show()
Alpha = import_module("napari_xct_crack.cracks.alpha").Alpha
Beta = import_module("napari_xct_crack.cracks.beta").Beta
walk = import_module("napari_xct_crack.commands.walk")
Look, Walk = walk.Look, walk.Walk
hide()
