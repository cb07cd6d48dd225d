"""Losses of a segmenter that obey doubt: weight 0 teaches nothing. All maps have the shape (n, 1, h, w).

Sums go over the patches of all processes that learn together.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from ..processes import total


def cross_entropy(logits: Tensor, target: Tensor, weight: Tensor, crack_weight: float = 1.0) -> Tensor:
    """Mean binary cross entropy over voxels of weight 1; the target is 0 or 1, and 1 counts `crack_weight` times."""
    factor = logits.new_tensor(crack_weight)
    each = functional.binary_cross_entropy_with_logits(logits, target, reduction="none", pos_weight=factor)
    return total((weight * each).sum()) / total(weight.sum()).clamp(min=1)


def dice_loss(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """One minus the Dice coefficient of the whole batch; voxels of weight 0 are left out of both sums.

    One voxel is added above and below: an empty mask, met by an empty prediction, costs nothing.
    """
    probability = weight * logits.sigmoid()
    overlap, both = total((probability * target).sum()), total((probability + weight * target).sum())
    return 1 - (2 * overlap + 1) / (both + 1)


def null_loss(logits: Tensor, trusted: Tensor) -> Tensor:
    """Cost of seeing cracks in metal beyond doubt: mean softplus of the logits where `trusted` is 1."""
    return total((trusted * functional.softplus(logits)).sum()) / total(trusted.sum()).clamp(min=1)


def tolerant_dice_loss(logits: Tensor, target: Tensor, weight: Tensor, tolerance: int) -> Tensor:
    """One minus a Dice coefficient that forgives marks within `tolerance` voxels of the target.

    Noise hides where exactly a thin crack runs long before it hides that there is one: a mark near the target is therefore
    no false one. Every target voxel must still be marked itself, else dotted lines would do.
    """
    probability = weight * logits.sigmoid()
    near_target = functional.max_pool2d(target, 2 * tolerance + 1, 1, tolerance)
    precision = (total((probability * near_target).sum()) + 1) / (total(probability.sum()) + 1)
    recall = (total((probability * target).sum()) + 1) / (total((weight * target).sum()) + 1)
    return 1 - 2 * precision * recall / (precision + recall)
