"""Openings by the grey value that is missing: blurred cracks are fitted to the scan, so that little clean metal suffices.

A crack of aperture w lowers the grey value by Δµ·w times its mid-surface, blurred by the scan's point spread. With t the
blurred label of a crack, and ' for "minus the local mean of sound metal and cracks together",

    µ' = −Δµ · Σ c·t'

is fitted by least squares to all cracks at once, each with one share c of its label that is void: c·V/A is its aperture.
The local mean takes shading and grain wider than itself out of both sides alike; voxels in the blurred rim of the part,
and around specks, do not count. A second term of each crack, the Laplacian of t, tells by how much the point spread is off,
which is one number for the scan. All sums add up over boxes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse
from scipy.sparse import linalg

from ..appearance import Noise

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]

MEAN = 3.0
"""Standard deviation of the local mean, in point spreads."""
NEAR = 3.0
"""Point spreads around a crack over which it is fitted."""
RIM = 2.0
"""Point spreads within the part's surface that are left out."""
WIDER = 0.25
"""Share of its variance by which the second term widens the point spread."""
LEAST = 64
"""Voxels that a component must have to be fitted; around smaller ones nothing is."""
_CUT = 2.5
"""Standard deviations after which Gaussians end."""
ENOUGH = 0.3
"""Share of a crack's voxels that lie deep enough in the part for its opening to be told."""
MODEL = 0.07
"""Standard deviation of an aperture, as a share of it, from what the model leaves out: form of the label and the blur."""
MOST_BLUR = 3.0
"""A point spread above this counts as this: what has to be read around a box grows with it."""


def halo(blur: float) -> int:
    """Voxels around a box that its sums depend on."""
    return int(np.ceil(_CUT * (MEAN + 1) * blur)) + 2


@dataclass(frozen=True)
class Sums:
    """What a box adds to the normal equations. A term's name is twice the number of its component, plus 1 for the second."""

    deep: dict[int, int]
    """By component, its voxels there that are not in the part's rim."""
    right: dict[int, float] = field(default_factory=dict)
    """By term: its product with the scan."""
    products: tuple[NDArray[np.int64], NDArray[np.int64], Floats] | None = None
    """Names of two terms, and their product with each other."""


def sums(blur: float, ids: NDArray[Any], grey: NDArray[Any], inside: Mask, most: int, core: Any) -> Sums:
    """What a box adds.

    Parameters
    ----------
    blur
        Standard deviation of the point spread in voxels.
    ids, grey, inside
        Numbers of the components, grey values and the part, with :func:`halo` voxels around the box; (z, y, x).
    most
        Highest number of a component that is fitted; those above are specks, see :data:`LEAST`.
    core
        Slices of the box itself.
    """
    solid = ndimage.minimum_filter(inside.view(np.uint8), 2 * round(RIM * blur) + 1, mode="nearest") > 0
    specks = ids > most
    if specks.any():
        solid &= ndimage.distance_transform_edt(~specks) > NEAR * blur
    labels = np.where(specks, 0, ids)
    numbers, counts = np.unique(labels[core][solid[core]], return_counts=True)
    deep = dict(zip(numbers.tolist(), counts.tolist(), strict=True))
    fitted = np.zeros(ids.shape, bool)
    fitted[core] = (solid & (ndimage.distance_transform_edt(labels == 0) <= NEAR * blur + 1))[core]
    present = sorted(set(np.unique(labels).tolist()) - {0})
    if not present or not fitted.any():
        return Sums(deep)
    mean = _LocalMean(solid, MEAN * blur)
    values = np.where(solid, grey.astype(np.float32) - mean(np.where(solid, grey, 0).astype(np.float32)), 0)[fitted]
    column = np.cumsum(fitted.ravel(), dtype=np.int32).reshape(fitted.shape) - 1
    parts = [_terms(labels == number, blur, mean, fitted, column) for number in present]
    ends = np.cumsum([0, *(len(places) for _, places in parts for _ in range(2))])
    places = np.concatenate([places for _, places in parts for _ in range(2)])
    table = sparse.csr_array(
        (np.concatenate([terms.ravel() for terms, _ in parts]), places, ends), shape=(len(ends) - 1, len(values))
    )
    names = (2 * np.array(present)[:, None] + np.arange(2)).ravel()
    products = (table @ table.T).tocoo()
    right = (table @ values.astype(np.float64)).tolist()
    named = names[products.row], names[products.col], products.data
    return Sums(deep, dict(zip(names.tolist(), right, strict=True)), named)


def _terms(
    label: Mask, blur: float, mean: _LocalMean, fitted: Mask, column: NDArray[np.int32]
) -> tuple[Floats, NDArray[np.int32]]:
    """The two terms of a component, shape (2, n), and which of the fitted voxels the n are."""
    reach = halo(blur)
    (found,) = ndimage.find_objects(label.view(np.uint8))
    around = tuple(slice(max(0, side.start - reach), side.stop + reach) for side in found)
    once = _blurred(label[around].astype(np.float32), blur)
    more = ndimage.laplace(once, mode="constant") * (WIDER * blur**2 / 2)
    near = fitted[around]
    terms = np.stack([(term - mean(term, around))[near] for term in (once, more)])
    return terms.astype(np.float64), column[around][near]


class Fit:
    """The normal equations of all boxes, and what they give."""

    def __init__(self) -> None:
        self._deep: Counter[int] = Counter()
        self._right: defaultdict[int, float] = defaultdict(float)
        self._products: list[tuple[NDArray[np.int64], NDArray[np.int64], Floats]] = []

    def add(self, found: Sums) -> None:
        """Take a box."""
        self._deep.update(found.deep)
        for name, value in found.right.items():
            self._right[name] += value
        if found.products is not None:
            self._products.append(found.products)

    def shares(self, sizes: NDArray[np.int64], contrast: float) -> Floats:
        """By number, index 0 unused: share of the label that is void; not a number where too little of it counts."""
        result = np.full(len(sizes), np.nan)
        names = np.array(sorted(self._right))
        if not len(names):
            return result
        place = np.full(int(names.max()) + 1, -1)
        place[names] = np.arange(len(names))
        rows, columns, data = (np.concatenate(part) for part in zip(*self._products, strict=True))
        normal = sparse.coo_array((data, (place[rows], place[columns])), shape=(len(names),) * 2).tocsr()
        right = np.array([self._right[name] for name in names.tolist()])
        pick = sparse.kron(sparse.eye_array(len(names) // 2), np.array([[1.0], [_spread(normal, right)]])).tocsr()
        found = _solved(pick.T @ normal @ pick, pick.T @ right)
        numbers = names[::2] // 2
        known = np.array([self._deep[number] for number in numbers.tolist()]) >= ENOUGH * sizes[numbers]
        result[numbers[known]] = -found[known] / contrast
        return result


def _spread(normal: Any, right: Floats) -> float:
    """By how much of the second term the point spread is off: the mean over all cracks, strong ones counting more."""
    both = _solved(normal, right)
    strength = normal.diagonal()[1::2] * both[::2] ** 2
    total = float(strength[np.isfinite(strength)].sum())
    off = np.divide(both[1::2], both[::2], out=np.zeros(len(both) // 2), where=both[::2] != 0)
    return float(np.clip(np.nansum(strength * off) / total, -1.5, 3.0)) if total > 0 else 0.0


def _solved(normal: Any, right: Floats) -> Floats:
    """Least squares with a little damping: what nothing tells of is 0."""
    scale = np.sqrt(np.maximum(normal.diagonal(), 1e-12))
    inner = sparse.diags_array(1 / scale) @ normal @ sparse.diags_array(1 / scale)
    damped = (inner + 1e-6 * sparse.eye_array(len(right))).tocsc()
    result: Floats = linalg.spsolve(damped, right / scale) / scale
    return np.atleast_1d(result)


class _LocalMean:
    """Gaussian mean over the chosen voxels around."""

    def __init__(self, chosen: Mask, sigma: float) -> None:
        self._chosen, self._sigma = chosen, sigma
        self._weight = np.maximum(_blurred(chosen.astype(np.float32), sigma), 1e-3)

    def __call__(self, values: NDArray[np.float32], around: Any = ...) -> NDArray[np.float32]:
        """Of values in a part of the array; beyond that part they are 0."""
        held = np.where(self._chosen[around], values, np.float32(0))
        result: NDArray[np.float32] = _blurred(held, self._sigma) / self._weight[around]
        return result


def _blurred(values: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    result: NDArray[np.float32] = ndimage.gaussian_filter(values, sigma, mode="constant", truncate=_CUT)
    return result


def error(noise: Noise, blur: float, area: Floats, thickness: Floats) -> Floats:
    """Standard deviation of a fitted aperture from noise alone; grey value times voxels.

    Per area (voxels²) that of a matched profile τ in noise of the power spectrum N along the normal,
    √(∫ |τ|² N df) / ∫ |τ|² df / √area. τ is a label of a `thickness` (voxels) under the blur, minus its local mean.
    """
    frequency = np.linspace(0, 0.5, 257)
    blurred, mean = (np.exp(-2 * (np.pi * sigma * frequency) ** 2) for sigma in (blur, MEAN * blur))
    profile = np.sinc(thickness[:, None] * frequency) * blurred * (1 - mean)
    energy = 2 * np.trapezoid(profile**2, frequency, axis=1)
    variance = 2 * np.trapezoid(profile**2 * noise.power_at(frequency), frequency, axis=1)
    result: Floats = np.sqrt(variance / np.maximum(area, 1)) / np.maximum(energy, 1e-12)
    return result
