"""What is known of a scan beside its true labels: tips, apertures, exact void, pores, part."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..volume import Volume

RECORD = "truth.json"
"""Written last by :func:`~napari_xct_crack.phantom.make`, beside a store of each kind of truth."""


@dataclass(frozen=True)
class Known:
    """All that may be known; what is not is none."""

    tips: NDArray[np.float64] | None = None
    """Where cracks end (z, y, x, crack id) in the voxels of the scan, shape (n, 4)."""
    tips_from: str = "the thinned truth, for there is no truth.json beside it"
    aperture: Volume | None = None
    """Opening in voxels, on the true labels."""
    void: Volume | None = None
    """Exact void fraction of the cracks: 0..1, or whole numbers of which the type's largest is 1."""
    pores: Volume | None = None
    """Above 0 where a pore is."""
    part: Volume | None = None
    """Mask of the part, closed over its cracks; it says where there is metal, not what is scored."""
    scan: Volume | None = None
    """Grey values."""
    contrast: float | None = None
    """Grey value of metal minus that of air."""


def known(
    truth: Volume, *, tips: Path | None = None, aperture: Volume | None = None, scan: Volume | None = None
) -> Known:
    """What stands beside the store of the true labels; what is given goes before it.

    Parameters
    ----------
    tips
        Table of true tips: CSV with columns z, y, x and, if known, crack; or JSON as ``truth.json``. They are counted
        from voxel 0 of the truth's store.

    Raises
    ------
    InputError
        If a list of tips cannot be read.
    """
    found = Known() if truth.source is None else _beside(Path(truth.source).parent)
    if tips is not None:
        read = _table if tips.suffix.lower() == ".csv" else _tips
        found = replace(found, tips=read(tips), tips_from=tips.name)
    if found.tips is not None:
        found = replace(found, tips=found.tips + np.array([*truth.offset, 0]))
    return replace(found, aperture=aperture or found.aperture, scan=scan or found.scan)


def _beside(folder: Path) -> Known:
    """What stands in a folder; its tips are counted from voxel 0 of the truth's store."""
    names = ("aperture", "void", "pores", "part", "scan")
    found = Known(**{name: _opened(folder / f"{name}.ome.zarr") for name in names})  # type: ignore[arg-type]
    record = folder / RECORD
    if not record.is_file():
        return found
    return replace(found, tips=_tips(record), tips_from=record.name, contrast=_contrast(_json(record)))


def as_void(values: NDArray[Any]) -> NDArray[np.float32]:
    """Void fraction 0..1 of what a store holds."""
    largest = np.iinfo(values.dtype).max if np.issubdtype(values.dtype, np.integer) else 1
    return values.astype(np.float32) / np.float32(largest)


def _opened(path: Path) -> Volume | None:
    from ..io import read

    return read(path) if path.exists() else None


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(_NO_TIPS.format(path)) from error


def _tips(path: Path) -> NDArray[np.float64]:
    try:
        return np.array(_json(path)["tips"], dtype=np.float64).reshape(-1, 4)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(_NO_TIPS.format(path)) from error


def _table(path: Path) -> NDArray[np.float64]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [[row["z"], row["y"], row["x"], row.get("crack", 0)] for row in csv.DictReader(file)]
        return np.array(rows, dtype=np.float64).reshape(-1, 4)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no table of tips; it needs the columns z, y and x, and may have crack.") from error


def _contrast(record: dict[str, Any]) -> float | None:
    """Grey value of metal minus that of air, where a record states both."""
    metal, air = record.get("metal"), record.get("air")
    return float(metal - air) if isinstance(metal, int | float) and isinstance(air, int | float) else None


_NO_TIPS = "{} holds no list of tips (z, y, x, crack id) under 'tips'."
