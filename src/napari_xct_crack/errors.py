"""What a user can put right. Anything else that is raised is a bug and keeps its traceback."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class XctCrackError(Exception):
    """Base of every error whose text tells the user, in one sentence, what is wrong and what would be right."""


class InputError(XctCrackError):
    """A file, folder or array cannot be read as what was asked for."""


class OutputError(XctCrackError):
    """A result cannot be written: it exists, the folder is read-only, the disk is full."""


class SettingsError(XctCrackError):
    """A setting has a value that cannot be obeyed."""


class BusyError(XctCrackError):
    """Another process owns the run or the store."""


_REASONS = {
    errno.ENOSPC: "the disk is full; free some space, then start again to go on",
    errno.EDQUOT: "the disk quota is used up; free some space, then start again to go on",
    errno.EROFS: "the file system is read-only; give a folder that can be written",
    errno.EACCES: "permission was denied; give a folder that can be written",
    errno.EPERM: "permission was denied; give a folder that can be written",
    errno.ENOTDIR: "part of its path is a file; give a folder that can be written",
}


@contextmanager
def writing(path: str | Path) -> Iterator[None]:
    """Turn a full disk or a read-only folder met while writing `path` into one sentence.

    Raises
    ------
    OutputError
        For what the user can put right; any other error passes.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _REASONS:
            raise
        raise OutputError(f"{path} cannot be written: {_REASONS[error.errno]}.") from error
