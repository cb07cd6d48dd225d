"""The workbench as a user has it: open, crop by drawing, prepare, look at cracks, close."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QFileDialog,
    QLineEdit,
    QScrollBar,
)

from napari_xct_crack import presets
from napari_xct_crack.cracks.fractal import FractalCracks
from napari_xct_crack.cracks.sheet import SheetCracks
from napari_xct_crack.settings import Length
from napari_xct_crack.volume import Box
from napari_xct_crack.widgets import workbench as module
from napari_xct_crack.widgets._gallery import COUNT, SIDE
from napari_xct_crack.widgets._layers import outline_of
from napari_xct_crack.widgets._previews import drawn_sheet

pytestmark = pytest.mark.gui


def test_a_scan_is_opened_cropped_prepared_and_cracks_are_drawn(
    make_napari_viewer_proxy, phantom: Path, tmp_path: Path, until, monkeypatch
):
    viewer = make_napari_viewer_proxy(show=True)
    _, bench = viewer.window.add_plugin_dock_widget("napari-xct-crack", "XCT Crack")
    _sections_say_what_they_need(bench)
    _bad_paths_are_one_sentence(bench, phantom, until)
    _opening_shows_scan_and_facts(bench, phantom, until)
    _another_plugins_layer_is_taken(bench, phantom, until)
    _the_crop_follows_the_mouse(bench, until)
    _cracks_are_drawn_beside_the_scan(bench, until)
    _cracks_are_mixed_saved_and_given_units(bench, tmp_path, monkeypatch)
    _rendered_cracks_are_compared_and_calibrated(bench, until)
    _a_section_is_torn_off_and_put_back(bench)
    _every_control_has_a_tooltip(bench)
    _closing_asks_while_work_runs(bench, phantom, until, monkeypatch)
    bench._accordion.tear_off("Prepare")
    bench.close_work()
    assert not bench._accordion.torn, "closing the window puts it back"


def _sections_say_what_they_need(bench):
    assert "choose a mask" in bench.section("Inspect")._says.text()
    prepare = bench.section("Prepare")
    assert "Open a scan" in prepare._says.text()
    assert not prepare.draw.isEnabled()
    volume = bench.section("Volume")
    assert volume.isVisibleTo(bench)
    assert not prepare.isVisibleTo(bench)
    assert not volume.convert_button.isEnabled()


def _bad_paths_are_one_sentence(bench, phantom, until):
    volume = bench.section("Volume")
    volume.path.clear()
    volume.open_button.click()
    assert "No path" in volume._says.text()
    volume.path.setText(str(phantom / "nothing"))
    volume.open_button.click()
    until(lambda: "There is no file or folder" in volume._says.text())
    volume.take_button.click()
    assert "No layer is selected" in volume._says.text()
    assert bench.bench.scan is None


def _opening_shows_scan_and_facts(bench, phantom, until):
    volume = bench.section("Volume")
    until(volume.open_button.isEnabled)
    volume.path.setText(str(phantom / "scan.ome.zarr"))
    volume.open_button.click()
    until(lambda: bench.bench.scan is not None)
    assert "0.71 × 0.71 × 0.71 µm" in volume.facts.text()
    assert bench.bench.folder == phantom / "scan.ome.zarr.xct-crack"
    assert bench._project.text().endswith("scan.ome.zarr.xct-crack")
    assert tuple(bench.bench.layer.scale) == (0.71, 0.71, 0.71)
    bench.bench.viewer.layers.selection.active = bench.bench.layer
    volume.take_button.click()
    assert bench.bench.scan.source == str(phantom / "scan.ome.zarr")
    volume.copy()
    words = QApplication.clipboard().text()
    assert words.startswith("xct-crack convert")
    assert words.split()[2] != words.split()[3], "a scan is not written over itself"
    assert "--voxel-size-um" not in words, "the file states it"


def _another_plugins_layer_is_taken(bench, phantom, until):
    viewer, volume = bench.bench.viewer, bench.section("Volume")
    until(lambda: bench.bench.prepared is not None)
    bench.bench.project.made()
    bench.section("Prepare").remember()
    bench.section("Volume")
    viewer.add_image(np.random.default_rng(0).integers(0, 900, (8, 64, 64), np.uint16), name="foreign")
    viewer.layers.selection.active = viewer.layers["foreign"]
    volume.take_button.click()
    assert "The layer 'foreign' is the scan now. It is in memory only" in volume._says.text()
    assert bench.bench.folder is None, "the project is of the scan before"
    assert bench.bench.scan.shape == (8, 64, 64)
    until(lambda: volume.open_button.isEnabled() and bench.bench.prepared is not None)
    crops = []
    bench.bench.changed.connect(lambda: crops.append(bench.bench.crop))
    volume.open_button.click()
    until(lambda: bench.bench.scan.shape != (8, 64, 64))
    until(lambda: bench.bench.prepared is not None)
    assert set(crops) == {None}, "the crop is never the other scan's"
    assert not viewer.layers["foreign"].visible, "it is the user's own"
    viewer.layers.remove("foreign")


def _the_crop_follows_the_mouse(bench, until):
    state, prepare = bench.bench, bench.section("Prepare")
    until(lambda: state.prepared is not None)
    assert state.crop is None
    low, high = state.prepared.window
    assert tuple(state.layer.contrast_limits) == pytest.approx((low, high))
    assert prepare.greys.isVisible()
    assert prepare.greys.ends == (low, high)
    assert 0 < prepare.greys.counted <= state.prepared.crop.size * 32
    prepare.draw.click()
    shapes = state.viewer.layers["crop"]
    assert str(shapes.mode) == "add_rectangle"
    drawn = outline_of(Box((0, 20, 30), (16, 60, 90)), state.layer, 0, 3)
    shapes.add_rectangles(np.array([state.layer.data_to_world(corner) for corner in drawn * 0 + _voxels(drawn)])[:, 1:])
    until(lambda: state.crop is not None)
    assert state.crop == Box((0, 20, 30), (16, 60, 90))
    assert prepare.crop.box == state.crop
    assert prepare.crop._extents[1].text() == "40 = 28.4 µm"
    prepare.crop._spins[0][0].setValue(2)
    until(lambda: state.crop.start == (2, 20, 30))
    assert state.prepared.shape == (14, 40, 60)
    prepare.fit.click()
    until(lambda: state.crop is not None and state.crop.start[0] == 0)
    assert state.crop.shape[0] == 16
    prepare.whole.click()
    until(lambda: state.crop is None)
    assert "crop" not in state.viewer.layers
    prepare.show_part.setChecked(True)
    assert state.viewer.layers["part"].data.max() == 1
    prepare.show_part.setChecked(False)
    assert "part" not in state.viewer.layers
    prepare.form["low"].set(50.0)
    prepare.form["high"].set(10.0)
    assert "percentile" in prepare._says.text()
    prepare.form.set({"low": 0.5, "high": 99.5})


def _voxels(world):
    return world / 0.71


def _cracks_are_drawn_beside_the_scan(bench, until):
    state, cracks = bench.bench, bench.section("Cracks")
    cracks.form._choice.setCurrentText("random")
    cracks.show_sheet.click()
    until(lambda: "contact sheet" in state.viewer.layers)
    sheet = state.viewer.layers["contact sheet"]
    assert sheet.extent.world[0][-1] > state.layer.extent.world[1][-1], "right of the scan"
    before = np.array(sheet.data)
    cracks.seed.setValue(5)
    until(lambda: not np.array_equal(sheet.data, before))
    assert state.cracks.kind == "random"
    _the_newest_request_wins(cracks, sheet, until)
    until(cracks.render_button.isEnabled)
    cracks.render_button.click()
    until(lambda: "cracks in this scan" in state.viewer.layers)
    assert state.viewer.layers["cracks in this scan: truth"].data.max() == 1
    rendered, real = (state.viewer.layers[name] for name in ("cracks in this scan", "real patches of this scan"))
    assert rendered.visible
    assert real.visible
    assert not sheet.visible
    assert real.extent.world[0][-1] > rendered.extent.world[1][-1], "side by side"
    centre = state.viewer.scene.camera.center[-1]
    bench.section("Volume")
    assert not rendered.visible
    assert not real.visible
    assert state.viewer.scene.camera.center[-1] < centre, "back to the scan"


def _the_newest_request_wins(cracks, sheet, until):
    drawn: list[tuple[object, object, bool]] = []
    cracks.gallery._drawing.ready.connect(drawn.append)
    for count in range(2, 12):
        cracks.form._forms["random"].set({"count": (count, count)})
    wanted, _ = drawn_sheet(cracks.generator(), 5, COUNT, SIDE, cracks.bench.scan.voxel_size)
    until(lambda: np.array_equal(sheet.data, wanted))
    assert len(drawn) < 10
    slow = FractalCracks(depth=(4, 4))
    assert not drawn_sheet(slow, 5, COUNT, SIDE, None, 0.0)[1]
    cracks.form.set(slow)
    late, _ = drawn_sheet(slow, 5, COUNT, SIDE, None)
    until(lambda: np.array_equal(sheet.data, late))


def _cracks_are_mixed_saved_and_given_units(bench, tmp_path, monkeypatch):
    cracks, path = bench.section("Cracks"), tmp_path / "cracks.json"
    cracks.mechanism.setCurrentText("solidification")
    cracks.mechanism.activated.emit(cracks.mechanism.currentIndex())
    chosen = cracks.generator()
    assert chosen == type(chosen).checked(presets.mechanism("solidification"))
    cracks.form._choice.setCurrentText("mixture")
    assert cracks.mechanism.currentIndex() == 0, "no longer that mechanism's settings"
    mixture = cracks.form._forms["mixture"]
    mixture.add.click()
    mixture.parts[2].cracks.set(chosen)
    for part, weight in zip(mixture.parts, (0.2, 0.2, 0.4), strict=True):
        part.weight.set(weight)
    mixture.options["empty"].set(0.25)
    mixed = bench.bench.cracks
    assert [share for _, share in mixed.parts] == pytest.approx([0.25, 0.25, 0.5])
    assert mixed.parts[2][0] == chosen
    assert mixed.empty == 0.25
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    cracks._save()
    mixture.parts[1].remove.click()
    assert len(bench.bench.cracks.parts) == 2
    cracks.unit.setCurrentIndex(1)
    cracks.unit.activated.emit(1)
    assert bench.bench.cracks.first.aperture_max == Length(4.5 * 0.71, "um")
    cracks._load()
    assert bench.bench.cracks == mixed
    assert cracks.unit.currentText() == "voxels"
    path.write_text("{}")
    cracks.trying(cracks._load)
    assert "holds no settings" in cracks._says.text()
    cracks.form.set(mixed.parts[1][0])


def _rendered_cracks_are_compared_and_calibrated(bench, until):
    cracks = bench.section("Cracks")
    cracks.form.set(SheetCracks())
    cracks.calibrate_button.click()
    assert not cracks.compare_button.isEnabled()
    until(lambda: not cracks.job.running)
    assert not cracks.job.failure
    assert "Changed" in cracks._says.text()
    assert bench.bench.cracks != SheetCracks()
    cracks.compare_button.click()
    until(lambda: not cracks.job.running)
    assert not cracks.job.failure
    assert "opening" in cracks.realism.table.text()
    assert cracks.realism.curves is not None


def _a_section_is_torn_off_and_put_back(bench):
    cracks, accordion = bench.section("Cracks"), bench._accordion
    accordion.tear_off("Cracks")
    dock = accordion.torn["Cracks"]
    assert cracks.window() is bench.window()
    assert dock.isAncestorOf(cracks)
    assert cracks.isVisible()
    bench.section("Prepare")
    assert cracks.isVisible(), "two sections at once"
    assert bench.section("Cracks") is cracks, "there is one instance"
    accordion.tear_off("Cracks")
    assert accordion.torn == {"Cracks": dock}
    dock.close()
    assert not accordion.torn
    assert accordion.isAncestorOf(cracks)
    assert cracks.isVisible()


def _every_control_has_a_tooltip(bench):
    controls = (QAbstractButton, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit)
    for title, section in bench._accordion.sections.items():
        for control in section.findChildren(controls):
            parents = [control, control.parentWidget(), control.parentWidget().parentWidget()]
            ours = not control.objectName().startswith("qt_") and not isinstance(control, QScrollBar)
            assert not ours or any(widget.toolTip() for widget in parents), (title, control)


def _closing_asks_while_work_runs(bench, phantom, until, monkeypatch):
    volume, out = bench.section("Volume"), phantom / "copy.ome.zarr"
    monkeypatch.setattr("napari_xct_crack.widgets.volume._ask_where", lambda parent, proposed, scan: out)
    volume.convert()
    assert volume.job.running
    asked: list[list[str]] = []
    monkeypatch.setattr(module, "ask_about", lambda parent, titles: asked.append(titles) or "stay")
    assert not bench.window().close()
    assert asked == [["Volume"]]
    monkeypatch.setattr(module, "ask_about", lambda parent, titles: "stop")
    until(lambda: not volume.job.running)
    until(lambda: bench.bench.scan.source == str(out))
    assert [layer.name for layer in bench.bench.viewer.layers if layer.visible] == ["copy"]
    assert "scan" not in bench.bench.viewer.layers, "two scans would share a slider and their units"
    assert len(bench.bench.scan.levels) > 0
