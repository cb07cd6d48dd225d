"""How much of a scan that is far larger than memory is held while a run learns from it."""

import subprocess
import sys
from pathlib import Path

import pytest

CHILD = """
import sys
import threading
import time

import numpy as np
import psutil

from napari_xct_crack import presets
from napari_xct_crack.budget import Budget
from napari_xct_crack.events import StepDone
from napari_xct_crack.io import read
from napari_xct_crack.prepare import prepare
from napari_xct_crack.runs import Run, TrainSettings
from napari_xct_crack.training import train
from napari_xct_crack.volume import Volume

store, run = sys.argv[1:]
scan = read(store)
assert scan.dtype.itemsize * scan.crop.size > 100e9
part = Volume.from_array(np.ones([-(-side // 64) for side in scan.shape], bool), role="mask")
values = {name: value for name, value in presets.load("quick").items() if name != "minutes"}
settings = TrainSettings.checked(values | {"steps_per_epoch": 4})
process, most = psutil.Process(), [0]
start = process.memory_info().rss

def watch():
    while True:
        most[0] = max(most[0], process.memory_info().rss)
        time.sleep(0.01)

threading.Thread(target=watch, daemon=True).start()
work = train(Run.create(run, settings, prepare(scan, window=(0.0, 40000.0), part=part)), Budget(epochs=1), "cpu")
assert sum(isinstance(event, StepDone) for event in work) == 4
print((most[0] - start) / 1e9)
"""

STORE = """
import sys

import numpy as np
import zarr

store = zarr.create_array(sys.argv[1], shape=(7868, 2624, 2624), dtype="u2", chunks=(64, 656, 656), fill_value=30000)
noise = np.random.default_rng(0).integers(28000, 32000, (64, 656, 656), dtype=np.uint16)
for z in range(0, 640, 64):
    store[z : z + 64, :656, :656] = noise
"""


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_scan_of_a_hundred_gigabytes_is_learnt_from_in_two(tmp_path: Path) -> None:
    for script, *names in ((STORE, "s.zarr"), (CHILD, "s.zarr", "run")):
        words = [sys.executable, "-c", script, *(str(tmp_path / name) for name in names)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert 0.3 < float(done.stdout) < 2.0
