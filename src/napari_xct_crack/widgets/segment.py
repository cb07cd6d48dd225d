"""Section *Segment*: try a run on this slice, then segment the crop or the whole scan."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QComboBox, QLabel

from ..commands.compare import Compare
from ..commands.info import in_bytes
from ..commands.segment import Segment
from ..errors import InputError
from ..events import Event, Finished
from ..inference import SegmentSettings
from ..io import read
from ..records import read_json
from ..runs import load_segmenter, model_folder
from ..volume import Volume
from ._bench import Bench
from ._choices import PathChoice
from ._colours import one_colour
from ._devices import device_names
from ._editor import calm
from ._forms import Form
from ._jobbox import duration
from ._layers import layer_of, slice_box, thresholded
from ._napari import position
from ._picture import PictureWindow
from ._previews import segmented
from ._section import Section, caption
from ._threshold import Threshold
from ._work import Newest

_CRACKS, _SLICE = "cracks", "this slice: cracks"
_REFRESH = 2.0
"""Seconds between two looks at a store that fills in."""


class SegmentSection(Section):
    """Choose a run, look at one slice, segment."""

    title = "Segment"
    purpose = "Marks cracks with a trained run; try it on this slice first."
    step = Segment

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        tip = "Trained runs of this project, newest first."
        self.runs = PathChoice("run", tip, "the folder of a run, or of a model that was shared", model_folder)
        self.runs.changed.connect(self._run_chosen)
        self.runs.refused.connect(lambda text: self.say(text, wrong=True))
        self.column.addWidget(self.runs)
        self.card = caption("", "What the run was trained on.")
        self.column.addWidget(self.card)
        self.form = Form(SegmentSettings, skip=["device"])
        self.device = QComboBox()
        self.device.addItems(device_names())
        self.device.setToolTip("Where to compute; auto is CUDA where it is there.")
        calm(self.device)
        self.line(self.form, QLabel("on"), self.device, stretch=0)
        self.slice_button = self.button("This slice", "Segment the slice that is shown, at once.", self.try_slice)
        self.crop_button = self.button("Crop", "Segment the crop of the section Prepare.", lambda: self._whole(True))
        self.all_button = self.button("Whole scan", "Segment all of the scan.", lambda: self._whole(False))
        self._copy = self.copy_button()
        self.line(self.slice_button, self.crop_button, self.all_button, self._copy)
        tip = "Show what runs mark in the slice that is shown, side by side."
        self.compare_button = self.button("Compare", tip, self.compare)
        self.compared = QComboBox()
        self.compared.addItems(["this run over its snapshots", "all runs of this project"])
        self.compared.setToolTip("What is shown side by side.")
        calm(self.compared)
        self.line(self.compare_button, self.compared, stretch=1)
        self._comparison, self._table = PictureWindow(self), ""
        self.threshold = Threshold("From this probability on a voxel is shown as crack.")
        self.threshold.changed.connect(self._threshold_moved)
        self.column.addWidget(self.threshold)
        self.column.addWidget(self.job)
        self.job.told.connect(self._told)
        self._trying = Newest()
        self._trying.ready.connect(self._tried)
        self._trying.failed.connect(lambda text: self.say(text, wrong=True))
        self._cropped = True
        self._shown: dict[str, Volume] = {}
        self._looked = 0.0
        self._loaded: tuple[Path, float, Any] | None = None
        self.refresh()

    def refresh(self) -> None:
        found = [path.parent.parent for path in self.bench.found("*/model/card.json")]
        self.runs.offer(found)
        ready = self.bench.prepared is not None and self.run_folder is not None
        self.slice_button.setEnabled(ready)
        for button in (self.crop_button, self.all_button, self.compare_button, self._copy):
            button.setEnabled(ready and not self.job.running)
        self.crop_button.setEnabled(self.crop_button.isEnabled() and self.bench.crop is not None)
        if self.bench.prepared is None:
            self.say("Open a scan and prepare it first.")
        elif self.run_folder is None:
            self.say("Train a run first, or choose one with Other….")
        elif not self.job.failure:
            self.say("")

    @property
    def run_folder(self) -> Path | None:
        """The chosen run."""
        return self.runs.path

    def _run_chosen(self) -> None:
        folder = self.run_folder
        self.card.setVisible(folder is not None)
        if folder is not None:
            self.trying(lambda: self.card.setText(_card_text(model_folder(folder))))

    def _needed_run(self) -> Path:
        if self.run_folder is None:
            raise InputError("No run is chosen; train one, or choose one with Other….")
        return self.run_folder

    def try_slice(self) -> None:
        """Segment the slice that is shown, in the background."""
        scan, folder, layer = self.bench.ready(), self._needed_run(), self.bench.layer
        if layer is None:
            raise InputError("The scan's layer was removed; open the scan again.")
        box = slice_box(scan, *position(self.bench.viewer, layer), self.bench.needed())
        settings = self.form.settings(device=self.device.currentText())
        load = self._loader(folder)
        self.say("Segmenting this slice …")
        self._trying.request(lambda: segmented(scan, box, settings, load))

    def _loader(self, folder: Path) -> Callable[[], Any]:
        """The run's segmenter, loaded anew only when its model has changed."""
        changed = (model_folder(folder) / "segmenter.safetensors").stat().st_mtime
        if self._loaded is None or self._loaded[:2] != (folder, changed):
            self._loaded = (folder, changed, None)

        def load() -> Any:
            assert self._loaded is not None
            if self._loaded[2] is None:
                self._loaded = (folder, changed, load_segmenter(folder))
            return self._loaded[2]

        return load

    def _tried(self, found: tuple[Volume, float]) -> None:
        probability, seconds = found
        self.show_cracks(_SLICE, probability)
        slices = self.bench.ready().crop.size / probability.crop.size
        whole = self.bench.needed().crop.size / probability.crop.size
        self.say(
            f"This slice took {seconds:.1f} s, so the crop takes about {duration(seconds * slices)}, the whole scan "
            f"{duration(seconds * whole)} and {in_bytes(probability.crop.size * whole)} at most."
        )

    def show_cracks(self, name: str, probability: Volume, **options: Any) -> None:
        """Show a probability as labels from the threshold on."""
        self._shown[name] = probability
        _, settings, _ = layer_of(probability)
        keep = {key: settings[key] for key in ("scale", "translate", "units", "multiscale", "metadata")}
        data = thresholded(probability, self.threshold.value)
        self.bench.put(data, {**keep, **one_colour(), "name": name, **options}, "labels")

    def _threshold_moved(self) -> None:
        for name, probability in self._shown.items():
            if name in self.bench.viewer.layers:
                self.bench.viewer.layers[name].data = thresholded(probability, self.threshold.value)

    def _whole(self, cropped: bool) -> None:
        self._cropped = cropped
        self.start()

    @property
    def _out(self) -> Path | None:
        """Where the work writes, or wrote last."""
        return self.running.out if isinstance(self.running, Segment) else None

    def command(self) -> Segment:
        self.bench.ready()
        crop = self.bench.crop if self._cropped else None
        values = {
            **self.bench.reading(),
            **self.form.get(),
            "device": self.device.currentText(),
            "run": self._needed_run(),
            "out": self.bench.project.free("probability", ".ome.zarr"),
            "crop": None if crop is None else (*crop.start, *crop.stop),
        }
        return Segment.checked(values)

    def compare(self) -> None:
        """Show runs side by side on the slice that is shown, in a child process."""
        scan, layer, crop, folder = self.bench.needed(), self.bench.layer, self.bench.crop, self._needed_run()
        if layer is None:
            raise InputError("The scan's layer was removed; open the scan again.")
        along, at = position(self.bench.viewer, layer)
        slice_box(self.bench.ready(), along, at, scan)
        every = sorted(path.parent.parent for path in self.bench.found("*/model/card.json"))
        values = {
            **self.bench.reading(),
            "runs": every if self.compared.currentIndex() and folder in every else [folder],
            "out": self.bench.project.free("comparison", ".png"),
            "slice": at + scan.crop.start[along],
            "normal": "zyx"[along],
            "crop": None if crop is None else (*crop.start, *crop.stop),
            "device": self.device.currentText(),
        }
        self._run(Compare.checked(values))

    def _told(self, events: list[Event]) -> None:
        """Look at the store again: it fills in while the work runs."""
        self._table = next((event.result for event in events if isinstance(event, Finished)), self._table)
        if self._out is None or not self._out.exists() or time.monotonic() - self._looked < _REFRESH:
            return
        self._looked = time.monotonic()
        self._look()

    def _look(self) -> None:
        assert self._out is not None
        known = self._shown.get(_CRACKS)
        if known is None or known.source != str(self._out) or _CRACKS not in self.bench.viewer.layers:
            self.show_cracks(_CRACKS, read(self._out), cache=False)
        else:
            self.bench.viewer.layers[_CRACKS].refresh()

    def _job_ended(self, result: object) -> None:
        if self._out is not None and self._out.exists() and not self.job.failure:
            self.trying(self._look)
            self.bench.probability = self._shown[_CRACKS]
        if isinstance(self.running, Compare) and self.running.out.exists() and not self.job.failure:
            self._comparison.open_picture(self.running.out, self._table)
        super()._job_ended(result)
        self.bench.changed.emit()

    def close_work(self) -> None:
        self._trying.close()


def _card_text(model: Path) -> str:
    card = read_json(model / "card.json")
    settings, voxel = card["settings"], card.get("voxel_size")
    size = " × ".join(f"{side:.4g}" for side in voxel) + " µm voxels" if voxel else "voxels of unknown size"
    step = card.get("metrics", {}).get("step", "?")
    return f"{settings['method']['kind']}, {settings['network']['kind']}, {settings['slices']} slices, {step} steps, {size}"
