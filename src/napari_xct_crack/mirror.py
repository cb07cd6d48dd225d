"""What a trained net marks on its scan, and on the same scan turned bright for dark, in which nothing dark is a crack.

Noise in metal is as often bright as dark. So what a net marks in the mirrored grey values tells, without labels, how much of
what it marks in the scan is noise. Dark spots that are no cracks, such as pores, it does not tell; those are small.

References
----------
Elias & Gygi, "Target-decoy search strategy for increased confidence in large-scale protein identifications by mass
spectrometry", Nature Methods 4, 2007: the same idea for false finds among peptides.
"""

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
_NOISE, _LARGE = 0.25, 0.3
"""Marks in the mirrored scan per mark in the scan, and the share of marks in objects, from which and up to which it is noise."""


def against_mirror(
    average: nn.Module, settings: TrainSettings, patches: Patches, volume: Volume, device: torch.device
) -> Work[dict[str, float]]:
    """Mark the scan and its mirror image in grey values, and say what comes of it.

    Returns
    -------
    dict
        Shares of the part, 0..1: ``marked``; ``marked_large``, what is left of it without objects that the default clean-up
        takes for specks; ``marked_mirrored``, what is marked in the mirrored grey values.
    """
    slab = patches.slabs[0]
    z, y, x = slab.box.shape
    depth = min(z, max(1, _VOXELS // (y * x)))
    corner = slab.box.shifted(((z - depth) // 2, 0, 0)).start
    box = Box(corner, (corner[0] + depth, corner[1] + y, corner[2] + x))
    found = []
    for window in (patches.window, _mirrored(patches.window, patches.appearance.metal)):
        found.append((yield from looking(average, settings, volume, window, device).predict(box)) >= 128)
    marked, mirrored = found
    large = clean_array(marked, CleanSettings().settled(volume.shape)) > 0
    part = max(1, int(slab.part[(z - depth) // 2 :][:depth, :y, :x].sum()))
    masks = {"marked": marked, "marked_large": large, "marked_mirrored": mirrored}
    shares = {name: int(mask.sum()) / part for name, mask in masks.items()}
    yield verdict(shares)
    return shares


def _mirrored(window: tuple[float, float], metal: float) -> tuple[float, float]:
    """The contrast window that shows grey values mirrored at the metal's, which is given as in a scan of dark cracks."""
    low, high = window
    first = low + 2 * (metal - min(window)) * (1 if low < high else -1)
    return first, first - (high - low)


def verdict(shares: Mapping[str, float]) -> Event:
    """What the shares of :func:`against_mirror` mean."""
    marked, large, mirrored = (shares[name] for name in ("marked", "marked_large", "marked_mirrored"))
    if large == 0:
        return Warned("The segmenter finds no cracks in this scan: nothing larger than a speck is marked.")
    seen = (
        f"{marked:.2%} of the part is marked, {large / marked:.0%} of that larger than specks; turned bright for dark, "
        f"where nothing can be a crack, the scan gets {mirrored / marked:.0%} as many marks."
    )
    if mirrored > _NOISE * marked or large < _LARGE * marked:
        return Warned(f"The segmenter finds no cracks in this scan that can be told from noise: {seen}")
    return Said(f"What the segmenter finds: {seen}")
