"""Measures of bodies that are known exactly, and that blocks do not matter."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, special, stats

from napari_xct_crack.appearance import measure_noise
from napari_xct_crack.blocks import boxes
from napari_xct_crack.cli import main
from napari_xct_crack.components import find, neighbours
from napari_xct_crack.errors import InputError, OutputError, SettingsError
from napari_xct_crack.events import finish
from napari_xct_crack.io.ome_zarr import open_zarr, write
from napari_xct_crack.measure import Measured, MeasureSettings, measure
from napari_xct_crack.measure._census import Census, census
from napari_xct_crack.measure._extent import Shadow, ends, length
from napari_xct_crack.measure._fit import error
from napari_xct_crack.measure._free import free_surface
from napari_xct_crack.measure._inputs import Inputs
from napari_xct_crack.measure._shape import shapes, sphericity
from napari_xct_crack.measure._sheet import mid_surface, slopes, surface_areas
from napari_xct_crack.measure._summary import sizes
from napari_xct_crack.measure._survey import survey
from napari_xct_crack.prepare import prepare
from napari_xct_crack.report.measured import measured_report
from napari_xct_crack.volume import Volume

Array = np.ndarray[Any, Any]
CUBE = (1.0, 1.0, 1.0)
NORMALS = [(1, 0, 0), (1, 1, 0), (1, 1, 1), (1, 0.3, 0.1), (0.6, 0.5, 0.2), (0.3, 0.9, 0.5)]


def grid(side: int, size: tuple[float, float, float] = CUBE) -> Array:
    """Distances from the middle, in the unit of the voxel's sides, shape (3, z, y, x)."""
    return np.stack(
        [(g - (side - 1) / 2) * s for g, s in zip(np.indices((side,) * 3).astype(float), size, strict=True)]
    )


def across(normal: Any, places: Array) -> tuple[Array, Array]:
    """Distance along a normal, and from the axis through the middle."""
    unit = np.asarray(normal, float) / np.linalg.norm(normal)
    along = np.tensordot(unit, places, 1)
    return along, np.sqrt(np.maximum((places**2).sum(axis=0) - along**2, 0))


def disc(normal: Any, thick: float, radius: float, side: int = 64, off: float = 0.13) -> Array:
    along, out = across(normal, grid(side))
    return np.asarray((np.abs(along + off) < thick / 2) & (out < radius))


def ellipsoid(half: tuple[float, float, float], side: int) -> Array:
    return np.asarray(sum((g / h) ** 2 for g, h in zip(grid(side), half, strict=True)) < 1)


def counted(mask: Array, side: tuple[int, int, int]) -> tuple[Census, Array]:
    def read(box: Any) -> Any:
        return mask[box.slices], None

    found = finish(find(mask.shape, read, side=side, structure=neighbours("3d", True), what="test"))
    rows = finish(census(mask.shape, read, found))
    labels = np.zeros(mask.shape, np.int64)
    for box in boxes(mask.shape, side):
        labels[box.slices] = rows.number[found.labels(box, mask[box.slices])]
    return rows, labels


@given(
    shape=st.tuples(*[st.integers(1, 9)] * 3),
    side=st.tuples(*[st.integers(1, 5)] * 3),
    density=st.floats(0.02, 0.5),
    seed=st.integers(0, 10**6),
)
@settings(max_examples=60, deadline=None)
def test_numbers_and_moments_do_not_depend_on_blocks(shape: Any, side: Any, density: float, seed: int) -> None:
    mask = np.random.default_rng(seed).random(shape) < density
    rows, labels = counted(mask, side)
    own, count = ndimage.label(mask, np.ones((3, 3, 3)))
    bodies = sorted(
        (np.argwhere(own == one) for one in range(1, count + 1)), key=lambda body: (-len(body), body.tolist()[0])
    )
    assert len(rows) == count
    for row, body in enumerate(bodies):
        assert set(labels[tuple(body.T)]) == {row + 1}
        assert rows.voxels[row] == len(body)
        assert rows.box(row).start == tuple(body.min(axis=0))
        assert rows.box(row).stop == tuple(body.max(axis=0) + 1)
        np.testing.assert_allclose(rows.centre[row], body.mean(axis=0))
        np.testing.assert_allclose(rows.spread[row], np.cov(body.T, bias=True), atol=1e-9)


@pytest.mark.parametrize("normal", NORMALS)
def test_a_disc_has_its_surface_area_and_aperture(normal: Any) -> None:
    for thick, within in ((1.0, 0.06), (2.0, 0.06), (3.0, 0.1)):
        mask = disc(normal, thick, 24)
        gradient = slopes(mask, CUBE)
        middle = mid_surface(mask, CUBE, gradient)
        area = middle.areas.sum()
        assert area == pytest.approx(np.pi * 24**2, rel=within)
        assert surface_areas(mask, CUBE, gradient).sum() == pytest.approx(
            2 * np.pi * 24**2 + 2 * np.pi * 24 * mask.sum() / (np.pi * 24**2), rel=0.08
        )
        assert np.average(middle.apertures, weights=middle.areas) == pytest.approx(thick, abs=1.0)
        steep = np.abs(middle.normals @ np.asarray(normal)) / np.linalg.norm(normal)
        assert np.median(np.degrees(np.arccos(np.minimum(steep, 1)))) < 5


@pytest.mark.parametrize("half", [(8, 8, 8), (12, 8, 5), (20, 10, 4)])
def test_an_ellipsoid_has_its_surface_half_axes_and_sphericity(half: Any) -> None:
    mask = ellipsoid(half, 44)
    a, b, c = half
    exact = 4 * np.pi * special.elliprg((a * b) ** 2, (a * c) ** 2, (b * c) ** 2)
    surface = surface_areas(mask, CUBE, slopes(mask, CUBE)).sum()
    assert surface == pytest.approx(exact, rel=0.03)
    rows, _ = counted(mask, (44, 44, 44))
    formed = shapes(rows.spread, CUBE, False)
    np.testing.assert_allclose(formed.half_axes[0], half, rtol=0.035)
    ball = np.pi ** (1 / 3) * (8 * np.pi * a * b * c) ** (2 / 3) / exact
    assert sphericity(np.array([mask.sum()]), np.array([surface]), None)[0] == pytest.approx(ball, rel=0.04)


def test_anisotropic_voxels_are_measured_in_their_unit() -> None:
    size = (2.0, 1.0, 1.0)
    along, out = across((1, 0, 0), grid(48, size))
    mask = (np.abs(along + 1) < 1) & (out < 14)
    gradient = slopes(mask, size)
    middle = mid_surface(mask, size, gradient)
    assert middle.areas.sum() == pytest.approx(np.pi * 14**2, rel=0.05)
    inner = np.hypot(*((middle.places[:, 1:] - 23.5) * size[1:]).T) < 8
    assert np.median(middle.apertures[inner]) == pytest.approx(2, abs=0.1)
    assert surface_areas(mask, size, gradient).sum() == pytest.approx(2 * np.pi * 14**2 + 2 * np.pi * 14 * 2, rel=0.12)
    assert length(np.argwhere(mask), size) == pytest.approx(np.hypot(28, 2), rel=0.05)


@pytest.mark.parametrize("normal", NORMALS)
def test_length_and_shadow_of_a_disc(normal: Any) -> None:
    places = np.argwhere(disc(normal, 2, 24))
    assert length(places, CUBE) == pytest.approx(48, rel=0.05)
    assert length(np.concatenate([ends(half, CUBE) for half in (places[:500], places[500:])]), CUBE) == pytest.approx(
        length(places, CUBE), rel=0.005
    )
    unit = np.asarray(normal) / np.linalg.norm(normal)
    for load in ((1, 0, 0), (1, 1, 0), (0.5, -0.2, 0.7)):
        shadow = Shadow(load, CUBE)
        cosine = abs(unit @ load) / np.linalg.norm(load)
        # The edge of a disc two voxels thick adds its own shadow.
        exact = np.pi * 24**2 * cosine + 2 * 2 * 24 * np.sqrt(1 - cosine**2)
        assert len(shadow.cells(places)) * shadow.cell == pytest.approx(exact, rel=0.1)


def test_a_shadow_along_an_axis_is_exact_and_gapless() -> None:
    mask = disc((0.3, 0.9, 0.5), 2, 20)
    for axis in range(3):
        shadow = Shadow(tuple(float(axis == other) for other in range(3)), (3.0, 2.0, 1.0))
        assert len(shadow.cells(np.argwhere(mask))) == mask.any(axis=axis).sum()
        assert shadow.cell == 6 / (3, 2, 1)[axis]


@pytest.mark.parametrize(
    ("wide", "normal"), [(0.4, NORMALS[0]), (0.4, NORMALS[4]), (0.8, NORMALS[5]), (1.6, NORMALS[2])]
)
def test_missing_grey_value_tells_openings_below_a_voxel(wide: float, normal: Any) -> None:
    along, out = across(normal, grid(56))
    overlap = np.minimum(along + 0.5, wide / 2) - np.maximum(along - 0.5, -wide / 2)
    coverage = np.maximum(overlap, 0) * (out < 22)
    noise = np.random.default_rng(1).normal(0, 20, coverage.shape)
    scan = 3000 - 2000 * ndimage.gaussian_filter(coverage, 0.7) + noise
    labels = ((np.abs(along) < max(wide, 1.01) / 2) & (out < 22)).astype(np.uint32)
    for blur in (0.7, 0.6):
        inputs = Inputs(CUBE, (1, 0, 0), 2, Volume.from_array(scan.astype(np.float32)), 2000.0, blur)
        result = finish(survey(Volume.from_array(labels, role="labels"), labels.sum(keepdims=True).ravel(), inputs))
        assert result.share[1] * labels.sum() / result.area[1] == pytest.approx(wide, rel=0.1)


def test_the_stated_error_is_the_scatter_over_draws_of_noise() -> None:
    along, out = across((0.6, 0.5, 0.2), grid(44))
    labels = Volume.from_array(((np.abs(along) < 0.505) & (out < 14)).astype(np.uint32))
    voxels, found = np.array([labels.read().sum()]), []
    for seed in range(10):
        noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=along.shape), 1.0)
        noise *= 100 / noise.std()
        scan = Volume.from_array((3000 + noise).astype(np.float32))
        result = finish(survey(labels, voxels, Inputs(CUBE, (1, 0, 0), 2, scan, 2000.0, 0.8)))
        found.append(result.share[1] * voxels[0] / result.area[1])
    seen = measure_noise(noise, np.ones(noise.shape, bool))
    stated = error(seen, 0.8, result.area[1:], voxels / result.area[1:])[0] / 2000
    # Ten draws tell a scatter to a quarter.
    assert np.std(found, ddof=1) == pytest.approx(stated, rel=0.5)


def test_the_boxes_of_the_survey_do_not_matter() -> None:
    rng = np.random.default_rng(4)
    ids = disc((0.6, 0.5, 0.2), 2, 18, side=40).astype(np.uint32)
    ids[:6, :6, :6] = 2
    scan = Volume.from_array(3000 - 900 * ndimage.gaussian_filter((ids > 0) * 1.0, 1) + rng.normal(0, 9, ids.shape))
    chance = Volume.from_array(rng.random(ids.shape), role="probability")
    inputs = Inputs(CUBE, (0.2, 1, 0), 2, scan, 900.0, 1.0, None, chance)
    voxels = np.bincount(ids.ravel())[1:]
    labels = Volume.from_array(ids)
    with ThreadPoolExecutor(2) as pool:
        shared = finish(survey(labels, voxels, inputs, 13, pool))
    results = [finish(survey(labels, voxels, inputs, side)) for side in (40, 13)]
    for name, values in vars(results[1]).items():
        np.testing.assert_array_equal(getattr(shared, name), values, err_msg=name)
    for name in (
        "surface",
        "area",
        "aperture_sum",
        "aperture_max",
        "certain",
        "possible",
        "shadow",
        "length",
    ):
        np.testing.assert_allclose(*(getattr(result, name) for result in results), rtol=1e-3, err_msg=name)
    np.testing.assert_allclose(*(result.share for result in results), rtol=0.01)
    rows = [result.fronts for result in results]
    same = len(set(map(tuple, rows[0].tolist())) & set(map(tuple, rows[1].tolist())))
    assert same >= 0.98 * max(map(len, rows)) > 50


def test_depth_is_the_distance_to_the_end_of_the_part() -> None:
    inside = np.zeros((20, 40, 40), np.uint8)
    inside[:, 5:35, 5:35] = 1
    part = Volume.from_array(inside, role="mask", voxel_size=(2, 2, 2))
    scan = Volume.from_array(np.zeros((20, 40, 40)), voxel_size=(2, 2, 2))
    free = free_surface(part, scan, (2, 2, 2))
    places = np.array([[10, 5, 20], [10, 9, 20], [10, 20, 20], [0, 20, 20], [10, 2, 20]])
    assert free.at(places).tolist() == [1, 9, 29, 29, 0]
    coarse = Volume.from_array(inside[::2, ::2, ::2], role="mask", voxel_size=(4, 4, 4))
    assert np.abs(free_surface(coarse, scan, (2, 2, 2)).at(places) - free.at(places)).max() <= 4
    with pytest.raises(InputError, match="does not cover"):
        free_surface(part.cropped(open_box(10)), scan, (2, 2, 2))


def open_box(depth: int) -> Any:
    from napari_xct_crack.volume import Box

    return Box((0, 0, 0), (depth, 40, 40))


def test_a_gumbel_distribution_is_found_again() -> None:
    rng = np.random.default_rng(0)
    largest = stats.gumbel_r.rvs(30, 4, size=20, random_state=rng)
    found = sizes(np.concatenate([largest, largest / 2]), np.tile(np.arange(20) * 5.0, 2), 100)["gumbel"]
    assert found["location"] == pytest.approx(30, abs=3)
    assert found["scale"] == pytest.approx(4, abs=2)
    assert found["expected"]["10"] == pytest.approx(found["location"] + found["scale"] * 5.3, rel=0.01)
    assert sizes(np.array([3.0]), np.array([1.0]), 100)["gumbel"] is None


def scene() -> tuple[Array, Array]:
    """A crack, a ball and a speck in a part with one free side."""
    mask = np.zeros((64, 80, 80), np.uint8)
    mask[:, :64, :64] = disc((0.2, 0.1, 1), 2, 22)
    mask[10:21, 60:71, 60:71] = ellipsoid((5, 5, 5), 11)
    mask[50, 70, 70] = 1
    part = np.ones_like(mask)
    part[:, :6] = 0
    return mask, part


def run(out: Path, mask: Array, **given: Any) -> Measured:
    sized = {"voxel_size": (0.5, 0.5, 0.5), "offset": (100, 0, 7)}
    volumes = {name: Volume.from_array(array, name=name, role=role, **sized) for name, (array, role) in given.items()}
    return finish(measure(Volume.from_array(mask, role="mask", **sized), out, **volumes))


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_component_is_a_row_of_its_number(tmp_path: Path) -> None:
    mask, part = scene()
    chance = np.where(mask, 200, ndimage.binary_dilation(mask) * 100).astype(np.uint8)
    result = run(tmp_path, mask, part=(part, "mask"), probability=(chance, "probability"))
    rows = table(tmp_path / "cracks.csv")
    labels = open_zarr(tmp_path / "cracks.ome.zarr")
    assert labels.origin == (100, 0, 7)
    assert [int(row["voxels"]) for row in rows] == np.bincount(labels.read().ravel())[1:].tolist()
    assert [(row["id"], row["kind"]) for row in rows] == [("1", "crack"), ("2", "pore"), ("3", "pore")]
    crack, ball, speck = rows
    assert float(crack["area"]) == pytest.approx(np.pi * 11**2, rel=0.08)
    assert float(crack["length"]) == pytest.approx(22, rel=0.06)
    assert float(crack["pole_to_build"]) == pytest.approx(np.degrees(np.arccos(0.2 / np.sqrt(1.05))), abs=2)
    assert float(ball["half_axis_3"]) == pytest.approx(2.5, rel=0.03)
    assert (float(speck["z"]), float(speck["y"]), float(speck["x"])) == (150, 70, 77)
    assert crack["aperture_grey"] == ""
    assert (crack["surface_breaking"], ball["surface_breaking"]) == ("false", "false")
    assert float(ball["depth"]) == pytest.approx((60 - 6 + 0.5) * 0.5, abs=0.6)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["unit"] == "um"
    assert summary["versions"]["numpy"] == np.__version__
    volume = float(part.sum()) * 0.125
    assert summary["part_volume"] == volume
    assert summary["p32"] == pytest.approx(float(crack["area"]) / volume, rel=1e-4)
    low, high = summary["crack"]["interval"]["volume_fraction"]
    grown = ndimage.binary_dilation(labels.read() == 1).sum() * 0.125
    assert low == pytest.approx(summary["crack"]["volume_fraction"])
    assert high == pytest.approx(grown / volume, rel=1e-6)
    slices = table(tmp_path / "slices.csv")
    assert [int(row["z"]) for row in slices] == list(range(100, 164))
    assert sum(float(row["area"]) for row in slices) * 0.5 == pytest.approx(float(crack["volume"]), rel=1e-4)
    assert sum(int(row["tips"]) for row in slices) == int(crack["tips"]) == len(table(tmp_path / "tips.csv")) > 60
    # Traces of a steep disc add up to its area.
    assert sum(float(row["length"]) for row in slices) * 0.5 == pytest.approx(float(crack["area"]), rel=0.12)
    assert len(result.fronts["z"]) == len(table(tmp_path / "fronts.csv")) > 60


def test_measurements_are_gone_on_with_or_refused(tmp_path: Path) -> None:
    mask = disc((1, 0, 0), 2, 8, side=24).astype(np.uint8)
    write(tmp_path / "mask.ome.zarr", mask, role="mask", voxel_size=(1, 1, 1))
    words = ["measure", str(tmp_path / "mask.ome.zarr"), str(tmp_path / "out")]
    assert main(words) == 0
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "1 cracks fill" in page
    assert page.count("data:image/png;base64,") == 4
    assert "http" not in page.split("</style>")[1]
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.*") if path.is_file()}
    assert main(words) == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.*") if path.is_file()} == before
    assert main([*words, "--flatness", "0.01", "--sphericity", "0.01"]) == 2
    assert main([*words, "--flatness", "0.01", "--sphericity", "0.01", "--overwrite"]) == 0
    assert table(tmp_path / "out" / "cracks.csv")[0]["kind"] == "pore"


def test_what_cannot_be_measured_is_said(tmp_path: Path) -> None:
    mask = np.zeros((4, 30, 30), np.uint8)
    with pytest.raises(InputError, match="probability"):
        finish(measure(Volume.from_array(mask, role="probability"), tmp_path))
    with pytest.raises(InputError, match="does not cover"):
        finish(measure(Volume.from_array(mask), tmp_path, volume=Volume.from_array(mask[:2])))
    for name in ("load_axis", "build_axis"):
        with pytest.raises(SettingsError, match="direction"):
            MeasureSettings.checked({name: (0, 0, 0)})
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        finish(measure(Volume.from_array(mask), tmp_path / "file"))


def test_a_mask_without_cracks_and_a_single_slice(tmp_path: Path) -> None:
    empty = finish(measure(Volume.from_array(np.zeros((4, 30, 30), np.uint8)), tmp_path / "empty"))
    assert empty.summary["crack"] == {"count": 0, "volume": 0.0, "volume_fraction": 0.0}
    assert table(tmp_path / "empty" / "cracks.csv") == []
    measured_report(tmp_path / "empty.html", empty)
    assert "0 cracks fill 0 %" in (tmp_path / "empty.html").read_text(encoding="utf-8")
    one = np.zeros((1, 60, 60), np.uint8)
    one[0, 10:12, 5:50] = 1
    one[0, 40 : 40 + 9, 20 : 20 + 9] = ellipsoid((4, 4, 4), 9)[4]
    found = finish(measure(Volume.from_array(one), tmp_path / "one"))
    assert found.cracks["kind"].tolist() == ["crack", "pore"]
    assert found.cracks["area"][0] == pytest.approx(45, rel=0.05)
    assert found.cracks["aperture_mean"][0] == pytest.approx(2, rel=0.05)
    assert found.slices["length"][0] == pytest.approx(45, abs=3)
    assert found.summary["unit"] == "voxel"


def test_a_crack_is_open_where_it_meets_the_surface(tmp_path: Path) -> None:
    mask = np.zeros((40, 60, 60), np.uint8)
    mask[:, 6:40, 30:32] = 1
    part = np.ones_like(mask)
    part[:, :6] = 0
    result = run(tmp_path, mask, part=(part, "mask"))
    assert result.cracks["surface_breaking"].tolist() == ["true"]
    # The other end is its tip in every slice; at its mouth and where it leaves the view there is none.
    assert result.tips["z"].tolist() == list(range(100, 140))
    assert result.tips["y"] == pytest.approx(np.full(40, 39.5), abs=0.6)
    assert (result.tips["direction_y"] > 0.97).all()
    assert result.fronts["y"].min() > 36
    assert set(result.fronts["z"]) == set(range(100, 140))


def test_the_command_finds_the_part_in_the_scan(tmp_path: Path) -> None:
    grey = np.full((16, 80, 80), 30000, np.uint16)
    grey += np.random.default_rng(0).integers(0, 800, grey.shape, dtype=np.uint16)
    outside = np.hypot(*(np.indices((80, 80)) - 39.5)) > 34
    grey[:, outside] = 4000
    mask = np.zeros(grey.shape, np.uint8)
    mask[3:13, 40, 28:52] = 1
    grey[mask > 0] -= 20000
    write(tmp_path / "scan.ome.zarr", grey, role="image")
    write(tmp_path / "mask.ome.zarr", mask, role="mask")
    given = [str(tmp_path / "mask.ome.zarr"), str(tmp_path / "out"), "--volume", str(tmp_path / "scan.ome.zarr")]
    assert main(["measure", *given]) == 0
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["part_volume"] == pytest.approx(16 * np.pi * 34**2, rel=0.08)
    (row,) = table(tmp_path / "out" / "cracks.csv")
    assert 15 < float(row["depth"]) < 34
    assert row["surface_breaking"] == "false"
    assert float(row["aperture_grey"]) == pytest.approx(20 / 26, rel=0.15)


def test_the_angle_is_that_to_the_build_axis(tmp_path: Path) -> None:
    mask = Volume.from_array(disc((0, 0, 1), 2, 10, side=28).astype(np.uint8), role="mask")
    for axis, angle in (((1, 0, 0), 90), ((0, 1, 1), 45), ((0, 0, -2), 0)):
        settings = MeasureSettings(build_axis=axis)
        found = finish(measure(mask, tmp_path / str(angle), settings)).cracks["pole_to_build"]
        assert found == pytest.approx([angle], abs=2)


def test_a_penny_crack_is_measured(tmp_path: Path) -> None:
    """An ellipsoidal opening w(r) = w0·√(1 − r²/a²): its volume is 2/3 of w0·πa², its projected area πa²."""
    along, out = across((1, 0.3, 0.1), grid(72))
    mask = np.abs(along) < 3.5 * np.sqrt(np.maximum(0, 1 - (out / 28) ** 2))
    (crack,) = finish(measure(Volume.from_array(mask.astype(np.uint8)), tmp_path)).cracks["volume"]
    result = finish(measure(Volume.from_array(mask.astype(np.uint8)), tmp_path)).cracks
    assert crack == pytest.approx(2 / 3 * 7 * np.pi * 28**2, rel=0.02)
    assert result["half_axis_1"][0] == pytest.approx(28, rel=0.02)
    assert result["half_axis_3"][0] == pytest.approx(3.5, rel=0.1)
    assert result["length"][0] == pytest.approx(56, rel=0.05)
    assert result["sqrt_area"][0] == pytest.approx(np.sqrt(np.pi * 28**2 / np.sqrt(1.1)), rel=0.03)
    assert result["aperture_max"][0] == pytest.approx(7, abs=1)
    assert result["aperture_mean"][0] == pytest.approx(7 * 2 / 3, rel=0.12)
    assert result["area"][0] == pytest.approx(np.pi * 28**2, rel=0.12)


def test_an_opening_that_cannot_be_told_is_left_empty(tmp_path: Path) -> None:
    """A label on plain metal beside a bright inclusion, and one in the part's rim."""
    rng = np.random.default_rng(0)
    part = np.zeros((40, 90, 90), bool)
    part[:, 10:80, 10:80] = True
    scan = ndimage.gaussian_filter(np.where(part, 30000.0, 2000.0), 1.2) + rng.normal(0, 300, part.shape)
    mask = np.zeros(part.shape, np.uint8)
    mask[10:30, 30:50, 40] = mask[10:30, 30:50, 11] = mask[10:30, 30:50, 60] = 1
    scan += 8000 * ndimage.gaussian_filter((mask > 0) * (np.arange(90) == 40) * 1.0, 1.2)
    scan -= 28000 * ndimage.gaussian_filter((mask > 0) * (np.arange(90) == 60) * 0.5, 1.2)
    volume = Volume.from_array(scan.astype(np.uint16))
    solid = Volume.from_array(part.astype(np.uint8), role="mask", name="part<script>alert(1)</script>")
    labels = Volume.from_array(mask, role="mask", name="<img src=x onerror=alert(2)>")
    result = finish(measure(labels, tmp_path / "out", volume=volume, part=solid))
    told = dict(zip(result.cracks["x"].round().astype(int).tolist(), result.cracks["aperture_grey"], strict=True))
    assert told[60] == pytest.approx(0.5, rel=0.1)
    assert np.isnan([told[40], told[11]]).all()
    assert [row["aperture_grey"] == "" for row in table(tmp_path / "out" / "cracks.csv")].count(True) == 2
    measured_report(tmp_path / "report.html", result)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("not determined</td>") == 2
    assert "<script" not in page
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(2)&gt;" in page


def test_the_part_of_the_scan_is_known_where_voxels_have_no_size(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    grey, mask = rng.normal(100, 5, (1, 600, 600)), np.zeros((1, 600, 600), np.uint8)
    grey[:, :60], grey[:, 300:303, 200:400], mask[:, 300:303, 200:400] = 20, 40, 1
    scan = prepare(Volume.from_array(grey.clip(0, 255).astype(np.uint8)))
    assert scan.part is not None
    assert scan.part.levels[0].shape == (1, 200, 200), "the part is coarser than the scan"
    measured = finish(measure(Volume.from_array(mask, role="mask"), tmp_path / "out", volume=scan))
    assert measured.cracks["depth"][0] == pytest.approx(240, abs=4)


@pytest.mark.long
@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="only Linux tells the peak of a program's own memory"
)
def test_memory_does_not_grow_with_the_volume(tmp_path: Path) -> None:
    cell = np.zeros((96, 96, 96), np.uint8)
    cell[20:60, 20:60, 20:60] = disc((0.6, 0.5, 0.2), 2, 16, side=40)
    # what getrusage tells of a child begins with the memory of its parent
    program = (
        "import re, sys; from napari_xct_crack.cli import main; main(sys.argv[1:]);"
        "print(re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read())[1])"
    )
    peaks = []
    for times in (3, 6):
        write(tmp_path / f"{times}.ome.zarr", np.tile(cell, (times,) * 3), role="mask")
        arguments = ["measure", tmp_path / f"{times}.ome.zarr", tmp_path / str(times)]
        done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout.split()[-1]))
    assert peaks[1] <= 1.1 * peaks[0], peaks
