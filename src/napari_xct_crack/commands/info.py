"""Say what a scan holds without reading its voxels."""

from __future__ import annotations

import json
from typing import Any

from pydantic import Field

from ..events import Finished, Work
from ..volume import Volume
from . import ReadsVolume


class Info(ReadsVolume):
    """Shape, axes, voxel size, type, chunks, levels and size of a scan."""

    json_: bool = Field(False, alias="json", description="Print it as JSON.")

    def run(self) -> Work[dict[str, Any]]:
        """Open the scan, say what it is, and return it by name."""
        facts = facts_of(self.open())
        yield Finished(json.dumps(facts, indent=1, ensure_ascii=False) if self.json_ else text_of(facts))
        return facts


def facts_of(volume: Volume) -> dict[str, Any]:
    """What is known of a volume without reading it, as JSON values."""
    from ..io import layout_of

    return {
        "name": volume.name,
        "source": volume.source,
        "role": volume.role,
        "axes": "zyx",
        "shape": list(volume.shape),
        "dtype": volume.dtype.name,
        "bytes": volume.dtype.itemsize * volume.crop.size,
        "voxel_size_um": volume.voxel_size and list(volume.voxel_size),
        "size_um": volume.voxel_size
        and [side * count for side, count in zip(volume.voxel_size, volume.shape, strict=True)],
        "offset": list(volume.origin),
        "levels": [layout_of(level) for level in volume.levels],
        "notes": list(volume.notes),
    }


def text_of(facts: dict[str, Any]) -> str:
    """The same for people, one fact a line."""
    first, *coarser = facts["levels"]
    unknown = "unknown"
    lines = {
        "source": facts["source"] or "memory",
        "role": facts["role"],
        "shape": f"{_by(facts['shape'])} (z × y × x)",
        "voxel size": f"{_by(facts['voxel_size_um'])} µm" if facts["voxel_size_um"] else unknown,
        "extent": f"{_by(facts['size_um'])} µm" if facts["size_um"] else unknown,
        "type": facts["dtype"],
        "size": f"{in_bytes(facts['bytes'])} uncompressed",
        "chunks": _by(first["chunks"]) if first["chunks"] else "none",
        "shards": _by(first["shards"]) if first["shards"] else "none",
        "codec": first["codec"] or unknown,
        "levels": ", ".join([_by(first["shape"]), *(_by(level["shape"]) for level in coarser)]),
    }
    if any(facts["offset"]):
        lines["offset"] = f"{_by(facts['offset'])} voxels in the scan it was cut from"
    width = max(len(name) for name in lines) + 1
    return "\n".join([*(f"{name + ':':<{width}} {value}" for name, value in lines.items()), *facts["notes"]])


def _by(sides: list[float]) -> str:
    return " × ".join(f"{side:.6g}" if isinstance(side, float) else str(side) for side in sides)


def in_bytes(count: float) -> str:
    """A size with its unit."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"
