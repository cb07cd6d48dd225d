"""A phantom on disk: the scan, its truth of every kind, and a record that ties them together."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import OutputError, SettingsError, writing
from ..events import Progress, Said, Work
from ..volume import Role
from .build import Phantom, build
from .conditions import PhantomSettings
from .grey import AIR, METAL


def make(settings: PhantomSettings, folder: Path) -> Work[Path]:
    """Write a phantom and its truth into a folder; returns the folder.

    ``scan.ome.zarr`` holds the grey values and ``truth.ome.zarr`` the labels (crack numbers); beside them stand
    ``void.ome.zarr`` and ``pores.ome.zarr`` (void fractions of cracks and of pores), ``aperture.ome.zarr`` (voxels, on
    labels), ``part.ome.zarr`` (closed over all cracks), ``fronts.csv`` (where cracks end in 3-D, z, y, x in voxels) and,
    written last, ``truth.json`` (settings, tips by slice, cracks).

    Raises
    ------
    OutputError
        If the folder already holds a phantom of other settings, or cannot be written.
    """
    from ..io import ome_zarr

    record = folder / "truth.json"
    if record.exists():
        if _stated(record) != settings:
            raise OutputError(f"{folder} already holds a phantom of other settings; name another folder or remove it.")
        yield Said(f"The phantom in {folder} exists and is kept.")
        return folder
    yield Progress(0, 2, "phantom")
    phantom = yield from build(settings)
    yield Progress(1, 2, "phantom")
    stores: dict[str, tuple[NDArray[Any], Role]] = {
        "scan": (phantom.scan, "image"),
        "truth": (phantom.labels, "labels"),
        "void": (phantom.void, "image"),
        "pores": (phantom.pores, "image"),
        "aperture": (phantom.aperture, "image"),
        "part": (phantom.part, "mask"),
    }
    for name, (array, role) in stores.items():
        path = folder / f"{name}.ome.zarr"
        ome_zarr.write(path, array, role=role, voxel_size=settings.voxel_size_um, overwrite=True)
    with writing(folder):
        _write_fronts(phantom, folder / "fronts.csv")
        record.write_text(json.dumps(_record(settings, phantom), indent=1), encoding="utf-8")
    yield Progress(2, 2, "phantom")
    return folder


def _stated(record: Path) -> PhantomSettings | None:
    """The settings of a phantom on disk; none if they are none of ours."""
    try:
        return PhantomSettings.checked(json.loads(record.read_text(encoding="utf-8")).get("settings"))
    except (SettingsError, ValueError, AttributeError):
        return None


def _write_fronts(phantom: Phantom, path: Path) -> None:
    """Points about half a voxel apart, in order along each line."""
    sides = np.array(phantom.part.shape)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["crack", "line", "z", "y", "x", "in_part"])
        for crack, lines in enumerate(phantom.fronts, 1):
            for number, line in enumerate(lines, 1):
                length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
                kept = np.unique(
                    np.concatenate([np.searchsorted(length, np.arange(0, length[-1], 0.5)), [len(line) - 1]])
                )
                for point in line[kept]:
                    voxel = np.rint(point).astype(int)
                    inside = bool((voxel >= 0).all() and (voxel < sides).all() and phantom.part[tuple(voxel)])
                    table.writerow([crack, number, *(f"{value:.3f}" for value in point), int(inside)])


def _record(settings: PhantomSettings, phantom: Phantom) -> dict[str, Any]:
    inside = int(phantom.part.sum())
    return {
        "settings": settings.model_dump(mode="json"),
        "condition": asdict(settings.content),
        "voxel_size_um": settings.voxel_size_um,
        "air": AIR,
        "metal": METAL,
        "exposure": None if phantom.exposure is None else asdict(phantom.exposure),
        "void_fraction": float(phantom.void.sum()) / inside,
        "pore_fraction": float(phantom.pores.sum()) / inside,
        "tips": [[round(value, 3) for value in tip] for tip in phantom.tips],
        "cracks": [{"id": number, **asdict(crack)} for number, crack in enumerate(phantom.cracks, 1)],
    }
