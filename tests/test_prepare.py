"""Finding the part and the grey window: on phantoms with a known part, on noise, and on real scans."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from napari_xct_crack.errors import InputError, SettingsError
from napari_xct_crack.io import read
from napari_xct_crack.phantom import PhantomSettings, simulate
from napari_xct_crack.prepare import (
    PrepareSettings,
    estimate_window,
    find_part,
    fit_to_part,
    grey_histogram,
    part_at,
    part_factor,
    prepare,
)
from napari_xct_crack.volume import Box, Volume

DATA = os.environ.get("XCT_CRACK_TEST_DATA")
needs_data = pytest.mark.skipif(not DATA, reason="XCT_CRACK_TEST_DATA names no folder of real scans")
SHAPE = (12, 90, 100)


def block(shape: tuple[int, int, int] = SHAPE) -> NDArray[np.bool_]:
    """A bar of metal along z that leaves a margin of air."""
    metal = np.zeros(shape, dtype=bool)
    metal[:, 15:75, 20:85] = True
    return metal


def scanned(metal: NDArray[np.bool_], air: float = 100, bright: float = 300, noise: float = 20) -> NDArray[np.float32]:
    rng = np.random.default_rng(0)
    blurred = ndimage.gaussian_filter(metal.astype(np.float32), 0.8)
    return (air + (bright - air) * blurred + rng.normal(0, noise, metal.shape)).astype(np.float32)


def agreement(found: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    return float((found & true).sum() / (found | true).sum())


# --- the part


@pytest.mark.parametrize("condition", ["clean", "seed-like", "noisy", "soft", "rings", "porous"])
def test_the_part_of_a_phantom_is_found_with_its_cracks(condition: Any) -> None:
    phantom = simulate(PhantomSettings(condition=condition, seed=0, shape=(16, 192, 192)))
    volume = Volume.from_array(phantom.scan)
    found = part_at(replace(volume, part=find_part(volume)))
    cracks = (phantom.labels > 0) & phantom.part
    assert agreement(found, phantom.part) > 0.985
    assert found[cracks].mean() > 0.98


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32, np.float64])
@pytest.mark.parametrize("black", [False, True])
def test_air_and_black_corners_are_not_part(dtype: Any, black: bool) -> None:
    grey = scanned(block(), air=40, bright=140, noise=12)
    if black:
        y, x = np.ogrid[-1 : 1 : SHAPE[1] * 1j, -1 : 1 : SHAPE[2] * 1j]
        grey[:, y**2 + x**2 > 1.1] = 0
    volume = Volume.from_array(np.clip(grey, 0, 255).astype(dtype))
    assert agreement(find_part(volume).read(), block()) > 0.95


@settings(max_examples=15, deadline=None)
@given(gain=st.floats(1e-4, 1e4), offset=st.floats(-1e3, 1e3))
def test_the_part_does_not_depend_on_the_grey_scale(gain: float, offset: float) -> None:
    grey = scanned(block()).astype(np.float64)
    other = find_part(Volume.from_array(gain * (grey + offset))).read()
    assert agreement(other, find_part(Volume.from_array(grey)).read()) > 0.999


@pytest.mark.parametrize("shape", [(1, 200, 210), (20, 60, 70), (3, 9, 9)])
@pytest.mark.parametrize("kind", ["normal", "uniform", "blurred", "poisson"])
def test_nothing_but_metal_is_all_part(kind: str, shape: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(3)
    noise = {
        "normal": lambda: rng.normal(1000, 50, shape),
        "uniform": lambda: rng.uniform(0, 255, shape),
        "blurred": lambda: ndimage.gaussian_filter(rng.normal(0, 1, shape), 1.5),
        "poisson": lambda: rng.poisson(30, shape),
    }[kind]()
    assert find_part(Volume.from_array(noise.astype(np.float32))).read().all()


def test_metal_full_of_cracks_and_pores_is_all_part() -> None:
    void = np.zeros((10, 150, 150), dtype=bool)
    void[:, 40:43, 30:120] = void[2:, 60:120, 90:92] = True
    rng = np.random.default_rng(0)
    void[rng.integers(0, 10, 60), rng.integers(2, 148, 60), rng.integers(2, 148, 60)] = True
    assert find_part(Volume.from_array(scanned(~void))).read().mean() > 0.999


@pytest.mark.parametrize(("closing", "inside"), [("0", False), ("4", False), ("12", True), ("8.4um", True)])
def test_cracks_that_reach_the_surface_are_closed_up_to_a_width(closing: str, inside: bool) -> None:
    slot = np.zeros(SHAPE, dtype=bool)
    slot[:, 10:45, 50:56] = True
    volume = Volume.from_array(scanned(block() & ~slot), voxel_size=(0.7, 0.7, 0.7))
    found = find_part(volume, PrepareSettings.checked({"closing": closing})).read()
    assert found[:, 25:45, 50:56].mean() > 0.99 if inside else found[:, 20:40, 52:54].mean() < 0.01


def test_pores_are_part_and_boreholes_are_not() -> None:
    pore, bore = np.zeros(SHAPE, dtype=bool), np.zeros(SHAPE, dtype=bool)
    pore[4:8, 30:35, 30:35] = True
    bore[:, 40:65, 55:80] = True
    found = find_part(Volume.from_array(scanned(block() & ~pore & ~bore))).read()
    assert found[pore].all()
    assert found[ndimage.binary_erosion(bore, iterations=2, border_value=1)].mean() < 0.01


def test_dust_is_not_part() -> None:
    metal = block()
    metal[5:8, 2:6, 2:6] = True
    found = find_part(Volume.from_array(scanned(metal))).read()
    assert not found[:, :8, :8].any()


def test_inverted_scans_have_a_bright_surrounding() -> None:
    volume = Volume.from_array(scanned(block(), air=300, bright=100))
    assert agreement(find_part(volume, PrepareSettings(invert=True)).read(), block()) > 0.95


@pytest.mark.parametrize("value", [0, 7])
def test_one_grey_value_is_refused(value: int) -> None:
    volume = Volume.from_array(np.full(SHAPE, value, np.uint16))
    with pytest.raises(InputError, match=f"grey value {value} everywhere"):
        prepare(volume)
    with pytest.raises(InputError, match=f"grey value {value} almost everywhere"):
        prepare(volume, PrepareSettings(find_part=False))


def test_nothing_but_nan_is_refused() -> None:
    volume = Volume.from_array(np.full(SHAPE, np.nan, np.float32))
    for given_settings in (PrepareSettings(), PrepareSettings(find_part=False)):
        with pytest.raises(InputError):
            prepare(volume, given_settings)


def test_micrometres_need_a_voxel_size() -> None:
    with pytest.raises(SettingsError, match="voxel size is unknown"):
        find_part(Volume.from_array(scanned(block())), PrepareSettings.checked({"closing": "5um"}))


def test_percentiles_must_rise() -> None:
    with pytest.raises(SettingsError, match="below"):
        PrepareSettings.checked({"low": 60, "high": 40})


# --- large scans


class Counted:
    """Counts the voxels that are read."""

    def __init__(self, array: Any) -> None:
        self.shape, self.dtype, self.chunks, self.voxels = array.shape, array.dtype, (1, *array.shape[1:]), 0
        self._array = array

    def __getitem__(self, key: Any) -> NDArray[Any]:
        values = np.asarray(self._array[key])
        self.voxels += values.size
        return values


def test_a_coarse_level_is_enough() -> None:
    fine = Counted(np.broadcast_to(np.float32(0), tuple(100 * side for side in SHAPE)))
    volume = Volume(levels=(fine, scanned(block())))
    part = find_part(volume)
    assert fine.voxels == 0
    assert part_factor(replace(volume, part=part)) == (100, 100, 100)
    assert agreement(part.read(), block()) > 0.95


def test_a_sparse_store_without_levels_costs_few_slices(tmp_path: Path) -> None:
    store = zarr.create_array(tmp_path / "s.zarr", shape=(7868, 2624, 2624), dtype="u2", chunks=(64, 656, 656))
    store[3937:3938, 1312:1900, 700:1968] = 30000 + np.random.default_rng(0).integers(0, 3000, (1, 588, 1268))
    volume = read(tmp_path / "s.zarr")
    counted = Counted(volume.levels[0])
    counted.chunks = volume.levels[0].chunks  # type: ignore[attr-defined]
    part = find_part(replace(volume, levels=(counted,)))
    assert counted.voxels <= 9 * 2624 * 2624
    assert part.read().any()
    assert any("9 slices" in note for note in part.notes)


# --- the part on the grid of its scan


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_the_part_in_a_box_is_the_mask_repeated(data: st.DataObject) -> None:
    shape = data.draw(st.tuples(*(st.integers(1, 30),) * 3))
    factor = data.draw(st.tuples(*(st.integers(1, 4),) * 3))
    cells = tuple(-(-side // by) for side, by in zip(shape, factor, strict=True))
    mask = np.random.default_rng(0).random(cells) < 0.5
    crop = data.draw(boxes(shape))
    volume = Volume.from_array(np.zeros(shape, np.uint8), part=Volume.from_array(mask, role="mask"), box=crop)
    by = part_factor(volume)
    full = np.repeat(np.repeat(np.repeat(mask, by[0], 0), by[1], 1), by[2], 2)[: shape[0], : shape[1], : shape[2]]
    box = data.draw(boxes(crop.shape))
    np.testing.assert_array_equal(part_at(volume, box), full[crop.slices][box.slices])
    if full[crop.slices].any():
        fitted = fit_to_part(volume)
        assert Box.of(crop.shape).contains(fitted)
        assert full[crop.slices][fitted.slices].sum() == full[crop.slices].sum()
    else:
        with pytest.raises(InputError, match="none of the part"):
            fit_to_part(volume)


@st.composite
def boxes(draw: st.DrawFn, shape: tuple[int, ...]) -> Box:
    start = [draw(st.integers(0, side - 1)) for side in shape]
    stop = [draw(st.integers(at + 1, side)) for at, side in zip(start, shape, strict=True)]
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def test_without_a_mask_all_is_part() -> None:
    assert part_at(Volume.from_array(scanned(block())), Box((0, 0, 0), (2, 3, 4))).all()


def test_a_mask_of_the_crop_is_put_in_its_place() -> None:
    crop = Box((2, 10, 15), (10, 80, 90))
    volume = prepare(Volume.from_array(scanned(block())), crop=crop, part=Volume.from_array(block()[crop.slices]))
    np.testing.assert_array_equal(part_at(volume), block()[crop.slices])
    inner = Box((1, 0, 0), (3, 30, 40))
    np.testing.assert_array_equal(part_at(volume.cropped(inner)), block()[crop.slices][inner.slices])
    assert fit_to_part(volume).size < Box.of(volume.shape).size


def test_a_mask_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="does not fit"):
        prepare(Volume.from_array(scanned(block())), part=Volume.from_array(block((12, 77, 85))))


# --- the window


def test_the_window_spans_the_percentiles_inside_the_part() -> None:
    grey = scanned(block())
    volume = prepare(Volume.from_array(grey), PrepareSettings(low=5, high=95))
    assert volume.window == pytest.approx(np.percentile(grey[part_at(volume)], (5, 95)), abs=3)
    assert volume.part is not None
    assert volume.crop == Box.of(SHAPE)


@settings(max_examples=15, deadline=None)
@given(gain=st.floats(0.01, 100), offset=st.floats(-1e3, 1e3))
def test_the_window_follows_the_grey_scale(gain: float, offset: float) -> None:
    grey = scanned(block()).astype(np.float64)
    given_settings = PrepareSettings(find_part=False)
    low, high = estimate_window(Volume.from_array(grey), given_settings)
    assert estimate_window(Volume.from_array(gain * grey + offset), given_settings) == pytest.approx(
        (gain * low + offset, gain * high + offset), rel=1e-6, abs=1e-6 * gain
    )


def test_the_histogram_counts_metal_and_holds_the_window() -> None:
    volume = prepare(Volume.from_array(scanned(block())))
    edges, counts = grey_histogram(volume)
    assert edges.shape == (101,)
    assert counts.shape == (100,)
    assert edges[0] <= volume.window[0] < volume.window[1] <= edges[-1]
    middle = float(np.average((edges[1:] + edges[:-1]) / 2, weights=counts))
    assert middle == pytest.approx(300, abs=15), "metal is 300, air 100"
    turned, _ = grey_histogram(replace(volume, window=volume.window[::-1]))
    np.testing.assert_array_equal(turned, edges)
    wide, _ = grey_histogram(replace(volume, window=(-50.0, 900.0)))
    assert (wide[0], wide[-1]) == (-50, 900)


def test_the_window_is_the_same_every_time_and_turned_for_bright_cracks() -> None:
    volume = replace(Volume.from_array(scanned(block())), part=find_part(Volume.from_array(scanned(block()))))
    low, high = estimate_window(volume)
    assert low < high
    assert estimate_window(volume) == (low, high)
    assert estimate_window(replace(volume, part=None)) == (low, high)
    assert estimate_window(volume, PrepareSettings(invert=True)) == (high, low)


def test_what_is_given_is_kept() -> None:
    volume = Volume.from_array(scanned(block()))
    part = find_part(volume)
    crop = Box((2, 20, 30), (8, 60, 70))
    prepared = prepare(volume, crop=crop, window=(1, 2), part=part)
    assert (prepared.window, prepared.crop, prepared.part) == ((1, 2), crop, part)
    assert prepare(replace(volume, window=(3, 4), part=part)).window == (3, 4)
    with pytest.raises(InputError, match="crop"):
        prepare(volume, crop=Box((0, 0, 0), (99, 9, 9)), part=part)
    with pytest.raises(InputError, match="none of the part"):
        prepare(volume, crop=Box((0, 0, 0), (3, 5, 5)), part=part)


# --- real scans


@needs_data
def test_real_strut_whole_and_cropped_to_its_inside() -> None:
    volume = read(Path(str(DATA)) / "volumes/am_ti64_skyscan")
    grey = volume.read()
    prepared = prepare(volume)
    found = part_at(prepared)
    assert found[grey > 80].mean() > 0.98
    assert grey[found].mean() > 150
    assert 0.02 < found.mean() < 0.035
    assert prepared.window is not None
    assert prepared.window[0] < 140 < 170 < prepared.window[1]
    fitted = fit_to_part(prepared)
    assert (grey > 80)[fitted.slices].sum() > 0.98 * (grey > 80).sum()
    assert fitted.size < 0.1 * grey.size
    inside = Box((0, 240, 232), (80, 270, 262))
    assert part_at(prepared, inside).all()
    assert find_part(Volume.from_array(volume.read(inside))).read().all()
    assert part_at(prepare(prepared, crop=inside)).all()


@needs_data
@pytest.mark.parametrize("name", ["ceramic_ct", "nmc_cathode"])
def test_real_slices_of_nothing_but_material_are_all_part(name: str) -> None:
    prepared = prepare(read(Path(str(DATA)) / "volumes" / name))
    assert part_at(prepared).all()
    assert prepared.window is not None
    assert prepared.window[1] - prepared.window[0] > 50
