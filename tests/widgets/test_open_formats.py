"""The section Volume opens every format, with what the user knows of it, and hands that on to child processes."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from napari_xct_crack.commands._arguments import arguments
from napari_xct_crack.commands._parse import parse
from napari_xct_crack.commands.convert import Convert
from napari_xct_crack.widgets._bench import Bench
from napari_xct_crack.widgets.volume import VolumeSection

pytestmark = pytest.mark.gui
SHAPE = (6, 30, 20)


def reopened(section: VolumeSection) -> np.ndarray:
    """Voxels as the process that converts reads them."""
    given = parse(Convert, arguments(section.command()))
    assert given is not None
    return given.command.open().read()


def test_raw_and_hdf5_are_opened_and_converted_as_they_were_shown(make_napari_viewer_proxy, tmp_path: Path, until):
    array = np.random.default_rng(0).integers(0, 99, SHAPE).astype(">i2")
    (tmp_path / "scan.raw").write_bytes(b"four" + array.tobytes())
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        file["small"], file["large"] = array[:3], np.zeros(SHAPE)
    section = VolumeSection(Bench(make_napari_viewer_proxy()))
    section.path.setText(str(tmp_path / "scan.raw"))
    section.open_button.click()
    until(lambda: "--shape Z Y X" in section._says.text())
    section.form.set({"shape": SHAPE})
    until(section.open_button.isEnabled)
    section.open_button.click()
    assert "--dtype" in section._says.text()
    section.form.set({"dtype": "int16", "offset": 4, "byte_order": "big"})
    section.open_button.click()
    until(lambda: section.bench.scan is not None)
    np.testing.assert_array_equal(section.bench.scan.read(), array)
    np.testing.assert_array_equal(reopened(section), array)

    section.form.set({"shape": None, "dtype": None, "offset": 0, "byte_order": "little"})
    section.path.setText(f"{tmp_path / 'scan.h5'}::/small")
    until(section.open_button.isEnabled)
    section.open_button.click()
    until(lambda: section.bench.scan.shape == (3, 30, 20))
    np.testing.assert_array_equal(reopened(section), array[:3])
    assert section.command().out == tmp_path / "scan.ome.zarr"
    section.close_work()
