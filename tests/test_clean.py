"""Probability to mask: each operation by a second definition, and out of core equal to in memory."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_xct_crack.blocks import boxes
from napari_xct_crack.clean import CleanSettings, _passes, clean, clean_array
from napari_xct_crack.clean._morphology import closed, dilated, eroded, opened
from napari_xct_crack.commands import load
from napari_xct_crack.errors import InputError, SettingsError
from napari_xct_crack.events import Progress, Warned, finish
from napari_xct_crack.io.ome_zarr import open_zarr, write
from napari_xct_crack.settings import Length
from napari_xct_crack.volume import Box, Volume

Array = np.ndarray[Any, Any]
RADIUS = st.sampled_from([0.0, 0.7, 1.0, 1.5, 2.0, 3.2])


def blobs(shape: tuple[int, int, int], seed: int, share: float = 0.3) -> Array:
    smooth = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), [min(1, side - 1) for side in shape])
    return np.asarray(np.clip(255 * (smooth - smooth.min()) / (np.ptp(smooth) + 1e-9), 0, 255)).astype(np.uint8)


def ellipsoid(radii: tuple[float, float, float]) -> Array:
    grids = np.meshgrid(*(np.arange(-int(r), int(r) + 1) for r in radii), indexing="ij")
    return np.asarray(sum((g / r) ** 2 if r else g * 0.0 for g, r in zip(grids, radii, strict=True)) <= 1 + 1e-9)


@given(radii=st.tuples(RADIUS, RADIUS, RADIUS), shape=st.tuples(*[st.integers(1, 9)] * 3), seed=st.integers(0, 999))
@settings(max_examples=80, deadline=None)
def test_morphology_is_that_of_an_ellipsoid(radii: Any, shape: Any, seed: int) -> None:
    mask = np.random.default_rng(seed).random(shape) < 0.4
    ball = ellipsoid(radii)
    np.testing.assert_array_equal(dilated(mask, radii), ndimage.binary_dilation(mask, ball))
    np.testing.assert_array_equal(eroded(mask, radii), ndimage.binary_erosion(mask, ball, border_value=1))
    np.testing.assert_array_equal(
        opened(mask, radii), ndimage.binary_dilation(ndimage.binary_erosion(mask, ball, border_value=1), ball)
    )
    wide = np.pad(mask, 10)
    np.testing.assert_array_equal(closed(mask, radii), ndimage.binary_closing(wide, ball)[10:-10, 10:-10, 10:-10])


def test_the_threshold_is_on_v_over_255_and_includes_it() -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    for threshold in (0.2, 0.5, 0.6, 1.0, 51 / 255, 100 / 255):
        expected = (ramp / 255 >= threshold).astype(np.uint8)
        np.testing.assert_array_equal(clean_array(ramp, CleanSettings(threshold=threshold, min_size=0)), expected)
    np.testing.assert_array_equal(clean_array((ramp / 255).astype(np.float64)), (ramp / 255 >= 0.5).astype(np.uint8))
    assert clean_array(np.full((1, 2, 2), np.nan, np.float32)).sum() == 0
    with pytest.raises(InputError, match="uint16"):
        clean_array(ramp.astype(np.uint16))


def test_hysteresis_keeps_what_touches_a_sure_voxel() -> None:
    values = np.array([[[120, 120, 200, 0, 120, 120, 0, 90, 200]]], np.uint8)
    mask = clean_array(values, CleanSettings(threshold=0.7, hysteresis=0.4, min_size=0))
    np.testing.assert_array_equal(mask[0, 0], [1, 1, 1, 0, 0, 0, 0, 0, 1])
    with pytest.raises(SettingsError, match=r"at most 0\.5"):
        CleanSettings.checked({"threshold": 0.5, "hysteresis": 0.6})


def test_holes_are_filled_but_not_bays() -> None:
    ring = np.zeros((7, 7, 7), np.uint8)
    ring[1:6, 1:6, 1:6] = 255
    ring[3, 3, 3] = 0
    tube = ring.copy()
    tube[:, 3, 3] = 0
    assert clean_array(ring, CleanSettings(fill_holes=True)).sum() == 125
    assert clean_array(tube, CleanSettings(fill_holes=True)).sum() == 120
    assert clean_array(tube, CleanSettings(fill_holes=True, dimensions="2d")).sum() == 125
    assert clean_array(tube[2:3], CleanSettings(fill_holes=True)).sum() == 25


def test_small_is_counted_in_the_volume_or_in_each_slice() -> None:
    values = np.zeros((4, 5, 5), np.uint8)
    values[:, 2, 2] = 255
    values[0, 0, 0] = 255
    assert clean_array(values, CleanSettings(min_size=2)).sum() == 4
    assert clean_array(values, CleanSettings(min_size=4, dimensions="2d")).sum() == 0
    assert clean_array(values, CleanSettings(min_size=5)).sum() == 0


def test_specks_are_removed_unless_asked_otherwise() -> None:
    stick = np.zeros((3, 60, 60), np.uint8)
    stick[:, 10, 10:40], stick[:, 30, 10:50] = 255, 255  # 90 and 120 voxels, 30 and 40 in a slice
    assert clean_array(stick).sum() == 120
    assert clean_array(stick, CleanSettings(min_size=0)).sum() == 210
    assert clean_array(stick, CleanSettings(dimensions="2d")).sum() == 210
    stick[:, 30, 29:] = 0
    assert clean_array(stick[:1]).sum() == clean_array(stick, CleanSettings(dimensions="2d")).sum() / 3 == 30


def test_lengths_follow_anisotropic_voxels_and_need_a_voxel_size() -> None:
    values = np.zeros((11, 11, 11), np.uint8)
    values[5, 5, 5] = 255
    grown = clean_array(values, CleanSettings(dilation=Length(2, "um"), min_size=0), (2.0, 1.0, 0.5))
    assert [int(np.ptp(np.nonzero(grown)[axis])) for axis in range(3)] == [2, 4, 8]
    with pytest.raises(SettingsError, match="voxel size is unknown"):
        clean_array(values, CleanSettings(dilation=Length(2, "um")))


def test_a_crack_that_leaves_the_volume_is_not_worn_away_there() -> None:
    values = np.zeros((1, 20, 20), np.uint8)
    values[0, 8:13] = 255
    np.testing.assert_array_equal(clean_array(values, CleanSettings(opening=Length(2)))[0], values[0] // 255)
    assert clean_array(values, CleanSettings(erosion=Length(1)))[0].sum() == 60


def broken_sheet(normal: tuple[float, float, float], thick: float, gap: float) -> tuple[Array, Array, Array]:
    """A rough sheet, what is left of it beside a gap, and voxels well inside; shape (48, 48, 48)."""
    places = np.indices((48, 48, 48)) - 23.5
    frame = np.linalg.svd(np.array([normal]))[2]
    rough = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=places.shape[1:]), 4)
    sheet = np.abs(np.tensordot(frame[0], places, 1) + rough / rough.std()) < thick / 2
    return sheet, sheet & (np.abs(np.tensordot(frame[1], places, 1)) > gap / 2), np.abs(places).max(axis=0) < 15


@pytest.mark.parametrize("normal", [(1, 0, 0), (0.3, 0.9, 0.5), (1, 1, 1)])
@pytest.mark.parametrize("thick", [3.0, 5.0])
def test_a_gap_along_a_crack_is_bridged_and_its_flanks_stay(normal: Any, thick: float) -> None:
    sheet, left, inner = broken_sheet(normal, thick, gap=6)
    mended = clean_array(left, CleanSettings(bridging=Length(9))) > 0
    gap = sheet & ~left & inner
    assert (mended & gap).sum() > 0.8 * gap.sum()
    assert (clean_array(left, CleanSettings(closing=Length(4.5))) & gap).sum() < 0.6 * gap.sum()
    whole = clean_array(sheet, CleanSettings(bridging=Length(9))) > 0
    assert (whole & ~sheet).sum() < 0.03 * sheet.sum()


def test_only_what_ends_opposite_each_other_is_joined() -> None:
    def added(*cracks: tuple[slice, slice], **chosen: Any) -> int:
        plane = np.zeros((1, 40, 60), bool)
        for rows, columns in cracks:
            plane[0, rows, columns] = True
        return int(clean_array(plane, CleanSettings(bridging=Length(8), **chosen)).sum() - plane.sum())

    left, right = (slice(20, 22), slice(5, 25)), (slice(20, 22), slice(31, 55))
    assert added(left, right) == 12
    assert added(left, (slice(20, 22), slice(36, 55))) == 0, "farther apart than the length"
    assert added(left, (slice(26, 28), slice(5, 25))) == 0, "side by side"
    assert added(left, (slice(8, 33), slice(30, 32))) == 0, "an end against a flank"
    assert added(left, (slice(24, 26), slice(29, 55)), bridging_angle=50) > 6
    assert added(left, (slice(24, 26), slice(29, 55)), bridging_angle=10) == 0, "too far off the crack's direction"


def test_bridging_follows_anisotropic_voxels() -> None:
    column = np.zeros((24, 24, 24), bool)
    column[:, 11:13] = True
    column[10:14] = False
    for along, joined in ((2.0, False), (1.0, True)):
        mended = clean_array(column, CleanSettings(bridging=Length(8, "um")), (along, 1.0, 1.0))
        assert bool(mended[11, 11, 12]) == joined


SETTINGS = st.builds(
    CleanSettings,
    threshold=st.just(0.55),
    hysteresis=st.sampled_from([None, 0.45]),
    closing=st.sampled_from([Length(0), Length(1, "um"), Length(2.3)]),
    bridging=st.sampled_from([Length(0), Length(0), Length(3), Length(4.5, "um")]),
    fill_holes=st.booleans(),
    opening=st.sampled_from([Length(0), Length(1), Length(2)]),
    erosion=st.sampled_from([Length(0), Length(0), Length(1)]),
    dilation=st.sampled_from([Length(0), Length(2.3, "um")]),
    min_size=st.sampled_from([0, 6, 40]),
    dimensions=st.sampled_from(["3d", "2d"]),
)
SHAPE = st.tuples(st.integers(1, 14), st.integers(5, 22), st.integers(5, 22))


@given(SHAPE, st.tuples(*[st.integers(2, 11)] * 3), SETTINGS, st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_any_boxes_give_what_the_whole_gives(shape: Any, side: Any, chosen: CleanSettings, seed: int) -> None:
    data, voxel_size = blobs(shape, seed), (1.5, 1.0, 0.8)
    volume = Volume.from_array(data)
    for stage in _passes(chosen, voxel_size):
        on_box = finish(stage.begin(volume.shape, volume.read, side))
        result = np.zeros(shape, bool)
        for box in boxes(shape, side):
            result[box.slices] = on_box(box)
        volume = Volume.from_array(result)
    np.testing.assert_array_equal(volume.read(), clean_array(data, chosen, voxel_size))


@given(SHAPE, st.sampled_from([(4, 8, 8), (8, 16, 4), (16, 4, 32)]), SETTINGS, st.integers(0, 10**6))
@settings(max_examples=8, deadline=None)
def test_out_of_core_equals_in_memory(shape: Any, shard: Any, chosen: CleanSettings, seed: int) -> None:
    probability = Volume.from_array(
        blobs(shape, seed), role="probability", voxel_size=(1.5, 1.0, 0.8), offset=(1, 2, 3)
    )
    expected = clean_array(probability.read(), chosen, probability.voxel_size)
    layout = patch("napari_xct_crack.clean.layout", lambda *_: ((2, 4, 4), shard))
    with TemporaryDirectory() as folder, layout:
        mask = finish(clean(probability, chosen, Path(folder) / "m.ome.zarr"))
        np.testing.assert_array_equal(mask.read(), expected)
        assert (mask.role, mask.dtype, mask.offset) == ("mask", np.uint8, (1, 2, 3))
        assert mask.voxel_size == pytest.approx((1.5, 1.0, 0.8))
        assert [path.name for path in Path(folder).iterdir()] == ["m.ome.zarr"]


def test_a_stop_between_passes_is_resumed_without_a_difference(tmp_path: Path) -> None:
    data = blobs((9, 40, 40), 5)
    probability = write(tmp_path / "p.ome.zarr", data, role="probability", voxel_size=(1, 1, 1))
    chosen = CleanSettings(closing=Length(1), fill_holes=True, opening=Length(1), min_size=20)
    out = tmp_path / "m.ome.zarr"
    with patch("napari_xct_crack.clean.layout", lambda *_: ((4, 8, 8), (4, 16, 16))):
        for stop_after in (3, 30):
            work = clean(probability, chosen, out)
            for number, event in enumerate(work):
                if isinstance(event, Progress) and number >= stop_after:
                    break
            work.close()
            assert any("not finished" in note for note in open_zarr(out).notes)
        mask = finish(clean(probability, chosen, out))
    np.testing.assert_array_equal(mask.read(), clean_array(data, chosen))


def test_a_mask_can_be_cleaned_and_a_grey_scan_not(tmp_path: Path) -> None:
    mask = np.zeros((3, 9, 9), np.uint8)
    mask[1, 4, 4] = 1
    volume = Volume.from_array(mask, role="mask")
    assert (
        finish(clean(volume, CleanSettings(dilation=Length(1), min_size=0), tmp_path / "a.ome.zarr")).read().sum() == 7
    )
    with pytest.raises(InputError, match="uint16"):
        finish(clean(Volume.from_array(mask.astype(np.uint16)), None, tmp_path / "b.ome.zarr"))
    assert not (tmp_path / "b.ome.zarr").exists()
    fine = Volume.from_array(mask, role="mask", voxel_size=(2, 2, 2))
    events = list(clean(fine, CleanSettings(closing=Length(1, "um")), tmp_path / "c.ome.zarr"))
    assert isinstance(events[0], Warned)
    events = list(clean(Volume.from_array(mask, name="scan"), None, tmp_path / "d.ome.zarr"))
    assert events[0] == Warned("scan is not marked as a probability; its values are taken as one.")


def test_the_command_cleans_a_crop(tmp_path: Path) -> None:
    data = blobs((6, 30, 30), 2)
    whole = Volume.from_array(data, role="probability")
    crop = whole.cropped(Box((1, 2, 3), (6, 30, 30)))
    write(tmp_path / "p.ome.zarr", crop.read(), role="probability", voxel_size=(1, 1, 1), offset=crop.origin)
    command = load("clean").checked(
        {"probability": str(tmp_path / "p.ome.zarr"), "out": tmp_path / "m.ome.zarr", "closing": "1.5um", "min_size": 5}
    )
    mask = finish(command.run())
    assert mask.offset == (1, 2, 3)
    expected = clean_array(crop.read(), CleanSettings(closing=Length(1.5), min_size=5))
    np.testing.assert_array_equal(mask.read(), expected)
