"""Cracks of a generator in crack-free metal, drawn as densely as in the stacks that training sees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..cracks import CrackGenerator
from ..cracks._area import Area, area_of
from ..cracks._carved import carved
from ..cracks.sheet import SheetCracks
from ..render import margin, missing
from ..volume import Triple
from ._block import Block
from ._drawn import per_voxel

_SIDE = 256
"""Side of the patches that flat generators draw."""


def cracked(
    block: Block, generator: CrackGenerator, stack: Triple, rng: np.random.Generator
) -> tuple[Block, NDArray[np.bool_]]:
    """The block with cracks in it, and their target.

    Parameters
    ----------
    stack
        The stack of slices for which the generator's number of cracks is meant if it names no canvas.
    """
    if isinstance(generator, SheetCracks):
        side = round(generator.canvas.voxels(block.voxel_size)[1])
        stack = (stack[0], side, side) if side else stack
        mean = sum(generator.count) / 2
        drawn, _ = with_sheets(block, generator, mean, stack, rng)
        return drawn
    pad = margin(block.plates.point_spread)
    depth, height, width = block.inside.shape
    coverage = np.zeros((depth + 2 * pad, height, width), np.float32)
    target = np.zeros(block.inside.shape, np.bool_)
    for y in range(0, height, _SIDE):
        for x in range(0, width, _SIDE):
            patch = generator.draw((depth + 2 * pad, _SIDE, _SIDE), rng, block.voxel_size)
            held = (slice(None), slice(y, y + _SIDE), slice(x, x + _SIDE))
            rows, columns = coverage[held].shape[1:]
            coverage[held] = patch.coverage[:, :rows, :columns]
            target[held] = patch.target[pad : pad + depth, :rows, :columns]
    return _rendered(block, coverage, pad), target & block.inside


def with_sheets(
    block: Block, generator: SheetCracks, mean: float, stack: Triple, rng: np.random.Generator
) -> tuple[tuple[Block, NDArray[np.bool_]], Area]:
    """The block with as much sheet in a voxel as so many sheets on average bring to a stack; and their true area."""
    pad = margin(block.plates.point_spread)
    depth, height, width = block.inside.shape
    shape = (depth + 2 * pad, height, width)
    # a thin stack meets more of the sheets around it than its share of a thick one
    here = per_voxel(generator, shape, block.voxel_size) or 1.0
    expected = mean * per_voxel(generator, stack, block.voxel_size) / here
    number = int(np.floor(expected + rng.random()))
    sheets = [generator.sheet(shape, rng, block.voxel_size) for _ in range(number)]
    found = carved(sheets, shape)
    whole = np.zeros(shape, np.bool_)
    whole[pad : pad + depth] = block.inside
    truth = area_of(sheets, shape).within(whole)
    return (_rendered(block, found.coverage, pad), found.target[pad : pad + depth] & block.inside), truth


def _rendered(block: Block, coverage: NDArray[np.float32], pad: int) -> Block:
    part = np.pad(block.inside, ((pad, pad), (0, 0), (0, 0)), mode="edge")
    return block.with_missing(block.missing + missing(coverage * part, block.plates.point_spread))
