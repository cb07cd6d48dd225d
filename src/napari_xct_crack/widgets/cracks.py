"""Section *Cracks*: choose a crack generation module and see at once what it draws."""

from __future__ import annotations

import json
from typing import Any

from qtpy.QtGui import QHideEvent
from qtpy.QtWidgets import QCheckBox, QLabel, QPushButton, QSpinBox

from ..commands.cracks import Cracks
from ..cracks import CrackGenerator
from ..cracks.sheet import SheetCracks
from ..errors import XctCrackError
from ..volume import Volume
from ._bench import Bench
from ._editor import calm
from ._forms import KindForm
from ._layers import one_colour
from ._napari import look_at
from ._previews import beside, drawn_sheet, rendered_sheet
from ._section import Section
from ._work import Newest

_SHEET, _RENDERED, _TRUTH = "contact sheet", "cracks in this scan", "cracks in this scan: truth"
_COUNT, _SIDE = 16, 128


class CracksSection(Section):
    """Settings of the generator, a contact sheet, and the same cracks in real patches."""

    title = "Cracks"
    purpose = "Draws the synthetic cracks that are learnt; move a slider and look at the contact sheet."
    step = Cracks

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self.form = KindForm(CrackGenerator)
        self.form.set(SheetCracks())
        self.form.changed.connect(self.draw)
        self.column.addWidget(self.form)
        self.seed = QSpinBox()
        self.seed.setRange(0, 2**31 - 1)
        self.seed.setToolTip("Seed of the random numbers: another seed draws other cracks.")
        calm(self.seed)
        self.seed.valueChanged.connect(self.draw)
        another = QPushButton("Another")
        another.setToolTip("Draw with the next seed.")
        another.clicked.connect(lambda: self.seed.setValue(self.seed.value() + 1))
        self.line(QLabel("seed"), self.seed, another, stretch=1)
        self.live = QCheckBox("Contact sheet follows")
        self.live.setToolTip("Draw the contact sheet anew whenever a setting changes.")
        self.live.setChecked(True)
        self.show_sheet = self.button(
            "Show contact sheet", "Draw crack masks beside the scan and look at them.", self._show
        )
        self.line(self.show_sheet, self.live)
        self.render_button = self.button(
            "Render into this scan", "Put the cracks into real patches of the prepared scan.", self.render
        )
        self._copy = self.copy_button()
        self.line(self.render_button, self._copy)
        self._drawing, self._rendering = Newest(), Newest()
        for work, shown in ((self._drawing, self._drawn), (self._rendering, self._rendered)):
            work.ready.connect(shown)
            work.failed.connect(lambda text: self.say(text, wrong=True))
        self._patches: tuple[Volume, Any] | None = None
        self._looked = False
        self.refresh()
        self._recall()

    def refresh(self) -> None:
        self.render_button.setEnabled(self.bench.prepared is not None)
        self.render_button.setToolTip(
            "Put the cracks into real patches of the prepared scan."
            if self.bench.prepared is not None
            else "Prepare a scan first, to see the cracks in it."
        )

    def generator(self) -> CrackGenerator:
        """The generator that the form shows.

        Raises
        ------
        SettingsError
            If a value does not fit.
        """
        values = self.form.get()
        return CrackGenerator.named(values["kind"]).checked(values)

    def command(self) -> Cracks:
        scan = self.bench.scan
        values = {
            "out": "cracks.png",
            "cracks": self.generator(),
            "count": _COUNT,
            "size": (_SIDE, _SIDE),
            "seed": self.seed.value(),
            "voxel_size_um": scan.voxel_size if scan is not None else None,
        }
        return Cracks.checked(values)

    def draw(self) -> None:
        """Take the settings, and draw the contact sheet if it is shown."""
        try:
            generator = self.generator()
        except XctCrackError as error:
            self.say(str(error), wrong=True)
            return
        self.bench.cracks = generator
        self.say("")
        self.remember()
        if self.live.isChecked() and _SHEET in self.bench.viewer.layers:
            self._request(generator)

    def _show(self) -> None:
        self._looked = False
        self._request(self.generator())

    def _request(self, generator: CrackGenerator) -> None:
        seed, scan = self.seed.value(), self.bench.scan
        voxel = scan.voxel_size if scan is not None else None
        self._drawing.request(lambda: drawn_sheet(generator, seed, _COUNT, _SIDE, voxel))

    def _drawn(self, sheet: Any) -> None:
        layers = self.bench.viewer.layers
        if _SHEET in layers and layers[_SHEET].data.shape == sheet.shape:
            layers[_SHEET].data = sheet
        else:
            self._put(beside(sheet, self.bench.scan, _SHEET, contrast_limits=(0, 255)))
        if not self._looked:
            self._looked = True
            layers[_SHEET].visible = True
            look_at(self.bench.viewer, layers[_SHEET])

    def render(self) -> None:
        """Put the cracks into patches of the scan, in the background."""
        scan, generator, seed = self.bench.ready(), self.generator(), self.seed.value()
        known = self._patches[1] if self._patches is not None and self._patches[0] is scan else None
        self.say("Rendering into real patches; the first time it looks at the scan's noise and blur …")
        self._rendering.request(lambda: (scan, *_render(scan, known, generator, seed)))

    def _rendered(self, found: tuple[Volume, Any, Any, Any]) -> None:
        scan, patches, frames, truth = found
        self._patches = (scan, patches)
        layer = self._put(beside(frames, scan, _RENDERED, contrast_limits=(-1.0, 1.0)))
        layer.visible = True
        self._put(beside(truth, scan, _TRUTH, labels=True, visible=False, **one_colour()))
        if _SHEET in self.bench.viewer.layers:
            self.bench.viewer.layers[_SHEET].visible = False
        look_at(self.bench.viewer, layer)
        look = patches.appearance
        self.say(
            f"Rendered with a point spread of {look.point_spread:.2f} voxels, contrast {look.contrast:.0f} and noise "
            f"{look.noise:.0f} grey values; show the layer {_TRUTH!r} to see where they are."
        )

    def _put(self, layer: tuple[Any, dict[str, Any], str]) -> Any:
        return self.bench.put(*layer)

    def remember(self) -> None:
        folder = self.bench.folder
        if folder is not None and folder.exists():
            values = {"cracks": json.loads(self.generator().model_dump_json()), "seed": self.seed.value()}
            self.trying(lambda: self.bench.project.remember("cracks", values))

    def _recall(self) -> None:
        kept = self.bench.project.recall().get("cracks", {}) if self.bench.folder is not None else {}
        try:
            kind = kept.get("cracks", {}).get("kind")
            if kind:
                self.form.set(CrackGenerator.named(kind).checked(kept["cracks"]))
        except XctCrackError as error:
            self.say(f"What the project remembers of the cracks does not fit any more: {error}", wrong=True)
        self.bench.cracks = self.generator()

    def hideEvent(self, event: QHideEvent) -> None:
        # Another section is opened: back to the scan.
        super().hideEvent(event)
        layers, scan = self.bench.viewer.layers, self.bench.layer
        shown = [name for name in (_SHEET, _RENDERED) if name in layers and layers[name].visible]
        if shown and scan is not None:
            for name in shown:
                layers[name].visible = False
            look_at(self.bench.viewer, scan)

    def close_work(self) -> None:
        self._drawing.close()
        self._rendering.close()


def _render(scan: Volume, known: Any, generator: CrackGenerator, seed: int) -> tuple[Any, Any, Any]:
    """Patches of the scan, frames with cracks, and their truth."""
    from ..patches import Patches, PatchSettings

    patches = known or Patches(scan, PatchSettings(size=_SIDE), generator, slices=1, multiple=32, seed=0)
    patches.cracks = generator
    return patches, *rendered_sheet(patches, seed, 9)
