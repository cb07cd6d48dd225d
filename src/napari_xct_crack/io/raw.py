"""Headerless files: nothing but voxels, whose shape and type the user knows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, model_validator
from pydantic.config import JsonDict

from ..errors import InputError, SettingsError
from ..settings import Settings, VoxelSize
from ..volume import Volume
from ._axes import axes_of
from ._blob import Blob, BlobArray
from ._units import settle

Type = Literal["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64"]
_RARE: JsonDict = {"advanced": True}


class RawLayout(Settings):
    """How the voxels of a headerless file are laid out."""

    shape: tuple[int, int, int] | None = Field(
        None,
        description="Headerless file: numbers of voxels along z, y, x, where x runs fastest.",
        json_schema_extra=_RARE,
    )
    dtype: Type | None = Field(None, description="Headerless file: type of its voxels.", json_schema_extra=_RARE)
    offset: int = Field(
        0, ge=0, description="Headerless file: bytes in front of the first voxel.", json_schema_extra=_RARE
    )
    byte_order: Literal["little", "big"] = Field(
        "little", description="Headerless file: which byte of a voxel comes first.", json_schema_extra=_RARE
    )

    @model_validator(mode="after")
    def _together(self) -> RawLayout:
        if (self.shape is None) != (self.dtype is None):
            raise ValueError("a headerless file needs both --shape Z Y X and --dtype")
        if self.shape is None and (self.offset or self.byte_order != "little"):
            raise ValueError("--offset and --byte-order are for headerless files and need --shape Z Y X and --dtype")
        if self.shape is not None and min(self.shape) < 1:
            raise ValueError(f"--shape has three positive sides along z, y, x, given {self.shape}")
        return self


def open_raw(
    path: Path,
    layout: RawLayout,
    *,
    voxel_size: VoxelSize | None = None,
    index: Mapping[str, int] | None = None,
) -> Volume:
    """Map a headerless file into memory.

    Parameters
    ----------
    layout
        Shape, type, offset and byte order of the voxels; the file must end where they do.
    voxel_size
        µm along z, y, x.

    Raises
    ------
    InputError
        If the file's size does not fit, or an index is given.
    SettingsError
        If the layout has no shape and type.
    """
    if layout.shape is None or layout.dtype is None:
        raise SettingsError(f"{path.name} has no header; give --shape Z Y X and --dtype.")
    dtype = np.dtype(layout.dtype).newbyteorder("<" if layout.byte_order == "little" else ">")
    axes_of(layout.shape, "zyx", index or {}, path.name)
    blob = Blob(path, layout.shape, dtype, layout.offset)
    if blob.surplus:
        raise InputError(_misfit(blob, layout))
    size, notes = settle(None, voxel_size)
    return Volume(
        levels=(BlobArray(blob, "raw"),),
        voxel_size=size,
        source=str(path),
        name=path.name.split(".")[0],
        notes=notes,
    )


def _misfit(blob: Blob, layout: RawLayout) -> str:
    """How far the layout is from the file's size, and which offset would fit."""
    size = blob.path.stat().st_size
    shape = " × ".join(str(side) for side in blob.shape)
    behind = f" behind {layout.offset} bytes" if layout.offset else ""
    front = layout.offset + blob.surplus
    hint = f"--offset {front} would fit" if front >= 0 else "another shape or type is needed"
    return (
        f"{blob.path.name} has {size} bytes, but {shape} {layout.dtype} voxels{behind} "
        f"need {layout.offset + blob.bytes}: {hint}."
    )
