"""A look of the half-trained net over the scan it learns from: what it takes for crack is not taught as metal any more.

Cracks that the first doubt misses are taught as metal, and on a small scan are learnt by heart as such. A net that has
seen enough rendered cracks finds most of them nevertheless, as long as it has not yet seen the same voxels too often.
"""

from __future__ import annotations

import torch
from torch import nn

from .doubt import followed
from .events import Said, Warned, Work
from .inference._predict import Predictor
from .networks._norm import fold
from .patches import Patches
from .runs import Segmenter, TrainSettings
from .volume import Volume

_SURE, _FAINT = 128, 26
"""Probability (times 255) of what is doubted from now on, and the one down to which it is followed."""

_BELIEVED = 230
"""Probability (times 255) from which it may be taught as crack."""

_MOST = 0.5
"""Share of the part above which a look is not believed."""


def review(
    average: nn.Module, settings: TrainSettings, patches: Patches, volume: Volume, device: torch.device
) -> Work[bool]:
    """Doubt what is suspected by its grey values or taken for crack by the net, and nothing else; note what it is sure of.

    Earlier reviews do not count, so that what a younger net has wrongly doubted is taught again.

    Returns
    -------
    Whether the look was believed: not where the net marks half of the part or more.
    """
    before = patches.doubtful_share
    predictor = looking(average, settings, patches, volume, device)
    found, sure, marked, metal = [], [], 0, 0
    for slab in patches.slabs:
        probability = yield from predictor.predict(slab.box)
        part = slab.part[tuple(slice(side) for side in probability.shape)]
        found.append(followed(probability >= _SURE, probability >= _FAINT, part))
        sure.append((probability >= _BELIEVED) & found[-1])
        marked, metal = marked + int(found[-1].sum()), metal + int(part.sum())
    if marked > _MOST * metal:
        yield Warned("The net takes most of the scan for crack; what it is taught as metal stays as it was.")
        return False
    patches.reviewed(found, sure)
    yield Said(
        f"The net has looked over the scan: {patches.doubtful_share:.1%} of it, before {before:.1%}, is now not taught as metal."
    )
    return True


def looking(
    average: nn.Module, settings: TrainSettings, patches: Patches, volume: Volume, device: torch.device
) -> Predictor:
    """The net as it stands, looking at the scan that the patches are cut from."""
    network = settings.network
    segmenter = Segmenter(fold(average), settings.slices, network.stride, network.reach, {}, "")
    return Predictor(segmenter, volume, patches.window, 0, device)
