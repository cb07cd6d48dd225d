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
from napari_xct_crack.errors import BusyError, InputError, OutputError
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


def test_nothing_but_a_zarr_is_replaced(store: Volume, tmp_path: Path) -> None:
    mine = tmp_path / "mine.zarr"
    mine.mkdir()
    (mine / "thesis.txt").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(OutputError, match="exists"):
            finish(copy(store, mine, overwrite=overwrite))
    assert [path.name for path in mine.iterdir()] == ["thesis.txt"]
    inner = tmp_path / "outer.zarr" / "cracks.ome.zarr"
    nested = write(inner, DATA, role="labels")
    for out in (inner.parent, inner / "again.zarr"):
        with pytest.raises(OutputError, match="is the input or lies within it"):
            finish(copy(nested, out, overwrite=True))
    np.testing.assert_array_equal(read(inner).read(), DATA)


def test_two_writers_and_unfinished_stores_are_refused(store: Volume, tmp_path: Path) -> None:
    work = copy(store, tmp_path / "b.zarr")
    next(work)
    with pytest.raises(BusyError):
        finish(copy(store, tmp_path / "b.zarr"))
    with pytest.raises(InputError, match="is not finished"):
        finish(copy(read(tmp_path / "b.zarr"), tmp_path / "c.zarr"))
    work.close()
    finish(copy(store, tmp_path / "b.zarr"))
    np.testing.assert_array_equal(read(tmp_path / "b.zarr").read(), DATA)
