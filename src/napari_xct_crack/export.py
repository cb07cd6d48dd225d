"""Masks and numbered components for other programs: TIFF stacks, and surfaces as STL or PLY. Written part by part.

Surfaces are the marching cubes' of the mask at one half [1]_, closed where the volume ends, with outward normals; places
are x, y, z in µm (voxels where the voxel size is unknown) counted from voxel 0 of the scan.

References
----------
.. [1] T. Lewiner, H. Lopes, A. W. Vieira, G. Tavares, "Efficient implementation of Marching Cubes' cases with topological
   guarantees", J. Graphics Tools 8(2), 2003.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy.spatial import KDTree
from skimage.measure import marching_cubes

from .blocks import boxes
from .errors import InputError, OutputError, writing
from .events import Progress, Work
from .files import replacing
from .measure._sheet import REACH, mid_surface, slopes
from .volume import Box, Volume

SIDE = 128
"""Side of the cubes whose surface is made at once."""
_AT_ONCE = 2**20
"""Vertices that are coloured at once."""
SLICES = 16
"""Slices of a stack that are in memory at once."""
_TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_VERTEX = np.dtype([("place", "<f4", 3), ("number", "<i4"), ("aperture", "<f4"), ("colour", "u1", 3)])
_FACE = np.dtype([("count", "u1"), ("corners", "<i4", 3)])
_PLY = """ply
format binary_little_endian 1.0
comment x, y, z and aperture in {unit}; colours from aperture 0 to {widest:.6g}
element vertex {vertices}
property float x
property float y
property float z
property int crack
property float aperture
property uchar red
property uchar green
property uchar blue
element face {faces}
property list uchar int vertex_indices
end_header
"""


def export(volume: Volume, out: str | Path, *, overwrite: bool = False) -> Work[Path]:
    """Write a mask or labels as ``.tif``, ``.stl`` or ``.ply``.

    A stack keeps the values. A PLY has for every vertex the number of its component (1 for a mask), the aperture of the
    nearest place in the middle of the crack, and a colour (viridis) that shows it. Surfaces of neighbouring cubes touch,
    but share no vertices.

    Parameters
    ----------
    volume
        Mask or labels; anything but 0 is inside.
    out
        The file; it appears complete or not at all.

    Raises
    ------
    InputError
        If the volume is a probability or holds no whole numbers.
    OutputError
        If the ending is none of these, or the file exists or cannot be written.
    """
    out = Path(out)
    formats = {".tif": _tiff, ".tiff": _tiff, ".stl": _stl, ".ply": _ply}
    if out.suffix.lower() not in formats:
        raise OutputError(f"The output must end in .tif, .stl or .ply, given {out.name}.")
    if volume.role == "probability" or volume.dtype.kind not in "uib":
        raise InputError(f"{volume.name} is no mask and no labels; make a mask of it first (clean).")
    if out.exists() and not overwrite:
        raise OutputError(f"{out} exists; give another name, or --overwrite to replace it.")
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(out) as partial:
        yield from formats[out.suffix.lower()](volume, partial)
    return out


def _tiff(volume: Volume, path: Path) -> Work[None]:
    depth, height, width = volume.shape
    dtype = np.dtype(np.uint8) if volume.dtype.kind == "b" else volume.dtype
    told: dict[str, Any] = {}
    if volume.voxel_size:
        # ImageJ's words, which other programs read too.
        z, y, x = volume.voxel_size
        text = f"ImageJ=1.54f\nimages={depth}\nslices={depth}\nunit=um\nspacing={z:.9g}\n"
        told = {"resolution": (1 / x, 1 / y), "resolutionunit": "NONE", "description": text}
    with tifffile.TiffWriter(path, bigtiff=True) as file:
        for start in range(0, depth, SLICES):
            stop = min(start + SLICES, depth)
            for plane in volume.read(Box((start, 0, 0), (stop, height, width))):
                file.write(plane.astype(dtype), photometric="minisblack", compression="zlib", metadata=None, **told)
                told.pop("description", None)
            yield Progress(stop, depth, "slices written")


def _stl(volume: Volume, path: Path) -> Work[None]:
    count = 0
    with path.open("wb") as file:
        file.write(b"\0" * 84)
        for event, vertices, faces, *_ in _surfaces(volume):
            corners = vertices[faces]
            normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
            triangles = np.zeros(len(faces), _TRIANGLE)
            triangles["normal"] = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
            triangles["corners"] = corners
            file.write(triangles.tobytes())
            count += len(faces)
            yield event
        if count >= 2**32:
            raise OutputError(f"{path.stem} would hold {count} triangles, more than an STL can; write a .ply.")
        file.seek(80)
        file.write(np.uint32(count).tobytes())


def _ply(volume: Volume, path: Path) -> Work[None]:
    points, count, widest = 0, 0, 0.0
    parts = [path.with_name(f"{path.name}.{name}") for name in ("vertices", "faces")]
    try:
        with parts[0].open("wb") as first, parts[1].open("wb") as second:
            for event, vertices, faces, ids, wide in _surfaces(volume, apertures=True):
                rows, corners = np.zeros(len(vertices), _VERTEX), np.zeros(len(faces), _FACE)
                rows["place"], rows["number"], rows["aperture"] = vertices, ids, wide
                widest = max(widest, float(wide.max(initial=0)))
                corners["count"], corners["corners"] = 3, faces + points
                first.write(rows.tobytes())
                second.write(corners.tobytes())
                points, count = points + len(vertices), count + len(faces)
                if points >= 2**31:
                    raise OutputError(f"{path.stem} would hold more vertices than a PLY can number; crop it first.")
                yield event
        with path.open("wb") as file:
            unit = "um" if volume.voxel_size else "voxels"
            file.write(_PLY.format(unit=unit, vertices=points, faces=count, widest=widest).encode("ascii"))
            with parts[0].open("rb") as first:
                while some := first.read(_AT_ONCE * _VERTEX.itemsize):
                    file.write(_coloured(np.frombuffer(some, _VERTEX).copy(), widest).tobytes())
            with parts[1].open("rb") as second:
                shutil.copyfileobj(second, file)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


def _coloured(rows: NDArray[Any], widest: float) -> NDArray[Any]:
    from matplotlib import colormaps

    rows["colour"] = colormaps["viridis"](rows["aperture"] / max(widest, 1e-12), bytes=True)[:, :3]
    return rows


Surface = tuple[Progress, NDArray[np.float32], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]


def _surfaces(volume: Volume, apertures: bool = False) -> Iterator[Surface]:
    """Cube by cube: vertices x, y, z, faces, and at each vertex the number of the component and its aperture, or 0."""
    size = np.array(volume.voxel_size or (1.0, 1.0, 1.0))
    whole = Box.of(volume.shape)
    # One layer of cells more than voxels, so that the surface closes where the volume ends.
    depth, height, width = (side + 1 for side in volume.shape)
    grid = list(boxes((depth, height, width), (SIDE, SIDE, SIDE)))
    for done, cells in enumerate(grid):
        wanted = Box(cells.shifted((-1, -1, -1)).start, cells.stop)
        held = wanted.intersection(whole)
        ids = np.zeros(wanted.shape, np.int64)
        ids[held.shifted((-wanted.start[0], -wanted.start[1], -wanted.start[2])).slices] = volume.read(held)
        inside = ids != 0
        event = Progress(done + 1, len(grid), "surface")
        if inside.any() and not inside.all():
            vertices, faces, _, _ = marching_cubes(inside.astype(np.float32), 0.5)
            places = (vertices + wanted.start + volume.origin) * size
            wide = np.zeros(len(vertices))
            if apertures:
                wide = _apertures(volume, vertices + wanted.start, wanted)
            yield event, places[:, ::-1].astype(np.float32), faces.astype(np.int64), _numbers(ids, vertices), wide


def _apertures(volume: Volume, places: NDArray[np.float32], cube: Box) -> NDArray[np.float64]:
    """Aperture at the voxel of the mid-surface that is nearest to each place (in voxels)."""
    size = volume.voxel_size or (1.0, 1.0, 1.0)
    around = cube.grown((REACH,) * 3).intersection(Box.of(volume.shape))
    mask = volume.read(around) != 0
    middle = mid_surface(mask, size, slopes(mask, size))
    if not len(middle.places):
        return np.zeros(len(places))
    tree = KDTree((middle.places + around.start) * np.array(size))
    result: NDArray[np.float64] = middle.apertures[tree.query(places * np.array(size))[1]]
    return result


def _numbers(ids: NDArray[np.int64], vertices: NDArray[np.float32]) -> NDArray[np.int64]:
    """The number on the inner of the two voxels that a vertex lies between."""
    low = ids[tuple(np.floor(vertices).astype(int).T)]
    numbers: NDArray[np.int64] = np.maximum(low, ids[tuple(np.ceil(vertices).astype(int).T)])
    return numbers
