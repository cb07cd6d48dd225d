"""Time of one training step of the `paper` nets beside a plain statement of the same step.

    python benchmarks/training.py [--steps N] [--width W] [--threads T]

One CycleGAN step on one patch of 256 × 256 pixels, batch 1, two threads. The plain statement computes the same losses with the same
nets in the way they are usually written down: discriminators keep their gradients while the generators learn, and Adam as torch
makes it by default. Each row is the median of the steps of a process of its own, for how memory is kept is a matter of the process.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_xct_crack import presets
from napari_xct_crack.heap import keep
from napari_xct_crack.methods import Batch
from napari_xct_crack.methods._history import exchange
from napari_xct_crack.methods.cyclegan import CycleGan, CycleGanLearner
from napari_xct_crack.networks.patchgan import patchgan
from napari_xct_crack.networks.unet256 import UNet256

Step = Callable[[Batch], dict[str, float]]


def batch(seed: int, side: int = 256) -> Batch:
    """A batch of one patch."""
    rng = torch.Generator().manual_seed(seed)
    frames = [torch.rand((1, 1, side, side), generator=rng) * 2 - 1 for _ in range(3)]
    mask = (torch.rand((1, 1, side, side), generator=rng) < 0.03).float()
    ones = torch.ones_like(mask)
    return Batch(
        masks=mask,
        coverage=mask,
        rendered=frames[0],
        weight=ones,
        crack_free=frames[1],
        crack_free_trusted=ones,
        cracked=frames[2],
        cracked_trusted=ones,
        cracked_part=ones,
        contrast=1.0,
        point_spread=1.0,
    )


class Plain:
    """The published step, written down plainly; `again` computes the fakes once more for the discriminators."""

    def __init__(self, width: int, again: bool) -> None:
        torch.manual_seed(0)
        self.again = again
        self.segmenter, self.synthesiser = UNet256(width=width).build(1), UNet256(width=width).build(1)
        self.judges = nn.ModuleDict({name: patchgan(1, width) for name in ("image", "mask")})
        self.generated = [*self.segmenter.parameters(), *self.synthesiser.parameters()]
        self.generators = torch.optim.Adam(self.generated, 2e-4, betas=(0.5, 0.999))
        self.discriminators = torch.optim.Adam(self.judges.parameters(), 2e-4, betas=(0.5, 0.999))
        self.pools: dict[str, Tensor] = {}
        self.rng = np.random.default_rng(0)

    def composed(self, mask: Tensor, frame: Tensor) -> Tensor:
        """Grey of the mask painted over a frame."""
        share = (mask + 1) / 2
        return share * (2 * self.synthesiser(mask).tanh() - 1) + (1 - share) * frame

    def step(self, drawn: Batch) -> dict[str, float]:
        """One update of the generators, one of the discriminators."""
        masks = 2 * drawn.masks - 1
        fake = self.composed(masks, drawn.crack_free)
        found = self.segmenter(drawn.cracked).tanh()
        terms = {
            "image_adversary": (self.judges["image"](fake) - 1).square().mean(),
            "mask_adversary": (self.judges["mask"](found) - 1).square().mean(),
            "mask_cycle": functional.binary_cross_entropy_with_logits(self.segmenter(fake).tanh(), masks),
            "image_cycle": functional.l1_loss(self.composed(found, drawn.cracked), drawn.cracked),
        }
        weights = {"image_adversary": 1, "mask_adversary": 1, "mask_cycle": 10, "image_cycle": 10}
        self.generators.zero_grad()
        sum(weights[name] * value for name, value in terms.items()).backward()
        nn.utils.clip_grad_norm_(self.generated, 5.0)
        self.generators.step()
        if self.again:
            fake, found = self.composed(masks, drawn.crack_free), self.segmenter(drawn.cracked).tanh()
        self.discriminators.zero_grad()
        judged = {}
        for name, real, made in (("image", drawn.cracked, fake), ("mask", masks, found)):
            old = exchange(self.pools, name, made.detach(), 50, self.rng)
            judge = self.judges[name]
            judged[name] = 0.5 * ((judge(real) - 1).square().mean() + judge(old).square().mean())
        sum(judged.values()).backward()
        self.discriminators.step()
        return {name: float(value.detach()) for name, value in (terms | judged).items()}


def ours(width: int, memory: torch.memory_format = torch.contiguous_format) -> Step:
    """The step as the preset `paper` takes it, with weights in a memory format."""
    torch.manual_seed(0)
    settings = CycleGan.checked({**presets.load("paper")["method"], "discriminator_width": width})
    learner = CycleGanLearner(settings, UNet256(width=width), 1, torch.device("cpu"))
    for net in learner.modules.values():
        net.to(memory_format=memory)
    rng = np.random.default_rng(0)
    return lambda drawn: learner.step(drawn, 0.1, rng)


ROWS: dict[str, Callable[[int], Step]] = {
    "plain": lambda width: Plain(width, again=False).step,
    "plain, fakes computed again": lambda width: Plain(width, again=True).step,
    "ours": ours,
    "ours, channels last": lambda width: ours(width, torch.channels_last),
}


def measured(name: str, width: int, count: int) -> dict[str, float]:
    """Median CPU and wall seconds of a row's steps, and the image cycle loss of the first."""
    if name.startswith("ours"):
        keep()  # as training does
    step = ROWS[name](width)
    times, first = [], []
    for number in range(count + 1):
        cpu, wall = time.process_time(), time.perf_counter()
        losses = step(batch(number))
        times.append((time.process_time() - cpu, time.perf_counter() - wall))
        first.append(losses["image_cycle"])
    spent = np.median(times[1:], axis=0)  # the first one also allocates
    return {"cpu": spent[0], "wall": spent[1], "first image cycle loss": first[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--row", choices=list(ROWS), help="measure this one here, and print it as JSON")
    given = parser.parse_args()
    if given.row:
        torch.set_num_threads(given.threads)
        print(json.dumps(measured(given.row, given.width, given.steps)))
        return
    print("| step | CPU s | wall s | CPU, share of plain | wall, share of plain | first image cycle loss |")
    print("|---|---|---|---|---|---|")
    plain: dict[str, float] = {}
    for name in ROWS:
        words = [sys.executable, *sys.argv, "--row", name]
        found = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
        plain = plain or found
        cpu, wall = found["cpu"], found["wall"]
        print(
            f"| {name} | {cpu:.2f} | {wall:.2f} | {cpu / plain['cpu']:.2f} | {wall / plain['wall']:.2f} "
            f"| {found['first image cycle loss']:.6f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
