"""The few things asked of napari itself, and the guard on its 3-D button."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_info, show_warning

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Layer

SIDE = 2048
"""Longest side of a volume that every graphics driver can hold as one 3-D texture."""
VOXELS = 2**28
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


def show_scale_bar(viewer: Viewer) -> None:
    """Draw the scale bar, in the layers' own units."""
    viewer.canvas.overlays.scale_bar.visible = True


def _shapes(layer: Layer) -> list[tuple[int, ...]]:
    return [tuple(level.shape) for level in layer.data] if layer.multiscale else [tuple(layer.data.shape)]


def _fits(shape: tuple[int, ...]) -> bool:
    return max(shape) <= SIDE and math.prod(shape) <= VOXELS


class Guard:
    """Keeps the 3-D view from reading a whole scan: takes the finest level that fits, or goes back to slices and says so.

    napari itself takes the coarsest level of a pyramid, whatever its size, and all of an array without one.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        viewer.dims.events.ndisplay.connect(self.check, position="first")
        viewer.layers.events.inserted.connect(self.check)
        viewer.layers.events.inserted.connect(self._follow)
        for layer in viewer.layers:
            self._follow(value=layer)

    def stop(self) -> None:
        """Leave the viewer as it was."""
        self._viewer.dims.events.ndisplay.disconnect(self.check)
        self._viewer.layers.events.inserted.disconnect(self.check)
        self._viewer.layers.events.inserted.disconnect(self._follow)

    def _follow(self, event: Any = None, value: Any = None) -> None:
        layer = value if value is not None else event.value
        if hasattr(layer.events, "locked_data_level"):
            layer.events.locked_data_level.connect(self.check)

    def check(self, event: Any = None) -> None:
        """Choose levels for the number of dimensions that is shown now."""
        solid = self._viewer.dims.ndisplay == 3
        for layer in list(self._viewer.layers):
            if type(layer).__name__ not in ("Image", "Labels") or layer.ndim != 3 or getattr(layer, "rgb", False):
                continue
            if not solid:
                if layer.multiscale and layer.metadata.pop("xct_crack_guarded", False):
                    layer.locked_data_level = None
            elif not self._choose(layer):
                warn(_refusal(layer))
                self._viewer.dims.ndisplay = 2
                return

    def _choose(self, layer: Layer) -> bool:
        """Lock a level that fits; false if there is none."""
        shapes = _shapes(layer)
        chosen = layer.locked_data_level if layer.multiscale else 0
        if chosen is not None and _fits(shapes[chosen]):
            return True
        level = next((number for number, shape in enumerate(shapes) if _fits(shape)), None)
        if level is not None and layer.multiscale:
            layer.metadata["xct_crack_guarded"] = True
            layer.locked_data_level = level
        return level is not None


def _refusal(layer: Layer) -> str:
    shape = " × ".join(map(str, _shapes(layer)[-1]))
    return (
        f"The layer {layer.name!r} is too large for the 3-D view ({shape} at its coarsest); "
        "convert the scan to OME-Zarr, which adds coarser levels, or crop it."
    )
