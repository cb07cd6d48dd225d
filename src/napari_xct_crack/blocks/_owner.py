"""One owner at a time for a store that is being written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import writing
from ..locks import locked


@contextmanager
def owned(out: Path) -> Iterator[None]:
    """Hold the lock of a store, a hidden file beside it.

    Raises
    ------
    BusyError
        If another process holds it.
    OutputError
        If the folder cannot be written.
    """
    path = out.with_name(f".{out.name}.lock")
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    with locked(path, f"{out} is being written by another process; wait for it or give another name."):
        try:
            yield
        finally:
            # Removed while still held: whoever comes next makes a new one. Windows refuses that and keeps the file.
            with suppress(PermissionError):
                path.unlink(missing_ok=True)
