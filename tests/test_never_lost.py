"""Processes killed at random moments: what was finished is not done again, and the store is the uninterrupted one."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from napari_xct_crack import inference
from napari_xct_crack.blocks import _tasks
from napari_xct_crack.clean import CleanSettings, clean
from napari_xct_crack.convert import convert
from napari_xct_crack.errors import BusyError
from napari_xct_crack.events import finish
from napari_xct_crack.inference import SegmentSettings, segment
from napari_xct_crack.io import _pyramid, read
from napari_xct_crack.io.ome_zarr import write
from napari_xct_crack.networks.compact import Compact
from napari_xct_crack.runs import Run, TrainSettings
from napari_xct_crack.volume import Volume

SHAPE = (12, 24, 40)
ALL = CleanSettings(threshold=0.55, hysteresis=0.5, closing="1", fill_holes=True, opening="1", min_size=4)
FORK = multiprocessing.get_context("forkserver")
FORK.set_forkserver_preload(["pytest", *(f"napari_xct_crack.{name}" for name in ("clean", "convert", "inference"))])


def _convert(given: Path, out: Path) -> Any:
    return convert(read(given / "scan.ome.zarr"), out)


def _segment(given: Path, out: Path) -> Any:
    return segment(Run(given / "run"), read(given / "scan.ome.zarr"), out, SegmentSettings(device="cpu", normal="all"))


def _clean(given: Path, out: Path) -> Any:
    return clean(read(given / "scan.ome.zarr"), ALL, out)


STAGES: dict[str, Callable[[Path, Path], Any]] = {"convert": _convert, "segment": _segment, "clean": _clean}


def stage(name: str, given: Path, out: Path, log: Path) -> None:
    """In a child: one stage with small boxes; the log tells when a box is written and when it is done."""
    import torch

    torch.set_num_threads(1)
    inference.SLAB_BYTES, _pyramid.COARSEST = 4 * SHAPE[1] * SHAPE[2], 16
    for module in ("clean", "convert"):
        sys.modules[f"napari_xct_crack.{module}"].layout = lambda shape, itemsize: ((4, 8, 8), (8, 16, 16))  # type: ignore[attr-defined]
    keep, file = _tasks.Target.keep, os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def told(target: Any, store: Any, box: Any, values: Any) -> None:
        name = f"{target.path.relative_to(out.parent)} {box.start}"
        os.write(file, f"begin {name}\n".encode())
        keep(target, store, box, values)
        os.write(file, f"done {name}\n".encode())

    _tasks.Target.keep = told  # type: ignore[method-assign]
    finish(STAGES[name](given, out))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a scan and a run."""
    folder = tmp_path_factory.mktemp("given")
    smooth = ndimage.gaussian_filter(np.random.default_rng(4).random(SHAPE), 1)
    grey = (40 + 160 * (smooth - smooth.min()) / np.ptp(smooth)).astype(np.uint8)
    scan: Volume = write(folder / "scan.ome.zarr", grey, role="image", voxel_size=(2.0, 1.0, 1.0))
    settings = TrainSettings(network=Compact(width=2), slices=3)
    run = Run.create(folder / "run", settings, replace(scan, window=(40.0, 200.0)))
    run.save_model(Compact(width=2).build(3).state_dict(), {}, {})
    return folder


def started(name: str, given: Path, out: Path) -> BaseProcess:
    process = FORK.Process(target=stage, args=(name, given, out, out.parent.with_suffix(".log")), daemon=True)
    process.start()
    return process


def test_kills(given: Path, tmp_path: Path) -> None:
    for name in STAGES:
        kill_at_random(name, 10, given, tmp_path)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", STAGES)
def test_many_kills(name: str, given: Path, tmp_path: Path) -> None:
    kill_at_random(name, 100, given, tmp_path)


def kill_at_random(name: str, kills: int, given: Path, folder: Path) -> None:
    whole = started(name, given, folder / name / "o.ome.zarr")
    begun = time.monotonic()
    whole.join()
    assert whole.exitcode == 0
    lasts, expected = time.monotonic() - begun, contents(folder / name)
    rng, rounds, killed = np.random.default_rng(len(name)), 0, 0
    while killed < kills:
        rounds += 1
        place = folder / f"{name}-{rounds}"
        while (process := started(name, given, place / "o.ome.zarr")).exitcode is None:
            process.join(float(rng.uniform(0.1, 1)) * lasts if killed < kills else None)
            if process.exitcode is not None:
                break
            process.kill()
            process.join()
            killed += 1
        assert process.exitcode == 0
        assert contents(place) == expected
        done: set[str] = set()
        for word, box in (line.split(" ", 1) for line in place.with_suffix(".log").read_text().splitlines()):
            assert word == "done" or box not in done, box
            done |= {box} if word == "done" else set()
        assert done


def test_a_second_process_is_refused(given: Path, tmp_path: Path) -> None:
    out = tmp_path / "a" / "o.ome.zarr"
    first = started("segment", given, out)
    while not (out / ".work").exists():
        time.sleep(0.01)
    with pytest.raises(BusyError, match="another process"):
        finish(_segment(given, out))
    first.join()
    assert first.exitcode == 0
