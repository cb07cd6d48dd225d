"""Other things than rendered cracks that a segmenter of the quality benchmark can be taught with."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from quality_scans import Mask
from torch import Tensor, nn

from napari_xct_crack.methods._grey import compose
from napari_xct_crack.methods.cyclegan import CycleGan
from napari_xct_crack.networks._turned import Turned
from napari_xct_crack.patches import Patches
from napari_xct_crack.records import read_json, read_tensors
from napari_xct_crack.runs import TrainSettings, load_segmenter, model_folder

Drawn = tuple[NDArray[np.float32], ...]
"""Target, coverage, frame and weight of one patch."""


class Labelled(Patches):
    """Patches of the training volume with its exact labels."""

    def __init__(self, truth: Mask, *given: Any) -> None:
        super().__init__(*given)
        self.doubt_as([slab.padded(truth) for slab in self.slabs])
        self.free = np.concatenate([self.free, self.cracked])

    def _rendered(self, rng: np.random.Generator) -> Drawn:
        frame, part, truth, _ = self._cut(self.free, rng)
        target, weight = (one[None].astype(np.float32) for one in (truth, part))
        return target, np.zeros_like(frame), np.ascontiguousarray(frame), weight


class Synthesised(Patches):
    """Cracks put into the frames by the synthesiser of a CycleGAN that was trained on the same scan."""

    def __init__(self, run: Path, *given: Any) -> None:
        super().__init__(*given)
        settings = TrainSettings.checked(read_json(model_folder(run) / "card.json")["settings"])
        assert isinstance(settings.method, CycleGan)
        self._method = settings.method
        self._synthesiser: nn.Module = settings.network.build(1)
        begin = "modules/synthesiser/"
        tensors = read_tensors(run / "checkpoint.safetensors")[0]
        own = {name.removeprefix(begin): value for name, value in tensors.items() if name.startswith(begin)}
        self._synthesiser.load_state_dict(own)
        self._synthesiser.eval()

    @torch.inference_mode()
    def _rendered(self, rng: np.random.Generator) -> Drawn:
        frame = torch.from_numpy(self._cut(self.free, copy.deepcopy(rng))[0])[None]
        target, coverage, _, weight = super()._rendered(rng)
        void = torch.from_numpy(coverage)[:, None]
        answer = self._synthesiser(2 * void - 1)[:, 0][None]
        contrast, spread = self.look
        depth = float(np.exp(rng.uniform(np.log(self._method.shallowest), 0)))
        found = compose(self._method.composite, frame, void[:, 0][None], answer, contrast * depth, spread)
        return target, coverage, found[0].numpy(), weight


class Taught(Patches):
    """Rendered cracks, and as often real frames that look cracked; what nobody knows of them a larger net says."""

    def __init__(self, run: Path, *given: Any) -> None:
        super().__init__(*given)
        self._teacher = Turned(load_segmenter(run).net)

    def _rendered(self, rng: np.random.Generator) -> Drawn:
        if rng.random() < 0.5:
            frame, part, _, _ = self._cut(self.cracked, rng)
            return self._says(frame), np.zeros_like(frame), frame, part[None].astype(np.float32)
        _, part, _, _ = self._cut(self.free, copy.deepcopy(rng))
        target, coverage, frame, weight = super()._rendered(rng)
        told = np.where(weight > 0, target, self._says(frame))
        return told, coverage, frame, part[None].astype(np.float32)

    @torch.inference_mode()
    def _says(self, frame: NDArray[np.float32]) -> NDArray[np.float32]:
        logits: Tensor = self._teacher(torch.from_numpy(np.ascontiguousarray(frame))[None])
        found: NDArray[np.float32] = logits.sigmoid()[0].numpy()
        return found
