"""Which rows of a table are shown, in which order, under which headers."""

from __future__ import annotations

import operator
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..measure._tables import Table
from ..volume import Box

Rows = NDArray[np.intp]
_COMPARED = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}
_CONDITION = re.compile(r"(?P<name>\w+)\s*(?P<sign><=|>=|!=|<|>|=)\s*(?P<value>[^\s,<>=!]+)|(?P<word>[^\s,<>=!]+)")
_LENGTHS = (
    "length",
    "aperture_mean",
    "aperture_max",
    "aperture_volume",
    "aperture_grey",
    "aperture_grey_error",
    "half_axis_1",
    "half_axis_2",
    "half_axis_3",
    "sqrt_area",
    "depth",
)
_UNITS = {
    **dict.fromkeys(_LENGTHS, "{}"),
    **dict.fromkeys(("surface", "area", "pore_area"), "{}²"),
    "volume": "{}³",
    "pole_to_build": "°",
}


def header(name: str, unit: str) -> str:
    """A column's name, and below it its unit where it has one; `unit` is that of lengths, ``"um"`` or ``"voxel"``."""
    shown = _UNITS.get(name, "").format("µm" if unit == "um" else "voxel")
    return f"{name}\n{shown}" if shown else name


def matching(table: Table, *texts: str) -> Rows:
    """Rows that meet all conditions of all texts.

    Parameters
    ----------
    texts
        Conditions such as ``length > 20``, numbers of components, or words such as ``crack``, separated by blanks or
        commas; several numbers or words in one text mean any of them.

    Raises
    ------
    InputError
        If a text is no such condition or names no column.
    """
    kept = np.ones(len(next(iter(table.values()))), np.bool_)
    for text in texts:
        kept &= _meets(table, text, len(kept))
    return np.flatnonzero(kept)


def _meets(table: Table, text: str, count: int) -> NDArray[np.bool_]:
    kept, words, rest = np.ones(count, np.bool_), [], 0
    for found in _CONDITION.finditer(text):
        _refuse(text, text[rest : found.start()])
        rest = found.end()
        if found["word"]:
            words.append(found["word"])
        else:
            kept &= _compared(table, found["name"], found["sign"], found["value"])
    _refuse(text, text[rest:])
    if words:
        kept &= np.any([_named(table, word) for word in words], axis=0)
    return kept


def _refuse(text: str, between: str) -> None:
    if between.strip(" ,"):
        raise InputError(f'A condition is such as "length > 20", a number or a word; given "{text}".')


def _compared(table: Table, name: str, sign: str, value: str) -> NDArray[np.bool_]:
    if name not in table:
        raise InputError(f"There is no column {name}; there are {', '.join(table)}.")
    column = table[name]
    if column.dtype.kind in "iuf":
        try:
            number = float(value)
        except ValueError as error:
            raise InputError(f"{name} is a number, and {value} is none.") from error
        found: NDArray[np.bool_] = _COMPARED[sign](column, number)
        return found & ~np.isnan(column)
    if sign not in ("=", "!="):
        raise InputError(f"{name} is a word: it can be = or != only.")
    same: NDArray[np.bool_] = _text(column) == value.lower()
    return same if sign == "=" else ~same


def _named(table: Table, word: str) -> Any:
    """Rows of the component of that number, or with that word in a column of text."""
    if word.isdecimal():
        numbers = _numbers(table)
        if numbers is None:
            raise InputError(f"This table has no components; say which column is {word}.")
        return numbers == int(word)
    texts = [column for column in table.values() if column.dtype.kind not in "iufb"]
    if not texts:
        raise InputError(f'This table has no words, given "{word}".')
    return np.any([_text(column) == word.lower() for column in texts], axis=0)


def _numbers(table: Table) -> NDArray[np.int64] | None:
    """The number of each row's component, if the table has components."""
    return next((table[name] for name in ("id", "crack") if name in table), None)


def number_of(table: Table, row: int) -> int:
    """The number of a row's component; 0 where it has none."""
    numbers = _numbers(table)
    return 0 if numbers is None else int(numbers[row])


def place_of(table: Table, rows: Rows, number: int) -> int | None:
    """Where among the rows the first one of a component stands."""
    numbers = _numbers(table)
    found = np.zeros(0) if numbers is None else np.flatnonzero(numbers[rows] == number)
    return int(found[0]) if len(found) else None


def box_at(table: Table, row: int, whole: Box) -> Box:
    """What a row is about, in voxels of the scan: the box of a component, a place's voxel, or a slice of the whole."""
    if "start_z" in table:
        ends = [[int(table[f"{end}_{axis}"][row]) for axis in "zyx"] for end in ("start", "stop")]
        return Box((ends[0][0], ends[0][1], ends[0][2]), (ends[1][0], ends[1][1], ends[1][2]))
    if "y" not in table:
        z = int(table["z"][row])
        return Box((z, *whole.start[1:]), (z + 1, *whole.stop[1:]))
    z, y, x = (round(float(table[axis][row])) for axis in "zyx")
    return Box((z, y, x), (z + 1, y + 1, x + 1))


def points(table: Table) -> tuple[NDArray[np.float64], dict[str, NDArray[Any]]]:
    """Places z, y, x of a table's rows, shape (n, 3), and of their other columns the number of the component and measures.

    Measures are floats, even where the file has whole numbers only: these would be taken for categories. Unknown ones are 0.
    """
    places = np.stack([table[axis] for axis in "zyx"], axis=1).astype(np.float64)
    measures = {name: column for name, column in table.items() if name not in (*"zyx", "crack")}
    floats = {
        name: np.nan_to_num(column.astype(float)) for name, column in measures.items() if column.dtype.kind in "iuf"
    }
    return places, {"crack": table["crack"], **floats}


def _text(column: NDArray[Any]) -> NDArray[np.str_]:
    return np.char.lower(column.astype(np.str_))


def ordered(table: Table, rows: Rows, by: str, descending: bool) -> Rows:
    """The rows in the order of a column; those without a value come last, equal ones in the order they had."""
    column = table[by][rows]
    known = ~np.isnan(column) if column.dtype.kind == "f" else np.ones(len(rows), np.bool_)
    values = column[known] if column.dtype.kind in "iufb" else _text(column[known])
    _, rank = np.unique(values, return_inverse=True)
    order = np.argsort(-rank if descending else rank, kind="stable")
    return np.concatenate([rows[known][order], rows[~known]])
