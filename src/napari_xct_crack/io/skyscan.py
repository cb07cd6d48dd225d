"""The log that a Bruker SkyScan reconstruction leaves beside its slices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..settings import VoxelSize

_LARGEST_LOG = 2**20


def logged_size(logs: Sequence[Path], first: Path) -> tuple[VoxelSize | None, tuple[str, ...]]:
    """µm along z, y, x from the log that belongs to the slices, and what to say about it.

    Parameters
    ----------
    logs
        Log files in the folder of the slices.
    first
        The first slice; a log whose name begins its name goes before others.
    """
    for log in sorted(logs, key=lambda path: not first.name.startswith(path.stem)):
        entries = _entries(log)
        pixel = _positive(entries, "Reconstruction", "Pixel Size (um)", "Image Pixel Size (um)")
        pixel = pixel or _positive(entries, "Acquisition", "Image Pixel Size (um)")
        if pixel is not None:
            step = _positive(entries, "Reconstruction", "Section to Section Step") or 1.0
            return (pixel * step, pixel, pixel), (f"Voxel size from {log.name}.",)
    return None, ()


def _entries(log: Path) -> dict[tuple[str, str], str]:
    """Values by section and key; later ones do not replace earlier ones."""
    if log.stat().st_size > _LARGEST_LOG:
        return {}
    section = ""
    entries: dict[tuple[str, str], str] = {}
    for line in log.read_text(encoding="latin-1").splitlines():
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif "=" in line:
            key, _, value = line.partition("=")
            entries.setdefault((section, key.strip()), value.strip())
    return entries


def _positive(entries: dict[tuple[str, str], str], section: str, *keys: str) -> float | None:
    for key in keys:
        try:
            value = float(entries.get((section, key), ""))
        except ValueError:
            continue
        if 0 < value < float("inf"):
            return value
    return None
