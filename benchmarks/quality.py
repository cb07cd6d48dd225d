"""Quality of every method on simulated scans of known truth: a table that grows, one finished cell at a time.

A cell is a method, a condition and a seed of training. Methods that learn, and thresholds that are tuned, see one volume
of the condition (``train``: the learned ones with or without its labels, as their names say); all are scored on other
volumes of it. Its result is one row of ``quality.csv``, and its counts per crack one file beside it, from which intervals
are drawn. A finished row is never computed again::

    python benchmarks/quality.py [--methods NAME ...] [--conditions NAME ...] [--seeds N ...] [--steps N]
    python benchmarks/quality.py --smoke
    python benchmarks/quality.py --table

The table it prints stands in ``docs/benchmark.md``.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from quality_methods import LEAST, METHODS, Answer, Scan, answers
from scipy.ndimage import distance_transform_edt

from napari_xct_crack.clean import CleanSettings, clean_array
from napari_xct_crack.evaluate import Evaluation, scores
from napari_xct_crack.metrics import Scores, pooled_margin
from napari_xct_crack.phantom import PhantomSettings, simulate
from napari_xct_crack.prepare import part_at, prepare
from napari_xct_crack.volume import Volume

RAW = Path(__file__).parent.parent / "docs" / "benchmark" / "raw"
RIM = 5
"""Voxels under the part's surface that are scored for nobody, but in the condition rim."""
TRAINED = ("seed-like", "noisy", "soft", "rings")
"""Conditions to learn from; for the others the methods have learnt from seed-like ones."""
TEST_ONLY = ("crack-free", "porous", "other-generator", "rim")
OURS = "ours"
KEYS = ("centreline", "voxels", "tips")


@dataclass(frozen=True)
class Size:
    """How large a benchmark is."""

    shape: tuple[int, int, int] = (32, 256, 256)
    tests: int = 5
    steps: int = 1500
    physics: str = "ct"
    prevalence: float = 1.0


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


def cell(method: str, condition: str, seed: int, size: Size, work: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Learn, answer and score: a row, and the counts per crack of each test volume."""
    source = condition if condition in TRAINED else "seed-like"
    train = scan_of(source, 1000, size)
    tests = [scan_of(condition, 2000 + number, size) for number in range(size.tests)]
    given = answers(method, train, tests, seed, size.steps, work / f"{method}-{source}-{seed}-{size.steps}")
    results = [score(answer, scan) for answer, scan in zip(given.answers, tests, strict=True)]
    total = results[0]
    counts = []
    for result in results:
        counts.append({key: _listed(getattr(result, key)) for key in KEYS})
    for result in results[1:]:
        total = total + replace(result, **{key: _apart(getattr(result, key), total, key) for key in KEYS})
    record = total.record()
    row = {
        "method": method,
        "condition": condition,
        "physics": size.physics,
        "shape": "x".join(map(str, size.shape)),
        "seed": seed,
        "steps": given.steps,
        "cpu_seconds": round(given.cpu_seconds),
        "learnt_from": f"{source} 1000",
        "test_volumes": size.tests,
    }
    for key in KEYS:
        for name in ("f1", "precision", "recall"):
            row[f"{key}_{name}"] = round(record[key][name], 4)
    row |= {
        "volume_ratio": record["voxels"]["volume_ratio"],
        "false_objects_per_512x512": record["false_alarms"]["per_512x512_slice"],
        "void_bias": (record["void"] or {}).get("bias"),
        "average_precision": record["average_precision"],
    }
    return row, {"volumes": counts}


def _apart(some: Scores, others: Evaluation, key: str) -> Scores:
    """Units under numbers of their own: cracks of two volumes are not the same crack."""
    taken = int(np.abs(getattr(others, key).units).max(initial=0)) + 1
    shifted = some.units + np.where(some.units > 0, taken, -taken)
    order = np.argsort(shifted)
    return Scores(shifted[order], some.counts[order])


def _listed(some: Scores) -> dict[str, Any]:
    return {"units": some.units.tolist(), "counts": some.counts.tolist()}


def _scores(listed: dict[str, Any]) -> Scores:
    return Scores(np.array(listed["units"], np.int64), np.array(listed["counts"], np.int64).reshape(-1, 4))


def _name(row: dict[str, Any]) -> str:
    name = "-".join(str(row[key]) for key in ("method", "condition", "physics", "shape", "steps", "seed"))
    return re.sub(r"[^\w.-]+", "_", name)


class Raw:
    """The rows that stand."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, folder / "quality.csv"
        self.rows: list[dict[str, Any]] = []
        if self.file.exists():
            with self.file.open(newline="", encoding="utf-8") as file:
                self.rows = list(csv.DictReader(file))

    def has(self, method: str, condition: str, seed: int, size: Size) -> bool:
        wanted = (method, condition, size.physics, "x".join(map(str, size.shape)), str(seed))
        keys = ("method", "condition", "physics", "shape", "seed")
        return any(
            tuple(str(row[key]) for key in keys) == wanted and int(row["steps"]) in (0, size.steps) for row in self.rows
        )

    def add(self, row: dict[str, Any], counts: dict[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / f"{_name(row)}.json").write_text(json.dumps(counts, separators=(",", ":")))
        self.rows.append(row)
        with self.file.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(row))
            writer.writeheader()
            writer.writerows(self.rows)

    def counts(self, row: dict[str, Any], key: str) -> list[Scores]:
        """Counts per crack, one per test volume."""
        volumes = json.loads((self.folder / f"{_name(row)}.json").read_text())["volumes"]
        return [_scores(volume[key]) for volume in volumes]

    def table(self) -> Iterator[str]:
        """Lines of a Markdown table for each condition: the worst seed of each method, beside our worst."""
        for condition in dict.fromkeys(row["condition"] for row in self.rows):
            here = [row for row in self.rows if row["condition"] == condition]
            worst: dict[str, dict[str, Any]] = {}
            for row in here:
                best = worst.get(row["method"])
                if best is None or float(row["centreline_f1"]) < float(best["centreline_f1"]):
                    worst[row["method"]] = row
            yield f"\n**{condition}** ({here[0]['physics']}, {here[0]['test_volumes']} test volumes of {here[0]['shape']})\n"
            yield (
                "| method | seeds | steps | CPU s | centre-line F1@2 | P / R | F1@2 | tip F1 | volume ratio | void bias "
                "| false objects per 512² | ours ahead (95 %) |"
            )
            yield "|---|" + "---|" * 11
            for method, row in sorted(worst.items(), key=lambda entry: -float(entry[1]["centreline_f1"])):
                yield self._line(row, sum(one["method"] == method for one in here), worst.get(OURS))

    def _line(self, row: dict[str, Any], seeds: int, ours: dict[str, Any] | None) -> str:
        lead = ""
        if ours is not None and row["method"] != OURS:
            found = pooled_margin(self.counts(ours, "centreline"), self.counts(row, "centreline"))
            lead = f"{found.value:+.3f} ({found.low:+.3f}, {found.high:+.3f})"
        number = {key: float(row[key]) if row[key] not in ("", None) else float("nan") for key in list(row)[9:]}
        return (
            f"| {row['method']} | {seeds} | {row['steps']} | {row['cpu_seconds']} | {number['centreline_f1']:.3f} "
            f"| {number['centreline_precision']:.2f} / {number['centreline_recall']:.2f} | {number['voxels_f1']:.3f} "
            f"| {number['tips_f1']:.3f} | {number['volume_ratio']:.2f} | {number['void_bias']:+.2f} "
            f"| {number['false_objects_per_512x512']:.1f} | {lead} |"
        )


def run(methods: list[str], conditions: list[str], seeds: list[int], size: Size, raw: Raw, work: Path) -> None:
    """All cells that do not stand yet."""
    for condition in conditions:
        for method in methods:
            for seed in seeds if METHODS[method].learns else [0]:
                if raw.has(method, condition, seed, size):
                    continue
                row, counts = cell(method, condition, seed, size, work)
                raw.add(row, counts)
                print(
                    f"{condition:16s} {method:32s} seed {seed}: centre-line F1@2 {row['centreline_f1']:.3f}", flush=True
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", nargs="*", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--conditions", nargs="*", default=[*TRAINED, *TEST_ONLY], choices=[*TRAINED, *TEST_ONLY])
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1])
    parser.add_argument("--steps", type=int, default=Size().steps)
    parser.add_argument("--raw", type=Path, default=RAW)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "xct-crack-quality")
    parser.add_argument("--smoke", action="store_true", help="a tiny size of all of it that ends in a minute")
    parser.add_argument("--table", action="store_true", help="only print what stands")
    given = parser.parse_args()
    size = Size(steps=given.steps)
    if given.smoke:
        size = Size((12, 96, 96), 1, 15, prevalence=10)
        with tempfile.TemporaryDirectory() as folder:
            raw = Raw(Path(folder) / "raw")
            run(list(METHODS), ["noisy"], [0], size, raw, Path(folder))
            print("\n".join(raw.table()))
        return
    raw = Raw(given.raw)
    if not given.table:
        run(given.methods, given.conditions, given.seeds, size, raw, given.work)
    print("\n".join(raw.table()))


if __name__ == "__main__":
    main()
