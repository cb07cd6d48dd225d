"""The few things asked of napari itself, and the guard on its 3-D button."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_info, show_warning

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Layer

SIDE = 2048
"""Longest side of a volume that every graphics driver can hold as one 3-D texture."""
VOXELS = 2**27
"""Most voxels that are read for one 3-D view."""


def tell(text: str) -> None:
    """Show a notice in the corner of napari's window."""
    show_info(text)


def warn(text: str) -> None:
    """Show a warning in the corner of napari's window."""
    show_warning(text)


def position(viewer: Viewer, layer: Layer) -> tuple[int, int]:
    """The axis (0, 1, 2) that is sliced, and the voxel of `layer` along it that is shown."""
    along = viewer.dims.order[0] if viewer.dims.ndim == 3 else viewer.dims.ndim - 3
    at = round(float(layer.world_to_data(viewer.dims.point)[along]))
    return along, min(max(at, 0), int(_shapes(layer)[0][along]) - 1)


def middle(viewer: Viewer, layer: Layer) -> tuple[int, int, int]:
    """The voxel of `layer` in the middle of the view, on the slice that is shown; it may lie beyond the layer."""
    world = list(viewer.dims.point)
    for axis, at in zip(viewer.dims.displayed, viewer.scene.camera.center[-len(viewer.dims.displayed) :], strict=True):
        world[axis] = at
    z, y, x = (round(float(at)) for at in layer.world_to_data(world)[-3:])
    return (z, y, x)


def show_scale_bar(viewer: Viewer) -> None:
    """Draw the scale bar, in the layers' own units."""
    viewer.canvas.overlays.scale_bar.visible = True


def _shapes(layer: Layer) -> list[tuple[int, ...]]:
    return [tuple(level.shape) for level in layer.data] if layer.multiscale else [tuple(layer.data.shape)]


def _fits(shape: tuple[int, ...]) -> bool:
    return max(shape) <= SIDE and math.prod(shape) <= VOXELS


class Guard:
    """Keeps the 3-D view from reading a whole scan: takes the finest level that fits, or goes back to slices and says so.

    napari itself takes the coarsest level of a pyramid, whatever its size, all of an array without one, and whatever
    level the user chooses.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._chosen: set[Hashable] = set()
        # napari calls its own callbacks first, and one of them reads: they have to wait until the level is chosen.
        self._button = viewer.dims.events.ndisplay
        self._waiting = [_bound(callback) for callback in self._button.callbacks]
        self._hold(True)
        self._button.connect(self._pressed)
        viewer.layers.events.inserted.connect(self._inserted)
        for layer in viewer.layers:
            self._watch(layer)

    def stop(self) -> None:
        """Leave the viewer as it was."""
        if not self._waiting:
            return
        self._button.disconnect(self._pressed)
        self._hold(False)
        self._waiting = []
        self._viewer.layers.events.inserted.disconnect(self._inserted)
        for layer in self._viewer.layers:
            vars(layer).pop("refresh", None)

    def _hold(self, held: bool) -> None:
        for callback in self._waiting:
            (self._button.block if held else self._button.unblock)(callback)

    def _pressed(self, event: Any) -> None:
        self.check()
        if self._viewer.dims.ndisplay != event.value:
            return  # it went back, which is announced by an event of its own
        self._hold(False)
        self._button.block(self._pressed)
        try:
            self._button(value=event.value)
        finally:
            self._button.unblock(self._pressed)
            self._hold(True)

    def _inserted(self, event: Any) -> None:
        self._watch(event.value)
        self.check()

    def _watch(self, layer: Layer) -> None:
        """Look at the level before it is read: the layer tells of a chosen level only after it has drawn it."""
        if not _is_volume(layer):
            return
        draw = layer.refresh

        def refresh(*positional: Any, **named: Any) -> None:
            if self._viewer.dims.ndisplay == 3 and not self._fits(layer):
                self.check()
            else:
                draw(*positional, **named)

        layer.refresh = refresh

    def check(self) -> None:
        """Choose levels for the number of dimensions that is shown now."""
        for layer in [layer for layer in self._viewer.layers if _is_volume(layer) and self._is_read(layer)]:
            if self._viewer.dims.ndisplay == 2:
                if layer.unique_id in self._chosen:
                    self._chosen.discard(layer.unique_id)
                    layer.locked_data_level = None
            elif not self._fits(layer) and not self._choose(layer):
                warn(_refusal(layer))
                self._viewer.dims.ndisplay = 2
                return

    def _is_read(self, layer: Layer) -> bool:
        """A hidden layer is read only once it is shown, and then it is refreshed."""
        return bool(layer.visible) or self._viewer.dims.ndisplay == 2

    def _fits(self, layer: Layer) -> bool:
        level = layer.locked_data_level if layer.multiscale else 0
        return level is not None and _fits(_shapes(layer)[level])

    def _choose(self, layer: Layer) -> bool:
        """Lock the finest level that fits; false if there is none."""
        level = next((number for number, shape in enumerate(_shapes(layer)) if _fits(shape)), None)
        if level is None or not layer.multiscale:
            return False
        self._chosen.add(layer.unique_id)
        layer.locked_data_level = level
        return True


def _bound(callback: Any) -> Any:
    """A callback as the emitter calls it; methods are listed as a weak reference and a name."""
    return getattr(callback[0](), callback[1]) if isinstance(callback, tuple) else callback


def _is_volume(layer: Layer) -> bool:
    return layer.__class__.__name__ in ("Image", "Labels") and layer.ndim == 3 and not getattr(layer, "rgb", False)


def _refusal(layer: Layer) -> str:
    shape = " × ".join(map(str, _shapes(layer)[-1]))
    return (
        f"The layer {layer.name!r} is too large for the 3-D view ({shape} at its coarsest); "
        "convert the scan to OME-Zarr, which adds coarser levels, or crop it."
    )


def look_at(viewer: Viewer, *layers: Layer) -> None:
    """Fill the canvas with two-dimensional layers."""
    corners = [layer.extent.world[:, -2:] for layer in layers]
    top, left = (min(corner[0][axis] for corner in corners) for axis in (0, 1))
    bottom, right = (max(corner[1][axis] for corner in corners) for axis in (0, 1))
    viewer.scene.camera.center = (0.0, (top + bottom) / 2, (left + right) / 2)
    height, width = viewer.canvas.size
    viewer.scene.camera.zoom = 0.95 * min(height / max(bottom - top, 1e-9), width / max(right - left, 1e-9))


def fly_to(viewer: Viewer, low: Sequence[float], high: Sequence[float]) -> None:
    """Look at a box of three world coordinates each: at the slice through its middle, or at it in 3-D."""
    middle = [(first + last) / 2 for first, last in zip(low, high, strict=True)]
    for axis, at in enumerate(middle):
        viewer.dims.set_point(viewer.dims.ndim - 3 + axis, at)
    centre_on(viewer, middle)
    side = max(high[axis] - low[axis] for axis in _displayed(viewer))
    viewer.scene.camera.zoom = min(viewer.canvas.size) / max(side, 1e-9)


def centre_on(viewer: Viewer, place: Sequence[float]) -> None:
    """Put three world coordinates into the middle of the canvas."""
    viewer.scene.camera.center = tuple(place[axis] for axis in _displayed(viewer))


def _displayed(viewer: Viewer) -> list[int]:
    """Which of z, y, x are shown, in the camera's order."""
    return [axis - (viewer.dims.ndim - 3) for axis in viewer.dims.displayed]


@dataclass(frozen=True)
class View:
    """Where the viewer looks."""

    ndisplay: int
    point: tuple[float, ...]
    camera: dict[str, Any]

    @classmethod
    def of(cls, viewer: Viewer) -> View:
        camera = viewer.scene.camera
        return cls(
            viewer.dims.ndisplay,
            tuple(viewer.dims.point),
            {"center": camera.center, "zoom": camera.zoom, "angles": camera.angles},
        )

    def restore(self, viewer: Viewer) -> None:
        """Look there again."""
        viewer.dims.ndisplay = self.ndisplay
        for axis, at in enumerate(self.point[: viewer.dims.ndim]):
            viewer.dims.set_point(axis, at)
        for name, value in self.camera.items():
            setattr(viewer.scene.camera, name, value)
