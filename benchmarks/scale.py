"""Peak memory of each stage on a volume and on ones eight times larger, each in a process of its own.

``python benchmarks/scale.py`` and ``--wide`` print the tables of docs/scale.md.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_xct_crack.io import RawLayout, read
from napari_xct_crack.io.ome_zarr import write
from napari_xct_crack.networks.compact import Compact
from napari_xct_crack.runs import Run, TrainSettings

NET = Compact(width=2)
SMALL = (544, 160, 160)
"""Long enough to have a coarser level: what halves integers takes 60 MB, which all three are to load."""
LARGER = {"2 × along each axis": (1088, 320, 320), "8 × as deep": (4352, 160, 160)}
WIDE = (64, 2048, 2048)
"""So wide that what grows with the area of a slice is at its bound."""
WIDER = {"2 × along each axis": (128, 4096, 4096)}
CHILD = """
import sys
from napari_xct_crack.cli import main
code = main()
sys.stderr.write(open("/proc/self/status").read())
sys.exit(code)
"""
CLEANING = ["--hysteresis", "0.3", "--closing", "1", "--min-size", "8"]


def made(folder: Path, shape: tuple[int, int, int]) -> None:
    """A headerless scan with noise and dark sheets, a probability of these, and a run."""
    folder.mkdir()
    rng = np.random.default_rng(1)
    probability = np.zeros(shape, np.uint8)
    with (folder / "scan.raw").open("wb") as file:
        for z in range(shape[0]):
            grey = rng.normal(20000, 800, shape[1:]).astype(np.uint16)
            for x in range(40, shape[2], 96):
                at = x + (z // 3 + np.arange(shape[1]) // 8) % 16
                inside = np.flatnonzero(np.arange(shape[1]) % 96 > 30)
                grey[inside, at[inside]] -= 6000
                probability[z, inside, at[inside]] = 230
            file.write(grey.tobytes())
    write(folder / "given.ome.zarr", probability, role="probability", voxel_size=(1.0, 1.0, 1.0))
    scan = read(folder / "scan.raw", raw=RawLayout(shape=shape, dtype="uint16"), voxel_size=(1.0, 1.0, 1.0))
    run = Run.create(folder / "run", TrainSettings(network=NET), replace(scan, window=(12000.0, 23000.0)))
    run.save_model(NET.build(5).state_dict(), {}, {})


def peak_mb(*words: object) -> float:
    """Peak resident memory of a command, MB."""
    # asked of the child itself: what wait() tells counts the parent's pages from before the child's program was loaded
    child = subprocess.run([sys.executable, "-c", CHILD, *map(str, words)], capture_output=True, text=True, check=True)
    return int(child.stderr.rsplit("VmHWM:", 1)[1].split()[0]) / 1024


def peaks(folder: Path, shape: tuple[int, int, int], stages: list[str]) -> dict[str, float]:
    """Peak of each of the stages on a volume of that shape."""
    made(folder, shape)
    scan, given, mask = (folder / f"{name}.ome.zarr" for name in ("scan", "given", "mask"))
    layout = ["--shape", *shape, "--dtype", "uint16", "--voxel-size-um", 1, 1, 1]
    commands = {
        "convert": ["convert", folder / "scan.raw", scan, *layout],
        "segment": ["segment", folder / "scan.raw", folder / "run", folder / "p.ome.zarr", "--device", "cpu", *layout],
        "clean": ["clean", given, mask, *CLEANING],
        "measure": ["measure", mask, folder / "measured"],
    }
    return {stage: peak_mb(*commands[stage]) for stage in stages}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stages", nargs="+", default=["convert", "segment", "clean", "measure"])
    parser.add_argument("--wide", action="store_true", help="slices of four million pixels against such of sixteen")
    given = parser.parse_args()
    stages = given.stages
    first, larger = (WIDE, WIDER) if given.wide else (SMALL, LARGER)
    with tempfile.TemporaryDirectory() as name:
        found = {
            what: peaks(Path(name) / str(number), shape, stages)
            for number, (what, shape) in enumerate({"small": first, **larger}.items())
        }
    small = found.pop("small")
    print(f"| stage | {' × '.join(map(str, first))} | {' | '.join(found)} |")
    print("|---" * (2 + len(found)) + "|")
    for stage, peak in small.items():
        rest = " | ".join(f"{one[stage]:.0f} MB ({one[stage] / peak:.2f} ×)" for one in found.values())
        print(f"| {stage} | {peak:.0f} MB | {rest} |")


if __name__ == "__main__":
    main()
