"""Size and shape of components from their moments: half axes, pole, and whether they are cracks or pores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..settings import VoxelSize

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Shapes:
    """One row per component; lengths in µm, or in voxels where the voxel size is unknown."""

    half_axes: Floats
    """Of the ellipsoid with the same second moments, longest first, shape (n, 3); in a single slice (n, 2)."""
    pole: Floats
    """Unit vector z, y, x along the shortest of them, its first component that is not 0 positive."""

    @property
    def flatness(self) -> Floats:
        """Shortest over longest half axis: 1 for a ball or cube, small for sheets and needles."""
        ratio: Floats = self.half_axes[:, -1] / self.half_axes[:, 0]
        return ratio


def shapes(spread: Floats, size: VoxelSize, flat: bool) -> Shapes:
    """Half axes a = √((d + 2)·λ) and pole from the covariance of voxel positions, d being the number of dimensions.

    Parameters
    ----------
    spread
        In voxels², shape (n, 3, 3); every voxel's own extent, 1/12 of its squared side, is added.
    size
        Sides of a voxel along z, y, x.
    flat
        A single slice: its thickness is no extent of the bodies in it.
    """
    sides = np.array(size)
    cov = (spread + np.eye(3) / 12) * sides[:, None] * sides[None, :]
    axes = slice(1, 3) if flat else slice(0, 3)
    values, vectors = np.linalg.eigh(cov[:, axes, axes])
    pole = np.zeros((len(cov), 3))
    pole[:, axes] = vectors[:, :, 0]
    return Shapes(np.sqrt((5 - flat) * values[:, ::-1]), _upward(pole))


def angle_to(pole: Floats, direction: tuple[float, float, float]) -> Floats:
    """Angle between poles and a direction in degrees, 0 to 90: a pole has no sign."""
    along = np.asarray(direction) / np.linalg.norm(direction)
    angle: Floats = np.degrees(np.arccos(np.clip(np.abs(pole @ along), 0, 1)))
    return angle


def sphericity(volume: Floats, surface: Floats, thickness: float | None) -> Floats:
    """Surface of the ball of the same volume over the body's, ψ = π^⅓ (6V)^⅔ / S; 1 for a ball.

    In a single slice of a `thickness` it is the outline of the disc of the same area over the body's.
    """
    in_space = np.pi ** (1 / 3) * (6 * volume) ** (2 / 3)
    ball = in_space if thickness is None else 2 * np.sqrt(np.pi * volume * thickness)
    ratio: Floats = np.divide(ball, surface, out=np.ones_like(ball), where=surface > 0)
    return ratio


def _upward(vectors: Floats) -> Floats:
    """The same axes, each pointing along its first component that is not (nearly) 0."""
    first = np.argmax(np.abs(vectors) > 1e-9, axis=1)
    sign = np.sign(np.take_along_axis(vectors, first[:, None], axis=1))
    upward: Floats = vectors * np.where(sign == 0, 1, sign)
    return upward
