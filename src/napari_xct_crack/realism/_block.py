"""Blocks of a scan as missing attenuation: 0 in metal, 1 in air, with what must be known to find sheets in it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..appearance import Appearance, Noise, estimate, measure_noise, trusted
from ..errors import InputError
from ..prepare import part_at
from ..response import DARK, dark_response, flat_field
from ..settings import VoxelSize
from ..slabs import slab_boxes, typical
from ..volume import Box, Triple, Volume
from ._plates import Plates, Ridges, find

_MEMORY_MB = 60
"""Most of the scan that is looked at."""
_LEAST = 20_000
"""Fewest voxels of metal in a block."""
_PORE = -4.0
"""Response that no noise has: compact places as dark are pores."""
_FOLLOWED = -3.0
"""Response down to which such a place is followed before it is called compact: noise breaks faint sheets into short pieces."""
_WIDEST = 20
"""Longest side of a pore in voxels, if it is like a ball …"""
_FULL = 0.35
"""… and fills this share of its box; a ball fills 0.52, a sheet far less."""


@dataclass(frozen=True)
class Block:
    """A block of metal; arrays of shape (z, y, x)."""

    missing: NDArray[np.float32]
    """Missing share of attenuation; 0 outside."""
    inside: NDArray[np.bool_]
    """The part without its blurred rim."""
    corner: Triple
    """Of the block in the scan's crop."""
    plates: Plates
    look: Appearance
    """In grey values."""
    voxel_size: VoxelSize | None = None

    @property
    def noise(self) -> Noise:
        """As a share of the contrast between metal and air."""
        return self.plates.noise

    @property
    def volume(self) -> int:
        """Voxels inside."""
        return int(self.inside.sum())

    def with_missing(self, missing: NDArray[np.float32]) -> Block:
        """The same metal with other values."""
        return replace(self, missing=np.where(self.inside, missing, np.float32(0)))

    def part(self, box: tuple[slice, slice, slice]) -> Block:
        """A piece of it."""
        return replace(self, missing=self.missing[box], inside=self.inside[box])

    def measured_noise(self) -> Noise:
        """Noise of what is not dark, measured anew."""
        return measure_noise(self.missing, trusted(dark(self.missing, self.inside), self.inside))

    def ridges(self) -> Ridges:
        """Dark sheets; pores are filled before they are looked for."""
        pores = compact(self.missing, self.inside, self.plates.point_spread)
        return find(np.where(pores, np.float32(0), self.missing), self.inside, self.plates)

    def crack_free(self, ridges: Ridges, rng: np.random.Generator) -> Block:
        """The block with its sheets and pores filled with noise of its own spectrum."""
        spread = self.plates.point_spread
        marked = np.zeros(self.inside.shape, np.bool_)
        marked[tuple(ridges.place)] = True
        marked = ndimage.binary_dilation(marked, iterations=int(np.ceil(2.5 * spread + 1)))
        low = dark(self.missing, self.inside) < DARK
        marked |= ndimage.binary_dilation(ndimage.binary_propagation(marked & low, mask=low), iterations=2)
        marked |= compact(self.missing, self.inside, spread)
        filled = self.noise.draw(self.missing.shape, rng)
        return self.with_missing(np.where(marked, filled, self.missing))


def blocks(scan: Volume) -> list[Block]:
    """All of a small scan, or slabs of a large one that hold much of its part.

    Raises
    ------
    InputError
        If there is too little metal in the scan to look at.
    """
    boxes = slab_boxes(scan, _MEMORY_MB, 192, 32, np.random.default_rng(0))
    read = [_read(scan, box) for box in boxes]
    look = typical([found for _, found, _ in read])
    result = []
    for box, (flat, _, inside) in zip(boxes, read, strict=True):
        if inside.sum() < _LEAST:
            continue
        held = ndimage.find_objects(inside.astype(np.uint8))[0]
        flat, inside = flat[held], inside[held]
        z, y, x = (side.start for side in held)
        corner = box.shifted((z, y, x)).start
        missing = np.where(inside, -flat / np.float32(look.contrast), np.float32(0))
        where = trusted(dark(missing, inside), inside)
        if where.sum() < _LEAST / 2:
            continue
        missing[inside] -= missing[where].mean()
        plates = Plates(measure_noise(missing, where), look.point_spread)
        result.append(Block(missing, inside, corner, plates, look, scan.voxel_size))
    if not result:
        raise InputError(
            f"There is too little metal in the scan to compare cracks in it: fewer than {_LEAST:,} voxels lie beyond the part's rim."
        )
    return result


def _read(scan: Volume, box: Box) -> tuple[NDArray[np.float32], Appearance, NDArray[np.bool_]]:
    """Flat field, look and inside of a box."""
    grey, part = scan.read(box), part_at(scan, box)
    if not part.any():
        raise InputError("The part mask is empty inside the crop; widen the crop or give --part.")
    lo, hi = scan.window or (0.0, 1.0)
    upright = grey if lo < hi else lo + hi - grey.astype(np.float32)
    flat = flat_field(upright, part)
    look = estimate(upright, part, flat)
    # an edge of the block is no rim of the part
    deep = ndimage.distance_transform_edt(part) > 2.5 * look.point_spread + 2 if not part.all() else part
    return flat, look, part & deep


def compact(missing: NDArray[np.float32], inside: NDArray[np.bool_], point_spread: float) -> NDArray[np.bool_]:
    """Dark blobs that are no sheets: pores, grown by two voxels; all of shape (z, y, x)."""
    response = dark(missing, inside)
    sure = response < _PORE
    whole = ndimage.binary_propagation(sure, structure=np.ones((3, 3, 3)), mask=response < _FOLLOWED)
    found = _blobs(whole, 6 + 3 * point_spread)
    # pores that noise joins at one level stand apart at a deeper one; what is long at the first one is a crack
    short = _blobs(sure, 1.5 * _WIDEST)
    found |= _blobs(short & (response < 2 * _PORE), 0)
    result: NDArray[np.bool_] = ndimage.binary_dilation(found, structure=np.ones((3, 3, 3)), iterations=2)
    return result & inside


def _blobs(mask: NDArray[np.bool_], small: float, full: float = _FULL) -> NDArray[np.bool_]:
    """Connected pieces of a mask that are small, or not too large and as full as a ball."""
    labels, count = ndimage.label(mask, structure=np.ones((3, 3, 3)))
    boxes = [tuple(side.stop - side.start for side in place) for place in ndimage.find_objects(labels)]
    sides = np.array([(1, 1, 1), *boxes])
    longest = sides.max(axis=1)
    filled = np.bincount(labels.ravel(), minlength=count + 1) / sides.prod(axis=1)
    chosen = (longest <= small) | ((longest <= _WIDEST) & (filled >= full))
    chosen[0] = False
    result: NDArray[np.bool_] = chosen[labels]
    return result


def dark(missing: NDArray[np.float32], inside: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Response of the label-free filter to missing attenuation, shape (z, y, x)."""
    return dark_response(-missing, inside, flattened=True)
