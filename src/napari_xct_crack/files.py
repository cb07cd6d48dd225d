"""Files that appear whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import writing


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a place to write to; what was written there then takes the place of `path`, or is gone if anything went wrong.

    Raises
    ------
    OutputError
        As :func:`napari_xct_crack.errors.writing` tells it.
    """
    partial = path.with_name(path.name + ".partial")
    with writing(path):
        try:
            yield partial
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
