"""HDF5 and NeXus: one dataset of a file, chosen or found, read by hyperslabs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, XctCrackError
from ..settings import VoxelSize
from ..volume import Volume
from ._axes import Axes, axes_of
from ._extra import library, reason
from ._grey import grey_type
from ._hdf5_links import Links
from ._nexus import axis_names, axis_steps
from ._units import settle

IMPLAUSIBLE_BYTES = 2**28
IMPLAUSIBLE_RATIO = 5000
"""No filter packs a real scan so densely; a dataset that claims both is damaged, hostile or was never written."""
_FAILED = (OSError, RuntimeError, ValueError, KeyError, TypeError, MemoryError)


def open_hdf5(
    path: Path,
    *,
    voxel_size: VoxelSize | None = None,
    index: Mapping[str, int] | None = None,
    dataset: str | None = None,
) -> Volume:
    """Open one dataset of an HDF5 file.

    Parameters
    ----------
    path
        The file.
    voxel_size
        µm along z, y, x; goes before the attribute ``element_size_um`` of the dataset and before the axes of NeXus.
    index
        Which entry of a further axis to take, where the dimensions carry labels (``{"c": 0}``).
    dataset
        Its place in the file; if not given the largest three-dimensional numeric one, before others that of a NeXus
        group of data.

    Raises
    ------
    InputError
        If h5py is not installed, the file is damaged, the dataset is missing, not numeric, or kept outside the folder.
    """
    h5py = library("h5py", path.name, "HDF5")
    library("hdf5plugin", path.name, "HDF5")  # its import makes further compressions known
    links = Links(h5py, path)
    try:
        found, notes = _chosen(h5py, links, dataset) if dataset else _largest(links)
        links.check(found)
        _check_size(path, found)
        array = Hdf5Array(found, path.name, links)
        axes = axes_of(array.shape, _names(found), index or {}, f"{path.name}::{found.name}")
        size, settled = settle(_stated(h5py, found, axes), voxel_size)
    except _FAILED as error:
        links.close()
        raise InputError(f"{path.name} is damaged: it cannot be read as HDF5 ({reason(error)}).") from error
    except XctCrackError:
        links.close()
        raise
    return Volume(
        levels=(axes.view(array),),
        voxel_size=size,
        source=str(path),
        name=path.name.split(".")[0],
        notes=notes + axes.notes + settled,
    )


class Hdf5Array:
    """A dataset as an array in the machine's byte order; what cannot be decoded is said in a sentence."""

    def __init__(self, dataset: Any, file: str, links: Links) -> None:
        self.shape: tuple[int, ...] = tuple(int(side) for side in dataset.shape)
        self.ndim = len(self.shape)
        self.dtype = grey_type(dataset.dtype, f"{file}::{dataset.name}")
        self.chunks: tuple[int, ...] = dataset.chunks or (1,) * max(0, self.ndim - 2) + self.shape[-2:]
        """What one read costs at least; a whole slice where it is not stored in chunks."""
        self.codec = f"HDF5 ({_codec(dataset)})"
        self._dataset = dataset
        self._file = file
        self._links = links  # keeps the files open

    def __getitem__(self, key: Any) -> NDArray[Any]:
        try:
            values = np.asarray(self._dataset[key])
        except _FAILED as error:
            raise InputError(
                f"{self._file}::{self._dataset.name} is damaged, or packed in a way that cannot be decoded here "
                f"({reason(error)})."
            ) from error
        return values.astype(self.dtype, copy=False)


def _chosen(h5py: Any, links: Links, place: str) -> tuple[Any, tuple[str, ...]]:
    found = links.find("/" + place.strip("/"))
    if isinstance(found, h5py.Dataset):
        return found, ()
    problem = f"{links.path.name} has no dataset {place}"
    others = [f"{name} ({_by(one.shape)})" for name, one in links.datasets() if one.ndim >= 2 and _numeric(one)]
    raise InputError(f"{problem}; {_offer(others) or 'it holds none of two dimensions or more'}.")


def _largest(links: Links) -> tuple[Any, tuple[str, ...]]:
    """The largest three-dimensional numeric dataset, and what to say about it."""
    numeric = [(place, one) for place, one in links.datasets() if _numeric(one)]
    solid = [(place, one) for place, one in numeric if one.ndim == 3 and one.size]
    if not solid:
        others = [f"{place} ({_by(one.shape)})" for place, one in numeric if one.ndim >= 2]
        leaving = links.leaving()
        where = f"; its link {leaving} leads to a file that is not beside it" if leaving else ""
        offer = f"; {_offer(others)}" if others and not leaving else ""
        raise InputError(f"{links.path.name} holds no three-dimensional numeric dataset{where}{offer}.")
    place, best = max(solid, key=lambda entry: (entry[1].size, _is_data(entry[1]), -len(entry[0])))
    more = [other for other, _ in solid if other != place]
    said = f"; {len(more)} more of three dimensions, such as {more[0]}, by --dataset" if more else ""
    return best, (f"Read from the dataset {place}{said}.",)


def _is_data(dataset: Any) -> bool:
    """It stands in a NeXus group of data to be plotted, rather than of a monitor or detector."""
    kind = dataset.parent.attrs.get("NX_class", "")
    return bool((kind.decode("latin-1") if isinstance(kind, bytes) else str(kind)) == "NXdata")


def _numeric(dataset: Any) -> bool:
    return bool(dataset.dtype.kind in "uifb")


def _check_size(path: Path, dataset: Any) -> None:
    """Compare what a dataset claims with the bytes that are there."""
    where = f"{path.name}::{dataset.name}"
    stored, file = int(dataset.id.get_storage_size()), Path(dataset.file.filename).stat().st_size
    if not dataset.size:
        raise InputError(f"{where} has the shape {_by(dataset.shape)}: it holds no voxels.")
    if dataset.is_virtual:
        return
    if stored > file:
        raise InputError(f"{where} is truncated: it needs {stored} bytes and the file has {file}.")
    if dataset.nbytes > IMPLAUSIBLE_BYTES and dataset.nbytes > IMPLAUSIBLE_RATIO * stored:
        raise InputError(f"{where} claims {_by(dataset.shape)} voxels but stores {stored} bytes.")


def _names(dataset: Any) -> list[str] | None:
    """Names of the dimensions, by their labels or by NeXus, where z, y and x are among them."""
    names = [dimension.label.lower() for dimension in dataset.dims]
    names = names if all(names) else [name.lower() for name in axis_names(dataset) or ()]
    return names if {"z", "y", "x"} <= set(names) else None


def _stated(h5py: Any, dataset: Any, axes: Axes) -> VoxelSize | None:
    """``element_size_um``, z, y, x, as ImageJ, ilastik and others write it; else by the axes of NeXus."""
    if axes.zyx[0] is None:
        return None
    found = np.asarray(dataset.attrs.get("element_size_um", ()))
    if found.shape == (3,) and found.dtype.kind in "uif":
        sides = [float(side) for side in found]
    else:
        steps = axis_steps(h5py, dataset)
        sides = [steps[axis] or 0.0 for axis in axes.zyx if axis is not None]
    z, y, x = sides
    return (z, y, x) if all(0 < side < math.inf for side in sides) else None


def _codec(dataset: Any) -> str:
    plist = dataset.id.get_create_plist()
    names = [plist.get_filter(number)[3].decode("latin-1") for number in range(plist.get_nfilters())]
    return ", ".join(name.partition(";")[0] for name in names) or "uncompressed"


def _offer(places: list[str]) -> str:
    return f"choose one of {', '.join(places[:4])} by --dataset" if places else ""


def _by(shape: tuple[int, ...] | None) -> str:
    return " × ".join(str(side) for side in shape or ())
