"""The map of what could be seen: follows the noise, keeps its place, and cracks at its limit are found at the stated rate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage, special

from napari_xct_crack.detection import ROSE, noise_spectrum, white_visibility
from napari_xct_crack.events import Warned, finish
from napari_xct_crack.io.ome_zarr import open_zarr
from napari_xct_crack.measure import Measured, measure
from napari_xct_crack.report.measured import measured_report
from napari_xct_crack.volume import Volume

Array = np.ndarray[Any, Any]
METAL, AIR, BLUR = 40000.0, 10000.0, 1.2
SHAPE = (32, 224, 224)


@pytest.fixture(scope="module")
def noise() -> Array:
    return np.random.default_rng(0).normal(size=SHAPE)


@pytest.fixture(scope="module")
def part() -> Array:
    return np.hypot(*(np.indices(SHAPE[1:]) - 111.5)) < 100


def scanned(part: Array, noise: Array) -> Array:
    """A bar under a blur."""
    ideal = np.where(part, METAL, AIR)
    return np.clip(ndimage.gaussian_filter(ideal, BLUR) + noise, 1, 65535).astype(np.uint16)


def measured(out: Path, scan: Array, part: Array, **place: Any) -> Measured:
    mask = np.zeros(SHAPE, np.uint8)
    mask[5:9, 110:112, 90:120] = 1
    size = {"voxel_size": (2.0, 2.0, 2.0), **place}
    volume = Volume.from_array(scan, **size)
    solid = Volume.from_array(np.broadcast_to(part, SHAPE).astype(np.uint8), role="mask", **size)
    return finish(measure(Volume.from_array(mask, role="mask", **size), out, volume=volume, part=solid))


def test_halving_the_noise_halves_the_limit(tmp_path: Path, part: Array, noise: Array) -> None:
    strong = np.where(np.arange(SHAPE[2]) < 112, 1200.0, 600.0)
    result = measured(tmp_path / "a", scanned(part, strong * noise), part)
    for length in (20, 60):
        limits = open_zarr(tmp_path / "a" / f"detectability-{length}.ome.zarr")
        assert limits.role == "image"
        assert limits.voxel_size == pytest.approx((64.0, 64.0, 64.0))
        found = limits.read()
        np.testing.assert_array_equal(found, result.limits[length].read())
        assert found.shape == (2, 8, 8)
        # in columns 2 and 5, away from where the noise changes
        assert found[:, 3:5, 2] == pytest.approx(2 * found[:, 3:5, 5], rel=0.06)
        exact = 2 * ROSE / white_visibility(METAL - AIR, 600, BLUR, length)
        assert np.median(found[:, 3:5, 5]) == pytest.approx(exact, rel=0.2)
        assert np.isnan(found[:, 0, 0]).all()
        quantiles = result.summary["detectability"][str(length)]
        assert quantiles["0.1"] < quantiles["0.5"] <= quantiles["0.9"]
        assert quantiles["five_slices"] == pytest.approx(5**-0.5, rel=0.06), "noise of slices is independent here"
    measured_report(tmp_path / "report.html", result)
    assert "What could be seen" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_less_contrast_raises_the_limit(tmp_path: Path, part: Array, noise: Array) -> None:
    scan = scanned(part, 600 * noise)
    plain = measured(tmp_path / "a", scan, part).limits[20].read()
    scan[:, :, :112] -= np.where(part, (METAL - AIR) * 0.2, 0).astype(np.uint16)[:, :112]
    found = measured(tmp_path / "b", scan, part).limits[20].read()
    left, right = (found / plain)[:, 3:5, 2], (found / plain)[:, 3:5, 5]
    assert left / right == pytest.approx(np.full(left.shape, 1 / 0.8), rel=0.05)


def test_the_map_lies_on_a_grid_of_the_scan(tmp_path: Path, part: Array, noise: Array) -> None:
    whole = measured(tmp_path / "a", scanned(part, 600 * noise), part, offset=(0, 0, 0)).limits[60]
    moved = measured(tmp_path / "b", scanned(part, 600 * noise), part, offset=(64, 32, 96)).limits[60]
    assert (whole.origin, moved.origin) == ((0, 0, 0), (2, 1, 3))
    np.testing.assert_allclose(moved.read(), whole.read(), rtol=1e-5)
    crop = measured(tmp_path / "c", scanned(part, 600 * noise), part, offset=(64, 32, 106)).limits[60]
    assert crop.shape == (2, 8, 8)
    assert crop.origin == (2, 1, 3)


@pytest.mark.parametrize("correlated", [0.0, 0.9])
def test_cracks_at_the_limit_are_found_at_the_stated_rate(
    tmp_path: Path, part: Array, noise: Array, correlated: float
) -> None:
    """A matched filter with its threshold at the Rose criterion finds half of the cracks whose aperture is the limit."""
    grain = ndimage.gaussian_filter(noise, (0, correlated, correlated))
    grain *= 900 / grain.std()
    result = measured(tmp_path, scanned(part, grain), part)
    rng = np.random.default_rng(5)
    other = ndimage.gaussian_filter(rng.normal(size=(40, 240, 256)), (0, correlated, correlated))
    other *= 900 / other.std()
    length, across = 20, 64
    aperture = float(np.median(result.limits[length].read()[:, 3:5, 2:6])) / 2
    frequency = np.fft.rfftfreq(across)
    spectrum = noise_spectrum(other.astype(np.float32), np.ones(other.shape, bool), length)
    transfer = np.exp(-2 * (np.pi * BLUR * frequency) ** 2)
    profile = np.fft.fftshift(np.fft.irfft(transfer, across)) * aperture * (METAL - AIR)
    template = np.fft.fftshift(
        np.fft.irfft(transfer / np.interp(frequency, spectrum.frequency, spectrum.power), across)
    )
    lines = other.reshape(40, 12, length, 4, across).mean(axis=2).reshape(-1, across)
    blank = lines @ template
    filled = (lines + profile) @ template
    rate = float(np.mean(filled > ROSE * blank.std()))
    # 1920 draws tell the rate to 0.011; the rest is what noise, blur and contrast are estimated to.
    assert rate == pytest.approx(0.5, abs=0.2)
    snr = float(filled.mean() / blank.std())
    assert snr == pytest.approx(ROSE, rel=0.1)
    assert rate == pytest.approx(special.ndtr(snr - ROSE), abs=0.03)


def test_too_little_metal_is_said(tmp_path: Path) -> None:
    scan = np.full((8, 40, 40), 3000, np.uint16)
    scan[:, 10:30, 10:30] = 9000
    mask = np.zeros(scan.shape, np.uint8)
    mask[3, 20, 14:26] = 1
    events = list(measure(Volume.from_array(mask), tmp_path, volume=Volume.from_array(scan)))
    assert any(isinstance(event, Warned) and "Too little metal" in event.text for event in events)
    assert not list(tmp_path.glob("detect*"))
