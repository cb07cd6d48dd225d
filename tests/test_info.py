"""`info` says what a scan holds, for people and as JSON, and reads no voxel for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import zarr

from napari_xct_crack.commands import load, names
from napari_xct_crack.commands.info import facts_of, text_of
from napari_xct_crack.errors import InputError
from napari_xct_crack.events import Finished, finish
from napari_xct_crack.io import read
from napari_xct_crack.io.ome_zarr import write


def told(**values: Any) -> tuple[dict[str, Any], str]:
    """Facts that the command returns and the text that it finishes with."""
    command = load("info").checked(values)
    (event,) = command.run()
    assert isinstance(event, Finished)
    return finish(command.run()), event.result


@pytest.fixture
def store(tmp_path: Path) -> Path:
    array = np.random.default_rng(0).integers(1, 9, (40, 600, 700)).astype(np.uint16)
    write(tmp_path / "scan.ome.zarr", array, role="image", voxel_size=(2.0, 1.5, 1.5), offset=(3, 0, 0))
    return tmp_path / "scan.ome.zarr"


def test_info_is_a_command() -> None:
    assert "info" in names()
    assert load("info").model_fields["json_"].alias == "json"


def test_a_store_is_described(store: Path) -> None:
    facts, text = told(volume=str(store))
    assert facts["shape"] == [40, 600, 700]
    assert facts["voxel_size_um"] == [2.0, 1.5, 1.5]
    assert facts["size_um"] == [80.0, 900.0, 1050.0]
    assert facts["dtype"] == "uint16"
    assert facts["bytes"] == 2 * 40 * 600 * 700
    assert facts["offset"] == [3, 0, 0]
    level = facts["levels"][0]
    assert level["chunks"] == list(zarr.open_array(store / "0", mode="r").chunks)
    assert level["shards"] is not None
    assert "zstd" in level["codec"]
    assert len(facts["levels"]) > 1
    for part in ("40 × 600 × 700 (z × y × x)", "2 × 1.5 × 1.5 µm", "uint16", "33.6 MB", "zstd", "3 × 0 × 0 voxels"):
        assert part in text


def test_json_is_the_facts(store: Path) -> None:
    facts, text = told(volume=str(store), json=True)
    assert json.loads(text) == facts


def test_what_is_unknown_is_said(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "scan.tif", np.ones((5, 30, 40), np.uint8), photometric="minisblack", compression="lzw")
    facts, text = told(volume=str(tmp_path / "scan.tif"))
    assert facts["voxel_size_um"] is None
    assert "voxel size: unknown" in text
    assert "--voxel-size-um" in text
    assert "slices along z" in text
    assert "TIFF (lzw)" in text
    _, text = told(volume=str(tmp_path / "scan.tif"), voxel_size_um=(1, 2, 3))
    assert "1 × 2 × 3 µm" in text


def test_no_voxel_is_read(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_nothing(*_: Any) -> None:
        raise AssertionError("a voxel was read")

    monkeypatch.setattr(zarr.Array, "__getitem__", read_nothing)
    assert "uint16" in text_of(facts_of(read(store)))


def test_what_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file or folder"):
        told(volume=str(tmp_path / "missing"))
