"""What the sections of the workbench share: the viewer, the project, the scan and what was made of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from qtpy.QtCore import QObject, Signal

from ..commands import ReadsVolume
from ..commands._history import project_folder
from ..cracks import CrackGenerator
from ..errors import InputError
from ..prepare import PrepareSettings
from ..volume import Box, Volume
from ._layers import layer_of, made_here
from ._project import Project

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Layer


class Bench(QObject):
    """One scan at work."""

    changed = Signal()
    saving = Signal()
    """The project folder exists now: sections write down what they show."""

    def __init__(self, viewer: Viewer) -> None:
        super().__init__()
        self.viewer = viewer
        self.scan: Volume | None = None
        self.prepared: Volume | None = None
        """The scan with crop, window and part; none until it was prepared."""
        self.crop: Box | None = None
        self.prepared_by = PrepareSettings()
        self.how: dict[str, Any] = {}
        """How the scan was opened: the fields of :class:`ReadsVolume`."""
        self.cracks: CrackGenerator | None = None
        self.probability: Volume | None = None
        self._project: Project | None = None
        self._layer: Layer | None = None
        self._own: WeakSet[Layer] = WeakSet()
        """Layers that sections have made."""

    @property
    def project(self) -> Project:
        """Where results go.

        Raises
        ------
        InputError
            If no folder was chosen and no scan tells one.
        """
        if self._project is None:
            raise InputError("Open a scan, or choose a project folder at the top, so that results have a place.")
        return self._project

    def found(self, pattern: str) -> list[Path]:
        """What lies in the project folder, newest first."""
        return self._project.found(pattern) if self._project is not None else []

    @property
    def folder(self) -> Path | None:
        return self._project.folder if self._project else None

    def choose(self, folder: Path) -> None:
        """Use another project folder."""
        self._project = Project(folder)
        self.changed.emit()

    def open(self, scan: Volume, layer: Layer | None = None, **how: Any) -> None:
        """Take a scan, and show it unless a layer shows it already."""
        before = self.scan
        self.scan, self.prepared, self.crop, self.probability, self.how = scan, None, None, None, how
        if scan.source is not None:
            self._project = Project(project_folder(scan.source))
        elif before is not None and before.source is not None:
            self._project = None  # it is the other scan's
        self._layer = layer if layer is not None else self._only(scan)
        self.changed.emit()

    def _only(self, scan: Volume) -> Layer:
        """Show a scan from its middle slice, in place of what was shown of the one before; other layers are hidden.

        Layers of two scans in one view would share a slider, and units if both have the same only.
        """
        for other in list(self.viewer.layers):
            if other in self._own or made_here(other):
                self.viewer.layers.remove(other)
            else:
                other.visible = False
        self._own.clear()
        layer = self.show(scan)
        layer.visible = True
        middle = layer.data_to_world([side // 2 for side in scan.shape])
        for axis, point in enumerate(middle):
            self.viewer.dims.set_point(axis, point)
        self.viewer.fit_to_view()
        return layer

    def needed(self) -> Volume:
        """The scan.

        Raises
        ------
        InputError
            If there is none.
        """
        if self.scan is None:
            raise InputError("Open a scan in the section Volume first.")
        return self.scan

    def ready(self) -> Volume:
        """The prepared scan.

        Raises
        ------
        InputError
            If there is none.
        """
        if self.prepared is None:
            self.needed()
            raise InputError("Prepare the scan first: its window is not known yet.")
        return self.prepared

    def prepare(self, prepared: Volume, crop: Box | None, by: PrepareSettings) -> None:
        """Take the prepared scan, and show its window."""
        self.prepared, self.crop, self.prepared_by = prepared, crop, by
        layer = self.layer
        if layer is not None and prepared.window is not None:
            low, high = sorted(prepared.window)
            layer.contrast_limits = (low, high)
            layer.colormap = "gray" if prepared.window[0] <= prepared.window[1] else "gray_r"
        self.changed.emit()

    @property
    def layer(self) -> Layer | None:
        """The layer that shows the scan, unless it was removed."""
        return self._layer if self._layer is not None and self._layer in self.viewer.layers else None

    def show(self, volume: Volume, **options: Any) -> Layer:
        """Show a volume; a layer of the same name is replaced."""
        data, settings, kind = layer_of(volume, **options)
        return self.put(data, settings, kind)

    def put(self, data: Any, settings: dict[str, Any], kind: str) -> Layer:
        """Show layer data; a layer of the same name is replaced, at the place it has in the list."""
        from napari.layers import Layer

        name = settings["name"]
        made = Layer.create(data, settings, kind)
        self._own.add(made)
        if name in self.viewer.layers:
            old = self.viewer.layers[name]
            made.visible = old.visible
            place = self.viewer.layers.index(old)
            self.viewer.layers.remove(old)
            self.viewer.layers.insert(place, made)
        else:
            self.viewer.add_layer(made)
        return made

    def reading(self) -> dict[str, Any]:
        """The fields by which a command opens the scan.

        Raises
        ------
        InputError
            If the scan is in memory only, so that no other process can open it.
        """
        scan = self.needed()
        if scan.source is None:
            raise InputError(f"{scan.name} is in memory only; press Convert in the section Volume to give it a file.")
        known = {name: self.how[name] for name in ReadsVolume.model_fields if self.how.get(name)}
        return {**known, "volume": scan.source}
