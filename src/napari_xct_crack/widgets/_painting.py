"""Paint on a mask by hand: a window of it as a layer of one scale, written back when it is right."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..blocks.edit import edit
from ..blocks.journal import changes, undo
from ..errors import InputError
from ..events import Work
from ..io import read
from ..volume import Box, Triple, Volume
from ._bench import Bench
from ._layers import layer_of
from ._napari import middle, position

if TYPE_CHECKING:
    from napari.layers import Labels

PAINTED, MASK = "painting", "cleaned cracks"
_ACROSS, _ALONG = 256, 8
"""Voxels of the window on either side of the middle of the view, in the slice and across it."""


class Painting:
    """The window that is painted on, and the mask it belongs to."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._path: Path | None = None
        self._start: Triple = (0, 0, 0)

    @property
    def layer(self) -> Labels | None:
        """The window, unless it was removed."""
        layers = self._bench.viewer.layers
        return layers[PAINTED] if self._path is not None and PAINTED in layers else None

    def open(self, path: Path) -> str:
        """Show the mask around the middle of the view as a layer to paint on; says which part it is.

        Raises
        ------
        InputError
            If the mask is not in view.
        """
        mask, shown = read(path), show_mask(self._bench, path)
        along, _ = position(self._bench.viewer, shown)
        reach = [_ALONG if axis == along else _ACROSS for axis in range(3)]
        at = middle(self._bench.viewer, shown)
        box = Box(at, at).grown((reach[0], reach[1], reach[2])).intersection(Box.of(mask.shape))
        if box.size == 0:
            raise InputError(f"{path.name} is not in the middle of the view; move there first.")
        offset = box.shifted(mask.origin).start
        window = Volume.from_array(mask.read(box), role="mask", voxel_size=mask.voxel_size, name=PAINTED, offset=offset)
        data, options, kind = layer_of(window)
        layer = self._bench.put(data.copy(), options, kind)
        layer.mode, layer.selected_label, layer.n_edit_dimensions = "paint", 1, 2
        self._bench.viewer.layers.selection.active = layer
        self._path, self._start = path, box.start
        z, y, x = box.shape
        return f"Paint on {path.name} (label 1; 0 erases) in these {z} × {y} × {x} voxels, then commit."

    def commit(self) -> Work[Volume]:
        """Write the window into the mask.

        Raises
        ------
        InputError
            If there is no window.
        """
        layer = self.layer
        if layer is None or self._path is None:
            raise InputError("There is nothing to commit; press Paint here first.")
        return edit(self._path, self._start, (layer.data > 0).astype("uint8"))

    def close(self) -> None:
        """Remove the window."""
        if self.layer is not None:
            self._bench.viewer.layers.remove(PAINTED)
        self._path = None


def take_back(bench: Bench, path: Path) -> str:
    """Undo the last change of a mask and show it; says what was undone and what else can be."""
    what, left = undo(path), changes(path)
    show_mask(bench, path)
    more = f"; before it: {', '.join(reversed(left))}" if left else ""
    return f"The {what} of {path.name} was undone{more}."


def show_mask(bench: Bench, path: Path) -> Any:
    """Show a mask as it now is on disk."""
    return bench.show(replace(read(path), name=MASK))
