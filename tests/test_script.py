"""The pipeline as a script, as the README has it."""

import ast
import re
from pathlib import Path

import numpy as np

import napari_xct_crack
from napari_xct_crack import (
    Box,
    Budget,
    CleanSettings,
    Compact,
    CycleGan,
    RandomCracks,
    Run,
    TrainSettings,
    clean,
    finish,
    prepare,
    read,
    segment,
    train,
)
from napari_xct_crack.events import StepDone
from napari_xct_crack.patches import PatchSettings
from napari_xct_crack.phantom import PhantomSettings, make

README = Path(__file__).parents[1] / "README.md"


def test_from_a_file_to_a_mask(tmp_path: Path):
    finish(make(PhantomSettings(condition="clean", shape=(12, 160, 160)), tmp_path))
    scan = prepare(read(tmp_path / "scan.ome.zarr"), crop=Box((2, 8, 8), (10, 152, 152)))
    settings = TrainSettings(
        cracks=RandomCracks(),
        method=CycleGan(discriminator_width=8),
        network=Compact(width=4),
        patches=PatchSettings(size=64),
        slices=1,
        batch=2,
        steps_per_epoch=2,
    )
    run = Run.create(tmp_path / "run", settings, scan)
    steps = [event.step for event in train(run, Budget(epochs=1), "cpu") if isinstance(event, StepDone)]
    assert steps == [1, 2]
    probability = finish(segment(run, scan, tmp_path / "probability.ome.zarr"))
    mask = finish(clean(probability, CleanSettings(threshold=0.5, closing="1.5um"), tmp_path / "mask.ome.zarr"))
    assert mask.shape == probability.shape == scan.shape
    assert mask.origin == scan.origin
    assert set(np.unique(mask.read())) <= {0, 1}
    opened = read(tmp_path / "mask.ome.zarr")
    assert np.array_equal(opened.read(), mask.read())


def test_the_readmes_script_names_what_is_there():
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    imported = {alias.name for node in ast.parse(code).body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert imported >= {"read", "prepare", "train", "segment", "clean"}
    assert imported <= set(napari_xct_crack.__all__)
