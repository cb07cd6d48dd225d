"""The benchmark of the generators runs, and what it compares is the same thing."""

import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from napari_xct_crack.cracks import CrackGenerator

generators = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "benchmarks" / "generators.py")))


def test_the_plain_loop_draws_what_the_generator_draws() -> None:
    loop = [generators.plain(256, np.random.default_rng(seed)).mean() for seed in range(12)]
    ours = [generators.SIX.draw((1, 256, 256), np.random.default_rng(seed)).coverage.mean() for seed in range(200)]
    assert np.mean(loop) == pytest.approx(np.mean(ours), rel=0.3)


def test_the_tables_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    generators.main(["--repeats", "2", "--steps", "0"])
    said = capsys.readouterr().out
    assert all(f"| `{name}` |" in said for name in CrackGenerator.kinds())
    times = re.search(r"is (\d+) times as fast", said)
    assert times is not None
    assert int(times[1]) > 4


def test_shapes_are_measured_in_pixels() -> None:
    measure = runpy.run_path(str(Path(__file__).parents[1] / "benchmarks" / "shapes.py"))["measure"]
    mask = np.zeros((30, 60), np.bool_)
    mask[10:13, 5:55] = True
    length, width, _, aspect, tortuosity, direction = measure(mask)
    assert length == pytest.approx(50, abs=4)
    assert width == pytest.approx(3, abs=0.3)
    assert aspect == pytest.approx(50 / 3, rel=0.05)
    assert tortuosity == pytest.approx(1, abs=0.02)
    assert direction % 180 == pytest.approx(0, abs=1)
