"""Copies of a store in other places and by other versions of OME-Zarr."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import zarr
from ome_zarr_models.v04 import Image as Image04
from ome_zarr_models.v05 import Image as Image05

from napari_xct_crack.cli import main
from napari_xct_crack.copies import copy
from napari_xct_crack.errors import InputError, OutputError
from napari_xct_crack.events import finish
from napari_xct_crack.io import read
from napari_xct_crack.io.ome_zarr import write
from napari_xct_crack.volume import Volume

DATA = np.zeros((20, 600, 70), np.uint16)
DATA[3:9, 10:400, 5:60] = np.random.default_rng(0).integers(1, 9, (6, 390, 55))


@pytest.fixture
def store(tmp_path: Path) -> Volume:
    return write(tmp_path / "cracks.ome.zarr", DATA, role="labels", voxel_size=(2.0, 0.5, 0.5), offset=(4, 0, 8))


@pytest.mark.parametrize(("version", "model", "form"), [("0.5", Image05, 3), ("0.4", Image04, 2)])
def test_a_copy_is_the_same_for_every_reader(
    store: Volume, tmp_path: Path, version: str, model: type[Image04] | type[Image05], form: int
) -> None:
    out = tmp_path / "elsewhere" / "cracks.ome.zarr"
    assert main(["copy", str(store.source), str(out), "--ome-zarr", version]) == 0
    volume = read(out)
    told = (volume.role, volume.voxel_size, volume.offset, volume.name)
    assert told == ("labels", (2, 0.5, 0.5), (4, 0, 8), "cracks")
    assert len(volume.levels) == len(store.levels) > 1
    for level, other in zip(volume.levels, store.levels, strict=True):
        np.testing.assert_array_equal(level[:, :, :], other[:, :, :])
    group = zarr.open_group(out, mode="r")
    assert group.metadata.zarr_format == form
    image = model.from_zarr(group).attributes
    assert len((image.ome if form == 3 else image).multiscales[0].datasets) == len(store.levels)  # type: ignore[union-attr]


def test_empty_chunks_stay_absent(store: Volume, tmp_path: Path) -> None:
    finish(copy(store, tmp_path / "b.zarr", version="0.4"))
    files = [path for path in (tmp_path / "b.zarr" / "0").rglob("*") if path.is_file() and path.name.isdigit()]
    chunk = store.levels[0].chunks  # type: ignore[attr-defined]
    touched = {(y // chunk[1], x // chunk[2]) for _, y, x in zip(*np.nonzero(DATA), strict=True)}
    assert len(files) == len(touched)


def test_what_is_there_is_left_alone(store: Volume, tmp_path: Path) -> None:
    out = tmp_path / "b.zarr"
    finish(copy(store, out))
    other = write(tmp_path / "other.zarr", DATA[:5], role="labels")
    for version in ("0.5", "0.4"):
        with pytest.raises(OutputError, match="exists; give another name"):
            finish(copy(other, out, version=version))  # type: ignore[arg-type]
    assert read(out).shape == DATA.shape
    finish(copy(other, out, overwrite=True))
    assert read(out).shape == (5, 600, 70)
    with pytest.raises(OutputError, match="is the store itself"):
        finish(copy(store, str(store.source), overwrite=True))
    with pytest.raises(OutputError, match=r"ends in .ome.zarr"):
        finish(copy(store, tmp_path / "b.tif"))
    with pytest.raises(InputError, match="convert it first"):
        finish(copy(Volume.from_array(DATA), tmp_path / "c.zarr"))
