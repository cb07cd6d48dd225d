"""Cells of the quality benchmark: what is learnt from, what is scored on, and how."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from quality_methods import METHODS
from quality_scans import LEAST, Answer, Scan
from scipy.ndimage import distance_transform_edt

from napari_xct_crack.clean import CleanSettings, clean_array
from napari_xct_crack.detection import limits
from napari_xct_crack.evaluate import Evaluation, scores
from napari_xct_crack.metrics import Scores
from napari_xct_crack.phantom import PhantomSettings, simulate
from napari_xct_crack.prepare import part_at, prepare
from napari_xct_crack.volume import Volume

RIM = 5
"""Voxels under the part's surface that are scored for nobody, but in the condition rim."""
KEYS = ("centreline", "voxels", "tips")


@dataclass(frozen=True)
class Case:
    """Which scans a method learns from, and which it is scored on; prevalences are factors on the number of cracks."""

    condition: str
    source: str
    prevalence: float = 1.0
    source_prevalence: float = 1.0


CASES: dict[str, Case] = {
    **{name: Case(name, name) for name in ("seed-like", "noisy", "soft", "rings")},
    **{name: Case(name, "seed-like") for name in ("crack-free", "porous", "other-generator", "rim")},
    **{f"{name} {factor:g}x": Case(name, name, factor) for name in ("noisy", "soft") for factor in (0.25, 4.0)},
    **{f"noisy {factor:g}x, learnt there": Case("noisy", "noisy", factor, factor) for factor in (0.25, 4.0)},
    "crack-free, learnt there": Case("crack-free", "crack-free"),
}
"""By the names that stand in the rows' column `condition`."""


@dataclass(frozen=True)
class Size:
    """How large a benchmark is."""

    shape: tuple[int, int, int] = (32, 256, 256)
    tests: int = 5
    steps: int = 1500
    physics: str = "ct"
    prevalence: float = 1.0

    def of(self, case: Case) -> tuple[Size, Size]:
        """The sizes of the volumes that are learnt from and scored on."""
        return (
            replace(self, prevalence=self.prevalence * case.source_prevalence),
            replace(self, prevalence=self.prevalence * case.prevalence),
        )


@lru_cache(maxsize=6)
def scan_of(condition: str, seed: int, size: Size) -> Scan:
    """One simulated scan with all that is known of it."""
    phantom = simulate(
        PhantomSettings(
            condition=condition, physics=size.physics, seed=seed, shape=size.shape, prevalence=size.prevalence
        )
    )
    volume = prepare(Volume.from_array(phantom.scan, voxel_size=(0.71, 0.71, 0.71)))
    part = part_at(volume)
    scored = part & phantom.part if condition == "rim" else distance_transform_edt(part) > RIM
    return Scan(volume, phantom, part, scored)


def tests_of(case: Case, size: Size) -> list[Scan]:
    """The volumes that are scored on."""
    return [scan_of(case.condition, 2000 + number, size.of(case)[1]) for number in range(size.tests)]


def score(answer: Answer, scan: Scan) -> Evaluation:
    """All scores of one mask after the default clean-up, which is the same for every method."""
    truth = scan.phantom
    return scores(
        (clean_array(answer.mask, CleanSettings(min_size=LEAST)) > 0) & scan.scored,
        truth.labels,
        tips=np.array(truth.tips).reshape(-1, 4),
        ignore=~scan.scored,
        levels=answer.levels,
        aperture=truth.aperture,
        pores=truth.pores > 0.1,
        grey=truth.scan,
        void=truth.void,
        contrast=float(np.median(truth.scan[scan.part]) - np.median(truth.scan[(~scan.part) & (truth.scan > 0)])),
        metal=scan.part,
    )


def key_of(method: str, name: str, seed: int, size: Size) -> dict[str, Any]:
    """What tells a row from all others."""
    return {
        "method": method,
        "condition": name,
        "physics": size.physics,
        "shape": "x".join(map(str, size.shape)),
        "seed": seed,
        "steps": round(METHODS[method].steps * size.steps),
    }


def cell(method: str, name: str, seed: int, size: Size, work: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Learn, answer and score: a row, and what each test volume counted."""
    case = CASES[name]
    train = scan_of(case.source, 1000, size.of(case)[0])
    tests = tests_of(case, size)
    row = key_of(method, name, seed, size)
    source = case.source if case.source_prevalence == 1 else f"{case.source}{case.source_prevalence:g}x"
    given = METHODS[method].answer(
        train, tests, seed=seed, steps=row["steps"], folder=work / f"{method}-{source}-{seed}-{row['steps']}"
    )
    results = [score(answer, scan) for answer, scan in zip(given.answers, tests, strict=True)]
    total = results[0]
    for result in results[1:]:
        total = total + replace(result, **{key: _apart(getattr(result, key), total, key) for key in KEYS})
    record = total.record()
    row |= {
        "cpu_seconds": round(given.cpu_seconds),
        "learnt_from": f"{source} 1000",
        "test_volumes": size.tests,
    }
    for key in KEYS:
        for share in ("f1", "precision", "recall"):
            row[f"{key}_{share}"] = round(record[key][share], 4)
    row |= {
        "volume_ratio": record["voxels"]["volume_ratio"],
        "false_objects_per_512x512": record["false_alarms"]["per_512x512_slice"],
        "void_bias": (record["void"] or {}).get("bias"),
        "average_precision": record["average_precision"],
    }
    counts = [{key: _listed(getattr(result, key)) for key in KEYS} for result in results]
    return row, {"volumes": counts, "apertures": record["apertures"], "said": given.said}


def limit_of(name: str, size: Size) -> dict[int, float]:
    """Aperture in voxels at which a straight crack of 20 and of 60 voxels reaches an SNR of 5, in one slice."""
    scan = tests_of(CASES[name], size)[0]
    truth = scan.phantom
    known = (truth.labels > 0) | (truth.pores > 0.1)
    metal = scan.part & (distance_transform_edt(~known) > 3) & (distance_transform_edt(scan.part) > RIM)
    look = scan.look
    return limits(scan.flat, metal, look.contrast, look.point_spread)


def _apart(some: Scores, others: Evaluation, key: str) -> Scores:
    """Units under numbers of their own: cracks of two volumes are not the same crack."""
    taken = int(np.abs(getattr(others, key).units).max(initial=0)) + 1
    shifted = some.units + np.where(some.units > 0, taken, -taken)
    order = np.argsort(shifted)
    return Scores(shifted[order], some.counts[order])


def _listed(some: Scores) -> dict[str, Any]:
    return {"units": some.units.tolist(), "counts": some.counts.tolist()}
