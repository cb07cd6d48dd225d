"""The three streams a method learns from: crack masks, cracked frames and crack-free frames of one scan.

Frames come from a few slabs of the scan that are read once. A voxel that the label-free filter finds dark is
*doubtful*: it is never shown as metal. All that is drawn is a function of (seed, stream, step).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from pydantic.config import JsonDict
from scipy import ndimage

from .corrections import Corrections, corrected
from .cracks import CrackGenerator
from .errors import InputError
from .frames import reflected, to_frames, turned
from .methods import Batch
from .render import margin, render, round_pores
from .settings import Settings
from .slabs import read_slab, share_of, slab_boxes, typical
from .volume import Volume

_ADVANCED: JsonDict = {"advanced": True}

_MASKS, _CRACKED, _FREE = range(3)
"""Streams, so that their draws are independent."""


class PatchSettings(Settings):
    """How patches are cut from the scan and cracks are put into them."""

    size: int = Field(256, ge=32, le=1024, description="Height and width of a patch in pixels.")
    memory_mb: int = Field(
        600, ge=16, le=65536, description="Most of the scan held in memory, in MB.", json_schema_extra=_ADVANCED
    )
    background_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="Share of all patches, those with the fewest doubtful voxels, that serve as background.",
        json_schema_extra=_ADVANCED,
    )
    same_slices: bool = Field(
        False, description="Draw crack-free frames from the slices of the cracked ones.", json_schema_extra=_ADVANCED
    )
    depth: tuple[float, float] = Field(
        (0.75, 1.15), description="Range of the factor on the depth of rendered cracks.", json_schema_extra=_ADVANCED
    )
    blur: tuple[float, float] = Field(
        (0.85, 1.25),
        description="Range of the factor on the scan's point spread in rendering.",
        json_schema_extra=_ADVANCED,
    )
    flips: bool = Field(True, description="Flip and turn patches at random.", json_schema_extra=_ADVANCED)
    pores: float = Field(
        4.0, ge=0, le=200, description="Mean number of round pores drawn into a patch.", json_schema_extra=_ADVANCED
    )


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
    def spreads(self) -> tuple[float, float]:
        """Smallest and largest point spread of drawn cracks, in voxels."""
        (sharpest, softest), spread = self.settings.blur, self.appearance.point_spread
        return spread * sharpest, spread * softest * self.appearance.softest

    def doubt_also(self, found: list[NDArray[np.bool_]]) -> None:
        """Doubt what is suspected and what was found in each slab (shape of its box), nothing else."""
        self.doubt_as([slab.suspected | slab.padded(mask) for slab, mask in zip(self.slabs, found, strict=True)])

    def doubt_as(self, doubtful: list[NDArray[np.bool_]]) -> None:
        """Set what is doubtful in each slab, voxel by voxel with its padding, but for corrections; choose the frames anew."""
        known = (self.corner, self.slices, self.corrections)
        pairs = zip(self.slabs, doubtful, strict=True)
        self.slabs = [replace(slab, doubtful=corrected(mask, slab, *known)) for slab, mask in pairs]
        self._choose_places()

    def _choose_places(self) -> None:
        """Rank all places of a grid by their share of doubtful voxels."""
        step = max(8, self.size // 8)
        rows: list[tuple[int, int, int, int]] = []
        shares: list[float] = []
        parts: list[float] = []
        for number, slab in enumerate(self.slabs):
            depth, height, width = slab.part.shape
            for y in range(0, max(height - self.size, 0) + 1, step):
                for x in range(0, max(width - self.size, 0) + 1, step):
                    window = (slice(None), slice(y, y + self.size), slice(x, x + self.size))
                    part = slab.part[window].mean(axis=(1, 2))
                    doubtful = slab.doubtful[window].mean(axis=(1, 2))
                    rows += [(number, z, y, x) for z in range(depth)]
                    parts += part.tolist()
                    shares += (doubtful / np.maximum(part, 1e-9)).tolist()
        places, share, part = np.array(rows), np.array(shares), np.array(parts)
        held = part >= 0.5 * float(part.max(initial=0.0))
        if not held.any() or part.max(initial=0.0) == 0:
            raise InputError(
                "No patch of the scan holds metal: the part mask is empty inside the crop; widen the crop or give --part."
            )
        places, share = places[held], share[held]
        if float(share.min()) > 0.5:
            raise InputError(
                f"No crack-free patch was found: at least {share.min():.0%} of the metal in every patch is dark against its "
                "surroundings; check the crop, the polarity and the part mask."
            )
        self.free = places[share <= np.quantile(share, self.settings.background_share)]
        self.cracked = places[share >= np.quantile(share, 1 - self.settings.background_share)]

    def batch(self, step: int, count: int, device: torch.device | None = None, first: int = 0) -> Batch:
        """Draw patches of one training step, from the step's patch `first` on; the same for the same seed and step."""
        numbers = range(first, first + count)
        drawn = [self._rendered(np.random.default_rng((self.seed, _MASKS, step, i))) for i in numbers]
        cracked = [self._frame(self.cracked, np.random.default_rng((self.seed, _CRACKED, step, i))) for i in numbers]
        free = [self._free(step, i) for i in numbers]

        def stacked(arrays: list[NDArray[np.float32]]) -> torch.Tensor:
            return torch.from_numpy(np.stack(arrays)).to(device or torch.device("cpu"), non_blocking=True)

        lo, hi = self.window
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
            contrast=abs(2 * self.appearance.contrast / (hi - lo)),
            point_spread=self.appearance.point_spread,
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
        frame, part, doubtful = self._cut(places[rng.integers(len(places))], rng)
        return frame, (part & ~doubtful)[None].astype(np.float32), part[None].astype(np.float32)

    def _cut(
        self, place: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
        """A frame near a place, flipped and turned at random, with part and doubt of its middle slice."""
        number, z, y, x = (int(value) for value in place)
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
        return (
            np.ascontiguousarray(turned(frame, flip, turns)),
            turned(slab.part[(z, *window)], flip, turns),
            turned(slab.doubtful[(z, *window)], flip, turns),
        )

    def _rendered(self, rng: np.random.Generator) -> tuple[NDArray[np.float32], ...]:
        """Target, coverage, frame with rendered cracks and weight of one background patch."""
        frame, part, doubtful = self._cut(self.free[rng.integers(len(self.free))], rng)
        spread = float(rng.uniform(*self.spreads))
        lo, hi = self.window
        contrast = abs(2 * self.appearance.contrast / (hi - lo)) * float(rng.uniform(*self.settings.depth))
        reach, half = margin(spread), self.slices // 2
        drawn = self.cracks.draw((self.slices + 2 * reach, self.size, self.size), rng, self.voxel_size)
        coverage = drawn.coverage * part
        pores = round_pores(coverage.shape, self.settings.pores, rng)
        rendered = render(frame, np.maximum(coverage, pores), contrast, spread)
        target = drawn.target[reach + half] & part
        weight = part & (~doubtful | ndimage.binary_dilation(target, iterations=2))
        return (
            target[None].astype(np.float32),
            np.ascontiguousarray(coverage[reach : reach + self.slices]),
            rendered,
            weight[None].astype(np.float32),
        )
