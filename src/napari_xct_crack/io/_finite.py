"""Floating point voxels that are not numbers are read as 0, which stands for outside the field of view."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..volume import LazyArray, Volume

SAMPLED_SLICES = 9


class Finite:
    """A lazy array whose NaN and infinite voxels become 0 when they are read; all else is the array's."""

    def __init__(self, array: LazyArray) -> None:
        self._array = array

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._array, name)

    @property
    def shape(self) -> tuple[int, ...]:
        return self._array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._array.dtype

    def __getitem__(self, key: Any) -> NDArray[Any]:
        values = np.asarray(self._array[key])
        return np.where(np.isfinite(values), values, values.dtype.type(0))


def finite(volume: Volume) -> Volume:
    """The volume without voxels that are not numbers, said in its notes if some were seen in a few slices.

    Raises
    ------
    InputError
        If none of the voxels looked at is a number.
    """
    if volume.dtype.kind != "f":
        return volume
    seen = _any_missing(volume.levels[-1], volume.name)
    notes = ("Voxels that are not numbers are read as 0, outside the field of view.",) if seen else ()
    return replace(volume, levels=tuple(Finite(level) for level in volume.levels), notes=volume.notes + notes)


def _any_missing(level: LazyArray, name: str) -> bool:
    """Look at slices from the middle outwards until one holds a number."""
    count = level.shape[0]
    spread = {round(z) for z in np.linspace(0, count - 1, min(count, SAMPLED_SLICES))}
    missing = False
    for number in sorted(spread, key=lambda z: abs(z - count // 2)):
        numbers = np.isfinite(np.asarray(level[number : number + 1]))
        missing = missing or not bool(numbers.all())
        if numbers.any():
            return missing
    raise InputError(f"{name} holds no numbers: all voxels of {len(spread)} slices spread over it are NaN.")
