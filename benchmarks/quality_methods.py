"""The methods of the quality benchmark: each answers test volumes with masks after it has seen one training volume."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from quality_peers import PEERS
from quality_scans import Answer, Answers, Entry, Mask, Scan

from napari_xct_crack import examples, training
from napari_xct_crack.events import Warned
from napari_xct_crack.inference import preview
from napari_xct_crack.patches import Patches
from napari_xct_crack.presets import load
from napari_xct_crack.runs import Run, TrainSettings
from napari_xct_crack.training import Budget
from napari_xct_crack.volume import Box


class Labelled(Patches):
    """Patches of the training volume with its exact labels in place of rendered cracks."""

    def __init__(self, truth: Mask, *given: Any) -> None:
        super().__init__(*given)
        self.doubt_as([slab.padded(truth) for slab in self.slabs])
        self.free = np.concatenate([self.free, self.cracked])

    def _rendered(self, rng: np.random.Generator) -> tuple[NDArray[np.float32], ...]:
        frame, part, truth, _ = self._cut(self.free, rng)
        target, weight = (one[None].astype(np.float32) for one in (truth, part))
        return target, np.zeros_like(frame), np.ascontiguousarray(frame), weight


def _learned(
    train: Scan, tests: list[Scan], *, seed: int, steps: int, folder: Path, labels: bool = False, **changed: Any
) -> Answers:
    """Train the default preset, or what `changed` makes of it, and mark what is as likely crack as not."""
    preset = {name: value for name, value in load("quick").items() if name in TrainSettings.model_fields}
    preset |= {"seed": seed, "steps_per_epoch": steps} | changed
    if labels:
        preset |= {"reviews": 0}
    run = Run.create(folder, TrainSettings.checked(preset), train.volume)
    kind = partial(Labelled, train.phantom.labels > 0) if labels else Patches
    spent = folder / "spent.json"
    if not spent.exists():
        started = time.process_time()
        with patch.object(examples, "Patches", kind):
            said = [event.text for event in training.train(run, Budget(epochs=1)) if isinstance(event, Warned)]
        spent.write_text(json.dumps({"cpu_seconds": time.process_time() - started, "said": said}))
    levels = [preview(run, scan.volume, Box.of(scan.volume.shape)) for scan in tests]
    return Answers([Answer(level >= 128, level) for level in levels], **json.loads(spent.read_text()))


def _ours(**changed: Any) -> Entry:
    """Ours with other settings, to see what each gives."""
    return Entry(partial(_learned, **changed), learns=True, steps=1)


def _patches(**changed: Any) -> Entry:
    return _ours(patches=load("quick")["patches"] | changed)


METHODS: dict[str, Entry] = {
    "ours": _ours(),
    "supervised, 5 slices": _ours(labels=True),
    "supervised, 2-D": _ours(labels=True, slices=1),
    "ours, 2-D": _ours(slices=1),
    "ours, 9 slices": _ours(slices=9),
    "ours, 13 slices": _ours(slices=13),
    "ours, no reviews": _ours(reviews=0),
    "ours, no doubt": _ours(reviews=0, patches=load("quick")["patches"] | {"doubt": False}),
    "ours, a tenth of the backgrounds": _patches(background_share=0.1),
    "ours, all backgrounds": _patches(background_share=1.0),
    "ours, fixed rendering": _patches(rendering="fixed"),
    "ours, painted cracks": _patches(rendering="alpha"),
    "ours, no average": _ours(averaging=0.0),
    "ours, average over 20 %": _ours(averaging=0.2),
    "ours, amplitudes swapped": _patches(amplitude=0.1),
    "ours, finds are taught": _patches(found_share=0.25),
}
"""The supervised ones see the training volume's exact labels, ours nothing but the scan."""
METHODS |= PEERS
