"""Patches that count as cracked, or as crack-free, to look through."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .corrections import Correction, Corrections
from .frames import shown_slices, to_frames
from .patches import Patches
from .runs import TrainSettings
from .volume import Volume


@dataclass(frozen=True)
class Example:
    """One patch, as a person would correct it."""

    said: Correction
    """What it counts as."""
    by_hand: bool
    """A person has said so."""
    picture: NDArray[np.uint8]
    """Shape (y, x)."""


def patches_of(volume: Volume, settings: TrainSettings, corrections: Corrections) -> Patches:
    """What a run of these settings draws from a prepared scan."""
    return Patches(
        volume,
        settings.patches,
        settings.cracks,
        shown_slices(settings.slices, volume.shape[0]),
        settings.network.stride,
        settings.seed,
        corrections,
    )


def examples(patches: Patches, cracked: bool, page: int, count: int) -> list[Example]:
    """Some patches of one sort, in a random order that is the same each time, those corrected by hand first.

    Patches of one slice that overlap by more than half are shown once.
    """
    by_hand = [one for one in patches.corrections if one.cracked == cracked and one.size == patches.size]
    places = patches.cracked if cracked else patches.free
    found = {one.at: one for one in by_hand}
    for place in np.random.default_rng(0).permutation(places):
        if len(found) >= (page + 1) * count:
            break
        slab, *within = (int(value) for value in place)
        corner = patches.slabs[slab].box.shifted(patches.corner).start
        at = (corner[0] + within[0], corner[1] + within[1], corner[2] + within[2])
        if not any(_overlap(at, other, patches.size) for other in (*found, *(one.at for one in patches.corrections))):
            found[at] = Correction(at=at, size=patches.size, cracked=cracked)
    shown = list(found.values())[page * count : (page + 1) * count]
    pictures = ((one, _picture(patches, one)) for one in shown)
    return [Example(one, one in by_hand, picture) for one, picture in pictures if picture is not None]


def _overlap(one: tuple[int, ...], other: tuple[int, ...], size: int) -> bool:
    """Whether two patches of one slice have more than half of themselves in common."""
    shared = max(0, size - abs(one[1] - other[1])) * max(0, size - abs(one[2] - other[2]))
    return one[0] == other[0] and shared > size * size / 2


def _picture(patches: Patches, one: Correction) -> NDArray[np.uint8] | None:
    """Grey values of a patch; none where no slab holds it."""
    for slab in patches.slabs:
        z, y, x = slab.box.shifted(patches.corner).start
        place = one.box.shifted((-z, -y, -x))
        if all(a >= 0 and b <= side for a, b, side in zip(place.start, place.stop, slab.grey.shape, strict=True)):
            frame = to_frames(slab.grey[place.slices][0], patches.window)
            return np.asarray(np.clip((frame + 1) * 127.5, 0, 255), np.uint8)
    return None
