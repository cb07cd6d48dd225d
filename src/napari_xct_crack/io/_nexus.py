"""The axes that a NeXus group states for its data.

References
----------
.. [1] M. Könnecke et al., "The NeXus data format", J. Appl. Cryst. 48 (2015) 301, and its base class NXdata,
   https://manual.nexusformat.org/classes/base_classes/NXdata.html
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ._units import micrometres

_EVEN = 1e-3
"""Steps that differ by more than this share are no voxel size."""


def axis_names(dataset: Any) -> list[str] | None:
    """Names of the dimensions by the attribute ``axes`` of the group, or none where it does not fit the dataset."""
    stated = np.atleast_1d(dataset.parent.attrs.get("axes", ())).tolist()
    names = [one.decode("latin-1") if isinstance(one, bytes) else str(one) for one in stated]
    names = names[0].replace(",", ":").split(":") if len(names) == 1 else names  # as older files write it
    return [name.strip() for name in names] if len(names) == dataset.ndim else None


def axis_steps(h5py: Any, dataset: Any) -> list[float | None]:
    """µm from one voxel to the next along each dimension, or none where the group does not state it."""
    names = axis_names(dataset) or ["."] * dataset.ndim
    return [_step(h5py, dataset.parent, name, side) for name, side in zip(names, dataset.shape, strict=True)]


def _step(h5py: Any, group: Any, name: str, side: int) -> float | None:
    if name == "." or "/" in name or not isinstance(group.get(name, getlink=True), h5py.HardLink):
        return None
    axis = group[name]
    if not isinstance(axis, h5py.Dataset) or axis.shape != (side,) or axis.dtype.kind not in "uif" or side < 2:
        return None
    unit = axis.attrs.get("units", "")
    factor = micrometres(unit.decode("latin-1") if isinstance(unit, bytes) else str(unit))
    if factor is None or axis.external or axis.is_virtual:
        return None
    steps = np.abs(np.diff(axis[:].astype(np.float64)))
    mean = float(steps.mean())
    return mean * factor if 0 < mean < np.inf and float(np.ptp(steps)) <= _EVEN * mean else None
