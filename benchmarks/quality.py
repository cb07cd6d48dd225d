"""Quality of every method on simulated scans of known truth: a table that grows, one finished cell at a time.

A cell is a method, a condition and a seed of training. Methods that learn, and thresholds that are tuned, see one volume
of the condition (``train``: the learned ones with or without its labels, as their names say); all are scored on other
volumes of it. Its result is one row of ``quality.csv``, and its counts per crack one file beside it, from which intervals
are drawn. A finished row is never computed again::

    python benchmarks/quality.py [--methods NAME ...] [--conditions NAME ...] [--seeds N ...] [--steps N]
    python benchmarks/quality.py --smoke
    python benchmarks/quality.py --table

What it prints stands in ``docs/benchmark/tables.md``.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from quality_cells import CASES, Size, cell
from quality_methods import METHODS
from quality_peers import PEERS
from quality_plots import plot
from quality_raw import Raw

STANDARD = ["ours", "supervised, 5 slices", "supervised, 5 slices, same start", "supervised, 2-D", *PEERS]
"""What every condition gets; the other methods are variants, to see what each part gives."""
PLOTTED = ("noisy", "soft")
RAW = Path(__file__).parent.parent / "docs" / "benchmark" / "raw"


def run(methods: list[str], conditions: list[str], seeds: list[int], size: Size, raw: Raw, work: Path) -> None:
    """All cells that do not stand yet."""
    for condition in conditions:
        for method in methods:
            for seed in seeds if METHODS[method].learns else [0]:
                if raw.has(method, condition, seed, size):
                    continue
                row, counted = cell(method, condition, seed, size, work)
                raw.add(row, counted)
                print(f"{condition:24s} {method:32s} seed {seed}: {row['centreline_f1']:.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", nargs="*", default=STANDARD, choices=list(METHODS))
    parser.add_argument("--conditions", nargs="*", default=list(CASES), choices=list(CASES))
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1])
    parser.add_argument("--steps", type=int, default=Size().steps)
    parser.add_argument("--raw", type=Path, default=RAW)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "xct-crack-quality")
    parser.add_argument("--smoke", action="store_true", help="a tiny size that ends in a minute")
    parser.add_argument("--table", action="store_true", help="only print what stands, and plot it")
    given = parser.parse_args()
    if given.smoke:
        with tempfile.TemporaryDirectory() as folder:
            raw = Raw(Path(folder) / "raw")
            methods = [*STANDARD, "ours, finds are taught", "CycleGAN", "paper, CGM3"]
            run(methods, ["noisy"], [0], Size((12, 96, 96), 1, 15, prevalence=10), raw, Path(folder))
            print("\n".join(raw.table()))
        return
    size, raw = Size(steps=given.steps), Raw(given.raw)
    if not given.table:
        run(given.methods, given.conditions, given.seeds, size, raw, given.work)
    for condition in PLOTTED:
        plot(raw, condition, size, given.raw.parent)
    table = "\n".join(raw.table())
    (given.raw.parent / "tables.md").write_text(f"# Every method on every condition\n{table}\n", encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
