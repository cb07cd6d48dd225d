"""Tips of wedges and bars, fronts of discs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_xct_crack.measure._sheet import mid_surface, slopes
from napari_xct_crack.tips import goes_on, rim, slice_tips

Array = np.ndarray[Any, Any]


def turned(angle: float, side: int = 96) -> tuple[Array, Array, Array]:
    """Coordinates along and across a direction that lies at an angle to x, from the middle, and its unit vector y, x."""
    unit = np.array([np.sin(np.radians(angle)), np.cos(np.radians(angle))])
    y, x = np.indices((side, side)) - (side - 1) / 2
    return y * unit[0] + x * unit[1], x * unit[0] - y * unit[1], unit


@pytest.mark.parametrize("angle", [0, 17, 45, 90, 200, 290])
@pytest.mark.parametrize("wide", [2.0, 4.0])
def test_a_bar_ends_where_it_ends(angle: float, wide: float) -> None:
    along, off, unit = turned(angle)
    tips = slice_tips((np.abs(off + 0.2) < wide / 2) & (np.abs(along) < 30))
    assert len(tips.places) == 2
    for place, direction in zip(tips.places, tips.directions, strict=True):
        from_middle = place - 47.5
        sign = np.sign(from_middle @ unit)
        assert from_middle @ unit * sign == pytest.approx(30, abs=1)
        assert abs(from_middle @ (unit[1], -unit[0])) < 1
        assert direction @ unit * sign > 0.97


def test_a_probability_tells_a_tip_below_a_voxel() -> None:
    y, x = np.indices((24, 64)).astype(float)
    for end in np.arange(40, 41, 0.13):
        level = np.clip((end - x) / 4 + 0.5, 0, 1) * np.clip(2.5 - np.abs(y - 12), 0, 1) * (x > 10)
        tips = slice_tips(level > 0.5, level)
        assert tips.places[:, 1].max() == pytest.approx(end, abs=0.15)


def test_wedges_are_told_by_their_angle() -> None:
    found = []
    for full in (10, 25, 40):
        along, off, unit = turned(25)
        behind = 35 - along
        tips = slice_tips((np.abs(off) < behind * np.tan(np.radians(full / 2))) & (behind < 60))
        found.append(float(tips.sharpness[int(np.argmax(tips.places @ unit))]))
        # A mask ends where its wedge is about two thirds of a pixel wide, and widens from there.
        assert found[-1] == pytest.approx(6 / (0.7 + 6 * np.tan(np.radians(full / 2))), rel=0.25)
    assert found == sorted(found, reverse=True)


def test_nothing_and_specks_have_no_tips() -> None:
    assert slice_tips(np.zeros((20, 20), bool)).places.shape == (0, 2)
    assert len(slice_tips(np.random.default_rng(0).random((60, 60)) < 0.03).places) == 0


@pytest.mark.parametrize("normal", [(1, 0, 0), (1, 1, 0), (0.6, 0.5, 0.2), (1, 1, 1)])
@pytest.mark.parametrize("thick", [1.5, 3.0])
def test_the_front_of_a_disc_is_its_circle(normal: Any, thick: float) -> None:
    unit = np.asarray(normal, float) / np.linalg.norm(normal)
    places = np.stack(np.indices((56, 56, 56))) - 27.5
    along = np.tensordot(unit, places, 1)
    radius = np.sqrt(np.maximum((places**2).sum(axis=0) - along**2, 0))
    mask = (np.abs(along + 0.1) < thick / 2) & (radius < 20)
    middle = mid_surface(mask, (1, 1, 1), slopes(mask, (1, 1, 1)))
    chosen, outward = rim(mask, middle.places, middle.normals, (1, 1, 1))
    found = middle.places[chosen] - 27.5
    out = np.linalg.norm(found - np.outer(found @ unit, unit), axis=1)
    assert np.quantile(out, 0.05) > 17
    assert out.max() < 20
    assert (found * outward[chosen]).sum(axis=1).min() > 0
    frame = np.linalg.svd(unit[None])[2][1:]
    angle = np.sort(np.degrees(np.arctan2(*(frame @ found.T))))
    assert np.diff(angle, append=angle[0] + 360).max() < 25


@pytest.mark.parametrize(("gap", "ends"), [(6, False), (14, True)])
@pytest.mark.parametrize("normal", [(1, 0, 0), (0.6, 0.5, 0.2)])
def test_a_tear_is_no_front_and_a_gap_is(normal: Any, gap: float, ends: bool) -> None:
    unit = np.asarray(normal, float) / np.linalg.norm(normal)
    places = np.stack(np.indices((64, 64, 64))) - 31.5
    along = np.tensordot(unit, places, 1)
    right = np.tensordot(np.linalg.svd(unit[None])[2][1], places, 1)
    radius = np.sqrt(np.maximum((places**2).sum(axis=0) - along**2, 0))
    mask = (np.abs(along + 0.1) < 1) & (radius < 26) & (np.abs(right) > gap / 2)
    middle = mid_surface(mask, (1, 1, 1), slopes(mask, (1, 1, 1)))
    chosen, outward = rim(mask, middle.places, middle.normals, (1, 1, 1))
    at, outward = middle.places[chosen], outward[chosen]
    last = ~goes_on(mask, at, outward, (1, 1, 1))
    beside = (np.abs(right[tuple(at.T)]) < gap / 2 + 3) & (radius[tuple(at.T)] < 18)
    assert beside.sum() > 20
    assert last[beside].mean() == (pytest.approx(1, abs=0.1) if ends else pytest.approx(0, abs=0.1))
    assert last[radius[tuple(at.T)] > 22].mean() > 0.9
