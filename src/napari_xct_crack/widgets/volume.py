"""Section *Volume*: open a scan lazily, see what it is, convert it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QFileDialog, QLineEdit, QMessageBox, QWidget

from ..commands import ReadsVolume, chosen
from ..commands.convert import Convert
from ..commands.info import Info, facts_of, text_of
from ..errors import InputError
from ..io import FILE_SUFFIXES, parted
from ..volume import Volume
from ._bench import Bench
from ._fold import Fold
from ._forms import Form
from ._layers import made_here, volume_of
from ._section import Section, caption
from ._work import Newest

_FILTER = f"Scans ({' '.join(f'*{suffix}' for suffix in FILE_SUFFIXES)});;All files (*)"


class VolumeSection(Section):
    """Open a path or take a layer."""

    title = "Volume"
    purpose = "Opens a scan without reading it: OME-Zarr, TIFF, HDF5, MetaImage, NRRD, Zeiss, raw, or a folder of slices or DICOM."
    step = Convert

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self.path = QLineEdit()
        self.path.setPlaceholderText("file or folder of a scan")
        self.path.setToolTip("Path of a scan: a file (FILE.h5::/DATASET), a folder of slices, or a Zarr folder.")
        self.path.returnPressed.connect(lambda: self.trying(self.open))
        file = self.button("File…", "Choose a file.", self._choose_file)
        folder = self.button(
            "Folder…", "Choose a folder of slices, a DICOM series or a Zarr folder.", self._choose_folder
        )
        self.line(self.path, file, folder, stretch=0)
        self.form = Form(ReadsVolume, skip=["volume"])
        tip = "Voxel size, which index or dataset to take, and the layout of a headerless file."
        self.column.addWidget(Fold("What the file does not say", tip, self.form))
        self.open_button = self.button("Open", "Open the path; only what is looked at is read.", self.open)
        self.take_button = self.button(
            "Use selected layer", "Take the image layer that is selected in the layer list.", self.take
        )
        self.line(self.open_button, self.take_button)
        self.facts = caption("", "What is known of the scan.")
        self.facts.setStyleSheet("font-family: monospace; font-size: 8pt;")
        self.facts.setTextInteractionFlags(self.facts.textInteractionFlags().TextSelectableByMouse)
        self.column.addWidget(self.facts)
        self.convert_button = self.button(
            "Convert…", "Write the scan as an OME-Zarr pyramid: large scans then stay fast to look at.", self.convert
        )
        self._copy = self.copy_button()
        self.line(self.convert_button, self._copy)
        self.column.addWidget(self.job)
        self._reading = Newest()
        self._reading.ready.connect(self._opened)
        self._reading.failed.connect(lambda text: self.say(text, wrong=True))
        self._reading.busy.connect(lambda busy: self.open_button.setEnabled(not busy))
        self._out: Path | None = None
        self.refresh()

    def refresh(self) -> None:
        scan = self.bench.scan
        self.facts.setText(text_of(facts_of(scan)) if scan is not None else "")
        self.facts.setVisible(scan is not None)
        able = scan is not None and not self.job.running
        self.convert_button.setEnabled(able and not _is_pyramid(scan))
        self._copy.setEnabled(self.convert_button.isEnabled() and scan is not None and scan.source is not None)

    def open(self) -> None:
        """Open the path in the background."""
        text = self.path.text().strip()
        if not text:
            raise InputError("No path was given; choose a file or a folder.")
        path, dataset = parted(text)
        how = self.form.get()
        how["dataset"] = dataset or how["dataset"]
        chosen(how["index"])
        reading = Info.checked({**how, "volume": str(path)})
        self.say(f"Opening {path.name} …")
        self._reading.request(lambda: (reading.open(), how))

    def _opened(self, found: tuple[Volume, dict[str, Any]]) -> None:
        scan, how = found
        self.bench.open(scan, **how)
        self.say(f"{scan.name} is open." + _advice(scan))

    def take(self) -> None:
        """Use the selected layer."""
        layer = self.bench.viewer.layers.selection.active
        if layer is None:
            raise InputError("No layer is selected; select one image layer in the layer list.")
        scan = volume_of(layer)
        if scan is not self.bench.scan:
            # A file that another plugin has opened may say less than its layer.
            self.bench.open(scan, layer, **({} if made_here(layer) else {"voxel_size_um": scan.voxel_size}))
        self.say(f"The layer {layer.name!r} is the scan now." + _advice(scan))

    def command(self) -> Convert:
        out = self._out or self._proposed()
        return Convert.checked({**self.bench.reading(), "out": out})

    def convert(self) -> None:
        """Write the scan as OME-Zarr, after asking where."""
        scan = self.bench.needed()
        out = _ask_where(self, self._proposed(), scan)
        if out is None:
            return
        self._out = out
        if scan.source is not None:
            self.start()
            return
        from ..convert import convert

        self.bench.choose(out.parent)
        self.job.follow(convert(scan, out))
        self.refresh()

    def _proposed(self) -> Path:
        scan = self.bench.needed()
        if scan.source is not None:
            source = Path(scan.source)
            beside = source.with_name(f"{source.name.split('.')[0]}.ome.zarr")
            return beside if beside != source else source.with_name(f"{source.name.split('.')[0]}-pyramid.ome.zarr")
        folder = self.bench.folder
        return (folder or Path.home() / f"{scan.name}.xct-crack") / f"{scan.name}.ome.zarr"

    def _job_ended(self, result: object) -> None:
        super()._job_ended(result)
        if not self.job.failure and result != 130 and self._out is not None:
            self.path.setText(str(self._out))
            self.trying(self.open)

    def _choose_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "A scan", self.path.text(), _FILTER)
        self._chosen(path)

    def _choose_folder(self) -> None:
        self._chosen(QFileDialog.getExistingDirectory(self, "A folder of slices, or a Zarr folder", self.path.text()))

    def _chosen(self, path: str) -> None:
        if path:
            self.path.setText(path)
            self.open()

    def close_work(self) -> None:
        self._reading.close()


def _is_pyramid(scan: Volume | None) -> bool:
    return scan is not None and len(scan.levels) > 1 and scan.source is not None


def _advice(scan: Volume) -> str:
    if scan.source is None:
        return " It is in memory only: press Convert to give it a file, which training needs."
    if len(scan.levels) == 1 and scan.crop.size > 2**28:
        return " It has no coarser levels: press Convert to make looking at it fast."
    return ""


def _ask_where(parent: QWidget, proposed: Path, scan: Volume) -> Path | None:
    """Where to write, with the size said; none if it was called off."""
    gigabytes = scan.crop.size * scan.dtype.itemsize / 1e9
    box = QMessageBox(parent)
    box.setWindowTitle("Convert to OME-Zarr")
    box.setText(f"Write {scan.name} ({gigabytes:.3g} GB uncompressed) to\n{proposed}?")
    box.setStandardButtons(
        QMessageBox.StandardButton.Ok | QMessageBox.StandardButton.Open | QMessageBox.StandardButton.Cancel
    )
    box.button(QMessageBox.StandardButton.Open).setText("Elsewhere…")
    answer = box.exec()
    if answer == QMessageBox.StandardButton.Ok:
        return proposed
    if answer == QMessageBox.StandardButton.Open:
        folder = QFileDialog.getExistingDirectory(parent, "Folder to write into", str(proposed.parent))
        return Path(folder) / proposed.name if folder else None
    return None
