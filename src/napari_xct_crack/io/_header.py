"""Text headers with a run of voxels behind them or in a file beside them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..errors import InputError

_LARGEST = 2**20


def lines_of(path: Path, ended: Callable[[str], bool]) -> tuple[list[str], int]:
    """Lines of a header, and the byte behind it.

    Parameters
    ----------
    ended
        Whether a line, which still belongs to the header, is the last one; the file's end is also one.

    Raises
    ------
    InputError
        If no end is found within a megabyte.
    """
    lines: list[str] = []
    with path.open("rb") as file:
        while file.tell() < _LARGEST:
            raw = file.readline(_LARGEST)
            if not raw:
                return lines, file.tell()
            lines.append(raw.decode("latin-1").rstrip("\r\n"))
            if ended(lines[-1]):
                return lines, file.tell()
    raise InputError(f"{path.name} is damaged: its header has no end.")


def beside(header: Path, name: str) -> Path:
    """The data file that a header names, which must lie in its folder or below.

    Raises
    ------
    InputError
        If it lies elsewhere, or if there is none.
    """
    folder = header.parent.resolve()
    try:
        found = (folder / name).resolve()
        there = found.is_file()
    except (OSError, ValueError, RuntimeError) as error:  # loops of links, NUL, too long
        raise InputError(f"{header.name} names {name[:80]!r} as its data file, which is no file name.") from error
    if not found.is_relative_to(folder):
        raise InputError(
            f"{header.name} names the file {name}, which lies outside its folder and is not opened; move it beside it."
        )
    if not there:
        raise InputError(f"{header.name} names the file {name}, which is not there; put it beside the header.")
    return found


def numbers(text: str, path: Path, field: str) -> list[float]:
    """Numbers between blanks.

    Raises
    ------
    InputError
        If there is anything else.
    """
    try:
        return [float(word) for word in text.split()]
    except ValueError as error:
        raise InputError(f"{path.name} is damaged: its field {field} is {text[:80]!r}, which is no number.") from error


def counts(text: str, path: Path, field: str) -> list[int]:
    """Whole numbers between blanks; errors as in :func:`numbers`."""
    found = numbers(text, path, field)
    if not all(number.is_integer() for number in found):
        raise InputError(f"{path.name} is damaged: its field {field} is {text[:80]!r}, which are not whole numbers.")
    return [int(number) for number in found]
