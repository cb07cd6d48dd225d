"""A scan or a result as the rest of the package sees it: a lazy pyramid with a crop, a window and a voxel size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from .errors import InputError
from .settings import VoxelSize

Role = Literal["image", "probability", "mask", "labels"]
Triple = tuple[int, int, int]


class LazyArray(Protocol):
    """Anything three-dimensional that yields NumPy when sliced: a `zarr.Array`, a memory map, a stack of files."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def __getitem__(self, key: Any, /) -> Any: ...


@dataclass(frozen=True)
class Box:
    """A half-open box of voxels, ``start`` to ``stop`` along z, y, x."""

    start: Triple
    stop: Triple

    @classmethod
    def of(cls, shape: tuple[int, ...]) -> Box:
        """The whole of an array of that shape."""
        return cls((0, 0, 0), (int(shape[0]), int(shape[1]), int(shape[2])))

    @property
    def shape(self) -> Triple:
        z, y, x = (stop - start for start, stop in zip(self.start, self.stop, strict=True))
        return (z, y, x)

    @property
    def size(self) -> int:
        """Number of voxels; 0 where any side is not positive."""
        return int(np.prod([max(0, side) for side in self.shape], dtype=np.int64))

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        z, y, x = (slice(start, stop) for start, stop in zip(self.start, self.stop, strict=True))
        return (z, y, x)

    def shifted(self, by: Triple) -> Box:
        return Box(
            (self.start[0] + by[0], self.start[1] + by[1], self.start[2] + by[2]),
            (self.stop[0] + by[0], self.stop[1] + by[1], self.stop[2] + by[2]),
        )

    def grown(self, by: Triple) -> Box:
        """The box with `by` voxels more on each side; it may leave the array."""
        return Box(self.shifted((-by[0], -by[1], -by[2])).start, self.shifted(by).stop)

    def intersection(self, other: Box) -> Box:
        start = [max(a, b) for a, b in zip(self.start, other.start, strict=True)]
        stop = [min(a, b) for a, b in zip(self.stop, other.stop, strict=True)]
        return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))

    def contains(self, other: Box) -> bool:
        return self.intersection(other) == other


@dataclass(frozen=True)
class Volume:
    """A 3-D scan, probability, mask or label image; nothing is read until :meth:`read`.

    Parameters
    ----------
    levels
        Pyramid; level 0 is the data.
    box
        Crop in level 0, or none for the whole.
    window
        Two grey values that bound the contrast, for looking and training. The first above the second means that cracks
        are brighter than metal: the scale then runs the other way.
    voxel_size
        µm along z, y, x; ``None`` where unknown.
    offset
        Position of voxel 0 of level 0 in the scan that it was cut from, in voxels.
    part
        Coarse mask of the part, or none.
    source
        Path or URL that another process can open again, or none for data in memory.
    """

    levels: tuple[LazyArray, ...]
    role: Role = "image"
    box: Box | None = None
    window: tuple[float, float] | None = None
    voxel_size: VoxelSize | None = None
    offset: Triple = (0, 0, 0)
    part: Volume | None = None
    source: str | None = None
    name: str = "volume"
    notes: tuple[str, ...] = field(default=())
    """What was assumed while reading, for the user."""
    again: Callable[[], Volume] | None = field(default=None, compare=False, repr=False)
    """Opens the same levels in another process, in a few words; none for data in memory."""

    def __reduce__(self) -> tuple[Any, ...]:
        """To another process goes how to open the volume, never a voxel.

        Raises
        ------
        InputError
            If the data are in memory only.
        """
        if self.again is None:
            raise InputError(f"{self.name} is in memory only, so no other process can open it; write it as OME-Zarr.")
        told = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "levels"}
        return _opened_again, (told,)

    @property
    def crop(self) -> Box:
        """The box in level 0 that this volume shows."""
        return self.box or Box.of(self.levels[0].shape)

    @property
    def shape(self) -> Triple:
        return self.crop.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.levels[0].dtype

    @property
    def origin(self) -> Triple:
        """Position of this volume's first voxel in the scan that its store was cut from."""
        return self.crop.shifted(self.offset).start

    def read(self, box: Box | None = None) -> NDArray[Any]:
        """Voxels of a box counted from the crop's corner, shape (z, y, x).

        Raises
        ------
        InputError
            If the box leaves the crop.
        """
        whole = Box.of(self.shape)
        box = box or whole
        if box.size == 0 or not whole.contains(box):
            raise InputError(f"The box {box.start} to {box.stop} does not lie inside the volume of shape {self.shape}.")
        return np.asarray(self.levels[0][box.shifted(self.crop.start).slices])

    def cropped(self, box: Box) -> Volume:
        """A view of part of this volume; nothing is copied.

        Raises
        ------
        InputError
            If the box is empty or leaves the volume.
        """
        if box.size == 0 or not Box.of(self.shape).contains(box):
            raise InputError(
                f"The crop {box.start} to {box.stop} is empty or does not lie inside the volume of shape {self.shape}."
            )
        return replace(self, box=box.shifted(self.crop.start))

    @classmethod
    def from_array(cls, array: NDArray[Any], **fields: Any) -> Volume:
        """Wrap data in memory, shape (z, y, x)."""
        if array.ndim != 3:
            raise InputError(f"A volume has the axes z, y, x; this array has {array.ndim} dimensions.")
        return cls(levels=(array,), **fields)


def _opened_again(told: Mapping[str, Any]) -> Volume:
    volume: Volume = told["again"]()
    return replace(volume, **told)
