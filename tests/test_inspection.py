"""Measurements read back and looked at: rows, boxes, charts, sentences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_xct_crack.errors import InputError
from napari_xct_crack.events import finish
from napari_xct_crack.inspection import (
    around,
    box_at,
    charts,
    close_up,
    extent_of,
    header,
    load,
    matching,
    memory,
    number_of,
    ordered,
    place_of,
    rose,
    sentence,
    surroundings,
)
from napari_xct_crack.io.ome_zarr import open_zarr, write
from napari_xct_crack.measure import Measured, measure
from napari_xct_crack.settings import Length
from napari_xct_crack.volume import Box, Volume

VOXEL = (2.0, 0.5, 0.5)
ORIGIN = (3, 10, 20)
WHOLE = Box(ORIGIN, (15, 50, 60))
TABLE = {
    "id": np.array([1, 2, 3, 4]),
    "kind": np.array(["crack", "pore", "crack", "pore"], object),
    "length": np.array([5.0, np.nan, 9.0, 1.0]),
    "surface_breaking": np.array([True, False, False, True]),
}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Measured, Path, Volume]:
    """A slanted crack and a block in a crop of a scan of anisotropic voxels."""
    folder = tmp_path_factory.mktemp("inspection")
    mask = np.zeros((12, 40, 40), np.uint8)
    for z in range(2, 10):
        mask[z, 8 + z, 6:30] = 1
    mask[3:5, 30:36, 30:36] = 1
    scan = np.random.default_rng(0).integers(900, 1100, (20, 60, 70)).astype(np.uint16)
    write(folder / "mask.ome.zarr", mask, role="mask", voxel_size=VOXEL, offset=ORIGIN)
    finish(measure(open_zarr(folder / "mask.ome.zarr"), folder / "out"))
    return load(folder / "out"), folder / "out", Volume.from_array(scan, voxel_size=VOXEL, name="scan")


def test_measurements_are_read_back_as_they_were_written(measured: Any, tmp_path: Path) -> None:
    read, folder, _ = measured
    again = finish(measure(open_zarr(folder.parent / "mask.ome.zarr"), tmp_path / "out"))
    for name in ("cracks", "tips", "fronts", "slices"):
        known, found = getattr(again, name), getattr(read, name)
        assert list(found) == list(known)
        for column, values in known.items():
            if values.dtype.kind == "f":
                np.testing.assert_allclose(found[column], values, rtol=1e-5)
            elif column != "surface_breaking":
                assert found[column].tolist() == values.tolist(), column
    assert read.summary == again.summary
    np.testing.assert_array_equal(read.labels.read(), again.labels.read())


def test_what_is_no_measurement_is_one_sentence(measured: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no finished measurements"):
        load(tmp_path)
    _, folder, _ = measured
    for path in folder.iterdir():
        if path.suffix in (".csv", ".json"):
            (tmp_path / path.name).write_text(path.read_text())
    (tmp_path / "tips.csv").write_text("crack,z,y,x\n")
    with pytest.raises(InputError, match="lacks the column sharpness"):
        load(tmp_path)
    (tmp_path / "tips.csv").write_text("crack,z,y,x,sharpness\n1,here,2,3,4\n")
    with pytest.raises(InputError, match="holds words in the column z"):
        load(tmp_path)
    lines = (folder / "cracks.csv").read_text().splitlines()
    (tmp_path / "tips.csv").write_text((folder / "tips.csv").read_text())
    (tmp_path / "cracks.csv").write_text("\n".join([lines[0], *lines[2:]]))
    with pytest.raises(InputError, match="does not list every component"):
        load(tmp_path)
    (tmp_path / "tips.csv").write_text("")
    with pytest.raises(InputError, match="cannot be read as a table"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", [1, 2, 3, 4]),
        ("length > 4", [1, 3]),
        ("length>4, length <= 5", [1]),
        ("crack", [1, 3]),
        ("CRACK 1 2", [1, 2, 3]),
        ("pore length<3", [4]),
        ("kind != pore", [1, 3]),
        ("surface_breaking = true", [1, 4]),
        ("surface_breaking=false,crack", [3]),
        ("id=3", [3]),
        ("4,2", [2, 4]),
        ("99", []),
    ],
)
def test_rows_meet_all_conditions(text: str, numbers: list[int]) -> None:
    assert TABLE["id"][matching(TABLE, text)].tolist() == numbers


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("lengh > 3", "There is no column lengh"),
        ("length > long", "length is a number"),
        ("kind > 3", "kind is a word"),
        ("length >", "A condition is such as"),
        ("> 3", "A condition is such as"),
    ],
)
def test_a_wrong_condition_is_one_sentence(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        matching(TABLE, text)


def test_a_table_without_components_or_words_says_so() -> None:
    with pytest.raises(InputError, match="no components"):
        matching({"z": np.arange(3)}, "3")
    with pytest.raises(InputError, match="no words"):
        matching({"z": np.arange(3)}, "crack")


@given(st.lists(st.one_of(st.floats(-5, 5, width=16), st.just(float("nan"))), max_size=30), st.booleans())
def test_order_keeps_equal_rows_and_puts_the_unknown_last(values: list[float], descending: bool) -> None:
    table = {"length": np.array(values, float)}
    rows = ordered(table, np.arange(len(values)), "length", descending)
    known = [at for at, value in enumerate(values) if value == value]
    expected = sorted(known, key=lambda at: -values[at] if descending else values[at])
    assert rows.tolist() == expected + [at for at in range(len(values)) if at not in known]


def test_words_are_ordered_too() -> None:
    assert ordered(TABLE, np.arange(4), "kind", True).tolist() == [1, 3, 0, 2]


def test_components_are_found_among_the_rows() -> None:
    assert [number_of(TABLE, row) for row in range(4)] == [1, 2, 3, 4]
    assert number_of({"z": np.arange(3)}, 1) == 0
    assert place_of(TABLE, np.array([3, 2, 0]), 3) == 1
    assert place_of(TABLE, np.array([3, 0]), 3) is None
    assert place_of({"z": np.arange(3)}, np.arange(3), 1) is None


def test_rows_of_two_texts_meet_both() -> None:
    assert TABLE["id"][matching(TABLE, "crack", "1 2")].tolist() == [1]


def test_headers_have_units() -> None:
    assert header("volume", "um") == "volume\nµm³"
    assert header("length", "voxel") == "length\nvoxel"
    assert header("something_new", "um") == "something_new"


@given(
    st.tuples(*[st.integers(0, 40)] * 3),
    st.tuples(*[st.integers(1, 9)] * 3),
    st.tuples(*[st.integers(1, 60)] * 3),
    st.tuples(*[st.integers(0, 9)] * 3),
    st.tuples(*[st.integers(1, 50)] * 3),
)
def test_a_box_lies_inside_and_holds_the_middle(start: Any, sides: Any, extent: Any, low: Any, shape: Any) -> None:
    bounds, seen = Box.of(shape).shifted(low), Box.of(sides).shifted(start)
    box = around(seen, extent, bounds)
    assert bounds.contains(box)
    assert box.shape == tuple(min(side, limit) for side, limit in zip(extent, shape, strict=True))
    middle = Box.of((1, 1, 1)).shifted(tuple((a + b) // 2 for a, b in zip(seen.start, seen.stop, strict=True)))
    assert not bounds.contains(middle) or box.contains(middle)


def test_sides_are_voxels_or_micrometres_and_bounded() -> None:
    assert extent_of(Length.parse("32"), None) == (32, 32, 32)
    assert extent_of(Length.parse("32um"), VOXEL) == (16, 64, 64)
    assert extent_of(Length.parse("32"), None, (10, 40, 10)) == (32, 56, 32)
    assert extent_of(Length.parse("32"), None, (1000, 1000, 1000)) == (32, 32, 32), "too large to be shown whole"
    assert extent_of(Length.parse("32"), None, (4000, 1, 1)) == (32, 32, 32), "longer than graphics drivers hold"
    for wrong in ("600", "0"):
        with pytest.raises(InputError, match="A box of"):
            extent_of(Length.parse(wrong), None)


def test_a_close_up_holds_the_voxels_at_its_place(measured: Any) -> None:
    read, _, scan = measured
    tip = box_at(read.tips, 0, WHOLE)
    shown = close_up(read, scan, tip, (6, 12, 14))
    assert shown.box.contains(tip)
    assert shown.box.shape == (6, 12, 14)
    assert shown.scan is not None
    np.testing.assert_array_equal(shown.scan.read(), scan.read()[shown.box.slices])
    inner = shown.box.shifted((-3, -10, -20))
    np.testing.assert_array_equal(shown.labels.read(), read.labels.read()[inner.slices])
    assert shown.labels.origin == shown.scan.origin == shown.box.start
    assert shown.labels.voxel_size == VOXEL
    assert set(shown.tips["z"]) <= set(range(shown.box.start[0], shown.box.stop[0]))
    assert 0 < len(shown.tips["z"]) < len(read.tips["z"])
    assert memory((6, 12, 14), scan, read.labels) == 6 * 12 * 14 * (2 + 4)
    elsewhere = Volume.from_array(np.zeros((4, 4, 4)), voxel_size=VOXEL)
    with pytest.raises(InputError, match="no common voxel"):
        close_up(read, elsewhere, tip, (6, 12, 14))


def test_a_component_is_seen_with_what_lies_around_it(measured: Any) -> None:
    read, _, _ = measured
    box = box_at(read.cracks, 0, WHOLE)
    assert box == Box((5, 20, 26), (13, 28, 50))
    assert box_at(read.slices, 2, WHOLE) == Box((5, 10, 20), (6, 50, 60))
    low, high = surroundings(box, VOXEL)
    middle = [(a + b) / 2 for a, b in zip(low, high, strict=True)]
    assert middle == pytest.approx([8 * 2, 23 * 0.5, 37 * 0.5])
    assert all(a < b * c for a, b, c in zip(low, box.start, VOXEL, strict=True))
    assert all(a > b * c for a, b, c in zip(high, box.stop, VOXEL, strict=True))


def test_charts_count_every_crack_once(measured: Any) -> None:
    read, _, _ = measured
    shown = {chart.title: chart for chart in charts(read)}
    assert list(shown) == [
        "angle of pole to z",
        "opening",
        "√area",
    ]
    for chart in shown.values():
        assert len(chart.edges) == len(chart.heights) + 1
        assert np.all(np.diff(chart.edges) > 0)
    assert shown["opening"].heights.sum() == 1
    assert all(float(text) == pytest.approx(10**at) for at, text in shown["√area"].ticks or ())
    assert shown["angle of pole to z"].heights.sum() == pytest.approx(read.cracks["area"][0], rel=1e-5)
    x, y = rose(read.summary)
    assert np.hypot(x, y).max() == pytest.approx(1)
    pole = np.degrees(np.arctan2(read.cracks["pole_y"][0], read.cracks["pole_x"][0])) % 180
    far = np.degrees(np.arctan2(y, x))[np.hypot(x, y) > 0.99] % 180
    assert np.abs((far - pole + 90) % 180 - 90).max() <= 10


def test_the_sentence_says_share_and_interval() -> None:
    crack = {
        "count": 1,
        "volume_fraction": 0.0031,
        "interval": {"thresholds": [0.7, 0.3], "volume_fraction": [0.002, 0.005]},
    }
    told: dict[str, Any] = {
        "unit": "um",
        "tips": 7,
        "p32": 0.012,
        "crack": crack,
        "pore": {"count": 4, "volume_fraction": 1e-4},
    }
    assert sentence(told) == (
        "Cracks: 1, 0.31 % of the part (0.2 to 0.5 %). Pores: 4, 0.01 % of the part. In brackets: thresholds of the "
        "probability from 0.7 to 0.3. Tips in the slices: 7. Area of cracks per volume: 0.012 µm⁻¹."
    )
    del told["crack"]["interval"]
    told |= {"pore": {"count": 4, "volume_fraction": None}, "p32": None}
    assert sentence(told) == (
        "Cracks: 1, 0.31 % of the part. Pores: 4 in a part of unknown volume. Tips in the slices: 7."
    )
