"""Which dimension of an array is z, y, x, and a lazy three-dimensional view that shows them in that order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..volume import LazyArray


@dataclass(frozen=True)
class Axes:
    """Where z, y and x are found in an array, and which index is taken of every other dimension."""

    zyx: tuple[int | None, int, int]
    """Dimension of each; no z is a single slice."""
    fixed: dict[int, int]
    notes: tuple[str, ...] = ()

    def view(self, array: LazyArray) -> LazyArray:
        """The array as z, y, x; nothing is read."""
        return array if self.zyx == (0, 1, 2) and not self.fixed else View(array, self)


class View:
    """An array of any number of dimensions seen as z, y, x; slicing reads what is asked for only."""

    def __init__(self, array: Any, axes: Axes) -> None:
        self._array = array
        self._axes = axes

    def _along(self, sides: Sequence[int]) -> tuple[int, int, int]:
        z, y, x = (1 if axis is None else int(sides[axis]) for axis in self._axes.zyx)
        return (z, y, x)

    @property
    def shape(self) -> tuple[int, int, int]:
        return self._along(self._array.shape)

    @property
    def ndim(self) -> int:
        return 3

    @property
    def dtype(self) -> np.dtype[Any]:
        dtype: np.dtype[Any] = np.dtype(self._array.dtype)
        return dtype

    @property
    def chunks(self) -> tuple[int, int, int]:
        """Voxels that are read at once, along z, y, x."""
        return self._along(getattr(self._array, "chunks", self._array.shape))

    def __getitem__(self, key: Any) -> NDArray[Any]:
        keys = list(key) if isinstance(key, tuple) else [key]
        if Ellipsis in keys:
            at = keys.index(Ellipsis)
            keys[at : at + 1] = [slice(None)] * (4 - len(keys))
        keys += [slice(None)] * (3 - len(keys))
        whole = [_as_slice(entry, side) for entry, side in zip(keys, self.shape, strict=True)]
        full: list[Any] = [self._axes.fixed.get(axis) for axis in range(len(self._array.shape))]
        for axis, entry in zip(self._axes.zyx, whole, strict=True):
            if axis is not None:
                full[axis] = entry
        read = np.asarray(self._array[tuple(full)])
        remaining = sorted(axis for axis in self._axes.zyx if axis is not None)
        read = read.transpose([remaining.index(axis) for axis in self._axes.zyx if axis is not None])
        if self._axes.zyx[0] is None:
            read = read[np.newaxis][whole[0]]
        result: NDArray[Any] = read[tuple(slice(None) if isinstance(entry, slice) else 0 for entry in keys)]
        return result


def _as_slice(entry: Any, side: int) -> slice:
    if isinstance(entry, slice):
        return entry
    index = range(side)[int(entry)]
    return slice(index, index + 1)


def axes_of(shape: tuple[int, ...], names: Sequence[str] | None, index: Mapping[str, int], what: str) -> Axes:
    """Find z, y, x among named dimensions, or take unnamed ones as z, y, x or y, x.

    Raises
    ------
    InputError
        If the dimensions are unnamed and not two or three, if y or x is missing, or if a longer further dimension has
        no index in `index`.
    """
    names = [name.lower() for name in names] if names else None
    if names is None or len(names) != len(shape) or not {"y", "x"} <= set(names):
        return _unnamed(shape, index, what)
    if unknown := set(index) - set(names):
        raise InputError(f"{what} has the axes {', '.join(names)}; there is no axis {', '.join(sorted(unknown))}.")
    fixed: dict[int, int] = {}
    for axis, (name, side) in enumerate(zip(names, shape, strict=True)):
        if name in "zyx":
            continue
        if name not in index and side != 1:
            raise InputError(f"{what} has {side} entries along its axis {name}; choose one with --index {name}=N.")
        fixed[axis] = index.get(name, 0)
        if not 0 <= fixed[axis] < side:
            raise InputError(f"{what} has {side} entries along its axis {name}, given --index {name}={fixed[axis]}.")
    z = names.index("z") if "z" in names else None
    return Axes((z, names.index("y"), names.index("x")), fixed)


def _unnamed(shape: tuple[int, ...], index: Mapping[str, int], what: str) -> Axes:
    if index:
        raise InputError(f"{what} does not name its axes, so --index cannot choose along {', '.join(sorted(index))}.")
    if len(shape) == 2:
        return Axes((None, 0, 1), {}, ("The axes are not named; two dimensions were taken as one slice (y, x).",))
    if len(shape) == 3:
        return Axes((0, 1, 2), {}, ("The axes are not named; three dimensions were taken as z, y, x.",))
    raise InputError(
        f"{what} has {len(shape)} dimensions of lengths {', '.join(map(str, shape))} and does not name its axes; "
        "two (y, x), three (z, y, x), or named axes are needed."
    )
