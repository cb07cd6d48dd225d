"""The X-ray physics of phantoms: projector, beam, noise, conditions."""

from dataclasses import replace

import numpy as np
import pytest

from napari_xct_crack.events import finish
from napari_xct_crack.phantom import AIR, METAL, SCANNERS, PhantomSettings, ct, simulate
from napari_xct_crack.phantom.beam import Beam
from napari_xct_crack.phantom.content import fill
from napari_xct_crack.phantom.projector import angles, matched_smoothing, project, reconstruct

SIDE = 96


def blobs() -> np.ndarray:
    """Two smooth blobs off the axis, shape (2, SIDE, SIDE); the second slice is the first mirrored."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    image = np.exp(-((y - 14) ** 2 + (x + 9) ** 2) / 50) + 0.5 * np.exp(-((y + 20) ** 2 + (x - 11) ** 2) / 30)
    return np.stack([image, image[:, ::-1]]).astype(np.float32)


def test_line_integrals_are_those_of_gaussians() -> None:
    theta = np.array([0.0, 0.4, np.pi / 2, 2.5])
    (rays,) = project(blobs(), theta)
    t = np.arange(SIDE) - (SIDE - 1) / 2
    for view, angle in enumerate(theta):
        c, s = np.cos(angle), np.sin(angle)
        expected = np.sqrt(50 * np.pi) * np.exp(-((t - 14 * s + 9 * c) ** 2) / 50)
        expected += 0.5 * np.sqrt(30 * np.pi) * np.exp(-((t + 20 * s - 11 * c) ** 2) / 30)
        np.testing.assert_allclose(rays[0, view], expected, atol=0.02 * expected.max())


def test_reconstruction_undoes_projection() -> None:
    theta = angles(SIDE, np.pi / 2)
    assert len(theta) >= np.pi / 2 * SIDE
    (rays,) = project(blobs(), theta)
    (image,) = reconstruct(rays, theta, 0.0)
    np.testing.assert_allclose(image, blobs(), atol=0.02)
    few = angles(SIDE, 0.1)
    (rays,) = project(blobs(), few)
    (streaky,) = reconstruct(rays, few, 0.0)
    assert np.abs(streaky - blobs()).max() > 0.1


def test_a_beam_hardens_and_a_scanner_may_undo_it() -> None:
    beam = Beam(100, 1.5)
    length = np.array([0, 20, 50, 100, 130], np.float32)
    absorbed = beam.absorbed(length)
    assert absorbed[3] == pytest.approx(1.5, abs=1e-4)
    assert (np.diff(absorbed) / np.diff(length))[0] > 1.3 * (np.diff(absorbed) / np.diff(length))[-1]
    np.testing.assert_allclose(beam.read(absorbed, 0.0), length, atol=0.05)
    raw = beam.read(absorbed, 1.0)
    assert raw[1] > 21
    assert raw[3] == pytest.approx(100, abs=0.1)
    assert raw[4] < 130
    np.testing.assert_allclose(beam.read(absorbed, 0.3), 0.7 * length + 0.3 * raw, atol=0.05)


@pytest.mark.parametrize(("condition", "detector"), [("noisy", 0.6), ("soft", 1.3)])
def test_noise_is_as_strong_as_stated_and_alike_along_all_axes(condition: str, detector: float) -> None:
    scanner = replace(SCANNERS[condition], grains=0.0, pores_per_slice=0.0, density=0.0, gains=0.0)
    assert scanner.detector == detector
    edge = ct.margin(scanner)
    contents = fill((20, SIDE, SIDE), scanner, 1.0, np.random.default_rng(0), edge)
    loud, exposure = finish(ct.scan(contents, scanner, np.random.default_rng(1)))
    quiet, _ = finish(ct.scan(contents, replace(scanner, noise=1e-3), np.random.default_rng(1)))
    inner = slice(SIDE // 2 - 12, SIDE // 2 + 12)
    noise = (loud.astype(np.float64) - quiet)[:, inner, inner] / (METAL - AIR)
    assert noise.std() == pytest.approx(scanner.noise, rel=0.12)
    lags = []
    for axis in range(3):
        moved = np.moveaxis(noise, axis, 0)
        lags.append((moved[1:] * moved[:-1]).mean() / noise.var())
    assert np.ptp(lags) < 0.05
    assert exposure.smoothing == pytest.approx(matched_smoothing(detector))


def test_soft_noise_is_correlated_over_three_to_five_voxels() -> None:
    kernel = np.exp(-0.5 * (np.arange(-8, 9) / SCANNERS["soft"].detector) ** 2)
    correlation = np.correlate(kernel, kernel, "full")[16:] / (kernel**2).sum()
    half = np.interp(-0.5, -correlation, np.arange(17))
    assert 3 < 2 * half < 5


@pytest.mark.parametrize("condition", sorted(SCANNERS))
def test_every_condition_can_be_scanned(condition: str) -> None:
    phantom = simulate(PhantomSettings(condition=condition, physics="ct", shape=(4, SIDE, SIDE), prevalence=8))
    assert phantom.scan.dtype == np.uint16
    assert phantom.scan.shape == phantom.void.shape == phantom.labels.shape == (4, SIDE, SIDE)
    assert np.median(phantom.scan[phantom.part]) == pytest.approx(METAL, rel=0.06)
    assert np.median(phantom.scan[:, 4:8, SIDE // 2 - 8 : SIDE // 2 + 8]) == pytest.approx(
        AIR, abs=0.12 * (METAL - AIR)
    )
    assert (phantom.scan[:, 0, 0] == 0).all()
    assert (phantom.labels > 0).any() == (condition != "crack-free")
    assert not (phantom.labels > 0)[~phantom.part].any()
    assert (phantom.pores > 0).any()
    assert all(3 <= y < SIDE - 3 and 3 <= x < SIDE - 3 for _, y, x, _ in phantom.tips)


def test_cracks_miss_as_much_attenuation_as_they_are_void() -> None:
    scanner = replace(SCANNERS["clean"], noise=1e-3, hardening=0.0)
    edge = ct.margin(scanner)
    contents = fill((6, SIDE, SIDE), scanner, 12.0, np.random.default_rng(2), edge, exact=True)
    whole = replace(contents, void=np.zeros_like(contents.void))
    cracked, _ = finish(ct.scan(contents, scanner, np.random.default_rng(1)))
    sound, _ = finish(ct.scan(whole, scanner, np.random.default_rng(1)))
    missing = (sound.astype(np.float64) - cracked).sum() / (METAL - AIR)
    # pores take their share of the attenuation inside cracks
    void = ((1 - contents.pores) - (1 - np.minimum(1, contents.pores + contents.void)))[edge:-edge].sum()
    assert void > 100
    assert missing == pytest.approx(void, rel=0.05)


def test_prevalence_scales_the_number_of_cracks() -> None:
    counts = [
        len(fill((64, 256, 256), SCANNERS["noisy"], share, np.random.default_rng(0)).cracks) for share in (0.25, 1, 4)
    ]
    assert counts[1] == pytest.approx(4 * counts[0], abs=2)
    assert counts[2] == pytest.approx(4 * counts[1], abs=2)


def test_rings_circle_the_axis() -> None:
    scanner = replace(SCANNERS["rings"], noise=0.01, grains=0.0, pores_per_slice=0.0, density=0.0, hardening=0.0)
    edge = ct.margin(scanner)
    contents = fill((2, SIDE, SIDE), scanner, 1.0, np.random.default_rng(0), edge)
    with_rings, _ = finish(ct.scan(contents, scanner, np.random.default_rng(1)))
    without, _ = finish(ct.scan(contents, replace(scanner, gains=0.0), np.random.default_rng(1)))
    rings = (with_rings.astype(np.float64) - without)[0]
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    radius, turn = np.rint(np.hypot(y, x)).astype(int), np.arctan2(y, x)
    held = (radius > 8) & (radius < 30)
    # a pixel left of the axis draws its ring over one half of the circle, one on the right over the other
    ring = radius[held] + 100 * ((turn[held] - 0.1) % (2 * np.pi) > np.pi)
    values = rings[held]
    means = np.bincount(ring, values) / np.maximum(np.bincount(ring), 1)
    assert means[ring].var() > 0.4 * values.var()
    assert values.std() > 0.02 * (METAL - AIR)
