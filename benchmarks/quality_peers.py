"""Methods of the quality benchmark that train no network."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from quality_scans import LEAST, Answer, Answers, Entry, Mask, Scan
from scipy import ndimage
from skimage.feature import multiscale_basic_features
from skimage.filters import apply_hysteresis_threshold, frangi, meijering

from napari_xct_crack.peers import RIDGE_SIGMAS, SIGMAS, otsu_threshold, tuned_threshold
from napari_xct_crack.response import DARK, dark_response
from napari_xct_crack.ridges import sato, standardised

Darkness = Callable[[Scan], NDArray[np.float32]]
_SURE, _FAINT = 3.0, 2.0
"""Standardised strengths of ridges at the fixed thresholds: no noise has the first."""
_ANGLES, _LONG = 16, 7.0
"""Directions of the matched filter, and the standard deviation of its length in voxels."""


def _fixed(train: Scan, tests: list[Scan], *, mark: Callable[[Scan], Mask], **_: Any) -> Answers:
    """A rule that needs no tuning."""
    return Answers([Answer(mark(scan)) for scan in tests])


def _filtered(scan: Scan) -> Mask:
    return (dark_response(scan.flat, scan.part, flattened=True) < DARK) & scan.part


def _below_otsu(scan: Scan) -> Mask:
    return (scan.phantom.scan < otsu_threshold(scan.phantom.scan, scan.part)) & scan.part


def _ridged(scan: Scan) -> Mask:
    """Sato's sheets as wide as a narrow crack in this scan, above what noise has."""
    inside = ndimage.distance_transform_edt(scan.part) > 2.5 * scan.look.point_spread + 1
    return (standardised(sato(scan.flat, float(np.hypot(scan.look.point_spread, 2))), inside) > _SURE) & inside


def _percolated(scan: Scan) -> Mask:
    """The same sheets, followed to where they are faint (Hessian percolation)."""
    inside = ndimage.distance_transform_edt(scan.part) > 2.5 * scan.look.point_spread + 1
    ridge = standardised(sato(scan.flat, float(np.hypot(scan.look.point_spread, 2))), inside)
    return np.asarray(apply_hysteresis_threshold(np.where(inside, ridge, 0), _FAINT, _SURE))


def _tuned(train: Scan, tests: list[Scan], *, variants: dict[str, Darkness], **_: Any) -> Answers:
    """The variant and threshold that fit the training volume's truth best, taken to the other volumes."""
    started = time.process_time()
    found = {
        name: tuned_threshold(darkness(train), train.phantom.labels, train.scored, 30, least=LEAST)
        for name, darkness in variants.items()
    }
    best = max(found, key=lambda name: found[name].f1)
    spent = time.process_time() - started
    return Answers([Answer((variants[best](scan) > found[best].threshold) & scan.part) for scan in tests], spent)


def _response(sigma: tuple[float, float, float]) -> Darkness:
    return lambda scan: -dark_response(scan.flat, scan.part, sigma, flattened=True)


def _ridge(sigma: float, planar: bool) -> Darkness:
    return lambda scan: sato(scan.flat, sigma, planar)


def _vessels(sigma: float, planar: bool, kind: Callable[..., Any]) -> Darkness:
    """Frangi's or Meijering's ridges."""

    def darkness(scan: Scan) -> NDArray[np.float32]:
        flat = scan.flat / np.float32(scan.flat[scan.part].std())
        slices = flat if planar else [flat]
        found = [np.asarray(kind(one, sigmas=[sigma], black_ridges=True), np.float32) for one in slices]
        return np.stack(found) if planar else found[0]

    return darkness


def _matched(width: float) -> Darkness:
    """Greatest answer of dark lines in 16 directions, slice by slice: second derivative across, Gaussian along."""
    reach = int(np.ceil(3 * _LONG))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    kernels = []
    for angle in np.pi * np.arange(_ANGLES) / _ANGLES:
        along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        bell = np.exp(-(along**2) / (2 * _LONG**2) - across**2 / (2 * width**2))
        kernel = bell * ((across / width) ** 2 - 1)
        kernels.append(kernel - bell * (kernel.sum() / bell.sum()))

    def darkness(scan: Scan) -> NDArray[np.float32]:
        shape = [side + 2 * reach for side in scan.flat.shape[1:]]
        turned = [np.fft.rfft2(kernel, shape) for kernel in kernels]
        found = []
        for one in scan.flat:
            seen = np.fft.rfft2(one, shape)
            answers = [np.fft.irfft2(seen * each, shape)[reach:-reach, reach:-reach] for each in turned]
            found.append(np.max(answers, axis=0))
        return np.asarray(found, np.float32)

    return darkness


def _forest(train: Scan, tests: list[Scan], *, seed: int, planar: bool, **_: Any) -> Answers:
    """A random forest on grey, edge and texture features of two labelled slices: the classic trainable segmentation."""
    from sklearn.ensemble import RandomForestClassifier

    started = time.process_time()
    depth = train.part.shape[0]
    rng = np.random.default_rng(seed)
    features = _features(train, planar)
    rows, labels = [], []
    for z in (depth // 3, 2 * depth // 3):
        truth = train.phantom.labels[z] > 0
        for wanted in (truth & train.scored[z], ~truth & train.scored[z]):
            chosen = np.flatnonzero(wanted)
            chosen = rng.choice(chosen, min(5000, chosen.size), replace=False)
            rows.append(features(z).reshape(truth.size, -1)[chosen])
            labels.append(truth.ravel()[chosen])
    forest = RandomForestClassifier(60, max_depth=14, max_samples=0.5, n_jobs=1, random_state=seed)
    forest.fit(np.concatenate(rows), np.concatenate(labels))
    spent = time.process_time() - started
    found = []
    for scan in tests:
        level, features = np.zeros(scan.part.shape, np.uint8), _features(scan, planar)
        for z in range(depth):
            inside = np.flatnonzero(scan.part[z])
            chance = forest.predict_proba(features(z).reshape(scan.part[z].size, -1)[inside])[:, -1]
            level[z].flat[inside] = np.rint(255 * chance)
        found.append(Answer(level >= 128, level))
    return Answers(found, spent)


def _features(scan: Scan, planar: bool) -> Callable[[int], NDArray[np.float32]]:
    """Features of a slice, from itself or from the volume."""
    given = partial(multiscale_basic_features, sigma_min=0.5, sigma_max=8)
    if planar:
        return lambda z: np.asarray(given(scan.flat[z]))
    whole = given(scan.flat)
    return lambda z: np.asarray(whole[z])


def _widths(kind: Callable[..., Darkness], *given: Any) -> Entry:
    return Entry(partial(_tuned, variants={str(sigma): kind(sigma, *given) for sigma in RIDGE_SIGMAS}))


PEERS: dict[str, Entry] = {
    "filter, r < -2.5": Entry(partial(_fixed, mark=_filtered)),
    "filter, tuned": Entry(partial(_tuned, variants={str(sigma): _response(sigma) for sigma in SIGMAS})),
    "Otsu": Entry(partial(_fixed, mark=_below_otsu)),
    "Otsu, tuned": Entry(partial(_tuned, variants={"": lambda scan: -scan.phantom.scan.astype(np.float32)})),
    "local threshold, tuned": Entry(partial(_tuned, variants={"": lambda scan: -scan.flat})),
    "Sato 3-D, fixed": Entry(partial(_fixed, mark=_ridged)),
    "Sato 3-D, tuned": _widths(_ridge, False),
    "Sato 2-D, tuned": _widths(_ridge, True),
    "Hessian percolation, fixed": Entry(partial(_fixed, mark=_percolated)),
    "Frangi 3-D, tuned": _widths(_vessels, False, frangi),
    "Frangi 2-D, tuned": _widths(_vessels, True, frangi),
    "Meijering 2-D, tuned": _widths(_vessels, True, meijering),
    "matched filter 2-D, tuned": _widths(_matched),
    "forest, two labelled slices": Entry(partial(_forest, planar=True), learns=True),
    "forest 3-D, two labelled slices": Entry(partial(_forest, planar=False), learns=True),
}
"""Without labels: those named fixed, the filter at -2.5, Otsu. The others see the training volume's exact labels."""
