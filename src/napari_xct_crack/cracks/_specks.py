"""Voxels that a crack's front leaves beside the crack, where it cuts the corner of a grain."""

from __future__ import annotations

from ..compiled import compiled

_LARGEST = 6
"""Most voxels of a speck."""


@compiled()
def sweep(arrays, number, marked):  # type: ignore[no-untyped-def]
    """Take away what hangs together with nothing else of a target, so that one crack is one object.

    What touches a face of the volume stays, for it may go on beyond.

    Parameters
    ----------
    arrays
        Coverage, target, aperture and ids of a volume, shape (z, y, x).
    number
        Which crack.
    marked
        List of the voxels, z, y, x, where that crack may be.
    """
    coverage, target, aperture, ids = arrays
    for z, y, x in marked:
        if ids[z, y, x] == number:
            for place in _speck(target, z, y, x):
                voxel = (place[0], place[1], place[2])
                coverage[voxel], target[voxel], aperture[voxel], ids[voxel] = 0, False, 0, 0


@compiled()
def _speck(target, z, y, x):  # type: ignore[no-untyped-def]
    """The voxels of a speck at this voxel; none if it belongs to something larger."""
    found, seen = [(z, y, x)], 0
    while seen < len(found):
        z, y, x = found[seen]
        seen += 1
        for i in range(z - 1, z + 2):
            for j in range(y - 1, y + 2):
                for k in range(x - 1, x + 2):
                    inside = 0 <= i < target.shape[0] and 0 <= j < target.shape[1] and 0 <= k < target.shape[2]
                    if inside and (not target[i, j, k] or (i, j, k) in found):
                        continue
                    if not inside or len(found) == _LARGEST:
                        return found[:0]
                    found.append((i, j, k))
    return found
