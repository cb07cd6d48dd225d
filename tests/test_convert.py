"""Any volume to OME-Zarr."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import zarr
from ome_zarr_models.v05 import Image

from napari_xct_crack.commands import load
from napari_xct_crack.convert import ConvertSettings, convert
from napari_xct_crack.events import Progress, Said, Warned, finish
from napari_xct_crack.io import read
from napari_xct_crack.io.ome_zarr import halved
from napari_xct_crack.volume import Box, Volume

RNG = np.random.default_rng(11)


@pytest.mark.parametrize("dtype", ["uint8", ">u2", "int32", "float32", "bool"])
def test_converted_equals_its_source_voxel_by_voxel(tmp_path: Path, dtype: str) -> None:
    data = RNG.integers(0, 2, (9, 30, 600)).astype(dtype)
    volume = finish(convert(Volume.from_array(data, voxel_size=(2, 1, 1)), tmp_path / "o.ome.zarr"))
    np.testing.assert_array_equal(volume.read(), data)
    assert volume.voxel_size == (2, 1, 1)
    np.testing.assert_array_equal(volume.levels[1][:], halved(volume.read(), "image"))
    Image.from_zarr(zarr.open_group(tmp_path / "o.ome.zarr", mode="r"))


def test_a_crop_keeps_its_place_and_a_role_its_kind_of_pyramid(tmp_path: Path) -> None:
    data = RNG.integers(0, 2, (9, 30, 700), dtype=np.uint8)
    crop = Volume.from_array(data, offset=(100, 0, 0)).cropped(Box((2, 3, 40), (8, 30, 700)))
    volume = finish(convert(crop, tmp_path / "o.ome.zarr", ConvertSettings(role="mask")))
    assert volume.offset == (102, 3, 40)
    assert volume.role == "mask"
    np.testing.assert_array_equal(volume.read(), data[2:8, 3:, 40:])
    np.testing.assert_array_equal(volume.levels[1][:], halved(data[2:8, 3:, 40:], "mask"))


def test_a_stack_of_slices_is_read_once_in_slabs_and_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = RNG.integers(0, 60000, (40, 520, 610), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "s.tif", data)
    monkeypatch.setattr("napari_xct_crack.convert.SLAB_BYTES", 16 * 520 * 610 * 2)
    work = convert(read(tmp_path / "s.tif"), tmp_path / "o.ome.zarr")
    for event in work:
        if isinstance(event, Progress) and event.done == 1:
            assert event.total == 3
            break
    work.close()
    volume = finish(convert(read(tmp_path / "s.tif"), tmp_path / "o.ome.zarr"))
    whole = finish(convert(read(tmp_path / "s.tif"), tmp_path / "w.ome.zarr"))
    np.testing.assert_array_equal(volume.read(), data)
    for level, other in zip(volume.levels, whole.levels, strict=True):
        np.testing.assert_array_equal(level[:], other[:])


def test_the_size_is_said_and_a_small_disk_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage: Any = type("Usage", (), {"free": 10})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    events = list(convert(Volume.from_array(np.ones((3, 4, 5), np.uint8)), tmp_path / "o.ome.zarr"))
    assert isinstance(events[0], Said)
    assert isinstance(events[1], Warned)


def test_the_command_converts_real_slices(tmp_path: Path) -> None:
    if "XCT_CRACK_TEST_DATA" not in os.environ:
        pytest.skip("XCT_CRACK_TEST_DATA does not name the folder of real data")
    source = Path(os.environ["XCT_CRACK_TEST_DATA"]) / "volumes" / "ceramic_ct"
    out = tmp_path / "ceramic.ome.zarr"
    command = load("convert")(volume=str(source), out=out, voxel_size_um=(5.0, 5.0, 5.0))
    volume = finish(command.run())
    np.testing.assert_array_equal(volume.read(), read(source).read())
    assert volume.voxel_size == (5, 5, 5)
    assert volume.shape == (1, 1131, 1206)
