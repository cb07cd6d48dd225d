"""napari's reader for Zarr folders: lazy, with voxel size, units and pyramid."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..errors import XctCrackError
from ._layers import LayerData, layer_of

Paths = str | Sequence[str]


def reader(path: Paths) -> Callable[[Paths], list[LayerData]] | None:
    """A function that reads `path`, or none where it is no Zarr."""
    paths = [path] if isinstance(path, str) else list(path)
    return _read if all(str(each).rstrip("/\\").endswith(".zarr") for each in paths) else None


def _read(path: Paths) -> list[LayerData]:
    """Layers of one or more Zarr folders.

    Raises
    ------
    OSError
        With the sentence that says what is wrong; napari shows it.
    """
    from ..io import read

    paths = [path] if isinstance(path, str) else list(path)
    try:
        return [layer_of(read(each)) for each in paths]
    except XctCrackError as error:
        raise OSError(str(error)) from error
