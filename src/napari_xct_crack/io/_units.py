"""Lengths as files write them, in µm."""

from __future__ import annotations

from ..errors import SettingsError
from ..settings import VoxelSize

_MICROMETRES = {
    "um": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "micrometre": 1.0,
    "nm": 1e-3,
    "nanometer": 1e-3,
    "nanometre": 1e-3,
    "mm": 1e3,
    "millimeter": 1e3,
    "millimetre": 1e3,
    "cm": 1e4,
    "centimeter": 1e4,
    "centimetre": 1e4,
    "m": 1e6,
    "meter": 1e6,
    "metre": 1e6,
    "angstrom": 1e-4,
    "å": 1e-4,
    "in": 25400.0,
    "inch": 25400.0,
}


def micrometres(unit: str) -> float | None:
    """How many µm the unit has, or none for one that is no length (``"pixel"``)."""
    text = unit.strip().replace("\\u00B5", "u").replace("\u00b5", "u").replace("\u03bc", "u").lower()
    return _MICROMETRES.get(text)


def settle(stated: VoxelSize | None, given: VoxelSize | None) -> tuple[VoxelSize | None, tuple[str, ...]]:
    """The voxel size to use and what to say about it: the given one goes before the file's.

    Raises
    ------
    SettingsError
        If a given side is not a positive finite number.
    """
    if given is None:
        unknown = "The file does not state the voxel size; --voxel-size-um Z Y X gives it."
        return stated, () if stated else (unknown,)
    if not all(0 < side < float("inf") for side in given):
        raise SettingsError(f"A voxel size has three positive sides in µm along z, y, x, given {shown(given)}.")
    if stated is not None and any(abs(a - b) > 1e-3 * b for a, b in zip(given, stated, strict=True)):
        return given, (f"The file states voxels of {shown(stated)} µm; {shown(given)} µm was given and is used.",)
    return given, ()


def shown(size: VoxelSize) -> str:
    """``7 × 7 × 7``."""
    return " × ".join(f"{side:.6g}" for side in size)
