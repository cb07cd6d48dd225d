"""Methods that need no training, to be beaten side by side on the same data and the same part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu

from .metrics import thinned, within
from .response import DARK, Sigma, dark_response, flat_field
from .ridges import sato

Mask = NDArray[np.bool_]
Grey = NDArray[np.floating[Any]]

SIGMA: Sigma = (2.0, 1.5, 1.5)
SIGMAS: tuple[Sigma, ...] = (
    (1.0, 1.0, 1.0),
    SIGMA,
    (3.0, 1.5, 1.5),
    (3.0, 2.0, 2.0),
    (5.0, 1.5, 1.5),
    (4.0, 3.0, 3.0),
)
RIDGE_SIGMAS = (1.0, 1.5, 2.5, 3.5)
PEERS = 7
"""How many answers :func:`peers` gives."""


@dataclass(frozen=True)
class Peer:
    """The answer of one method."""

    name: str
    mask: Mask
    threshold: float
    tuned: bool
    """Whether the threshold was chosen on the truth that it is scored with: then it is an upper bound."""


def gaussian_filter_3d(grey: NDArray[Any], part: Mask | None = None, sigma: Sigma = SIGMA) -> NDArray[np.float32]:
    """Response r of the label-free filter (see :func:`napari_xct_crack.response.dark_response`); r < -2.5 is crack."""
    return dark_response(grey, part, sigma)


def otsu_threshold(grey: NDArray[Any], part: Mask | None = None) -> float:
    """Otsu's threshold of the grey values inside the part; below it is crack. NaN if they are all the same."""
    values = np.asarray(grey).ravel() if part is None else np.asarray(grey)[part]
    if values.size == 0 or values.min() == values.max():
        return float("nan")
    return float(threshold_otsu(values))


class Tuned(NamedTuple):
    """A threshold and the centre-line F1 that it reaches."""

    threshold: float
    f1: float


def tuned_threshold(
    darkness: Grey,
    truth: NDArray[Any],
    part: Mask | None = None,
    candidates: int = 36,
    tolerance: float = 2,
    least: int = 0,
) -> Tuned:
    """The threshold above which `darkness` fits the truth best by centre-line F1.

    Half of the candidates let the same factor more voxels of the part through from one to the next (0.02 % to 30 %) and
    are tried on every third slice; the other half lie between the neighbours of the best of them, on all slices and
    without connected objects of fewer than `least` voxels.
    """
    inside = np.ones(darkness.shape, dtype=bool) if part is None else part
    values = np.sort(darkness[inside])
    if values.size == 0:
        return Tuned(float("inf"), 0.0)
    line = thinned((truth > 0) & inside)
    near_line = within(line, tolerance)

    def tried(share: float, slices: slice, least: int = 0) -> Tuned:
        threshold = float(values[-1 - int(share * (values.size - 1))])
        found = thinned(_large((darkness[slices] > threshold) & inside[slices], least))
        right, caught = int((found & near_line[slices]).sum()), int((within(found, tolerance) & line[slices]).sum())
        precision, recall = right / max(1, int(found.sum())), caught / max(1, int(line[slices].sum()))
        return Tuned(threshold, 2 * precision * recall / (precision + recall) if right and caught else 0.0)

    shares = np.geomspace(2e-4, 0.3, candidates // 2)
    best = int(np.argmax([tried(share, slice(None, None, 3)).f1 for share in shares]))
    low, high = shares[max(0, best - 1)], shares[min(shares.size - 1, best + 1)]
    fine = [tried(share, slice(None), least) for share in np.geomspace(low, high, candidates - shares.size)]
    return max(fine, key=lambda result: result.f1)


def peers(grey: NDArray[Any], truth: NDArray[Any], part: Mask | None = None, least: int = 0) -> Iterator[Peer]:
    """Run the label-free methods on one volume, shape (z, y, x); cracks darker than metal.

    `truth` serves only those that say that they are tuned: for the threshold, and for the width where there is one.
    Connected objects of fewer than `least` voxels are removed from all masks, and thresholds are tuned for that.
    """
    for peer in _peers(grey, truth, part, least):
        yield replace(peer, mask=_large(peer.mask, least))


def _peers(grey: NDArray[Any], truth: NDArray[Any], part: Mask | None, least: int) -> Iterator[Peer]:
    inside = np.ones(np.shape(grey), dtype=bool) if part is None else part
    flat = flat_field(grey, inside)
    responses = {_named(sigma): -dark_response(flat, inside, sigma, flattened=True) for sigma in SIGMAS}
    usual = responses[_named(SIGMA)]
    yield Peer("3-D filter, r < -2.5", (usual > -DARK) & inside, DARK, False)
    yield _below(_tuned("3-D filter", {"": usual}, truth, inside, least))
    yield _below(_tuned("3-D filter", responses, truth, inside, least))
    level = otsu_threshold(grey, inside)
    yield Peer("Otsu", (np.asarray(grey) < level) & inside, level, False)
    yield _below(_tuned("Otsu", {"": -np.asarray(grey, dtype=np.float32)}, truth, inside, least))
    for name, planar in (("Sato 2-D", True), ("Sato 3-D", False)):
        ridges = {_named((sigma,)): sato(flat, sigma, planar) for sigma in RIDGE_SIGMAS}
        ridges["all sigma"] = np.max(list(ridges.values()), axis=0)
        yield _tuned(name, ridges, truth, inside, least)


def _named(sigma: tuple[float, ...]) -> str:
    return "sigma " + " ".join(f"{side:g}" for side in sigma)


def _tuned(name: str, darkness: Mapping[str, Grey], truth: NDArray[Any], inside: Mask, least: int) -> Peer:
    """The best of several variants, judged on every third slice, with the best threshold, judged on all."""
    third = slice(None, None, 3)
    best = next(iter(darkness))
    if len(darkness) > 1:
        f1 = {key: tuned_threshold(one[third], truth[third], inside[third]).f1 for key, one in darkness.items()}
        best = max(f1, key=lambda key: f1[key])
    threshold = tuned_threshold(darkness[best], truth, inside, least=least).threshold
    full = " ".join(word for word in (name, best, "(tuned)") if word)
    return Peer(full, (darkness[best] > threshold) & inside, threshold, True)


def _large(mask: Mask, least: int) -> Mask:
    """A mask without 26-connected objects of fewer than `least` voxels."""
    if least < 2:
        return mask
    labels, count = ndimage.label(mask, structure=np.ones((3, 3, 3)))
    kept = np.bincount(labels.ravel(), minlength=count + 1) >= least
    kept[0] = False
    return np.asarray(kept[labels])


def _below(peer: Peer) -> Peer:
    """The same peer with the threshold of the values whose negative was taken."""
    return replace(peer, threshold=-peer.threshold)
