"""What a trained net marks on the scan it has learnt from: cracks, or nothing but specks."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from .clean import CleanSettings, clean_array
from .events import Event, Said, Warned, Work
from .patches import Patches
from .reviews import looking
from .runs import TrainSettings
from .volume import Box, Volume

_VOXELS = 4_000_000
"""So many voxels in the middle of a slab are looked at."""
_SPECKS = 0.3
"""Share of the marks that is larger than specks, below which there are none but specks: 0.14 on a scan without cracks, 0.94 with."""


def last_look(
    average: nn.Module, settings: TrainSettings, patches: Patches, volume: Volume, device: torch.device
) -> Work[dict[str, float]]:
    """Mark the middle of the scan, and say what comes of it.

    Returns
    -------
    dict
        Shares of the part, 0..1: ``marked``, and ``marked_large``, what is left of it without objects that the default
        clean-up takes for specks.
    """
    slab = patches.slabs[0]
    z, y, x = slab.box.shape
    depth = min(z, max(1, _VOXELS // (y * x)))
    corner = slab.box.shifted(((z - depth) // 2, 0, 0)).start
    box = Box(corner, (corner[0] + depth, corner[1] + y, corner[2] + x))
    found = yield from looking(average, settings, patches, volume, device).predict(box)
    marked = found >= 128
    large = clean_array(marked, CleanSettings().settled(volume.shape)) > 0
    part = max(1, int(slab.part[(z - depth) // 2 :][:depth, :y, :x].sum()))
    shares = {"marked": int(marked.sum()) / part, "marked_large": int(large.sum()) / part}
    yield verdict(shares)
    return shares


def verdict(shares: Mapping[str, float]) -> Event:
    """What the shares of :func:`last_look` mean."""
    marked, large = shares["marked"], shares["marked_large"]
    if large == 0:
        return Warned("The segmenter finds no cracks in this scan: nothing larger than a speck is marked.")
    seen = f"{marked:.2%} of the part is marked, {large / marked:.0%} of that larger than specks."
    if large < _SPECKS * marked:
        return Warned(f"The segmenter finds hardly anything but specks in this scan: {seen}")
    return Said(f"What the segmenter finds: {seen}")
