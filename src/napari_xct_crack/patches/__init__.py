"""The three streams a method learns from: crack masks, cracked frames and crack-free frames of one scan.

Frames come from a few slabs of the scan that are read once. A voxel that the label-free filter finds dark is
*doubtful*: it is never shown as metal. All that is drawn is a function of (seed, stream, step).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from ..corrections import Corrections, corrected
from ..cracks import CrackGenerator
from ..errors import InputError
from ..frames import reflected, to_frames, turned
from ..methods import Batch
from ..render import margin, paint, render, round_pores, swap_amplitude
from ..slabs import read_slab, share_of, slab_boxes, typical
from ..volume import Volume
from ._places import Places, ranked
from ._settings import PatchSettings

__all__ = ["PatchSettings", "Patches"]

_MASKS, _CRACKED, _FREE = range(3)
"""Streams, so that their draws are independent."""

_FIXED = (1.0, 1.0)
"""Contrast in frames and point spread in voxels of cracks that are not matched to the scan."""


class Patches:
    """Draws batches from one scan.

    Parameters
    ----------
    volume
        The prepared scan: crop, window and part are obeyed.
    settings, cracks
        How frames are cut and what is drawn into them.
    slices
        Neighbouring slices in a frame, odd.
    multiple
        Patch sides are multiples of it (the network's stride).
    corrections
        Patches that a person has looked at.

    Raises
    ------
    InputError
        If no patch of the scan holds metal beyond doubt.
    """

    def __init__(
        self,
        volume: Volume,
        settings: PatchSettings,
        cracks: CrackGenerator,
        slices: int,
        multiple: int,
        seed: int,
        corrections: Corrections = (),
    ) -> None:
        if volume.window is None:
            raise InputError("The scan has no contrast window yet; prepare it first.")
        self.settings, self.cracks, self.slices, self.seed = settings, cracks, slices, seed
        self.window, self.voxel_size = volume.window, volume.voxel_size
        largest = -(-max(volume.shape[1:]) // multiple) * multiple
        self.size = min(-(-settings.size // multiple) * multiple, largest)
        boxes = slab_boxes(volume, settings.memory_mb, self.size, slices, np.random.default_rng((seed, 99)))
        found = [read_slab(volume, box, self.size) for box in boxes]
        self.slabs = [slab for slab, _ in found]
        self.appearance = typical([look for _, look in found])
        self.corner, self.corrections = volume.crop.start, corrections
        self.doubt_as([slab.suspected for slab in self.slabs])

    @property
    def doubtful_share(self) -> float:
        """Share of the part that is not taught as metal."""
        return share_of([slab.doubtful for slab in self.slabs], [slab.part for slab in self.slabs])

    @property
    def look(self) -> tuple[float, float]:
        """Contrast, in the frames' grey range, and point spread, in voxels, that cracks are drawn with on average."""
        if self.settings.rendering == "fixed":
            return _FIXED
        lo, hi = self.window
        return abs(2 * self.appearance.contrast / (hi - lo)), self.appearance.point_spread

    @property
    def spreads(self) -> tuple[float, float]:
        """Smallest and largest point spread of drawn cracks, in voxels."""
        (sharpest, softest), (_, spread) = self.settings.blur, self.look
        softer = 1.0 if self.settings.rendering == "fixed" else self.appearance.softest
        return spread * sharpest, spread * softest * softer

    def reviewed(self, found: list[NDArray[np.bool_]], sure: list[NDArray[np.bool_]]) -> None:
        """Doubt what is suspected and what was found in each slab (shape of its box), nothing else; believe what is sure."""
        self.doubt_as([slab.suspected | slab.padded(mask) for slab, mask in zip(self.slabs, found, strict=True)])
        self.believe([slab.padded(mask) for slab, mask in zip(self.slabs, sure, strict=True)])

    def believe(self, sure: list[NDArray[np.bool_]]) -> None:
        """Set what is taken for crack in each slab, voxel by voxel with its padding, but for patches known to be crack-free."""
        pairs = zip(self.slabs, sure, strict=True)
        self.slabs = [
            replace(slab, found=mask.ravel()[: slab.part.size].reshape(slab.part.shape) & slab.doubtful)
            for slab, mask in pairs
        ]

    def doubt_as(self, doubtful: list[NDArray[np.bool_]]) -> None:
        """Set what is doubtful in each slab, voxel by voxel with its padding, but for corrections; choose the frames anew."""
        known = (self.corner, self.slices, self.corrections)
        pairs = zip(self.slabs, doubtful, strict=True)
        self.slabs = [replace(slab, doubtful=corrected(mask, slab, *known)) for slab, mask in pairs]
        self.free, self.cracked = ranked(self.slabs, self.size, self.settings.background_share)

    def batch(self, step: int, count: int, device: torch.device | None = None, first: int = 0) -> Batch:
        """Draw patches of one training step, from the step's patch `first` on; the same for the same seed and step."""
        numbers = range(first, first + count)
        drawn = [self._taught(np.random.default_rng((self.seed, _MASKS, step, i))) for i in numbers]
        cracked = [self._frame(self.cracked, np.random.default_rng((self.seed, _CRACKED, step, i))) for i in numbers]
        free = [self._free(step, i) for i in numbers]

        def stacked(arrays: list[NDArray[np.float32]]) -> torch.Tensor:
            return torch.from_numpy(np.stack(arrays)).to(device or torch.device("cpu"), non_blocking=True)

        contrast, point_spread = self.look
        return Batch(
            masks=stacked([d[0] for d in drawn]),
            coverage=stacked([d[1] for d in drawn]),
            rendered=stacked([d[2] for d in drawn]),
            weight=stacked([d[3] for d in drawn]),
            crack_free=stacked([f[0] for f in free]),
            crack_free_trusted=stacked([f[1] for f in free]),
            cracked=stacked([f[0] for f in cracked]),
            cracked_trusted=stacked([f[1] for f in cracked]),
            cracked_part=stacked([f[2] for f in cracked]),
            contrast=contrast,
            point_spread=point_spread,
        )

    def _free(self, step: int, i: int) -> tuple[NDArray[np.float32], ...]:
        rng = np.random.default_rng((self.seed, _FREE, step, i))
        places = self.free
        if self.settings.same_slices:
            twin = np.random.default_rng((self.seed, _CRACKED, step, i))
            slab, z = self.cracked[twin.integers(len(self.cracked))][:2]
            same = places[(places[:, 0] == slab) & (places[:, 1] == z)]
            places = same if len(same) else places
        return self._frame(places, rng)

    def _frame(self, places: NDArray[np.int64], rng: np.random.Generator) -> tuple[NDArray[np.float32], ...]:
        """A real frame (k, h, w), and where its middle slice is metal beyond doubt and where it is part (1, h, w)."""
        frame, part, doubtful, _ = self._cut(places, rng)
        return frame, (part & ~doubtful)[None].astype(np.float32), part[None].astype(np.float32)

    def _cut(
        self, places: Places, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
        """A frame near one of some places, flipped and turned at random; part, doubt and finds of its middle slice."""
        number, z, y, x = (int(value) for value in places[rng.integers(len(places))])
        slab, size, half = self.slabs[number], self.size, self.slices // 2
        depth, height, width = slab.part.shape
        jitter = max(8, size // 8)
        y = min(y + int(rng.integers(jitter)), height - size)
        x = min(x + int(rng.integers(jitter)), width - size)
        stack = reflected(np.arange(z - half, z + half + 1), depth)
        window = (slice(y, y + size), slice(x, x + size))
        frame = to_frames(slab.grey[(stack, *window)], self.window)
        flip_z, flip, turns = rng.random() < 0.5, rng.random() < 0.5, int(rng.integers(4))
        if not self.settings.flips:
            flip_z, flip, turns = False, False, 0
        if flip_z:
            frame = frame[::-1]
        part, doubtful, found = (turned(of[(z, *window)], flip, turns) for of in (slab.part, slab.doubtful, slab.found))
        return np.ascontiguousarray(turned(frame, flip, turns)), part, doubtful, found

    def _taught(self, rng: np.random.Generator) -> tuple[NDArray[np.float32], ...]:
        """Target, coverage, frame and weight of one patch: rendered cracks, or some that the net has found."""
        share = self.settings.found_share
        if share and any(slab.found.any() for slab in self.slabs) and rng.random() < share:
            frame, part, doubtful, found = self._cut(self.cracked, rng)
            weight = part & (~doubtful | found)
            return found[None].astype(np.float32), np.zeros_like(frame), frame, weight[None].astype(np.float32)
        return self._rendered(rng)

    def _rendered(self, rng: np.random.Generator) -> tuple[NDArray[np.float32], ...]:
        """Target, coverage, frame with rendered cracks and weight of one background patch."""
        frame, part, doubtful, _ = self._cut(self.free, rng)
        spread, depth = float(rng.uniform(*self.spreads)), float(rng.uniform(*self.settings.depth))
        reach, half = margin(spread), self.slices // 2
        drawn = self.cracks.draw((self.slices + 2 * reach, self.size, self.size), rng, self.voxel_size)
        coverage = drawn.coverage * part
        void = np.maximum(coverage, round_pores(coverage.shape, self.settings.pores, rng))
        if self.settings.rendering == "alpha":
            rendered = paint(frame, void, self._air(depth), spread)
        else:
            rendered = render(frame, void, self.look[0] * depth, spread)
        if self.settings.amplitude:
            rendered = swap_amplitude(rendered, self._cut(self.cracked, rng)[0], self.settings.amplitude)
        target = drawn.target[reach + half] & part
        known = ~doubtful | ndimage.binary_dilation(target, iterations=2)
        weight = part & known if self.settings.doubt else part
        return (
            target[None].astype(np.float32),
            np.ascontiguousarray(coverage[reach : reach + self.slices]),
            rendered,
            weight[None].astype(np.float32),
        )

    def _air(self, depth: float) -> float:
        """Grey of air in frames where its contrast to metal counts `depth` times."""
        lo, hi = min(self.window), max(self.window)
        return 2 * (self.appearance.metal - lo) / (hi - lo) - 1 - self.look[0] * depth
