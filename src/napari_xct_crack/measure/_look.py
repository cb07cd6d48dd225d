"""How a scan looks: grey values of metal and air, point spread, noise, and how thin a crack could be seen."""

from __future__ import annotations

from ..appearance import Noise, estimate, measure_noise, trusted
from ..detection import TOGETHER, limits
from ..errors import InputError
from ..prepare import part_at, prepare
from ..response import dark_response, flat_field
from ..volume import Box, Volume
from ._limits import Seen

_SLICES, _SAMPLE = 16, 2**24
"""Slices in the middle of the scan, and at most so many of their voxels, that the contrast is taken from."""


def look(scan: Volume, part: Volume | None) -> tuple[Seen, Noise]:
    """Grey values of metal and air, what could be seen, and the noise, from slices in the middle of a scan.

    Parameters
    ----------
    part
        Mask of the part; it is found where none is given.

    Raises
    ------
    InputError
        If none of the part is there.
    """
    scan = prepare(scan, window=scan.window or (0.0, 1.0), part=part)
    z, y, x = scan.shape
    depth = max(1, min(z, _SLICES, _SAMPLE // (y * x)))
    box = Box(((z - depth) // 2, 0, 0), ((z - depth) // 2 + depth, y, x))
    inside, grey = part_at(scan, box), scan.read(box)
    if not inside.any():
        raise InputError(
            f"None of the part lies in the middle slices of {scan.name}, so metal cannot be told from air."
        )
    flat = flat_field(grey, inside)
    sound = trusted(dark_response(flat, inside, flattened=True), inside)
    seen = estimate(grey, inside, flat)
    smallest, together = (limits(flat, sound, seen.contrast, seen.point_spread, slices) for slices in (1, TOGETHER))
    return Seen(seen, smallest, together), measure_noise(flat, sound if sound.any() else inside)
