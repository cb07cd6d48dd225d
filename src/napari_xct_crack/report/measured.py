"""The report about measured cracks: numbers, plots, the largest cracks, definitions, settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import Listing, Picture, Section, Table, Text, write
from .figures import _figure, _png
from .limits import limit_section

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..measure import Measured

Columns = Mapping[str, NDArray[Any]]
LARGEST = 20
_SHOWN = {
    "id": "number",
    "volume": "volume",
    "area": "area",
    "length": "length",
    "aperture_mean": "aperture",
    "aperture_grey": "aperture by grey value",
    "pole_to_build": "pole to z (°)",
    "sqrt_area": "√area",
    "depth": "depth",
    "tips": "tips",
}
_DEFINITIONS = (
    "Components are 26-connected; a crack is flat or far from ball-like, all else is a pore. Area: of the mid-"
    "surface. Length: the largest distance between two voxels. Aperture: twice the distance from the mid-surface to "
    "the nearest voxel outside, its mean weighted by area; by grey value: the label under the scan's blur, fitted to "
    "the grey value that is missing, with its standard deviation; not determined near the part's surface and where it"
    " would be negative. Pole: the direction across the crack. √area: of the projection along the load. Depth: the "
    "smallest distance to the part's surface. P32: area of all cracks per volume of the part. Volume fractions are "
    "shares of the part; their interval is that of thresholds of the probability from 0.7 to 0.3."
)


def measured_report(path: Path, result: Measured) -> None:
    """Write the report.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    told = result.summary
    unit = "µm" if told["unit"] == "um" else "voxels"
    chosen = {name: column[result.cracks["kind"] == "crack"] for name, column in result.cracks.items()}
    sections = [Section("The part", [_whole(told, unit), Text(_DEFINITIONS)])]
    if len(chosen["id"]):
        plots = [
            Picture(
                _png(_sizes(chosen["sqrt_area"], told["sizes"]["gumbel"], unit)), _gumbel(told["sizes"]["gumbel"], unit)
            ),
            Picture(_png(_rose(told["rose"])), "Area of cracks by the direction of their poles."),
            Picture(
                _png(_pole_figure(chosen)),
                "Poles of the cracks, seen along z (equal-area projection of the upper half sphere): z in the middle, "
                "directions in the slice on the circle; spots as large as the cracks' area.",
            ),
        ]
        sections += [
            Section("Sizes and directions", plots),
            Section("The largest cracks", [_largest(chosen, unit, told["inputs"]["volume"] is not None)]),
        ]
    if result.limits:
        sections.append(limit_section(result.limits, told["detectability"], unit))
    sections += [
        Section("Slice by slice", [Picture(_png(_slices(result.slices)), "Share of the part's area in each slice.")]),
        Section("Settings and inputs", [Listing(json.dumps({key: told[key] for key in _RECORD}, indent=1))]),
    ]
    write(path, f"Cracks in {told['inputs']['mask']['name']}", _lead(told), sections)


_RECORD = ("version", "unit", "settings", "inputs")


def _lead(told: dict[str, Any]) -> str:
    cracks, pores = told["crack"], told["pore"]
    return (
        f"{cracks['count']} cracks fill {_percent(cracks['volume_fraction'])} and {pores['count']} pores "
        f"{_percent(pores['volume_fraction'])} of the part; the cracks have {told['tips']} tips in its slices."
    )


def _whole(told: dict[str, Any], unit: str) -> Table:
    rows = [["volume of the part", f"{told['part_volume']:.4g} {unit}³"]]
    for kind in ("crack", "pore"):
        entry = told[kind]
        ends = [_percent(end) for end in entry.get("interval", {}).get("volume_fraction", [])]
        interval = f" ({ends[0]} to {ends[1]})" if ends else ""
        rows.append([f"volume fraction of {kind}s", _percent(entry["volume_fraction"]) + interval])
    p32 = "not known" if told["p32"] is None else f"{told['p32']:.3g} {unit}⁻¹"
    return Table(["", ""], [*rows, ["area of cracks per volume (P32)", p32], ["tips", str(told["tips"])]])


def _largest(cracks: Columns, unit: str, scanned: bool) -> Table:
    columns = [_cells(cracks[name][:LARGEST]) for name in _SHOWN]
    if scanned:
        columns[list(_SHOWN).index("aperture_grey")] = [
            f"{value} ± {doubt}" if value else "not determined"
            for value, doubt in zip(
                *(_cells(cracks[name][:LARGEST]) for name in ("aperture_grey", "aperture_grey_error")), strict=True
            )
        ]
    rows = [list(row) for row in zip(*columns, strict=True)]
    return Table(list(_SHOWN.values()), rows, f"By volume; lengths in {unit}. All are in cracks.csv.")


def _cells(column: NDArray[Any]) -> list[str]:
    whole = column.dtype.kind in "ui"
    return [str(value) if whole else f"{value:.3g}" if np.isfinite(value) else "" for value in column]


def _gumbel(found: dict[str, Any] | None, unit: str) -> str:
    if found is None:
        return (
            "Sizes of the cracks. Fewer than five slabs hold cracks of different size, so that no distribution of the "
            "largest is fitted."
        )
    return (
        f"Sizes of the cracks, and the Gumbel distribution of the largest in one of {found['slabs']} slabs: location "
        f"{found['location']:.3g} {unit}, scale {found['scale']:.3g} {unit}, from {found['with_cracks']} slabs that hold "
        f"cracks. The largest to expect in the whole is {found['expected']['1']:.3g} {unit}, in ten times its volume "
        f"{found['expected']['10']:.3g} {unit}."
    )


def _sizes(sizes: NDArray[Any], found: dict[str, Any] | None, unit: str) -> Figure:
    drawn = _figure(7, 3.2)
    axis = drawn.subplots()
    ordered = np.sort(sizes)
    axis.step(ordered, np.arange(1, len(ordered) + 1) / len(ordered), where="post", label="cracks")
    if found:
        along = np.linspace(0, max(ordered[-1], found["expected"]["10"]), 200)
        shares = np.exp(-np.exp(-(along - found["location"]) / found["scale"]))
        axis.plot(along, shares, label="largest of a slab, fitted")
    axis.set(xlabel=f"√area of the projection along the load, {unit}", ylabel="share at or below", ylim=(0, 1.02))
    axis.legend(fontsize=8)
    return drawn


def _rose(rose: dict[str, list[float]]) -> Figure:
    drawn = _figure(7, 3.4)
    left, right = drawn.add_subplot(1, 2, 1, projection="polar"), drawn.add_subplot(1, 2, 2)
    edges = np.radians(rose["azimuth_edges"])
    # A pole has no sign, so that its area stands on both sides.
    for turn in (0, np.pi):
        left.bar(edges[:-1] + turn, rose["azimuth_area"], width=np.diff(edges), align="edge", color="C0")
    left.set_title("azimuth in the slice, from x to y", fontsize=9)
    left.set_yticklabels([])
    angles = rose["pole_to_build_edges"]
    right.bar(angles[:-1], rose["pole_to_build_area"], width=np.diff(angles), align="edge")
    right.set(xlabel="angle between pole and z, degrees", ylabel="area")
    return drawn


def _pole_figure(cracks: Columns) -> Figure:
    drawn = _figure(4, 4)
    axis = drawn.subplots()
    z, y, x = (cracks[f"pole_{name}"] for name in "zyx")
    # Lambert's projection; poles point upwards, those that lie in the slice stand on both sides.
    from_middle = np.sqrt(2) * np.sin(np.arccos(np.clip(z, 0, 1)) / 2) / np.maximum(np.hypot(y, x), 1e-12)
    share = np.nan_to_num(cracks["area"]) / max(float(np.nanmax(np.nan_to_num(cracks["area"]))), 1e-12)
    axis.scatter(x * from_middle, y * from_middle, s=4 + 120 * share, alpha=0.6, linewidths=0)
    turn = np.linspace(0, 2 * np.pi, 200)
    axis.plot(np.cos(turn), np.sin(turn), color="0.5", linewidth=1)
    axis.set(xlabel="x", ylabel="y", xticks=[], yticks=[], aspect="equal", xlim=(-1.05, 1.05), ylim=(1.05, -1.05))
    return drawn


def _slices(slices: Columns) -> Figure:
    drawn = _figure(7, 3)
    axis = drawn.subplots()
    for name, column in (("cracks", "fraction"), ("pores", "pore_fraction")):
        axis.plot(slices["z"], 100 * slices[column], label=name)
    axis.set(xlabel="slice", ylabel="% of the part's area")
    axis.legend(fontsize=8)
    return drawn


def _percent(share: float | None) -> str:
    return "an unknown share" if share is None else f"{100 * share:.3g} %"
