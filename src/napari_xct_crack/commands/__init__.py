"""Everything a user can start, one file each: a settings class that can run.

The command line, the panels' child processes, "Copy command" and the history all go through these classes.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import pkgutil
from abc import abstractmethod
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field

from ..events import Work
from ..io import RawLayout, read
from ..settings import Settings
from ..volume import Box, Volume

PROGRAM = "xct-crack"
Positional = "positional"
"""Marks, in a field's annotation, an argument that is given by place."""


class Command(Settings):
    """A step with all it needs; the file's name is the command's name, its docstring's first line the summary."""

    alternatives: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Groups of fields of which one takes the place of the others: giving one drops what a preset says of the rest."""

    patient: ClassVar[bool] = False
    """Whether it takes only what is idle of the machine where it is started from the window."""

    @classmethod
    def default_preset(cls) -> str | None:
        """Which preset holds where none is named, for a command that has a field ``preset``."""
        return None

    @abstractmethod
    def run(self) -> Work[Any]:
        """The step as a generator of events."""


class NamesVolume(Command):
    """A command whose input is a scan."""

    volume: Annotated[str, Positional] = Field(
        description="Scan: OME-Zarr, Zarr, TIFF, HDF5 (FILE::/DATASET), MetaImage, NRRD, Zeiss, headerless raw, or a "
        "folder of slices or of a DICOM series."
    )
    voxel_size_um: tuple[float, float, float] | None = Field(
        None, description="Voxel size in µm along z, y, x, where the file does not state it."
    )
    index: tuple[str, ...] = Field((), description="Which index of a further axis to take, as AXIS=N (c=0).")
    dataset: str | None = Field(None, description="Which dataset of an HDF5 or NeXus file; found if not given.")


class ReadsVolume(RawLayout, NamesVolume):
    """A command that reads a scan; flags say what the file does not."""

    def open(self) -> Volume:
        """Read the scan lazily, with what was given of it."""
        layout = RawLayout(**{name: getattr(self, name) for name in RawLayout.model_fields})
        index = chosen(self.index)
        return read(self.volume, voxel_size=self.voxel_size_um, index=index, dataset=self.dataset, raw=layout)


Corners = tuple[int, int, int, int, int, int]
"""A box on the command line: Z0 Y0 X0 Z1 Y1 X1."""


def box_of(corners: Corners | None) -> Box | None:
    """The box between two corners, half open; none where none is given."""
    return corners and Box(corners[:3], corners[3:])


def chosen(index: tuple[str, ...]) -> dict[str, int]:
    """``("c=0",)`` → ``{"c": 0}``."""
    from ..errors import SettingsError

    result: dict[str, int] = {}
    for entry in index:
        axis, _, number = entry.partition("=")
        if not number.isdecimal():
            raise SettingsError(f"--index takes AXIS=N such as c=0, given {entry!r}.")
        result[axis] = int(number)
    return result


def names() -> list[str]:
    """Names of all commands."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def name_of(command: type[Command]) -> str:
    """The command's name, which is its file's."""
    return command.__module__.rpartition(".")[2]


def summary(name: str) -> str:
    """What one command does, in a line. Its file is only read: an overview need not load torch."""
    spec = importlib.util.find_spec(f"{__name__}.{name}")
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    return (ast.get_docstring(tree) or "").partition("\n")[0]


def load(name: str) -> type[Command]:
    """The settings class of one command; only its own file is imported."""
    module = importlib.import_module(f"{__name__}.{name}")
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Command) and value.__module__ == module.__name__
    ]
    return found[0]
