"""The quality benchmark ends to end at a tiny size, and its table only grows."""

import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


def test_every_method_gets_a_row() -> None:
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "quality.py", "--smoke"], capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for method in (
        "ours",
        "supervised, 5 slices",
        "filter, r < -2.5",
        "Sato 3-D, tuned",
        "forest, two labelled slices",
    ):
        assert f"| {method} |" in done.stdout
