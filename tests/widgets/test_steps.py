"""Train, stop, segment and clean from the window, with the real child processes."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

from napari_xct_crack.commands import _history
from napari_xct_crack.corrections import read_corrections
from napari_xct_crack.io import read
from napari_xct_crack.volume import Box

pytestmark = pytest.mark.gui


def test_training_segmenting_and_cleaning(make_napari_viewer_proxy, phantom: Path, until):
    viewer = make_napari_viewer_proxy(show=True)
    _, bench = viewer.window.add_plugin_dock_widget("napari-xct-crack", "XCT Crack")
    volume = bench.section("Volume")
    volume.path.setText(str(phantom / "scan.ome.zarr"))
    volume.open_button.click()
    until(lambda: bench.bench.scan is not None)
    assert "Prepare the scan first" in bench.section("Train")._says.text()
    prepare = bench.section("Prepare")
    prepare.crop.set(Box((2, 8, 8), (14, 88, 88)))
    prepare.prepare()
    until(lambda: bench.bench.crop is not None)
    _patches_are_corrected_by_a_click(bench, until)
    run = _training_stops_and_saves(bench, until)
    _this_slice_is_segmented_at_once(bench, until)
    probability = _the_crop_is_segmented(bench, run, until)
    _runs_are_compared(bench, run, until)
    _cleaning_is_previewed_and_applied(bench, probability, until)
    _a_new_run_starts_from_an_earlier_one(bench, run, until)


def _patches_are_corrected_by_a_click(bench, until):
    train = bench.section("Train")
    train.form.set({"slices": 3, "patches": {"size": 32}})
    train.patches.more.click()
    until(lambda: train.patches.buttons[False])
    assert len(train.patches.buttons[True]) == len(train.patches.buttons[False]) == 8
    button = train.patches.buttons[False][0]
    assert "crack-free by its grey values" in button.toolTip()
    button.click()
    assert "cracked by hand" in button.toolTip()
    (known,) = read_corrections(bench.bench.folder / "patches.json")
    assert known.cracked
    assert known.size == 32
    train.patches.more.click()
    until(lambda: train.patches.buttons[False] and train.patches.buttons[False][0] is not button)
    train.patches._page = 0
    train.patches.more.click()
    until(lambda: any("cracked by hand" in one.toolTip() for one in train.patches.buttons[True]))
    train.patches.buttons[True][0].click()
    assert read_corrections(bench.bench.folder / "patches.json") == ()
    train.patches.buttons[True][0].click()
    assert read_corrections(bench.bench.folder / "patches.json") == (known,)
    assert train.command().corrections == bench.bench.folder / "patches.json"


def _runs_are_compared(bench, run: Path, until):
    segment = bench.section("Segment")
    until(segment.compare_button.isEnabled)
    segment.compare_button.click()
    until(lambda: not segment.job.running, 120)
    assert not segment.job.failure
    until(segment._comparison.isVisible)
    assert segment._comparison.pixmap.width() > 500
    assert "slice 5 along z" in segment._comparison._text.text()
    steps = [entry["command"] for entry in _history.read(run.parent) if "command" in entry]
    assert steps[-1][1] == "compare"
    segment._comparison.close()
    assert (run.parent / "comparison-1.png").exists()


def _training_stops_and_saves(bench, until) -> Path:
    train = bench.section("Train")
    train.preset.setCurrentText("quick")
    assert train.method.currentText() == "semisynthetic"
    train.form.set({"slices": 3, "batch": 2, "steps_per_epoch": 4, "patches": {"size": 64}})
    train.form["network"]._forms["halved"]["width"].set(4)
    train.copy()
    line = QApplication.clipboard().text()
    assert line.startswith("xct-crack train")
    assert "--preset quick" in line
    assert "--crop 2 8 8 14 88 88" in line
    train.start_button.click()
    assert not train.start_button.isEnabled()
    until(lambda: train.plot.points("dice") >= 6 or not train.job.running, 120)
    assert not train.job.failure
    assert "Step" in train.monitors.text()
    before = time.monotonic()
    train.job._stop.click()
    until(lambda: not train.job.running)
    assert time.monotonic() - before < 30
    assert "saved" in train.job._left.text()
    run = bench.bench.folder / "run-1"
    assert (run / "model" / "card.json").exists()
    assert read_corrections(run / "patches.json") == read_corrections(run.parent / "patches.json")
    assert train.start_button.text() == "Go on"
    assert train.runs.currentData() == run
    return run


def _this_slice_is_segmented_at_once(bench, until):
    segment = bench.section("Segment")
    assert segment.run_folder == bench.bench.folder / "run-1"
    assert "semisynthetic, halved, 3 slices" in segment.card.text()
    bench.bench.viewer.dims.set_point(0, 5 * 0.71)
    segment.slice_button.click()
    until(lambda: "this slice: cracks" in bench.bench.viewer.layers)
    layer = bench.bench.viewer.layers["this slice: cracks"]
    assert tuple(layer.translate) == pytest.approx((5 * 0.71, 8 * 0.71, 8 * 0.71))
    segment.threshold.set(1.0)
    few = int(np.asarray(layer.data).sum())
    segment.threshold.set(0.01)
    assert int(np.asarray(layer.data).sum()) > few
    bench.bench.viewer.dims.set_point(0, 0)
    segment.slice_button.click()
    assert "outside the crop" in segment._says.text()
    bench.bench.viewer.dims.set_point(0, 5 * 0.71)


def _the_crop_is_segmented(bench, run: Path, until) -> Path:
    segment = bench.section("Segment")
    segment.crop_button.click()
    assert "Stop" in segment.job._stop.text()
    until(lambda: not segment.job.running, 120)
    assert not segment.job.failure
    stored = read(bench.bench.folder / "probability-1.ome.zarr")
    assert stored.shape == (12, 80, 80)
    assert stored.offset == (2, 8, 8)
    assert stored.role == "probability"
    assert tuple(bench.bench.viewer.layers["cracks"].level_shapes[0]) == stored.shape
    kept = bench.bench.project.recall()
    assert kept["prepare"]["start"] == [2, 8, 8], "a colleague who opens the scan finds the crop"
    steps = [entry["command"] for entry in _history.read(run.parent) if "command" in entry]
    assert [step[1] for step in steps] == ["train", "segment"]
    return run.parent / "probability-1.ome.zarr"


def _cleaning_is_previewed_and_applied(bench, probability: Path, until):
    clean, layers = bench.section("Clean up"), bench.bench.viewer.layers
    assert clean.source == probability
    clean.form["threshold"].set(0.02)
    clean.live.setChecked(True)
    until(lambda: "this slice: cleaned" in layers)
    before = np.array(layers["this slice: cleaned"].data)
    assert before.shape == (1, 80, 80)
    assert set(np.unique(before)) <= {0, 1}
    clean.form["dilation"].set("2")
    until(lambda: (np.asarray(layers["this slice: cleaned"].data) == 2).any())
    added = int((np.asarray(layers["this slice: cleaned"].data) == 2).sum())
    until(lambda: f"adds {added} and removes 0" in clean._says.text())
    clean.before.setChecked(True)
    until(lambda: np.array_equal(layers["this slice: cleaned"].data, before))
    clean.before.setChecked(False)
    clean.form["dilation"]._line.setText("2 mm")
    assert "a length is voxels" in clean._says.text()
    clean.form["dilation"]._line.setText("2")
    clean.apply_button.click()
    until(lambda: not clean.job.running, 120)
    assert not clean.job.failure
    until(lambda: "cleaned cracks" in layers)
    assert "this slice: cleaned" not in layers
    mask = read(bench.bench.folder / "mask-1.ome.zarr")
    assert mask.role == "mask"
    assert mask.read().max() == 1
    _the_mask_is_painted_and_brought_back(bench, clean, until)


def _the_mask_is_painted_and_brought_back(bench, clean, until):
    path, layers = bench.bench.folder / "mask-1.ome.zarr", bench.bench.viewer.layers
    first = read(path).read()
    assert clean.masks.path == path
    assert not clean.undo_button.isEnabled()
    clean.paint_button.click()
    window = layers["painting"]
    assert window.mode == "paint"
    assert not window.multiscale
    window.data[3, 40:44, 40:44] = 1 - window.data[3, 40:44, 40:44]
    clean.commit_button.click()
    until(lambda: not clean.job.running)
    assert "painting" not in layers
    assert (read(path).read() != first).sum() == 16
    assert np.array_equal(np.asarray(layers["cleaned cracks"].data), read(path).read())
    clean.anew.setChecked(True)
    clean.form["dilation"].set("1")
    clean.apply_button.click()
    until(lambda: not clean.job.running, 120)
    assert not clean.job.failure
    assert sorted(found.name for found in bench.bench.found("mask*")) == ["mask-1.ome.zarr"]
    assert read(path).read().sum() < first.sum()
    for left in (True, False):
        until(clean.undo_button.isEnabled)
        clean.undo_button.click()
        assert clean.undo_button.isEnabled() == left
    assert np.array_equal(read(path).read(), first)
    assert np.array_equal(np.asarray(layers["cleaned cracks"].data), first)


def _a_new_run_starts_from_an_earlier_one(bench, run, until):
    train = bench.section("Train")
    train.runs.setCurrentText("go on with run-1")
    assert not train.earlier.isEnabled()
    train.runs.setCurrentIndex(0)
    train.preset.setCurrentText("gpu")
    train.preset.setCurrentText("quick")
    assert train.form.settings().network.width == 16
    assert train.earlier.path is None
    train.earlier.take(run)
    assert train.form.settings().network.width == 4
    assert train.form.settings().slices == 3
    train.form.set({"slices": 5})
    train.runs.setCurrentText("go on with run-1")
    assert train.form.settings().slices == 3
    train.runs.setCurrentIndex(0)
    assert train.form.settings().network.width == 4
    train.form.set({"batch": 2, "steps_per_epoch": 2, "patches": {"size": 64}})
    train.unit.setCurrentText("epochs")
    train.budget.setValue(1)
    train.start_button.click()
    until(lambda: not train.job.running, 120)
    assert not train.job.failure
    assert (run.parent / "run-2" / "start.safetensors").exists()
    assert "weights of an earlier run" in train.job._log.toPlainText()
