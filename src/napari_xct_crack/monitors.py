"""How a training goes, told without labels: numbers, words and a picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.io import imsave
from torch import Tensor, nn

from .events import Event, Said, Warned
from .methods import Batch
from .patches import Patches
from .runs import TrainSettings

_STEPS = 50
"""Steps over which gaps are averaged."""
_WON = 0.8
"""Gap from which a discriminator has won."""


@torch.no_grad()
def _probability(net: nn.Module, frames: Tensor) -> Tensor:
    was = net.training
    net.eval()
    result = torch.sigmoid(net(frames))
    net.train(was)
    return result


def monitor(segmenter: nn.Module, batch: Batch) -> dict[str, float]:
    """Shares of voxels marked as crack, 0..1: of the part in cracked frames, of metal beyond doubt, of rendered cracks."""
    return {
        "share_cracked": _share(_probability(segmenter, batch.cracked), batch.cracked_part),
        "share_crack_free": _share(_probability(segmenter, batch.crack_free), batch.crack_free_trusted),
        "share_masks": float(batch.masks.mean()),
        "found_of_rendered": _share(_probability(segmenter, batch.rendered), batch.masks),
    }


def _share(probability: Tensor, where: Tensor) -> float:
    """Share of the voxels of a 0/1 map that are marked."""
    return float(((probability > 0.5) * where).sum() / where.sum().clamp(min=1))


def gaps(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """How far the discriminators tell real from fake, on average over the last steps: 0 not at all, 1 always."""
    last = rows[-_STEPS:]
    names = [name for name in (last[-1] if last else ()) if name.endswith("_gap")]
    return {name: float(np.mean([row[name] for row in last])) for name in names}


def words(monitors: Mapping[str, float], done: float) -> list[str]:
    """What the monitors mean, where it is bad; `done` is the share of the budget used."""
    if done < 0.3:
        return []
    cracked, free, found = (monitors[name] for name in ("share_cracked", "share_crack_free", "found_of_rendered"))
    drawn = monitors["share_masks"] > 0
    said: list[str] = []
    if free > 0.2 and drawn and found < free:
        said.append(
            "Inverted: the segmenter marks metal and leaves the cracks out; stop, check the polarity (Prepare), and start anew "
            "with another seed."
        )
    elif free > 0.2:
        said.append(
            f"Collapsed: the segmenter marks {free:.0%} of crack-free metal; stop, and start anew with a lower learning rate or "
            "a larger weight of null."
        )
    elif found < 0.05 and drawn:
        said.append(
            "Empty masks: the segmenter finds almost none of the rendered cracks; train longer, or choose wider cracks."
        )
    elif free > 2 * cracked and free > 1e-3:
        said.append(
            "The segmenter marks more on crack-free than on cracked frames: it invents cracks; check polarity and part mask."
        )
    won = [name.removesuffix("_gap") for name, gap in monitors.items() if name.endswith("_gap") and gap > _WON]
    if won:
        said.append(
            f"The {' and the '.join(won)} discriminator wins: it tells nearly all fakes from real ones, so that the others learn "
            "little from it; lower the rate of the discriminators."
        )
    return said


def scan_in_words(patches: Patches, settings: TrainSettings) -> Iterator[Event]:
    """What the user should know of the scan before the first step."""
    look, (sharpest, softest) = patches.appearance, patches.spreads
    seen = "1 slice" if settings.slices == 1 else f"{settings.slices} neighbouring slices"
    yield Said(
        f"The segmenter sees {seen}. The scan: metal {look.metal:.0f}, contrast {look.contrast:.0f}, noise {look.noise:.0f} "
        f"grey values, point spread {look.point_spread:.2f} voxels; cracks are drawn with {sharpest:.2f} to {softest:.2f}."
    )
    yield from map(Warned, (*look.notes, *settings.cracks.warnings(patches.voxel_size)))
    if (share := patches.doubtful_share) > 0.2:
        yield Warned(
            f"{share:.0%} of the metal is dark against its surroundings; check the part mask and the polarity."
        )


def preview(folder: Path, segmenter: nn.Module, batch: Batch, step: int) -> Path:
    """Write the feedback patch: a real cracked frame beside itself with the prediction in colour; returns its path."""
    folder.mkdir(exist_ok=True)
    grey = batch.cracked[0, batch.cracked.shape[1] // 2].cpu().numpy()
    probability = _probability(segmenter, batch.cracked[:1])[0, 0].cpu().numpy()
    path = folder / f"step-{step:07d}.png"
    imsave(path, _side_by_side(grey, probability), check_contrast=False)
    return path


def _side_by_side(grey: NDArray[np.float32], probability: NDArray[np.float32]) -> NDArray[np.uint8]:
    plain = np.repeat(np.clip((grey + 1) * 127.5, 0, 255)[..., None], 3, axis=-1)
    colour = plain.copy()
    colour[..., 0] += (255 - colour[..., 0]) * probability
    colour[..., 1:] *= (1 - probability)[..., None]
    return np.concatenate([plain, colour], axis=1).astype(np.uint8)
