"""Measure a mask from the window, and look at its cracks in tables, slices and in 3-D."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QApplication, QFileDialog
from scipy import ndimage

from napari_xct_crack.io import read
from napari_xct_crack.io.ome_zarr import write
from napari_xct_crack.measure import Measured
from napari_xct_crack.widgets import _menus
from napari_xct_crack.widgets._tables import TableBox

pytestmark = pytest.mark.gui
VOXEL = (1.4, 0.7, 0.7)
ORIGIN = (2, 8, 12)


def _cracks() -> np.ndarray[Any, Any]:
    """Two slanted cracks, one twice as long as the other, and a ball."""
    mask = np.zeros((16, 64, 72), bool)
    for z in range(2, 14):
        mask[z, 12 + z, 10:50] = True
        mask[z, 50 - z, 20:40] = True
    grid = np.indices(mask.shape).astype(float)
    ball = (((grid[0] - 8) * 2) ** 2 + (grid[1] - 55) ** 2 + (grid[2] - 60) ** 2) < 16
    return mask | ball


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """A scan of anisotropic voxels, and in its project the probability of a crop of it."""
    cracks = _cracks()
    grey = np.full((20, 80, 90), 1000.0)
    inside = tuple(slice(at, at + side) for at, side in zip(ORIGIN, cracks.shape, strict=True))
    grey[inside] -= 700 * ndimage.gaussian_filter(cracks.astype(float), 0.5)
    grey += np.random.default_rng(1).normal(0, 20, grey.shape)
    path = tmp_path / "scan.ome.zarr"
    write(path, grey.astype(np.uint16), role="image", voxel_size=VOXEL)
    project = tmp_path / "scan.ome.zarr.xct-crack"
    project.mkdir()
    sure = np.where(cracks, 230, 10).astype(np.uint8)
    write(project / "probability-1.ome.zarr", sure, role="probability", voxel_size=VOXEL, offset=ORIGIN)
    return path


def test_cracks_are_measured_chosen_and_seen_in_3d(make_napari_viewer_proxy, scan: Path, until, monkeypatch):
    viewer = make_napari_viewer_proxy(show=True)
    _menus.open_inspect()
    _, bench = viewer.window.add_plugin_dock_widget("napari-xct-crack", "XCT Crack")
    inspect = bench.section("Inspect")
    assert "Clean up a probability first" in inspect._says.text()
    assert not inspect.measure_button.isEnabled()
    _a_mask_is_measured(bench, scan, until)
    _the_table_is_filtered_and_sorted(inspect)
    _rows_and_view_follow_each_other(bench, inspect)
    _a_row_is_flown_to(bench, inspect)
    _a_tip_is_seen_in_3d(bench, inspect, scan, until)
    _a_double_click_on_a_tip_opens_it_too(bench, inspect, until)
    _what_was_measured_leaves_the_window(bench, inspect, until, monkeypatch)
    _measurements_are_opened_again(bench, inspect, until)


def _a_mask_is_measured(bench, scan: Path, until):
    volume = bench.section("Volume")
    volume.path.setText(str(scan))
    volume.open_button.click()
    until(lambda: bench.bench.scan is not None)
    clean = bench.section("Clean up")
    clean.apply_button.click()
    until(lambda: not clean.job.running, 120)
    inspect = bench.section("Inspect")
    assert inspect.masks.path == bench.bench.folder / "mask-1.ome.zarr"
    inspect.copy()
    words = QApplication.clipboard().text()
    assert words.startswith("xct-crack measure")
    assert f"--volume {scan}" in words
    assert f"--probability {bench.bench.folder / 'probability-1.ome.zarr'}" in words, (
        "the one that the mask was made from"
    )
    inspect.with_scan.setChecked(False)
    assert inspect.command().volume is None
    inspect.with_scan.setChecked(True)
    inspect.form["contrast"].set(1000.0)
    inspect.measure_button.click()
    until(lambda: not inspect.job.running, 120)
    assert not inspect.job.failure
    until(lambda: inspect.look.measured is not None)
    assert inspect.look.shares.text().startswith("Cracks: 2, ")
    assert "thresholds of the probability from 0.7 to 0.3" in inspect.look.shares.text()
    assert not inspect.measuring.content.isVisible(), "folded away: the table needs the room"
    assert len(inspect.look.charts.plots) == 4
    layers = bench.bench.viewer.layers
    assert tuple(layers["measured cracks"].scale) == VOXEL
    assert tuple(layers["tips"].scale) == VOXEL
    at = layers["measured cracks"].world_to_data(layers["tips"].data_to_world(layers["tips"].data[0]))
    np.testing.assert_allclose(at + ORIGIN, layers["tips"].data[0], err_msg="both lie at their place in the scan")
    assert not layers["cleaned cracks"].visible
    tips = layers["tips"]
    assert tips.face_color_mode == "colormap", "by sharpness"
    assert len(tips.data) == len(inspect.look.measured.tips["z"]) == len(tips.features["crack"])


def _ids(inspect) -> list[str]:
    model = inspect.look.table.model
    return [model.data(model.index(row, 0)) for row in range(model.rowCount())]


def _the_table_is_filtered_and_sorted(inspect):
    table = inspect.look.table
    assert [table.what.itemText(at) for at in range(5)] == ["cracks", "pores", "tips", "fronts", "slices"]
    assert _ids(inspect) == ["1", "2"]
    names = table.model.columns
    assert table.model.headerData(names.index("volume"), Qt.Orientation.Horizontal) == "volume\nµm³"
    table.view.sortByColumn(names.index("volume"), Qt.SortOrder.AscendingOrder)
    assert _ids(inspect) == ["2", "1"]
    table.what.setCurrentText("pores")
    assert _ids(inspect) == ["3"]
    table.what.setCurrentText("cracks")
    table.conditions.setText("length > 30")
    assert _ids(inspect) == ["1"]
    assert table._count.text() == "1 of 2"
    table.conditions.setText("lenth > 30")
    assert "There is no column lenth" in inspect._says.text()
    assert inspect._says.styleSheet()
    table.conditions.setText("")
    assert _ids(inspect) == ["2", "1"], "still in the order of the volume"
    assert "There is no column" not in inspect._says.text()
    assert not inspect._says.styleSheet()


def _event(layer, place) -> Any:
    """The mouse over a voxel of the scan."""
    return SimpleNamespace(
        button=1,
        type="mouse_press",
        pos=(10, 10),
        position=tuple(at * side for at, side in zip(place, VOXEL, strict=True)),
        view_direction=None,
        dims_displayed=[1, 2],
    )


def _click(marks, viewer, event, moved: int = 0):
    steps = marks._pressed(viewer, event)
    next(steps, None)
    event.type, event.pos = "mouse_release", (10 + moved, 10)
    assert next(steps, "ended") == "ended"


def _rows_and_view_follow_each_other(bench, inspect):
    state, look, table = bench.bench, inspect.look, inspect.look.table
    layer = state.viewer.layers["measured cracks"]
    table.view.selectRow(0)
    assert table.number == 2
    assert tuple(layer.get_color(2)[:2]) == pytest.approx((1.0, 0.95))
    assert layer.get_color(1)[3] > 0
    look.alone.setChecked(True)
    assert layer.get_color(1)[3] == 0, "only the chosen one"
    look.alone.setChecked(False)
    state.viewer.dims.set_point(0, 10 * VOXEL[0])
    on_the_first, off = (10, 12 + 8 + 8, 12 + 30), (10, 8 + 2, 12 + 2)
    _click(look.marks, state.viewer, _event(layer, on_the_first), moved=30)
    assert table.number == 2, "a drag is no click"
    _click(look.marks, state.viewer, _event(layer, on_the_first))
    assert table.number == 1
    assert table.view.currentIndex().row() == 1
    assert tuple(layer.get_color(1)[:2]) == pytest.approx((1.0, 0.95))
    _click(look.marks, state.viewer, _event(layer, (10, 8 + 55, 12 + 60)))
    assert table.what.currentText() == "pores", "the table that holds it"
    assert table.number == 3
    table.what.setCurrentText("cracks")
    table.conditions.setText("length > 30")
    _click(look.marks, state.viewer, _event(layer, (10, 8 + 50 - 8, 12 + 30)))
    assert "Component 2 has no row" in inspect._says.text()
    table.conditions.setText("")
    assert table.row == 1, "it is still the chosen one"
    _click(look.marks, state.viewer, _event(layer, off))
    assert table.row is None
    assert table.number == 0
    look.fly_button.click()
    assert "No row is selected" in inspect._says.text()


def _a_row_is_flown_to(bench, inspect):
    viewer, look = bench.bench.viewer, inspect.look
    viewer.dims.set_point(0, 0)
    look.table.select(1)
    look.table.view.doubleClicked.emit(look.table.view.currentIndex())
    assert viewer.dims.point[0] == pytest.approx((2 + 7) * VOXEL[0])
    centre = viewer.scene.camera.center[-2:]
    assert centre == pytest.approx(((8 + 12 + 7) * VOXEL[1], (12 + 29) * VOXEL[2]), abs=1)
    height, width = viewer.canvas.size
    assert min(height, width) / viewer.scene.camera.zoom > 40 * VOXEL[2], "all of it is seen"
    look.table.what.setCurrentText("slices")
    look.table.conditions.setText("z = 5")
    look.table.view.selectRow(0)
    look.fly_button.click()
    assert viewer.dims.point[0] == pytest.approx(5 * VOXEL[0])
    look.table.conditions.setText("")


def _a_tip_is_seen_in_3d(bench, inspect, scan: Path, until: Callable[..., None]):
    viewer, look = bench.bench.viewer, inspect.look
    layers, box = viewer.layers, look.closeup
    look.table.what.setCurrentText("tips")
    look.table.conditions.setText("crack = 1, z = 8")
    look.table.view.selectRow(0)
    row = look.table.row
    tip = [look.table.table[axis][row] for axis in "zyx"]
    box.side.set("600")
    look.closeup.open_button.click()
    assert "A box of 600 × 600 × 600 voxels is not shown" in inspect._says.text()
    box.side.set("14um")
    assert box._size.text() == "10 × 20 × 20, 0.024 MB"
    before = (tuple(viewer.dims.point), viewer.scene.camera.zoom, viewer.scene.camera.center)
    seen = {layer.name: layer.visible for layer in layers}
    look.table.view.doubleClicked.emit(look.table.view.currentIndex())
    until(lambda: "close-up" in layers)
    assert viewer.dims.ndisplay == 3
    assert [layer.name for layer in layers if layer.visible] == [
        "close-up",
        "close-up: cracks",
        "close-up: fronts",
        "close-up: tips",
    ]
    shown, labels = layers["close-up"], layers["close-up: cracks"]
    assert shown.data.shape == labels.data.shape == (10, 20, 20)
    start = [round(at / side) for at, side in zip(shown.translate, VOXEL, strict=True)]
    assert all(low <= at < low + side for at, low, side in zip(tip, start, (10, 20, 20), strict=True))
    inside = tuple(slice(low, low + side) for low, side in zip(start, (10, 20, 20), strict=True))
    np.testing.assert_array_equal(shown.data, read(scan).read()[inside])
    cut = tuple(slice(side.start - at, side.stop - at) for side, at in zip(inside, ORIGIN, strict=True))
    np.testing.assert_array_equal(labels.data > 0, _cracks()[cut])
    assert viewer.scene.camera.center == pytest.approx(
        [round(at) * side for at, side in zip(tip, VOXEL, strict=True)], abs=0.01
    )
    assert labels.get_color(1)[:2] == pytest.approx((1.0, 0.95))
    box.back_button.click()
    assert viewer.dims.ndisplay == 2
    assert {layer.name: layer.visible for layer in layers} == seen
    after = (tuple(viewer.dims.point), viewer.scene.camera.zoom, viewer.scene.camera.center)
    assert after[0] == pytest.approx(before[0])
    assert after[1] == pytest.approx(before[1])
    assert after[2][-2:] == pytest.approx(before[2][-2:])
    assert not box.back_button.isEnabled()


def _a_double_click_on_a_tip_opens_it_too(bench, inspect, until):
    viewer, look = bench.bench.viewer, inspect.look
    tips = look.measured.tips
    place = tuple(float(tips[axis][3]) for axis in "zyx")
    viewer.dims.set_point(0, place[0] * VOXEL[0])
    look.table.what.setCurrentText("tips")
    look.table.conditions.setText("z < 0")
    look.marks._double_clicked(viewer, _event(viewer.layers["tips"], place))
    until(lambda: "close-up" in viewer.layers)
    assert look.table.row is not None
    assert float(tips["x"][look.table.row]) == pytest.approx(place[2], abs=4)
    assert tips["z"][look.table.row] == place[0]
    look.table.what.setCurrentText("cracks")
    look.table.view.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    look.table.view.selectRow(0)
    look.closeup.open_button.click()
    until(lambda: viewer.layers["close-up"].data.shape == (16, 28, 56))
    look.closeup.back_button.click()
    assert viewer.dims.ndisplay == 2


def _what_was_measured_leaves_the_window(bench, inspect, until, monkeypatch):
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    inspect.report_button.click()
    assert opened == [str(bench.bench.folder / "measurements-1" / "report.html")]
    out = bench.bench.folder / "cracks.ply"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))
    numbered, mask = inspect.export_button.menu().actions()
    assert (numbered.text(), mask.text()) == ("Numbered cracks…", "Mask…")
    numbered.trigger()
    until(lambda: not inspect.job.running, 120)
    assert not inspect.job.failure
    assert b"property int crack" in out.read_bytes()[:400]
    assert "cracks.ply is written" in inspect._says.text()
    assert inspect.look.measured is not None, "what was open stays so"


def _measurements_are_opened_again(bench, inspect, until):
    folder, coarse = bench.bench.folder / "measurements-1", tuple(32 * side for side in VOXEL)
    summary = json.loads((folder / "summary.json").read_text())
    summary["detectability"] |= {"60": {"0.1": 1.0, "0.5": 1.5, "0.9": 2.0, "five_slices": 0.5}}
    (folder / "summary.json").write_text(json.dumps(summary))
    write(
        folder / "detectability-60.ome.zarr",
        np.array([[[1.5, np.nan, 1.75]]], np.float32),
        role="image",
        voxel_size=coarse,
        overwrite=True,
    )
    inspect.look.fill(None)
    assert not inspect.look.isVisible()
    inspect.open_button.click()
    until(lambda: inspect.look.measured is not None)
    assert _ids(inspect) == ["1", "2"]
    viewer = bench.bench.viewer
    limits = viewer.layers["detection limit, 60 voxels"]
    assert not limits.visible
    assert tuple(limits.scale) == coarse
    assert tuple(limits.contrast_limits) == (1.0, 2.0)
    np.testing.assert_array_equal(limits.data, [[[1.5, np.nan, 1.75]]], err_msg="where no metal is there is no number")
    inspect.look.table.view.selectRow(0)
    inspect.look.closeup.open_button.click()
    until(lambda: "close-up" in viewer.layers)
    bench.bench.open(replace(bench.bench.scan))
    assert viewer.dims.ndisplay == 2
    assert [layer.name for layer in viewer.layers if layer.visible] == ["scan"], (
        "another scan is opened: nothing covers it"
    )
    assert inspect.look.measured is None
    (folder / "tips.csv").write_text("")
    inspect.open_button.click()
    until(lambda: "tips.csv cannot be read as a table" in inspect._says.text())
    (folder / "summary.json").unlink()
    assert inspect.is_unfinished(folder), "a measuring that was stopped is offered to be resumed"


def test_fifty_thousand_rows_are_shown_filtered_and_chosen(qtbot):
    count = 50_000
    rng = np.random.default_rng(0)
    cracks = {
        "id": np.arange(1, count + 1),
        "kind": np.full(count, "crack", object),
        "length": rng.random(count) * 100,
    }
    summary = {"unit": "voxel"}
    table = TableBox()
    qtbot.addWidget(table)
    table.fill(Measured(labels=None, cracks=cracks, tips={}, fronts={}, slices={}, summary=summary))  # type: ignore[arg-type]
    assert table.model.rowCount() == count
    table.view.sortByColumn(table.model.columns.index("length"), Qt.SortOrder.DescendingOrder)
    first = int(np.argmax(cracks["length"]))
    assert table.model.data(table.model.index(0, 0)) == str(first + 1)
    table.select(first + 1)
    table.view.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    assert table.row == first, "the selection goes with its row"
    assert table.view.currentIndex().row() == first
    table.conditions.setText("length > 99")
    assert table.model.rowCount() == int((cracks["length"] > 99).sum())
    assert table.row == first
