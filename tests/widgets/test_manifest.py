"""What napari is told of the plugin: widget, reader, sample data, menus."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from npe2 import PluginManifest
from qtpy.QtWidgets import QLineEdit

from napari_xct_crack.commands.phantom import Phantom
from napari_xct_crack.widgets import _menus, _sample
from napari_xct_crack.widgets._reader import reader

pytestmark = pytest.mark.gui
MANIFEST = Path(_sample.__file__).parents[1] / "napari.yaml"


def test_every_python_name_of_the_manifest_can_be_imported():
    manifest = PluginManifest.from_file(MANIFEST)
    manifest.validate_imports()
    assert [widget.display_name for widget in manifest.contributions.widgets] == ["XCT Crack"]


def test_the_reader_claims_zarr_only(phantom: Path, tmp_path: Path):
    assert reader("scan.tif") is None
    assert reader(["a.zarr", "b.png"]) is None
    path = str(phantom / "scan.ome.zarr")
    ((data, settings, kind),) = reader(path + "/")(path)
    assert kind == "image"
    assert settings["scale"] == (0.71, 0.71, 0.71)
    assert not isinstance(data, np.ndarray), "it is not read"
    (tmp_path / "empty.zarr").mkdir()
    broken = str(tmp_path / "empty.zarr")
    with pytest.raises(OSError, match=r"empty\.zarr"):
        reader(broken)(broken)


def test_sample_data_are_made_in_the_background_and_taken_by_the_workbench(
    make_napari_viewer_proxy, until, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(_sample, "user_cache_path", lambda *_, **__: tmp_path)
    monkeypatch.setattr(_sample, "Phantom", partial(Phantom, shape=(8, 64, 64)))
    viewer = make_napari_viewer_proxy(show=True)
    viewer.open_sample("napari-xct-crack", "noisy")
    assert [layer.name for layer in viewer.layers] == ["simulated scan: being made …"]
    until(lambda: "simulated scan" in viewer.layers, 120)
    assert len(viewer.layers) == 2
    assert not viewer.layers["simulated scan: true cracks"].visible
    viewer.layers.clear()
    viewer.open_sample("napari-xct-crack", "noisy")
    assert "simulated scan" in viewer.layers, "the second time from the cache"
    _menus.open_volume()
    _, bench = viewer.window.add_plugin_dock_widget("napari-xct-crack", "XCT Crack")
    assert bench.bench.scan.name == "scan", "the scan that is open already is taken"
    _menus.open_clean()
    assert bench._accordion.sections["Clean up"].isVisibleTo(bench)
    assert "Segment a scan first" in bench.section("Clean up")._says.text()
    assert "scan.ome.zarr.xct-crack" in bench.findChild(QLineEdit).text()


def test_stopped_work_of_an_earlier_session_can_be_resumed(make_napari_viewer_proxy, phantom: Path, until):
    viewer = make_napari_viewer_proxy(show=True)
    _, bench = viewer.window.add_plugin_dock_widget("napari-xct-crack", "XCT Crack")
    volume = bench.section("Volume")
    volume.path.setText(str(phantom / "scan.ome.zarr"))
    volume.open_button.click()
    until(lambda: bench.bench.scan is not None)
    out = bench.bench.project.made() / "copy-1.ome.zarr"
    (out / ".work").mkdir(parents=True)
    step = volume.step.checked({"volume": str(phantom / "scan.ome.zarr"), "out": out})
    bench.bench.project.remember("unfinished Volume", step.model_dump(mode="json", by_alias=True))
    volume.offer_unfinished()
    assert volume.job._stop.text() == "Resume"
    assert "copy-1.ome.zarr is unfinished" in volume.job._left.text()
    assert volume.job._stop.isEnabled()
