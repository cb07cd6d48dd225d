"""The crop as six numbers and as a rectangle on the slice; either moves the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QLabel, QSpinBox, QWidget

from ..errors import InputError
from ..volume import Box, Triple, Volume
from ._bench import Bench
from ._editor import calm
from ._layers import drawn_box, outline_of
from ._napari import position

if TYPE_CHECKING:
    from napari.layers import Layer

_NAME = "crop"


class CropEditor(QWidget):
    """Edits a box of the scan's voxels."""

    edited = Signal(object)
    """The new box."""
    refused = Signal(str)
    """What is wrong with what was drawn."""

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self._bench = bench
        self._shape: Triple = (1, 1, 1)
        self._syncing = False
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        self._spins: list[tuple[QSpinBox, QSpinBox]] = []
        self._extents: list[QLabel] = []
        for row, axis in enumerate("zyx"):
            first, last = (
                self._spin(f"First voxel of the crop along {axis}."),
                self._spin(f"Voxel after the last of the crop along {axis}."),
            )
            extent = QLabel()
            extent.setToolTip(f"Length of the crop along {axis}, in voxels and µm.")
            for column, widget in enumerate((QLabel(axis), first, QLabel("to"), last, extent)):
                grid.addWidget(widget, row, column)
            self._spins.append((first, last))
            self._extents.append(extent)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        grid.setColumnStretch(4, 2)

    def _spin(self, tip: str) -> QSpinBox:
        spin = QSpinBox()
        spin.setToolTip(tip)
        spin.setKeyboardTracking(False)
        spin.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        calm(spin)
        spin.valueChanged.connect(self._typed)
        return spin

    @property
    def box(self) -> Box:
        """The box that is shown."""
        (z0, z1), (y0, y1), (x0, x1) = ((first.value(), last.value()) for first, last in self._spins)
        return Box((z0, y0, x0), (z1, y1, x1))

    def show_scan(self, scan: Volume, box: Box) -> None:
        """Start with a scan."""
        self._shape = scan.shape
        self._voxel_size = scan.voxel_size
        self.set(box)

    def set(self, box: Box) -> None:
        """Show a box, without :attr:`edited`."""
        self._syncing = True
        for (first, last), start, stop, side in zip(self._spins, box.start, box.stop, self._shape, strict=True):
            first.setRange(0, side - 1)
            last.setRange(1, side)
            first.setValue(start)
            last.setValue(stop)
        self._syncing = False
        self._say_extents()
        self._outline()

    def _typed(self) -> None:
        if self._syncing:
            return
        self._say_extents()
        if self.box.size:
            self._outline()
            self.edited.emit(self.box)

    def _say_extents(self) -> None:
        for axis, (label, side) in enumerate(zip(self._extents, self.box.shape, strict=True)):
            voxel = self._voxel_size[axis] if self._voxel_size else None
            label.setText(f"{side} = {side * voxel:.4g} µm" if voxel else f"{side} voxels")

    def draw(self) -> None:
        """Let the user draw a rectangle on the slice that is shown; it replaces the one before."""
        image = self._bench.layer
        if image is None:
            return
        along, at = position(self._bench.viewer, image)
        layer = self._layer(image, along, at, [])
        self._bench.viewer.layers.selection.active = layer
        layer.mode = "add_rectangle"

    def _layer(self, image: Layer, along: int, at: int, boxes: list[Box]) -> Layer:
        """The shapes layer, with these boxes in it; on z slices it is two-dimensional, so that it is seen on all of them."""
        corners = [outline_of(box, image, along, at) for box in boxes]
        flat = along == 0
        shapes = [corner[:, 1:] if flat else corner for corner in corners]
        known = next((layer for layer in self._bench.viewer.layers if layer.name == _NAME), None)
        if known is not None and known.ndim == (2 if flat else 3):
            self._syncing = True
            known.selected_data = set(range(len(known.data)))
            known.remove_selected()
            if shapes:
                known.add_rectangles(shapes)
            self._syncing = False
            return known
        settings: dict[str, Any] = {
            "name": _NAME,
            "ndim": 2 if flat else 3,
            "shape_type": "rectangle",
            "edge_color": "yellow",
            "face_color": "transparent",
            "edge_width": 2 * float(image.scale[-1]),
            "units": tuple(image.units[1:] if flat else image.units),
        }
        layer = self._bench.put(shapes or None, settings, "shapes")
        layer.events.data.connect(self._drawn)
        return layer

    def _outline(self) -> None:
        """Show the box on the slice, if it is less than the whole scan."""
        image, viewer = self._bench.layer, self._bench.viewer
        if image is None:
            return
        if self.box == Box.of(self._shape):
            if _NAME in viewer.layers:
                viewer.layers.remove(_NAME)
            return
        selected = viewer.layers.selection.active
        self._layer(image, *position(viewer, image), [self.box])
        if selected is not None and selected in viewer.layers:
            viewer.layers.selection.active = selected

    def _drawn(self, event: Any) -> None:
        if str(getattr(event.action, "value", event.action)) not in ("added", "changed") or self._syncing:
            return
        image, layer = self._bench.layer, event.source
        if image is None or not len(layer.data):
            return
        along, _ = position(self._bench.viewer, image)
        between = (self.box.start[along], self.box.stop[along])
        try:
            box = drawn_box(layer, image, self._shape, along, between)
        except InputError as error:
            self.refused.emit(str(error))
            return
        self._syncing = True
        if len(layer.data) > 1:
            layer.selected_data = set(range(len(layer.data) - 1))
            layer.remove_selected()
        layer.mode = "select"
        for (first, last), start, stop in zip(self._spins, box.start, box.stop, strict=True):
            first.setValue(start)
            last.setValue(stop)
        self._syncing = False
        self._say_extents()
        self.edited.emit(box)
