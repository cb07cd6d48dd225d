"""The 3-D window: a box of the scan at full resolution with its cracks and tips, and the way back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QLabel, QPushButton, QWidget

from ..errors import InputError, XctCrackError
from ..inspection import CloseUp, close_up, extent_of, memory
from ..settings import Length
from ..volume import Box, Triple
from ._bench import Bench
from ._fields import editor
from ._layers import layer_of
from ._marks import CLOSE_CRACKS, CLOSE_FRONTS, CLOSE_TIPS, fronts_layer, mark, numbered, tips_layer
from ._napari import View, centre_on
from ._section import side_by_side
from ._work import Newest

if TYPE_CHECKING:
    from napari.layers import Layer

    from ..measure import Measured

NAME = "close-up"
_ANGLES = (10.0, -25.0, 130.0)


class CloseUpBox(QWidget):
    """How large the box is; the buttons that open and leave it are laid out beside others."""

    said = Signal(str)
    refused = Signal(str)
    """What is wrong with the box that was asked for; nothing if it is right again."""

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self._bench = bench
        self._measured: Measured | None = None
        self._number = 0
        self._view: View | None = None
        """Where one looked when the box was asked for …"""
        self._before: tuple[View, dict[Layer, bool]] | None = None
        """… and before the first box, with the layers that were visible."""
        self.side = editor(Length, [])
        self.side.set(Length(128))
        self.side.setToolTip("Side of the box, in voxels or µm; a crack that is longer is shown whole.")
        self.side.changed.connect(self._say_size)
        self._size = QLabel()
        self._size.setToolTip("Voxels that are read at full resolution, and the memory that they take.")
        self.open_button = QPushButton("3-D window")
        self.open_button.setToolTip("See the chosen crack or tip in a box at full resolution.")
        self.back_button = QPushButton("Back")
        self.back_button.setToolTip("Remove the box and look where you looked before.")
        self.back_button.clicked.connect(self.back)
        self.back_button.setEnabled(False)
        row = side_by_side(QLabel("side of the box"), self.side, self._size, stretch=1)
        row.setContentsMargins(0, 0, 0, 0)
        self.setLayout(row)
        self._reading = Newest()
        self._reading.ready.connect(self._show)
        self._reading.failed.connect(self.refused)

    def fill(self, measured: Measured | None) -> None:
        """Take the measurements that boxes are cut from; the box before is left."""
        if measured is None:
            self._leave()
        self.back()
        self._measured = measured
        self._say_size()

    def _say_size(self) -> None:
        if self._measured is None:
            self._size.setText("")
            return
        try:
            extent = self._extent()
        except XctCrackError as error:
            self._size.setText("")
            self.refused.emit(str(error))
            return
        self.refused.emit("")
        size = memory(extent, self._measured.labels, self._bench.scan) / 1e6
        self._size.setText(f"{' × '.join(map(str, extent))}, {size:.3g} MB")

    def _extent(self, seen: Triple = (1, 1, 1)) -> Triple:
        try:
            side = Length.parse(self.side.get())
        except ValueError as error:
            raise InputError(f"The side of the box: {error}.") from error
        return extent_of(side, self._measured.labels.voxel_size if self._measured else None, seen)

    def open(self, seen: Box, number: int) -> None:
        """Read a box around what is to be seen in the background, and show it.

        Parameters
        ----------
        seen
            A crack's box, or a tip's voxel, in voxels of the scan.
        number
            Component that stands out.

        Raises
        ------
        XctCrackError
            If the side makes no box.
        """
        measured, scan = self._measured, self._bench.scan
        if measured is None:
            return
        extent = self._extent(seen.shape)
        if scan is not None and self._bench.prepared is not None:
            scan = replace(scan, window=self._bench.prepared.window)
        self._number, self._view = number, View.of(self._bench.viewer)
        self.said.emit("Reading the box …")
        self._reading.request(lambda: (seen, close_up(measured, scan, seen, extent)))

    def _show(self, read: tuple[Box, CloseUp]) -> None:
        seen, found = read
        viewer = self._bench.viewer
        if self._before is None and self._view is not None:
            self._before = (self._view, {layer: layer.visible for layer in viewer.layers})
        self._remove()
        for layer in viewer.layers:
            layer.visible = False
        viewer.dims.ndisplay = 3
        added = self._layers(seen, found)
        viewer.fit_to_view(layers=added)
        viewer.scene.camera.angles = _ANGLES
        centre_on(viewer, added[0].data_to_world(_middle(seen, found.box)))
        viewer.layers.selection.active = added[-1]
        self.back_button.setEnabled(True)
        shape = " × ".join(map(str, found.box.shape))
        self.said.emit(f"{shape} voxels at full resolution; Back returns to the slices.")

    def _layers(self, seen: Box, found: CloseUp) -> list[Layer]:
        added = []
        if found.scan is not None:
            # As a plane through the middle: a volume of bright metal hides the dark cracks in it.
            plane = {"position": _middle(seen, found.box), "normal": (1, 0, 0), "thickness": 1}
            added.append(self._bench.put(*layer_of(found.scan, name=NAME, depiction="plane", plane=plane)))
        labels = self._bench.put(*numbered(found.labels, CLOSE_CRACKS))
        mark(labels, self._number)
        voxel = found.labels.voxel_size
        fronts = self._bench.put(*fronts_layer(found.fronts, voxel, CLOSE_FRONTS))
        return [*added, labels, fronts, self._bench.put(*tips_layer(found.tips, voxel, CLOSE_TIPS))]

    def _remove(self) -> None:
        layers = self._bench.viewer.layers
        for name in (NAME, CLOSE_CRACKS, CLOSE_FRONTS, CLOSE_TIPS):
            if name in layers:
                layers.remove(name)

    def back(self) -> None:
        """Remove the box and look where one looked before it was opened."""
        if self._before is None:
            return
        view, visible = self._before
        self._leave()
        view.restore(self._bench.viewer)
        for layer, shown in visible.items():
            layer.visible = shown
        self.said.emit("")

    def _leave(self) -> None:
        """Remove the box; other layers stay as they are."""
        if self._before is not None:
            self._remove()
            self._bench.viewer.dims.ndisplay = self._before[0].ndisplay
            self._before = None
            self.back_button.setEnabled(False)

    def close_work(self) -> None:
        """Let go of threads; the window closes."""
        self._reading.close()


def _middle(seen: Box, box: Box) -> tuple[float, ...]:
    """The middle of what is seen, in voxels counted from the box's corner."""
    return tuple((a + b - 1) / 2 - c for a, b, c in zip(seen.start, seen.stop, box.start, strict=True))
