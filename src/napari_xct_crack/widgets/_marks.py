"""What was measured as layers of the scan: numbered cracks, of which one may stand out, tips, fronts and how thin a crack would show."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from ..inspection import points
from ..settings import VoxelSize
from ..volume import Volume
from ._bench import Bench
from ._layers import UNKNOWN, LayerData, layer_of

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Layer

    from ..measure import Measured
    from ..measure._tables import Table

CRACKS, TIPS, FRONTS = "measured cracks", "tips", "fronts"
CLOSE_CRACKS, CLOSE_TIPS, CLOSE_FRONTS = (f"close-up: {name}" for name in ("cracks", "tips", "fronts"))
DETECTABLE = "detection limit"
_STILL = 4
"""Pixels that the mouse may move in a click."""
_CLEAR, _PALE, _STRONG = (0.0, 0.0, 0.0, 0.0), (1.0, 0.45, 0.25, 0.6), (1.0, 0.95, 0.1, 1.0)


def numbered(labels: Volume, name: str) -> LayerData:
    """Components, each in a colour of its own."""
    # Without depth, or the scan hides the cracks that lie in it when both are shown in 3-D.
    return layer_of(labels, name=name, opacity=0.8, blending="translucent_no_depth")


def mark(layer: Layer, number: int, alone: bool = False) -> None:
    """Let one component of a labels layer stand out, or be the only one; for 0 each has a colour of its own."""
    from napari.utils.colormaps import DirectLabelColormap, label_colormap

    if number:
        colours = {None: _CLEAR if alone else _PALE, 0: _CLEAR, number: _STRONG}
        layer.colormap = DirectLabelColormap(color_dict=colours)
    else:
        layer.colormap = label_colormap()


def tips_layer(tips: Table, voxel_size: VoxelSize | None, name: str) -> LayerData:
    """Tips as points, coloured by their sharpness."""
    colours = {"face_color": "sharpness", "face_colormap": "viridis"} if len(tips["z"]) else {"face_color": "white"}
    return _points(tips, voxel_size, name, size=5, **colours)


def fronts_layer(fronts: Table, voxel_size: VoxelSize | None, name: str) -> LayerData:
    """Fronts as small points."""
    return _points(fronts, voxel_size, name, size=1.5, face_color="#00c5c5")


def _points(table: Table, voxel_size: VoxelSize | None, name: str, **options: Any) -> LayerData:
    places, features = points(table)
    settings = {
        "name": name,
        "ndim": 3,
        "scale": voxel_size or UNKNOWN,
        "units": ("um" if voxel_size else "pixel",) * 3,
        "axis_labels": ("z", "y", "x"),
        "features": features,
        "border_width": 0,
    }
    return places, settings | options, "points"


def limits_layer(limits: Volume, length: int, told: dict[str, float | None]) -> LayerData:
    """Where how thin a crack of that length would show: a coarse map, hidden until it is asked for."""
    low, high = told["0.1"] or 0.0, told["0.9"] or 0.0
    settings = {
        "colormap": "viridis",
        "contrast_limits": (low, max(high, low + 1e-6)),
        "opacity": 0.6,
        "visible": False,
    }
    return layer_of(limits, name=f"{DETECTABLE}, {length} voxels", **settings)


class Marks(QObject):
    """Keeps the layers of the measurements, and tells what is clicked in them."""

    clicked = Signal(int)
    """Number of the component under the mouse, 0 for none."""
    opened = Signal(int)
    """Row of the tip that was double-clicked."""

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self._bench = bench
        viewer = bench.viewer
        viewer.mouse_drag_callbacks.append(self._pressed)
        # Before napari's own, which zooms: the view to come back to is the one before.
        viewer.mouse_double_click_callbacks.insert(0, self._double_clicked)

    def fill(self, measured: Measured) -> None:
        """Show measurements; masks that would lie over them are hidden."""
        for other in self._bench.viewer.layers:
            if other.name in ("cracks", "cleaned cracks"):
                other.visible = False
        for layer in [one for one in self._bench.viewer.layers if one.name.startswith(DETECTABLE)]:
            self._bench.viewer.layers.remove(layer)  # of other measurements
        voxel, told = measured.labels.voxel_size, measured.summary.get("detectability", {})
        for data in (
            *(limits_layer(found, length, told[str(length)]) for length, found in measured.limits.items()),
            numbered(measured.labels, CRACKS),
            fronts_layer(measured.fronts, voxel, FRONTS),
            tips_layer(measured.tips, voxel, TIPS),
        ):
            self._bench.put(*data)

    def mark(self, number: int, alone: bool) -> None:
        """Let one component stand out wherever it is shown."""
        for layer in self._shown(CRACKS, CLOSE_CRACKS):
            mark(layer, number, alone)

    def _shown(self, *names: str) -> list[Layer]:
        return [self._bench.viewer.layers[name] for name in names if name in self._bench.viewer.layers]

    def _pressed(self, viewer: Viewer, event: Any) -> Iterator[None]:
        active = viewer.layers.selection.active
        if event.button != 1 or (active is not None and str(active.mode) != "pan_zoom"):
            return  # something is drawn
        pressed = tuple(event.pos)
        yield
        while event.type == "mouse_move":
            yield
        if math.dist(pressed, event.pos) <= _STILL and any(
            layer.visible for layer in self._shown(CRACKS, CLOSE_CRACKS)
        ):
            self.clicked.emit(self._number(event))

    def _number(self, event: Any) -> int:
        """The component under the mouse."""
        for layer in self._shown(CLOSE_CRACKS, CRACKS):
            value = _under(layer, event)
            number = value[1] if isinstance(value, tuple) else value  # a pyramid tells the level too
            if number:
                return int(number)
        return 0

    def _double_clicked(self, viewer: Viewer, event: Any) -> None:
        for layer in self._shown(TIPS):
            row = _under(layer, event)
            if row is not None:
                self.opened.emit(int(row))

    def close_work(self) -> None:
        """Let go of the viewer."""
        self._bench.viewer.mouse_drag_callbacks.remove(self._pressed)
        self._bench.viewer.mouse_double_click_callbacks.remove(self._double_clicked)


def _under(layer: Layer, event: Any) -> Any:
    return layer.get_value(
        event.position, view_direction=event.view_direction, dims_displayed=event.dims_displayed, world=True
    )
