"""How a level lies on disk, as far as it can be told without reading voxels."""

from __future__ import annotations

from typing import Any

from ..volume import LazyArray


def layout_of(level: LazyArray) -> dict[str, Any]:
    """Shape, chunks, shards and codec of a level, JSON values; ``None`` for what there is not."""
    return {
        "shape": _sides(level.shape),
        "chunks": _sides(getattr(level, "chunks", None)),
        "shards": _sides(getattr(level, "shards", None)),
        "codec": _codec(level),
    }


def _sides(sides: tuple[int, ...] | None) -> list[int] | None:
    return None if sides is None else [int(side) for side in sides]


def _codec(level: LazyArray) -> str | None:
    stated: str | None = getattr(level, "codec", None)
    if stated is not None or not hasattr(level, "compressors"):
        return stated
    names = [_name(compressor) for compressor in level.compressors]
    return ", ".join(names) or "none"


def _name(compressor: Any) -> str:
    """Zarr v3 codecs are called by their class, v2 ones carry an id."""
    inner = getattr(compressor, "cname", None)
    name = getattr(compressor, "codec_id", None) or type(compressor).__name__.removesuffix("Codec").lower()
    return f"{name} ({getattr(inner, 'value', inner)})" if inner else str(name)
