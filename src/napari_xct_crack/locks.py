"""One owner at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from .errors import BusyError, writing


@contextmanager
def locked(path: Path, busy: str) -> Iterator[None]:
    """Hold a lock file.

    Raises
    ------
    BusyError
        With the sentence `busy`, if another process holds it.
    OutputError
        If the file cannot be written.
    """
    with writing(path):
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise BusyError(busy) from error
    try:
        yield
    finally:
        lock.release()
