"""Phantoms: truth, tips and conditions."""

import json
from pathlib import Path

import numpy as np
import pytest

from napari_xct_crack.errors import OutputError
from napari_xct_crack.events import finish
from napari_xct_crack.io import read
from napari_xct_crack.phantom import AIR, CONDITIONS, METAL, PhantomSettings, make, simulate

SMALL = (24, 160, 160)


@pytest.mark.parametrize("condition", sorted(CONDITIONS))
def test_every_condition_has_metal_air_and_a_black_surround(condition: str) -> None:
    phantom = simulate(PhantomSettings(condition=condition, shape=SMALL))
    assert phantom.scan.dtype == np.uint16
    assert np.median(phantom.scan[phantom.part]) == pytest.approx(METAL, rel=0.06)
    assert phantom.scan[12, 80, 5] < (AIR + METAL) / 2
    assert (phantom.scan[:, 0, 0] == 0).all()
    assert (phantom.labels > 0).any() == (condition != "crack-free")
    assert not (phantom.labels > 0)[~phantom.part].any()
    assert (phantom.aperture > 0).any() == (phantom.labels > 0).any()


def test_cracks_are_dark_by_their_missing_attenuation() -> None:
    phantom = simulate(PhantomSettings(condition="clean", shape=SMALL, seed=3, prevalence=8))
    wide = (phantom.aperture > 1.3) & (phantom.labels > 0)
    assert wide.any()
    assert np.median(phantom.scan[wide]) < METAL - 0.2 * (METAL - AIR)


def test_tips_lie_at_the_ends_of_labelled_cracks() -> None:
    phantom = simulate(PhantomSettings(condition="clean", shape=SMALL, seed=1, prevalence=2))
    assert phantom.tips
    distances = []
    for z, y, x, number in phantom.tips:
        places = np.argwhere(phantom.labels[int(z)] == number)
        if len(places):
            distances.append(np.min(np.hypot(*(places - (y, x)).T)))
    assert np.median(distances) < 6
    assert all(3 <= y < 157 and 3 <= x < 157 for _, y, x, _ in phantom.tips)


def test_seed_and_prevalence_act() -> None:
    one, same = (simulate(PhantomSettings(shape=SMALL, seed=4)) for _ in range(2))
    np.testing.assert_array_equal(one.scan, same.scan)
    assert (one.scan != simulate(PhantomSettings(shape=SMALL, seed=5)).scan).any()
    assert len(simulate(PhantomSettings(shape=SMALL, prevalence=4)).sheets) == pytest.approx(4 * len(one.sheets), abs=3)


def test_make_writes_scan_truth_and_record_once(tmp_path: Path) -> None:
    settings = PhantomSettings(shape=SMALL)
    folder = finish(make(settings, tmp_path / "phantom"))
    scan, truth = read(folder / "scan.ome.zarr"), read(folder / "truth.ome.zarr")
    expected = simulate(settings)
    np.testing.assert_array_equal(scan.read(), expected.scan)
    np.testing.assert_array_equal(truth.read(), expected.labels)
    assert truth.role == "labels"
    assert scan.voxel_size == pytest.approx((0.71, 0.71, 0.71))
    record = json.loads((folder / "truth.json").read_text())
    assert len(record["tips"]) == len(expected.tips)
    assert record["void_fraction"] == pytest.approx(float(expected.void.sum()) / expected.part.sum())
    finish(make(settings, folder))
    with pytest.raises(OutputError, match="other settings"):
        finish(make(PhantomSettings(shape=SMALL, seed=9), folder))
