"""Looking at measurements: their tables read back and chosen from, a box at full resolution, charts, sentences."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..io import read
from ..io.ome_zarr import open_zarr
from ..measure import LABELS, MAPS, SUMMARY, Measured
from ..records import read_json
from ._charts import Chart, charts, rose
from ._closeup import CloseUp, around, close_up, extent_of, memory, surroundings
from ._rows import box_at, header, matching, number_of, ordered, place_of, points

if TYPE_CHECKING:
    from ..measure._tables import Table

__all__ = [
    "Chart",
    "CloseUp",
    "around",
    "box_at",
    "charts",
    "close_up",
    "extent_of",
    "finished",
    "header",
    "load",
    "matching",
    "memory",
    "number_of",
    "ordered",
    "place_of",
    "points",
    "require",
    "rose",
    "sentence",
    "surroundings",
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


def require(folder: Path) -> None:
    """Raise if a folder holds no measurements.

    Raises
    ------
    InputError
        If it holds none that are finished.
    """
    if not finished(folder):
        raise InputError(f"{folder} holds no finished measurements; measure a mask into it first.")


def load(folder: Path) -> Measured:
    """Measurements as ``measure`` wrote them; labels and maps stay on disk.

    Raises
    ------
    InputError
        If the folder holds none that are finished, or they are damaged.
    """
    require(folder)
    tables = {name: _table(folder / f"{name}.csv", needed) for name, needed in _NEEDED.items()}
    if tables["cracks"]["id"].tolist() != list(range(1, len(tables["cracks"]["id"]) + 1)):
        raise InputError(f"{folder / 'cracks.csv'} does not list every component in its order; measure again.")
    cracks, tips, fronts, slices = tables.values()
    stores = sorted(folder.glob(f"{MAPS}*.ome.zarr"))
    maps = {int(path.name.removeprefix(MAPS).removesuffix(".ome.zarr")): open_zarr(path) for path in stores}
    return Measured(read(folder / LABELS), cracks, tips, fronts, slices, read_json(folder / SUMMARY), maps)


def _table(path: Path, needed: tuple[str, ...]) -> Table:
    import pandas

    try:
        frame = pandas.read_csv(path, encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a table ({error}); measure again.") from error
    missing = [name for name in needed if name not in frame]
    if missing:
        raise InputError(f"{path} lacks the column {missing[0]}; measure again.")
    table = {name: frame[name].to_numpy() for name in frame}
    words = [name for name in needed if name != "kind" and len(frame) and table[name].dtype.kind not in "iuf"]
    if words:
        raise InputError(f"{path} holds words in the column {words[0]}, where numbers belong; measure again.")
    return table


def sentence(summary: dict[str, Any]) -> str:
    """How much of the part is crack and pore, with the interval where one is known."""
    unit = "µm" if summary["unit"] == "um" else "voxels"
    interval = summary["crack"].get("interval")
    parts = (
        f"Cracks: {_share(summary['crack'])}. Pores: {_share(summary['pore'])}.",
        "In brackets: thresholds of the probability from {:g} to {:g}.".format(*interval["thresholds"])
        if interval
        else "",
        f"Tips in the slices: {summary['tips']}.",
        f"Area of cracks per volume: {summary['p32']:.3g} {unit}⁻¹." if summary["p32"] is not None else "",
    )
    return " ".join(filter(None, parts))


def _share(entry: dict[str, Any]) -> str:
    if entry["volume_fraction"] is None:
        return f"{entry['count']} in a part of unknown volume"
    ends = entry.get("interval", {}).get("volume_fraction", ())
    between = f" ({' to '.join(f'{100 * end:.3g}' for end in ends)} %)" if ends else ""
    return f"{entry['count']}, {100 * entry['volume_fraction']:.3g} % of the part{between}"
