"""Take back the last change that was made to a mask in place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from ..events import Finished, Work
from . import Command, Positional


class Undo(Command):
    """Take back the last change of a mask: what clean --overwrite replaced, or what was painted by hand."""

    store: Annotated[Path, Positional] = Field(description="The mask: a folder that ends in .ome.zarr.")

    def run(self) -> Work[str]:
        """Put back what the journal beside the store kept."""
        from ..blocks.journal import undo

        what = undo(self.store)
        yield Finished(f"The {what} of {self.store} was undone.")
        return what
