"""How wide the narrowest dark lines of a scan are: its point spread, where no edge of the part shows it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..ridges import sato, standardised
from ..thinning import centre_line

_SCALE = 2.0
"""Standard deviation of the Gaussian derivatives that find lines, in voxels."""
_CLEAR = 4.0
"""Standardised strength of a line that noise does not have."""
_REACH, _ALONG = 9, 3
"""How far profiles reach across a line, and over how many voxels either way along it they are averaged."""
_FITTED = 0.8
"""Share of a profile's variance that a Gaussian explains, at least."""
_FEWEST, _MOST = 100, 4000
"""Profiles that are needed, and that are taken at most."""
_NARROWEST, _WIDEST = 0.25, 0.9
"""Which quantile of the widths stands for cracks far narrower than the point spread, and which for the widest ones."""


def line_widths(flat: NDArray[np.float32], inside: NDArray[np.bool_]) -> tuple[float, float] | None:
    """Standard deviations in voxels of the narrowest and the widest dark lines, none where fewer than 100 places show one.

    A crack narrower than the point spread looks as wide as that. Each slice's lines are cut across, and a Gaussian on a
    constant is fitted to each profile.

    Parameters
    ----------
    flat, inside
        Grey values minus their local mean, and where profiles may lie; shape (z, y, x).
    """
    strength = standardised(sato(flat, _SCALE, planar=True), inside)
    found = []
    for one, clear in zip(flat, (strength > _CLEAR) & inside, strict=True):
        if clear.any():
            found.append(_profiles(one, centre_line(clear)))
    if not found:
        return None
    profiles = np.concatenate(found)
    widths = _widths(profiles[~np.isnan(profiles).any(axis=1)][:: 1 + len(profiles) // _MOST])
    if widths.size < _FEWEST:
        return None
    narrowest, widest = np.quantile(widths, (_NARROWEST, _WIDEST))
    return float(narrowest), float(widest)


def _profiles(grey: NDArray[np.float32], line: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Grey values across the line at its points, shape (n, m), averaged along it; NaN where a profile leaves the slice."""
    places = np.argwhere(line)
    places = places[:: 1 + len(places) // _MOST]
    second = {
        order: ndimage.gaussian_filter(grey, _SCALE, order=order)[tuple(places.T)] for order in ((2, 0), (1, 1), (0, 2))
    }
    hessian = np.array([[second[2, 0], second[1, 1]], [second[1, 1], second[0, 2]]]).transpose(2, 0, 1)
    axes = np.linalg.eigh(hessian)[1]
    along, normal = axes[:, :, 0], axes[:, :, 1]  # a dark line is curved most across itself
    across = np.arange(-_REACH, _REACH + 0.5, 0.5)[:, None, None, None] * normal[:, None]
    beside = np.arange(-_ALONG, _ALONG + 1)[:, None] * along[:, None]
    rows, columns = np.moveaxis(places[:, None] + across + beside, -1, 0)
    sampled = ndimage.map_coordinates(grey, (rows, columns), order=1, mode="constant", cval=np.nan)
    return np.asarray(sampled.mean(axis=2).T, np.float64)


def _widths(profiles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard deviations of the Gaussians that fit well, least squares over widths and positions."""
    position = np.arange(-_REACH, _REACH + 0.5, 0.5)
    level = profiles - profiles.mean(axis=1, keepdims=True)
    explained, widths = np.zeros(len(level)), np.zeros(len(level))
    for width in np.arange(0.5, 6.01, 0.1):
        for centre in (-1.0, -0.5, 0.0, 0.5, 1.0):
            bell = np.exp(-((position - centre) ** 2) / (2 * width**2))
            bell -= bell.mean()
            depth = level @ bell / (bell @ bell)
            share = np.where(depth < 0, depth**2 * (bell @ bell), 0)
            widths[share > explained] = width
            explained = np.maximum(explained, share)
    fitted = widths[explained > _FITTED * (level**2).sum(axis=1)]
    # linear interpolation between voxels blurs by about a sixth of a voxel's variance
    return np.asarray(np.sqrt(np.maximum(fitted**2 - 1 / 6, 0.2**2)))
