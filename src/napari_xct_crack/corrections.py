"""Which patches of a scan a person knows to be cracked or crack-free: ``patches.json``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .errors import InputError
from .records import read_json, write_json
from .settings import Settings
from .slabs import Slab
from .volume import Box, Triple

FILE = "patches.json"
FORMAT = 1


class Correction(Settings):
    """One patch of one slice."""

    at: Triple
    """Its corner in the voxels of the scan, whatever the crop."""
    size: int
    cracked: bool

    @property
    def box(self) -> Box:
        z, y, x = self.at
        return Box(self.at, (z + 1, y + self.size, x + self.size))


Corrections = tuple[Correction, ...]


def read_corrections(path: Path) -> Corrections:
    """What a file says; nothing where there is none.

    Raises
    ------
    InputError, SettingsError
        If it is damaged or of another format.
    """
    if not path.exists():
        return ()
    record = read_json(path)
    patches = record.get("patches")
    if record.get("format") != FORMAT or not isinstance(patches, list):
        raise InputError(f"{path} holds no corrections of patches; it needs the format {FORMAT} and a list of patches.")
    return tuple(Correction.checked(values) for values in patches)


def write_corrections(path: Path, corrections: Iterable[Correction]) -> None:
    """Replace the file."""
    patches = [correction.model_dump(mode="json") for correction in corrections]
    write_json(path, {"format": FORMAT, "patches": patches})


def corrected(
    doubtful: NDArray[np.bool_], slab: Slab, corner: Triple, slices: int, known: Corrections
) -> NDArray[np.bool_]:
    """What is doubtful in a slab once a person has looked.

    All of a cracked patch is doubtful, also in the neighbouring slices that a net sees with it: where in it the crack is
    was not said. Nothing is in a crack-free patch. Of two corrections of one voxel the later counts.

    Parameters
    ----------
    doubtful
        Bool, voxel by voxel as the slab's arrays; more at the end is left out.
    corner
        Where the crop, from which the slab's box is counted, begins in the voxels of the scan.
    slices
        Neighbouring slices of a frame.
    """
    found = doubtful.ravel()[: slab.part.size].reshape(slab.part.shape).copy()
    z, y, x = slab.box.shifted(corner).start
    whole = Box.of(found.shape)
    for correction in known:
        reach = slices // 2 if correction.cracked else 0
        box = correction.box.grown((reach, 0, 0)).shifted((-z, -y, -x)).intersection(whole)
        if box.size:
            found[box.slices] = correction.cracked & slab.part[box.slices]
    return found
