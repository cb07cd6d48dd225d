"""Rendered cracks beside those of the scan: rows of a table, sentences and curves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..cracks import CrackGenerator
from ..cracks._area import weighted_median
from ..events import Progress, Said, Work
from ..settings import VoxelSize
from ..volume import Volume
from ._block import Block, blocks
from ._calibrate import training_stack
from ._cracked import cracked
from ._statistics import Sheets, darkest, interval, noise, sheets, tiles
from ._words import sentence

OFF = 1.3
"""Ratio from which a statistic that lies outside of the scan's interval is off."""


@dataclass(frozen=True)
class Row:
    """One statistic of the scan and of the rendered cracks; `None` where there is nothing to measure."""

    name: str
    unit: str
    scan: float | None
    low: float | None
    """95 % interval of the scan's …"""
    high: float | None
    rendered: float | None

    @property
    def ratio(self) -> float | None:
        """Rendered over scan."""
        if not self.scan or self.rendered is None:
            return None
        return self.rendered / self.scan

    @property
    def off(self) -> bool:
        """Beyond the ratio and outside of the interval."""
        if self.ratio is None or self.rendered is None or self.low is None or self.high is None:
            return False
        return not 1 / OFF <= self.ratio <= OFF and not self.low <= self.rendered <= self.high


@dataclass(frozen=True)
class Plot:
    """Two curves over the same axis."""

    title: str
    axis: str
    x: NDArray[np.float64]
    scan: NDArray[np.float64]
    rendered: NDArray[np.float64]


@dataclass(frozen=True)
class Realism:
    """How a generator's cracks, rendered into a scan, compare with that scan's own."""

    rows: tuple[Row, ...]
    sentences: tuple[str, ...]
    plots: tuple[Plot, ...]

    def table(self) -> str:
        """The rows as Markdown."""
        lines = ["| statistic | scan (95 %) | rendered | ratio | |", "|---|---|---|---|---|"]
        for row in self.rows:
            scan = "–" if row.scan is None else f"{row.scan:.3g} ({row.low:.3g} – {row.high:.3g})"
            rendered = "–" if row.rendered is None else f"{row.rendered:.3g}"
            ratio = "–" if row.ratio is None else f"{row.ratio:.2f}"
            unit = f", {row.unit}" if row.unit else ""
            lines.append(f"| {row.name}{unit} | {scan} | {rendered} | {ratio} | {'off' if row.off else ''} |")
        return "\n".join(lines)


def realism(scan: Volume, generator: CrackGenerator, seed: int = 0) -> Work[Realism]:
    """Render a generator's cracks into crack-free metal of a scan and compare them with the scan's own.

    Both are looked at by the same filter. The metal is that of the scan with what stands out filled by noise of its own
    spectrum; cracks are as dense as in the stacks of slices that training draws.

    Parameters
    ----------
    scan
        Prepared; a large one is looked at in slabs.

    Raises
    ------
    InputError
        If there is too little metal in the scan.
    SettingsError
        If a length is given in µm and the voxel size is unknown.
    """
    yield Progress(0, 3, "realism")
    metal = blocks(scan)
    ridges = [block.ridges() for block in metal]
    mine = sheets(metal, ridges)
    yield Progress(1, 3, "realism")
    rng = np.random.default_rng((seed, 2))
    stack = training_stack(scan, metal[0].plates.point_spread)
    made = [cracked(b.crack_free(r, rng), generator, stack, rng)[0] for b, r in zip(metal, ridges, strict=True)]
    theirs = sheets(made, [block.ridges() for block in made])
    yield Progress(2, 3, "realism")
    rows = _sheet_rows(mine, theirs, scan.voxel_size) + _metal_rows(metal, made, scan.voxel_size)
    said = [sentence(row.name, row.ratio or 1.0, generator, scan.voxel_size) for row in rows if row.off]
    if not len(mine.area):
        said.insert(0, "No dark sheet stands out in the scan, so there is nothing to compare rendered cracks with.")
    if not len(theirs.area):
        said.append("No rendered crack stands out of the scan's noise: make them wider or more.")
    for text in said:
        yield Said(text)
    yield Progress(3, 3, "realism")
    return Realism(tuple(rows), tuple(said), _plots(metal, made, mine, theirs))


def _sheet_rows(mine: Sheets, theirs: Sheets, voxel_size: VoxelSize | None) -> list[Row]:
    scale, unit = (1.0, "voxels") if voxel_size is None else (voxel_size[1], "µm")
    named = [
        ("opening", "opening", unit, scale),
        ("width", "width", unit, scale),
        ("depth", "depth", "% of metal − air", 100.0),
        ("length", "length", unit, scale),
        ("lean", "lean", "°", 1.0),
    ]
    rows = []
    for name, column, of, factor in named:

        def median(found: Sheets, times: NDArray[np.int64], column: str = column, factor: float = factor) -> float:
            return factor * weighted_median(getattr(found, column), found.area * times)

        rows.append(_row(name, of, mine, theirs, median))

    def density(found: Sheets, times: NDArray[np.int64]) -> float:
        return float((found.area * times).sum()) / found.voxels / scale

    rows.append(_row("coverage", "1/voxel" if voxel_size is None else "1/µm", mine, theirs, density))
    return rows


def _row(
    name: str, unit: str, mine: Sheets, theirs: Sheets, statistic: Callable[[Sheets, NDArray[np.int64]], float]
) -> Row:
    def value(found: Sheets) -> float | None:
        return statistic(found, np.ones(len(found.area), np.int64)) if len(found.area) else None

    low, high = interval(mine, statistic) if len(mine.area) else (None, None)
    return Row(name, unit, value(mine), low, high, value(theirs))


def _metal_rows(metal: list[Block], made: list[Block], voxel_size: VoxelSize | None) -> list[Row]:
    scales = (1.0, 1.0, 1.0) if voxel_size is None else voxel_size
    unit = "voxels" if voxel_size is None else "µm"
    named: list[tuple[str, str, float, Callable[[Block], float]]] = [
        ("noise", "% of metal − air", 100.0, lambda block: noise(block, "sigma")),
        *(
            (f"noise's correlation along {axis}", unit, scale, lambda block, axis=axis: noise(block, axis))
            for axis, scale in zip("zyx", scales, strict=True)
        ),
        ("darkest 1 % of the metal", "% of metal − air", 100.0, darkest),
    ]
    rows = []
    for name, of, scale, statistic in named:
        mean, low, high = tiles(metal, statistic)
        other = tiles(made, statistic)[0]
        rows.append(Row(name, of, scale * mean, scale * low, scale * high, scale * other))
    return rows


def _plots(metal: list[Block], made: list[Block], mine: Sheets, theirs: Sheets) -> tuple[Plot, ...]:
    largest = max(float(np.max(found.openings, initial=0)) for found in (mine, theirs)) or 1.0
    edges = np.linspace(0, largest, 31)
    openings = [np.histogram(found.openings, edges, weights=found.areas)[0] / found.voxels for found in (mine, theirs)]
    shades = np.linspace(-0.6, 1.0, 81)
    grey = [
        np.mean([np.histogram(b.missing[b.inside], shades, density=True)[0] for b in group], axis=0)
        for group in (metal, made)
    ]
    frequency = metal[0].noise.frequency
    power = [np.mean([b.noise.power for b in metal], axis=0), _power(made)]
    plots = [
        Plot("Openings of dark sheets", "opening in voxels", _middles(edges), openings[0], openings[1]),
        Plot("Grey values of metal", "missing share of attenuation", _middles(shades), grey[0], grey[1]),
        Plot("Noise of metal", "cycles per voxel", frequency, power[0], power[1]),
    ]
    if len(mine.area) and len(theirs.area):
        profiles = [np.average(found.profile, axis=0, weights=found.area) for found in (mine, theirs)]
        along = (np.arange(len(profiles[0])) - len(profiles[0]) // 2) / 2
        plots.insert(1, Plot("Profile across dark sheets", "voxels along the normal", along, profiles[0], profiles[1]))
    return tuple(plots)


def _power(made: list[Block]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = np.mean([block.measured_noise().power for block in made], axis=0)
    return result


def _middles(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    return (edges[1:] + edges[:-1]) / 2
