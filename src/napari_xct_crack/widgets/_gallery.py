"""Pictures of cracks beside the scan: a contact sheet, and cracks in real patches of the scan."""

from __future__ import annotations

import math
from typing import Any

from qtpy.QtCore import QObject, Signal

from ..cracks import CrackGenerator
from ..volume import Volume
from ._bench import Bench
from ._colours import one_colour
from ._napari import look_at
from ._previews import beside, drawn_sheet, rendered_sheet
from ._work import Newest

SHEET, RENDERED, REAL = "contact sheet", "cracks in this scan", "real patches of this scan"
TRUTH = "cracks in this scan: truth"
COUNT, SIDE = 16, 128
"""Masks on a contact sheet, and their sides in voxels."""
_PATCHES = 9
_AT_ONCE = 0.07
"""Seconds after which the masks that are ready are shown, so that a sheet of slow cracks follows a slider too."""


class Gallery(QObject):
    """Draws in the background, the newest request wins, and shows what was drawn as layers."""

    said = Signal(str)
    failed = Signal(str)

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self.bench = bench
        self._drawing, self._rendering = Newest(), Newest()
        for work, shown in ((self._drawing, self._drawn), (self._rendering, self._rendered)):
            work.ready.connect(shown)
            work.failed.connect(self.failed)
        self._patches: tuple[Volume, Any] | None = None
        self._looked = False

    @property
    def shows_sheet(self) -> bool:
        """Whether there is a contact sheet to keep up to date."""
        return SHEET in self.bench.viewer.layers

    def draw(self, generator: CrackGenerator, seed: int, *, look: bool = False) -> None:
        """Draw a contact sheet; `look` fills the canvas with it."""
        self._looked = self._looked and not look
        scan = self.bench.scan
        voxel_size = scan.voxel_size if scan is not None else None

        masks: list[Any] = []

        def call(seconds: float = math.inf) -> Any:
            return call, *drawn_sheet(generator, seed, COUNT, SIDE, voxel_size, seconds, masks)

        self._drawing.request(lambda: call(_AT_ONCE))

    def _drawn(self, found: tuple[Any, Any, bool]) -> None:
        again, sheet, whole = found
        if not whole:
            self._drawing.offer(again)
        layers = self.bench.viewer.layers
        if SHEET in layers and layers[SHEET].data.shape == sheet.shape:
            layers[SHEET].data = sheet
        else:
            self.bench.put(*beside(sheet, self.bench.scan, SHEET, contrast_limits=(0, 255)))
        if not self._looked:
            self._looked = True
            self._look(SHEET)

    def render(self, scan: Volume, generator: CrackGenerator, seed: int) -> None:
        """Put cracks into patches of a scan, and show real patches beside them."""
        known = self._patches[1] if self._patches is not None and self._patches[0] is scan else None
        self.said.emit("Rendering into real patches; the first time it looks at the scan's noise and blur …")
        self._rendering.request(lambda: (scan, *_render(scan, known, generator, seed)))

    def _rendered(self, found: tuple[Volume, Any, Any]) -> None:
        scan, patches, (frames, truth, real) = found
        self._patches = (scan, patches)
        after = frames.shape[1] + patches.size // 4
        self.bench.put(*beside(frames, scan, RENDERED, contrast_limits=(-1.0, 1.0)))
        self.bench.put(*beside(real, scan, REAL, after, contrast_limits=(-1.0, 1.0)))
        self.bench.put(*beside(truth, scan, TRUTH, labels=True, visible=False, **one_colour()))
        self._look(RENDERED, REAL)
        look = patches.appearance
        self.said.emit(
            f"Left: rendered with a point spread of {look.point_spread:.2f} voxels, contrast {look.contrast:.0f} and noise "
            f"{look.noise:.0f} grey values; the layer {TRUTH!r} shows where. Right: real patches, the most doubtful half."
        )

    def _look(self, *names: str) -> None:
        """Show these pictures only."""
        layers = self.bench.viewer.layers
        for name in (SHEET, RENDERED, REAL):
            if name in layers:
                layers[name].visible = name in names
        look_at(self.bench.viewer, *(layers[name] for name in names))

    def leave(self) -> None:
        """Hide the pictures and go back to the scan."""
        layers, scan = self.bench.viewer.layers, self.bench.layer
        shown = [name for name in (SHEET, RENDERED, REAL) if name in layers and layers[name].visible]
        if shown and scan is not None:
            for name in shown:
                layers[name].visible = False
            look_at(self.bench.viewer, scan)

    def close(self) -> None:
        """Drop what still runs."""
        self._drawing.close()
        self._rendering.close()


def _render(scan: Volume, known: Any, generator: CrackGenerator, seed: int) -> tuple[Any, Any]:
    """Patches of the scan, and the pictures of :func:`rendered_sheet`."""
    from ..patches import Patches, PatchSettings

    patches = known or Patches(scan, PatchSettings(size=SIDE), generator, slices=1, multiple=32, seed=0)
    patches.cracks = generator
    return patches, rendered_sheet(patches, seed, _PATCHES)
