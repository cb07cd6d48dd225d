"""Scans by simulated X-rays: projections, photons, detector, filtered back-projection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..events import Progress, Work
from . import projector
from .beam import Beam
from .conditions import Scanner
from .content import HALF, Contents, bar
from .grey import as_grey, attenuation

_TRUNCATE = 3.0
"""Reach of the blurs in standard deviations."""


@dataclass(frozen=True)
class Exposure:
    """What a condition comes to for slices of a given width."""

    views: int
    photons: float
    """Per detector pixel in the open beam."""
    smoothing: float
    """Standard deviation, in voxels, of the Gaussian in the reconstruction filter."""


def margin(scanner: Scanner) -> int:
    """Slices on either side that the blurs reach."""
    return int(_TRUNCATE * scanner.focus + 0.5) + int(_TRUNCATE * scanner.detector + 0.5)


def scan(contents: Contents, scanner: Scanner, rng: np.random.Generator) -> Work[tuple[NDArray[np.uint16], Exposure]]:
    """Take and reconstruct a scan.

    Parameters
    ----------
    contents
        With :func:`margin` slices more on either side than wanted; slices are square.

    Returns
    -------
    Grey values without these slices, and the exposure. All projections are held in memory: views × columns × slices
    float32 values, a few times over.
    """
    side, edge = contents.part.shape[2], margin(scanner)
    theta = projector.angles(side, scanner.views)
    beam = Beam(2 * HALF * side, scanner.depth)
    exposure = _exposure(scanner, beam, side)
    slices = attenuation(contents, scanner, rng).astype(np.float32)
    total, done = 2 * len(slices) - 2 * edge, 0
    rays = np.empty((len(slices), len(theta), side), np.float32)
    for batch in projector.project(slices, theta):
        rays[done : done + len(batch)] = batch
        done += len(batch)
        yield Progress(done, total, "slices projected and reconstructed")
    rays = _detected(rays, scanner, beam, exposure, rng)[edge : len(slices) - edge]
    image = np.empty((len(rays), side, side), np.float32)
    for batch in projector.reconstruct(rays, theta, exposure.smoothing):
        first = done - len(slices)
        image[first : first + len(batch)] = batch
        done += len(batch)
        yield Progress(done, total, "slices projected and reconstructed")
    return as_grey(image), exposure


def _exposure(scanner: Scanner, beam: Beam, side: int) -> Exposure:
    """Photons that give the wanted noise at the axis of a bar of pure metal."""
    theta = projector.angles(side, scanner.views)
    smoothing = projector.matched_smoothing(scanner.detector)
    (rays,) = projector.project(bar((1, side, side)).astype(np.float32), theta)
    absorbed = beam.absorbed(rays[0, :, (side - 1) // 2 : side // 2 + 1])
    # what a photon counts for: the variance of a Poisson logarithm, through the scanner's reading of it
    one_photon = float(np.mean(np.exp(absorbed) * beam.slope(absorbed, scanner.hardening) ** 2))
    photons = one_photon * projector.noise_gain(scanner.detector, smoothing, len(theta)) / scanner.noise**2
    return Exposure(len(theta), photons, smoothing)


def _detected(
    rays: NDArray[np.float32], scanner: Scanner, beam: Beam, exposure: Exposure, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Lengths of metal as the scanner reads them, from true ones; shape (z, views, columns)."""
    shares = _blurred(np.exp(-beam.absorbed(rays)), scanner.focus)
    for row in shares:
        row[...] = rng.poisson(row * exposure.photons) / exposure.photons
    counted = _blurred(shares, scanner.detector)
    spread = rng.normal(0, scanner.gains * beam.depth / beam.width, (len(rays), 1, rays.shape[2]))
    spread[rng.random(spread.shape) < scanner.bad_pixels] *= 5
    counted *= (1 + spread).astype(np.float32)
    # a pixel that saw nothing is read as if half a photon had come
    return beam.read(-np.log(np.maximum(counted, np.float32(0.5 / exposure.photons))), scanner.hardening)


def _blurred(image: NDArray[np.float32], width: float) -> NDArray[np.float32]:
    """Blur along both axes of the detector alike."""
    for axis in (0, 2):
        image = ndimage.gaussian_filter1d(image, width, axis=axis, mode="nearest", truncate=_TRUNCATE)
    return image
