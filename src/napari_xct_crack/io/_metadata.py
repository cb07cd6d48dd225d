"""What OME-Zarr says of an image: axes, scales, translations."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from ..settings import VoxelSize
from ..volume import Role, Triple
from ._pyramid import factors

Version = Literal["0.5", "0.4"]
"""Of OME-Zarr: Zarr 3 with shards, or Zarr 2, where every chunk is a file."""


def metadata(
    name: str,
    shapes: list[Triple],
    role: Role,
    voxel_size: VoxelSize | None,
    offset: Triple,
    version: Version = "0.5",
) -> dict[str, Any]:
    """Attributes of a group by OME-Zarr, for levels of these shapes, the data first."""
    unit = {} if voxel_size is None else {"unit": "micrometer"}
    size = np.array(voxel_size or (1.0, 1.0, 1.0))
    datasets = []
    for level in range(len(shapes)):
        factor = np.array(factors(shapes[0], level))
        # A voxel's position is its centre's, hence the half voxel that a coarser level starts further in.
        first = (np.array(offset) + (factor - 1) / 2) * size
        transforms = [
            {"type": "scale", "scale": (size * factor).tolist()},
            {"type": "translation", "translation": first.tolist()},
        ]
        datasets.append({"path": str(level), "coordinateTransformations": transforms})
    axes = [{"name": axis, "type": "space", **unit} for axis in "zyx"]
    kind = "mean" if role in ("image", "probability") else "maximum"
    image = {
        "name": name.removesuffix(".zarr").removesuffix(".ome"),
        "type": kind,
        "axes": axes,
        "datasets": datasets,
    }
    if version == "0.4":
        return {"multiscales": [{"version": version, **image}]}
    return {"ome": {"version": version, "multiscales": [image]}}
