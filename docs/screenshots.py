"""Makes the pictures of the workbench in the documentation: drives the real window from the scan to a crack tip in 3-D.

    xvfb-run -a -s "-screen 0 1366x768x24" python docs/screenshots.py SCAN PICTURES [MINUTES]

SCAN is a scan, for instance one that ``xct-crack phantom`` has made; PICTURES is the folder to write into; MINUTES is how
long to train.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import napari
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_xct_crack.widgets._fold import Fold

SIZE, COLOURS = (1366, 768), 96


def wait(holds: Callable[[], object], minutes: float = 5.0) -> None:
    """Let the window live until something holds."""
    end = time.monotonic() + 60 * minutes
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError("the window did not come to the next step in time")
        QApplication.processEvents()
        time.sleep(0.01)


def rest(seconds: float) -> None:
    """Let the window live for a while."""
    end = time.monotonic() + seconds
    wait(lambda: time.monotonic() > end)


class Tour:
    """One walk through the workbench."""

    def __init__(self, pictures: Path) -> None:
        self.pictures = pictures
        pictures.mkdir(parents=True, exist_ok=True)
        self.viewer = napari.Viewer()
        self.viewer.window.resize(*SIZE)
        _, self.bench = self.viewer.window.add_plugin_dock_widget("napari-xct-crack", "XCT Crack")

    def shot(self, name: str) -> None:
        """Save a picture of the whole window, in few colours: it belongs into a repository."""
        rest(1.0)
        picture = Image.fromarray(self.viewer.window.screenshot(canvas_only=False, flash=False)).convert("RGB")
        picture.quantize(COLOURS, dither=Image.Dither.NONE).save(self.pictures / f"{name}.png", optimize=True)

    def prepare(self, scan: Path) -> None:
        """Open, crop, draw cracks."""
        volume, state, layers = self.bench.section("Volume"), self.bench.bench, self.viewer.layers
        volume.path.setText(str(scan))
        volume.open_button.click()
        wait(lambda: state.scan is not None)
        self.shot("volume")
        prepare = self.bench.section("Prepare")
        wait(lambda: state.prepared is not None)
        prepare.fit.click()
        prepare.show_part.setChecked(True)
        rest(2)  # a part that fills the scan leaves no crop to wait for
        self.shot("prepare")
        prepare.show_part.setChecked(False)
        cracks = self.bench.section("Cracks")
        cracks.show_sheet.click()
        wait(lambda: "contact sheet" in layers)
        self.shot("cracks")
        cracks.render_button.click()
        wait(lambda: "cracks in this scan" in layers)
        self.shot("rendered")

    def train(self, minutes: float) -> None:
        """Train, with pictures on the way."""
        train = self.bench.section("Train")
        train.preset.setCurrentText("quick")
        train.budget.setValue(minutes)
        patches = next(fold for fold in train.findChildren(Fold) if fold.content is train.patches)
        patches.open(True)
        train.patches.more.click()
        wait(lambda: train.patches.buttons[False])
        train.patches.buttons[True][2].click()
        rest(1)  # until the pictures have their places
        train.reveal(train.patches.more)
        self.shot("patches")
        train.patches.buttons[True][2].click()
        patches.open(False)
        train.start_button.click()
        wait(lambda: train.plot.points("dice") > 20 or not train.job.running)
        self.shot("train")
        wait(lambda: not train.job.running, 3 * minutes + 5)
        self.shot("trained")

    def segment(self) -> None:
        """One slice, then all; clean; look at it in 3-D."""
        segment, layers = self.bench.section("Segment"), self.viewer.layers
        segment.slice_button.click()
        wait(lambda: "this slice: cracks" in layers)
        self.shot("slice")
        layers.remove("this slice: cracks")
        segment.compare_button.click()
        wait(lambda: not segment.job.running)
        rest(2)
        segment._comparison.grab().save(str(self.pictures / "compare.png"))
        self.shot("compared")
        segment._comparison.close()
        (segment.crop_button if self.bench.bench.crop else segment.all_button).click()
        wait(lambda: not segment.job.running, 30)
        self.shot("segment")
        clean = self.bench.section("Clean up")
        clean.form["closing"].set("1")
        clean.live.setChecked(True)
        wait(lambda: "this slice: cleaned" in layers)
        self.shot("clean")
        clean.apply_button.click()
        wait(lambda: not clean.job.running)
        layers["cracks"].visible = False
        self.viewer.dims.ndisplay = 3
        self.viewer.scene.camera.angles = (0.0, 35.0, 60.0)
        rest(5)
        self.shot("solid")
        self.viewer.dims.ndisplay = 2
        self.viewer.fit_to_view(layers=[self.bench.bench.layer])

    def inspect(self) -> None:
        """Measure; go to the longest crack, inside the part where its surface is known; see one of its tips in 3-D; charts."""
        inspect = self.bench.section("Inspect")
        look, box = inspect.look, inspect.look.closeup
        self.shot("measure")
        inspect.measure_button.click()
        wait(lambda: look.measured is not None or inspect.job.failure, 30)
        look.table.conditions.setText("depth > 3")
        if not look.table.view.model().rowCount():  # a single slice shows no surface
            look.table.conditions.setText("")
        columns = look.table.model.columns
        look.table.view.sortByColumn(columns.index("length"), Qt.SortOrder.DescendingOrder)
        look.table.view.selectRow(0)
        look.fly()
        self.shot("inspect")
        chosen, middle = look.table.number, self.viewer.dims.point[0] / self.viewer.layers["tips"].scale[0]
        look.table.what.setCurrentText("tips")
        look.table.conditions.setText(f"crack = {chosen}, z >= {middle:.0f}")
        look.table.view.sortByColumn(look.table.model.columns.index("z"), Qt.SortOrder.AscendingOrder)
        look.table.view.selectRow(0)
        box.side.set("64")
        look.look_closely()
        wait(box.back_button.isEnabled)
        rest(5)
        self.shot("tip")
        box.back()
        bar = self.bench._accordion.verticalScrollBar()
        bar.setValue(bar.maximum())
        self.shot("charts")


def main(scan: str, pictures: str, minutes: str = "3") -> None:
    """Walk through the workbench."""
    tour = Tour(Path(pictures))
    tour.prepare(Path(scan))
    tour.train(float(minutes))
    tour.segment()
    tour.inspect()
    tour.viewer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
