"""Whether a scan looks as the one that a segmenter learnt from, and which grey window it is seen through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..appearance import estimate
from ..blocks import identity
from ..events import Said, Warned, Work
from ..prepare import PrepareSettings, estimate_window, part_at
from ..response import flat_field
from ..volume import Box, Volume

FACTOR = 1.5
"""Difference in voxel size or noise from which the user is warned."""
SIDES = (8, 384, 384)
"""Block in the middle of the scan whose noise is measured."""


def window_for(volume: Volume, card: Mapping[str, Any]) -> Work[tuple[float, float]]:
    """The card's window for the scan it was made of; for another one, the window found by the card's rule."""
    low, high = card["window"]
    if card.get("scan") == identity(volume):
        yield Said(f"Grey window {low:.6g} to {high:.6g}, as in training.")
        return (low, high)
    yield from _differences(volume, card)
    if card.get("window_rule") is None:
        yield Warned(f"The grey window {low:.6g} to {high:.6g} was set by hand for another scan and is used as it is.")
        return (low, high)
    found = estimate_window(volume, PrepareSettings.checked(dict(card["window_rule"])))
    yield Said(
        f"This is not the scan that the run learnt from: grey window {found[0]:.6g} to {found[1]:.6g}, found by the "
        f"run's rule, in place of {low:.6g} to {high:.6g}."
    )
    return found


def _differences(volume: Volume, card: Mapping[str, Any]) -> Work[None]:
    learnt = card.get("voxel_size")
    if learnt and volume.voxel_size and any(_differ(a, b) for a, b in zip(volume.voxel_size, learnt, strict=True)):
        here, there = (" × ".join(f"{side:.4g}" for side in size) for size in (volume.voxel_size, learnt))
        yield Warned(f"Voxels are {here} µm here and were {there} µm in training: cracks look another width.")
    look = card.get("appearance")
    noise = _noise(volume) if look and look.get("contrast") else None
    if look and noise and _differ(noise, look["noise"] / look["contrast"]):
        yield Warned(
            f"Noise is {noise:.2g} of the contrast between metal and air here and was "
            f"{look['noise'] / look['contrast']:.2g} in training."
        )


def _differ(a: float, b: float) -> bool:
    return max(a, b) > FACTOR * min(a, b)


def _noise(volume: Volume) -> float | None:
    """Noise over contrast in the middle of the scan, or none where there is none of the part."""
    start = [max(0, (side - most) // 2) for side, most in zip(volume.shape, SIDES, strict=True)]
    box = Box((start[0], start[1], start[2]), (start[0] + SIDES[0], start[1] + SIDES[1], start[2] + SIDES[2]))
    box = box.intersection(Box.of(volume.shape))
    part = part_at(volume, box)
    if part.sum() < 1000:
        return None
    grey = volume.read(box)
    look = estimate(grey, part, flat_field(grey, part))
    return look.noise / look.contrast if look.contrast > 0 else None
