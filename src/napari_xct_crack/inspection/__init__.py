"""Looking at measurements: their tables read back and chosen from, a box at full resolution, charts, sentences."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..io import read
from ..measure import LABELS, SUMMARY, Measured
from ..records import read_json
from ._charts import Chart, charts, rose
from ._closeup import CloseUp, around, close_up, extent_of, memory
from ._rows import header, matching, ordered

if TYPE_CHECKING:
    from ..measure._tables import Table

__all__ = [
    "Chart",
    "CloseUp",
    "around",
    "charts",
    "close_up",
    "extent_of",
    "finished",
    "header",
    "load",
    "matching",
    "memory",
    "ordered",
    "rose",
    "sentence",
]

_NEEDED = {
    "cracks": ("id", "kind", "z", "y", "x", *(f"{end}_{axis}" for end in ("start", "stop") for axis in "zyx")),
    "tips": ("crack", "z", "y", "x", "sharpness"),
    "fronts": ("crack", "z", "y", "x"),
    "slices": ("z",),
}
"""Columns without which a table cannot be looked at."""


def finished(folder: Path) -> bool:
    """Whether a folder holds measurements that came to their end."""
    return (folder / SUMMARY).is_file()


def load(folder: Path) -> Measured:
    """Measurements as ``measure`` wrote them; the labels stay on disk.

    Raises
    ------
    InputError
        If the folder holds none that are finished, or they are damaged.
    """
    if not finished(folder):
        raise InputError(f"{folder} holds no finished measurements; measure a mask into it first.")
    tables = {name: _table(folder / f"{name}.csv", needed) for name, needed in _NEEDED.items()}
    return Measured(labels=read(folder / LABELS), **tables, summary=read_json(folder / SUMMARY))


def _table(path: Path, needed: tuple[str, ...]) -> Table:
    import pandas

    try:
        frame = pandas.read_csv(path, encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a table ({error}); measure again.") from error
    missing = [name for name in needed if name not in frame]
    if missing:
        raise InputError(f"{path} lacks the column {missing[0]}; measure again.")
    return {name: frame[name].to_numpy() for name in frame}


def sentence(summary: dict[str, Any]) -> str:
    """How much of the part is crack and pore, with the interval where one is known."""
    unit = "µm" if summary["unit"] == "um" else "voxels"
    cracks = f"{_share(summary, 'crack')}, with {summary['tips']} tips in the slices"
    p32 = "" if summary["p32"] is None else f" Area of cracks per volume (P32): {summary['p32']:.3g} {unit}⁻¹."
    return f"{cracks}. {_share(summary, 'pore')}.{p32}"


def _share(summary: dict[str, Any], kind: str) -> str:
    entry = summary[kind]
    count = f"{entry['count']} {kind}{'' if entry['count'] == 1 else 's'}"
    if entry["volume_fraction"] is None:
        return f"{count} in a part of unknown volume"
    text = f"{count}: {100 * entry['volume_fraction']:.3g} % of the part"
    interval = entry.get("interval")
    if interval is None or None in interval["volume_fraction"]:
        return text
    least, most = (100 * share for share in interval["volume_fraction"])
    high, low = interval["thresholds"]
    return f"{text} ({least:.3g} to {most:.3g} % by thresholds of the probability from {high:g} to {low:g})"
