"""Phantoms: truth, tips and conditions."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from napari_xct_crack.errors import OutputError, SettingsError
from napari_xct_crack.events import finish
from napari_xct_crack.io import read
from napari_xct_crack.phantom import AIR, CONDITIONS, METAL, PhantomSettings, bar, make, simulate

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


def test_known_seeds_keep_their_phantoms() -> None:
    phantom = simulate(PhantomSettings(condition="noisy", shape=(12, 128, 128), prevalence=3, seed=5))
    assert (phantom.labels > 0).sum() == 971
    assert phantom.void.sum(dtype=np.float64) == pytest.approx(771.131, rel=1e-5)
    assert phantom.scan.mean(dtype=np.float64) == pytest.approx(20210.552, rel=1e-5)
    assert len(phantom.tips) == 12


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
    assert len(simulate(PhantomSettings(shape=SMALL, prevalence=4)).cracks) == pytest.approx(4 * len(one.cracks), abs=3)


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
    del record["settings"]["physics"]
    (folder / "truth.json").write_text(json.dumps(record))
    finish(make(settings, folder))
    with pytest.raises(OutputError, match="other settings"):
        finish(make(PhantomSettings(shape=SMALL, seed=9), folder))


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(SettingsError, match="needs projections"):
        PhantomSettings.checked({"condition": "few-views"})
    with pytest.raises(SettingsError, match="square slices"):
        PhantomSettings.checked({"physics": "ct", "shape": (8, 96, 128)})


def test_cracks_of_the_rim_open_to_the_surface_of_a_closed_part() -> None:
    phantom = simulate(PhantomSettings(condition="rim", shape=SMALL, prevalence=4))
    np.testing.assert_array_equal(phantom.part, bar(SMALL))
    surface = phantom.part & ~ndimage.binary_erosion(phantom.part, iterations=2, border_value=1)
    opened = np.unique(phantom.labels[surface & (phantom.labels > 0)])
    assert len(opened) >= 0.8 * len(phantom.cracks) > 0
    deep = ndimage.distance_transform_edt(phantom.part[0]) > 8
    assert (phantom.labels > 0)[:, deep].any()


def test_every_kind_of_truth_is_written(tmp_path: Path) -> None:
    settings = PhantomSettings(condition="seed-like", physics="ct", shape=(4, 96, 96), prevalence=6, seed=1)
    folder = finish(make(settings, tmp_path))
    expected = simulate(settings)
    assert expected.tips
    names = {
        "scan": "scan",
        "truth": "labels",
        "void": "void",
        "pores": "pores",
        "aperture": "aperture",
        "part": "part",
    }
    for store, field in names.items():
        volume = read(folder / f"{store}.ome.zarr")
        np.testing.assert_array_equal(volume.read(), getattr(expected, field))
        assert volume.role == {"truth": "labels", "part": "mask"}.get(store, "image")
    record = json.loads((folder / "truth.json").read_text())
    assert record["exposure"]["views"] == np.ceil(96 * np.pi / 2)
    assert [crack["id"] for crack in record["cracks"]] == list(range(1, len(expected.cracks) + 1))
    table = np.loadtxt(folder / "fronts.csv", delimiter=",", skiprows=1)
    for z, y, x, number in record["tips"]:
        own = table[table[:, 0] == number, 2:5]
        assert np.linalg.norm(own - (z, y, x), axis=1).min() < 0.6
    assert (np.linalg.norm(np.diff(own, axis=0), axis=1) < 1.5).all()
