"""The main job from the command line on real scans, with budgets of seconds: every step runs and fits to the next."""

import json
from pathlib import Path

import numpy as np
import pytest

from napari_xct_crack.cli import main
from napari_xct_crack.io import read
from napari_xct_crack.prepare import fit_to_part, prepare

SMALL = [
    "--preset",
    "quick",
    "--epochs",
    "1",
    "--steps-per-epoch",
    "4",
    "--batch",
    "1",
    "--patches.size",
    "64",
    "--device",
    "cpu",
]


@pytest.mark.parametrize(("name", "voxel_size"), [("am_ti64_skyscan", 7.0014), ("ceramic_ct", None)])
def test_a_real_scan_goes_from_file_to_mask(
    test_data: Path, tmp_path: Path, name: str, voxel_size: float | None
) -> None:
    source, store = test_data / "volumes" / name, tmp_path / "scan.ome.zarr"
    if name == "ceramic_ct":
        source = source / "INPUT_IMAGE.tif"
    assert main(["convert", str(source), str(store)]) == 0
    scan = read(store)
    np.testing.assert_array_equal(scan.read(), read(source).read())
    if voxel_size is None:
        assert scan.voxel_size is None
    else:
        assert scan.voxel_size == pytest.approx((voxel_size,) * 3, rel=1e-4)
    box = fit_to_part(prepare(scan))
    depth = min(6, box.shape[0])
    crop = [box.start[0], box.start[1], box.start[2], box.start[0] + depth, box.stop[1], box.stop[2]]
    crop_flags = ["--crop", *map(str, crop)]
    run, probability, mask = tmp_path / "run", tmp_path / "probability.ome.zarr", tmp_path / "mask.ome.zarr"
    assert main(["train", str(store), str(run), *crop_flags, *SMALL]) == 0
    assert main(["segment", str(store), str(run), str(probability), *crop_flags]) == 0
    assert main(["clean", str(probability), str(mask), "--threshold", "0.4", "--min-size", "5"]) == 0
    result = read(mask)
    assert result.shape == (depth, *box.shape[1:])
    assert result.origin == tuple(crop[:3])
    assert set(np.unique(result.read())) <= {0, 1}
    card = json.loads((run / "model" / "card.json").read_text())
    assert card["metrics"]["step"] == 4
