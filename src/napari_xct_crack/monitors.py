"""How a training goes, told without labels: numbers, words and a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.io import imsave
from torch import Tensor, nn

from .methods import Batch


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


def words(monitors: dict[str, float], done: float) -> list[str]:
    """What the monitors mean, where it is bad; `done` is the share of the budget used."""
    if done < 0.3:
        return []
    said: list[str] = []
    if monitors["found_of_rendered"] < 0.05 and monitors["share_masks"] > 0:
        said.append("The segmenter finds almost none of the rendered cracks: train longer, or choose wider cracks.")
    if monitors["share_crack_free"] > 0.2:
        said.append(
            "The segmenter marks a fifth of crack-free metal: the learning has collapsed or is inverted; "
            "stop, lower the learning rate or the mask discriminator's weight."
        )
    elif monitors["share_crack_free"] > 2 * monitors["share_cracked"] and monitors["share_crack_free"] > 1e-3:
        said.append(
            "The segmenter marks more on crack-free than on cracked frames: it invents cracks; check polarity and part mask."
        )
    return said


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
