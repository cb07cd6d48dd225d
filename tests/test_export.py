"""Files for other programs hold the body: values, volume, numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import tifffile

from napari_xct_crack import export as module
from napari_xct_crack.cli import main
from napari_xct_crack.errors import InputError, OutputError
from napari_xct_crack.events import finish
from napari_xct_crack.export import export
from napari_xct_crack.io import read
from napari_xct_crack.io.ome_zarr import write
from napari_xct_crack.volume import Volume

Array = np.ndarray[Any, Any]
SIZE = (2.0, 1.0, 0.5)


def bodies() -> Array:
    """A ball and a block that runs out of the volume."""
    z, y, x = np.indices((20, 24, 28)) - np.reshape((9, 11, 10), (3, 1, 1, 1))
    ids = (z**2 + y**2 + x**2 < 36).astype(np.uint16)
    ids[5:9, 5:12, 22:] = 2
    return ids


def signed_volume(corners: Array) -> float:
    return float(np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6)


def stl(path: Path) -> Array:
    content = path.read_bytes()
    count = int(np.frombuffer(content[80:84], "<u4")[0])
    assert len(content) == 84 + 50 * count
    return np.frombuffer(content[84:], module._TRIANGLE)["corners"].astype(float)


def ply(path: Path) -> tuple[Array, Array]:
    head, content = path.read_bytes().split(b"end_header\n", 1)
    counts = [int(line.split()[-1]) for line in head.decode().splitlines() if line.startswith("element")]
    vertices = np.frombuffer(content, module._VERTEX, counts[0])
    return vertices, np.frombuffer(content, module._FACE, counts[1], vertices.nbytes)["corners"]


@pytest.mark.parametrize("side", [128, 7])
def test_surfaces_are_closed_and_hold_the_volume(tmp_path: Path, side: int) -> None:
    ids = bodies()
    volume = Volume.from_array(ids, role="labels", voxel_size=SIZE, offset=(3, 0, 0))
    with patch.object(module, "SIDE", side):
        finish(export(volume, tmp_path / "a.stl"))
        finish(export(volume, tmp_path / "a.ply"))
    corners = stl(tmp_path / "a.stl")
    # Corners cut off by the cubes make a body a little smaller.
    assert 0.93 * (ids > 0).sum() < signed_volume(corners) < (ids > 0).sum()
    edges = np.concatenate([corners[:, [a, b]] for a, b in ((0, 1), (1, 2), (2, 0))]).reshape(-1, 6).tolist()
    assert sorted(map(tuple, edges)) == sorted((*edge[3:], *edge[:3]) for edge in edges)
    vertices, faces = ply(tmp_path / "a.ply")
    np.testing.assert_allclose(vertices["place"][faces], corners, atol=1e-4)
    block = vertices["place"][vertices["number"] == 2]
    np.testing.assert_allclose(block.min(axis=0), [21.5 * 0.5, 4.5, 7.5 * 2])
    np.testing.assert_allclose(block.max(axis=0), [27.5 * 0.5, 11.5, 11.5 * 2])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.ply", "a.stl"]


def test_a_stack_is_read_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ids = bodies()
    write(tmp_path / "cracks.ome.zarr", ids, role="labels", voxel_size=SIZE)
    words = ["export", str(tmp_path / "cracks.ome.zarr"), str(tmp_path / "a.tif")]
    assert main(words) == 0
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), ids)
    again = read(tmp_path / "a.tif")
    np.testing.assert_array_equal(again.read(), ids)
    assert again.voxel_size == SIZE
    assert main(words) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main([*words, "--overwrite"]) == 0


def test_what_cannot_be_exported_is_said(tmp_path: Path) -> None:
    mask = Volume.from_array(np.zeros((3, 4, 5), np.uint8), role="mask")
    with pytest.raises(OutputError, match=r"\.tif, \.stl or \.ply"):
        finish(export(mask, tmp_path / "a.obj"))
    with pytest.raises(InputError, match="no mask"):
        finish(export(Volume.from_array(np.zeros((3, 4, 5), np.uint8), role="probability"), tmp_path / "a.stl"))
    finish(export(mask, tmp_path / "empty.stl"))
    assert len(stl(tmp_path / "empty.stl")) == 0


def test_a_ply_shows_the_aperture_as_colour(tmp_path: Path) -> None:
    mask = np.zeros((40, 60, 30), np.uint8)
    mask[18:20, 5:28, 5:25] = 1
    mask[16:22, 34:57, 5:25] = 2
    volume = Volume.from_array(mask, role="labels", voxel_size=(2.0, 2.0, 2.0))
    found = []
    for side in (128, 16):
        with patch.object(module, "SIDE", side):
            finish(export(volume, tmp_path / "a.ply", overwrite=True))
        vertices, _ = ply(tmp_path / "a.ply")
        for number, wide in ((1, 4.0), (2, 12.0)):
            own = vertices[vertices["number"] == number]
            assert np.median(own["aperture"]) == pytest.approx(wide, rel=0.05)
        found.append(vertices)
    widest = found[0]["aperture"].max()
    ends = np.array([[68, 1, 84], [253, 231, 36]])  # of viridis
    assert np.abs(found[0]["colour"][found[0]["aperture"] == widest] - ends[1]).max() <= 2
    thin, thick = (found[0]["colour"][found[0]["number"] == number].mean(axis=0) for number in (1, 2))
    assert thick[1] - thin[1] > 60
    key = [np.unique(np.column_stack([v["place"].round(3), v["aperture"].round(3)]), axis=0) for v in found]
    np.testing.assert_allclose(*key, atol=1e-3)
    assert b"property float aperture" in (tmp_path / "a.ply").read_bytes()[:400]
