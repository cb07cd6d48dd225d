"""Sample data of the File menu: a simulated scan, made once in a child process and kept in the cache folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import napari
from platformdirs import user_cache_path

from .. import __version__
from ..commands.phantom import Phantom
from ..events import Event, Failed
from ..io import read
from ..jobs import Job
from ._layers import LayerData, layer_of
from ._napari import tell, warn
from ._work import Task

if TYPE_CHECKING:
    from napari import Viewer

_PLACEHOLDER = "simulated scan: being made …"
_making: list[Task] = []


def sample() -> list[LayerData]:
    """Layers of the simulated scan; at first an empty one in their place, until it has been made (under a minute)."""
    folder = user_cache_path("napari-xct-crack", appauthor=False) / f"sample-{__version__}"
    if (folder / "truth.json").exists():
        return layers(folder)
    viewer = napari.current_viewer()
    if viewer is None:
        raise RuntimeError("sample data are added to a viewer, and there is none")
    if not _making:
        _make(folder, viewer)
    tell("The simulated scan is being made, once; it opens in less than a minute.")
    return [([], {"name": _PLACEHOLDER, "ndim": 3}, "points")]


def layers(folder: Path) -> list[LayerData]:
    """The scan, and its true cracks, hidden."""
    truth = layer_of(read(folder / "truth.ome.zarr"), name="simulated scan: true cracks", visible=False)
    return [layer_of(read(folder / "scan.ome.zarr"), name="simulated scan"), truth]


def _make(folder: Path, viewer: Viewer) -> None:
    task = Task(Job.start(Phantom(folder=folder)))
    failures: list[str] = []

    def told(events: list[Event]) -> None:
        failures.extend(event.text for event in events if isinstance(event, Failed))

    def ended(_: object) -> None:
        _making.remove(task)
        if _PLACEHOLDER in viewer.layers:
            viewer.layers.remove(_PLACEHOLDER)
        if failures:
            warn(failures[-1])
        elif (folder / "truth.json").exists():
            for data, settings, kind in layers(folder):
                viewer.add_layer(napari.layers.Layer.create(data, settings, kind))

    task.told.connect(told)
    task.ended.connect(ended)
    _making.append(task)
