"""Scans whose degradation is done in the image domain, and what both physics share: texture and 16-bit grey values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..volume import Triple
from .conditions import Condition, Content
from .content import Contents

AIR, METAL = 9000.0, 36000.0
"""Grey values of air and metal."""


def scan(contents: Contents, condition: Condition, rng: np.random.Generator) -> NDArray[np.uint16]:
    """Grey values of shape (z, y, x): attenuation, cupping, point spread, noise, rings."""
    z, y, x = contents.part.shape
    image = attenuation(contents, condition, rng)
    radius = from_axis((y, x))
    image *= 1 + condition.cupping * (radius**2 - 0.5).astype(np.float32)
    image = ndimage.gaussian_filter(image.astype(np.float32), condition.point_spread)
    image += np.float32(condition.noise) * correlated((z, y, x), condition.noise_width, rng)
    if condition.rings:
        gains = rng.normal(0, condition.rings, (z, max(y, x)))
        gains = ndimage.gaussian_filter1d(np.where(np.abs(gains) > 1.6 * condition.rings, gains, 0), 0.7, axis=1)
        index = np.minimum((radius * max(y, x) / 2).astype(int), gains.shape[1] - 1)
        image += gains.astype(np.float32)[:, index] / (1 + index[None] / 60).astype(np.float32)
    return as_grey(image)


def attenuation(contents: Contents, content: Content, rng: np.random.Generator) -> NDArray[np.floating]:
    """Attenuation in units of the metal's mean, shape (z, y, x): grains, pores and cracks in the part."""
    z, y, x = contents.part.shape
    texture = correlated((z, y, x), content.grain_size, rng)
    if content.odd_grains:
        texture *= np.abs(texture)
        texture /= texture.std()
    grains = texture * np.float32(content.grains)
    image: NDArray[np.floating] = contents.part * (1 + grains) * (1 - np.minimum(1, contents.void + contents.pores))
    return image


def as_grey(image: NDArray[np.floating]) -> NDArray[np.uint16]:
    """Grey values of an attenuation in units of the metal's mean; black outside the round field of view."""
    grey = np.clip(AIR + (METAL - AIR) * image, 1, 65535)
    grey[:, from_axis(image.shape[1:]) > 1.0] = 0
    scan: NDArray[np.uint16] = np.rint(grey).astype(np.uint16)
    return scan


def from_axis(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Distance of each voxel of a slice from the axis; 1 on the edge of the field of view."""
    y, x = (np.linspace(-1, 1, side) for side in shape)
    return np.hypot(y[:, None], x[None, :])


def correlated(shape: Triple, width: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Gaussian noise of unit variance, alike along all axes."""
    noise = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), width, mode="wrap")
    return np.asarray(noise / noise.std(), dtype=np.float32)
