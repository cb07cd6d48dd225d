"""The methods of the quality benchmark: each answers test volumes with masks after it has seen one training volume."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from quality_peers import PEERS
from quality_scans import Answer, Answers, Entry, Scan
from quality_stages import Labelled, Synthesised, Taught

from napari_xct_crack import examples, training
from napari_xct_crack.cracks._masks import build
from napari_xct_crack.events import Warned, finish
from napari_xct_crack.inference import SegmentSettings, preview
from napari_xct_crack.patches import Patches
from napari_xct_crack.presets import load
from napari_xct_crack.runs import Run, TrainSettings
from napari_xct_crack.training import Budget
from napari_xct_crack.volume import Box


def _learned(
    train: Scan,
    tests: list[Scan],
    *,
    seed: int,
    steps: int,
    folder: Path,
    kind: Callable[..., Patches] = Patches,
    preset: str = "quick",
    turns: bool = False,
    **changed: Any,
) -> Answers:
    """Train a preset, or what `changed` makes of it, and mark what is as likely crack as not."""
    given = {name: value for name, value in load(preset).items() if name in TrainSettings.model_fields}
    for name, value in changed.items():
        given[name] = given[name] | value if isinstance(given.get(name), dict) and "kind" not in value else value
    given |= {"seed": seed, "steps_per_epoch": steps}
    run = Run.create(folder, TrainSettings.checked(given), train.volume)
    spent = folder / "spent.json"
    if not spent.exists():
        started = time.process_time()
        with patch.object(examples, "Patches", kind):
            said = [event.text for event in training.train(run, Budget(epochs=1)) if isinstance(event, Warned)]
        spent.write_text(json.dumps({"cpu_seconds": time.process_time() - started, "said": said}))
    asked = SegmentSettings(turns=turns)
    levels = [preview(run, scan.volume, Box.of(scan.volume.shape), asked) for scan in tests]
    return Answers([Answer(level >= 128, level) for level in levels], **json.loads(spent.read_text()))


def _supervised(train: Scan, tests: list[Scan], **given: Any) -> Answers:
    """The same, taught with the training volume's exact labels."""
    return _learned(train, tests, kind=partial(Labelled, train.phantom.labels > 0), reviews=0, **given)


def _staged(
    train: Scan,
    tests: list[Scan],
    *,
    first: Entry,
    longer: float,
    kind: Callable[..., Patches],
    seed: int,
    steps: int,
    folder: Path,
    **changed: Any,
) -> Answers:
    """Train another entry for `longer` times the steps, then ours with what that has learnt; the time is that of both."""
    before = first.answer(train, [], seed=seed, steps=round(longer * steps), folder=folder / "first")
    kind = partial(kind, folder / "first")
    found = _learned(train, tests, seed=seed, steps=steps, folder=folder / "second", kind=kind, **changed)
    return replace(found, cpu_seconds=before.cpu_seconds + found.cpu_seconds)


def _ours(**changed: Any) -> Entry:
    """The default preset, with other settings or with labels."""
    return Entry(partial(_learned, **changed), learns=True, steps=1)


def _compact(**changed: Any) -> Entry:
    """The same with the network that was the default before."""
    return _ours(network={"kind": "compact"}, **changed)


def _exact(**changed: Any) -> Entry:
    """Ours with labels, with other settings or without."""
    return Entry(partial(_supervised, **changed), learns=True, steps=1)


def _gan(preset: str = "gpu", share: float = 0.27, **changed: Any) -> Entry:
    """A preset of the CycleGAN with nets of width 16 and one patch a step; `changed` is the run's, or its method's."""
    usual = {"network": {"kind": "unet256", "width": 16}, "batch": 1}
    run = usual | {name: changed.pop(name) for name in list(changed) if name in TrainSettings.model_fields}
    given = partial(_learned, preset=preset, method={"discriminator_width": 16} | changed, **run)
    return Entry(given, learns=True, steps=share)


def _small_gan(**changed: Any) -> Entry:
    """The CycleGAN with the nets, patches, slices and masks that it learns with on a CPU."""
    small = {"network": {"kind": "compact"}, "patches": {"size": 128}, "batch": 2, "slices": 5}
    usual = {"warm_start": 0.0, "learning_rate": 1e-3, "cracks": {"kind": "sheet"}}
    return _gan(share=1, **(usual | small | changed))


def _experimental(train: Scan, tests: list[Scan], *, folder: Path, **given: Any) -> Answers:
    """The published recipe with masks that people have drawn, where ``XCT_CRACK_TEST_DATA`` names their folder."""
    masks = folder.parent / "masks.safetensors"
    if not masks.exists():
        finish(build(Path(os.environ["XCT_CRACK_TEST_DATA"]) / "masks" / "cfd", masks, "auto", None))
    entry = _gan("paper", cracks={"kind": "library", "path": str(masks)})
    return entry.answer(train, tests, folder=folder, **given)


COMPACT = "ours, compact net"
VARIANTS: dict[str, Entry] = {
    COMPACT: _compact(),
    "ours, 2-D": _compact(slices=1),
    "ours, 9 slices": _compact(slices=9),
    "ours, 13 slices": _compact(slices=13),
    "ours, 9 slices and responses": _ours(slices=9, network={"kind": "compact", "responses": True}),
    "ours, no reviews": _compact(reviews=0),
    "ours, no doubt": _compact(reviews=0, patches={"doubt": False}),
    "ours, a tenth of the backgrounds": _compact(patches={"background_share": 0.1}),
    "ours, all backgrounds": _compact(patches={"background_share": 1.0}),
    "ours, fixed rendering": _compact(patches={"rendering": "fixed"}),
    "ours, painted cracks": _compact(patches={"rendering": "alpha"}),
    "ours, no average": _compact(averaging=0.0),
    "ours, average over 20 %": _compact(averaging=0.2),
    "ours, amplitudes swapped": _compact(patches={"amplitude": 0.1}),
    "ours, asked four times": _compact(turns=True),
    "ours, finds are taught": _compact(patches={"found_share": 0.25}),
    "supervised, 5 slices, compact net": _exact(network={"kind": "compact"}),
    "supervised, 2-D, compact net": _exact(network={"kind": "compact"}, slices=1),
}
"""With another network than the preset's: what each setting gives was measured with this one."""
METHODS: dict[str, Entry] = {
    "ours": _ours(),
    "ours, random start": _ours(start="random"),
    "ours, 9 slices, halved net": _ours(slices=9, start="random"),
    "supervised, 5 slices": _exact(start="random"),
    "supervised, 5 slices, same start": _exact(),
    "supervised, 2-D": _exact(slices=1, start="random"),
    **VARIANTS,
    "UNet-256, semi-synthetic": Entry(
        partial(
            _learned,
            preset="gpu",
            method={"kind": "semisynthetic"},
            cracks={"kind": "sheet"},
            network={"kind": "unet256", "width": 16},
            batch=1,
        ),
        learns=True,
        steps=1,
    ),
    "CycleGAN": _gan(warm_start=0.0),
    "CycleGAN, warm start": _gan(warm_start=0.3),
    "CycleGAN, sheets": _gan(warm_start=0.0, cracks={"kind": "sheet"}),
    "CycleGAN, sheets, warm start": _gan(warm_start=0.3, cracks={"kind": "sheet"}),
    "CycleGAN, sheets, compact net": _small_gan(),
    "CycleGAN, sheets, compact net, warm start": _small_gan(warm_start=0.3),
    **{
        f"CycleGAN, sheets, compact net, {name}": _small_gan(**changed)
        for name, changed in {
            "doubled alpha": {"composite": "alpha_doubled"},
            "alpha": {"composite": "alpha"},
            "nothing erased": {"erase": 0},
            "loss of tanh": {"mask_loss": "bce_tanh"},
            "no null loss": {"null": 0.0},
            "mask adversary 1": {"mask_adversary": 1.0},
            "no adversaries": {"mask_adversary": 0.0, "image_adversary": 0.0},
            "instance norm": {"discriminator_norm": "instance"},
            "gradient penalty": {"discriminator_norm": "instance", "gradient_penalty": 1.0},
            "discriminators as fast": {"discriminator_rate": 1.0},
            "no flips": {"patches": {"size": 128, "flips": False}},
            "no average": {"averaging": 0.0},
            "one slice": {"slices": 1},
            "slower": {"learning_rate": 2e-4},
        }.items()
    },
    "second stage on the CycleGAN's synthesiser": Entry(
        partial(_staged, first=_small_gan(), longer=0.5, kind=Synthesised, start="random"), learns=True, steps=1
    ),
    "taught by 9 slices and responses": Entry(
        partial(
            _staged,
            first=_ours(slices=9, network={"kind": "compact", "responses": True}),
            longer=1,
            kind=Taught,
            slices=9,
            start="random",
        ),
        learns=True,
        steps=1,
    ),
    "paper, CGM1": _gan("paper", cracks={"kind": "fractal"}),
    "paper, CGM2": Entry(_experimental, learns=True, steps=0.27),
    "paper, CGM3": _gan("paper"),
}
"""The supervised ones see the training volume's exact labels, ours nothing but the scan."""
METHODS |= PEERS
