"""Which rows of a table are shown, in which order, under which headers."""

from __future__ import annotations

import operator
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..measure._tables import Table

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


def matching(table: Table, text: str) -> Rows:
    """Rows that meet all conditions.

    Parameters
    ----------
    text
        Conditions such as ``length > 20``, numbers of components, or words such as ``crack``, separated by blanks or
        commas; several numbers or words mean any of them.

    Raises
    ------
    InputError
        If the text is no such condition or names no column.
    """
    count = len(next(iter(table.values())))
    kept, words = np.ones(count, np.bool_), []
    rest = 0
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
    return np.flatnonzero(kept)


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
        key = "id" if "id" in table else "crack"
        if key not in table:
            raise InputError(f"This table has no components; say which column is {word}.")
        return np.asarray(table[key] == int(word))
    texts = [column for column in table.values() if column.dtype.kind not in "iufb"]
    if not texts:
        raise InputError(f'This table has no words, given "{word}".')
    return np.any([_text(column) == word.lower() for column in texts], axis=0)


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
