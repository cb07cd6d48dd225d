"""What is computed at once for a panel: pictures of drawn and rendered cracks, and one slice cleaned."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from ..clean import CleanSettings, clean_array
from ..commands.cracks import contact_sheet
from ..cracks import CrackGenerator
from ..volume import Box, Volume
from ._layers import UNKNOWN, LayerData, layer_of

if TYPE_CHECKING:
    from ..patches import Patches

_GAP = 3
"""Pixels between two pictures of a mosaic."""
_NEAR = 8
"""Slices on each side that are cleaned with the one that is previewed."""


def beside(sheet: Any, scan: Volume | None, name: str, after: int = 0, **options: Any) -> LayerData:
    """A picture of shape (y, x) as a layer to the right of the scan and of `after` pixels, which are of the scan's size."""
    voxel = (scan.voxel_size if scan is not None else None) or UNKNOWN
    right = 0.0 if scan is None else (scan.offset[2] + scan.levels[0].shape[2] * 1.05) * voxel[2]
    right += after * voxel[2]
    top = 0.0 if scan is None else scan.offset[1] * voxel[1]
    settings: dict[str, Any] = {
        "name": name,
        "scale": voxel[1:],
        "translate": (top, right),
        "units": ("um" if scan is not None and scan.voxel_size else "pixel",) * 2,
    }
    kind = "labels" if options.pop("labels", False) else "image"
    return sheet, settings | options, kind


def mosaic(pictures: Any) -> Any:
    """Pictures of shape (n, y, x) side by side, as square as they go."""
    count, height, width = pictures.shape[0], pictures.shape[1] + _GAP, pictures.shape[2] + _GAP
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    padded = np.zeros((rows * columns, height, width), pictures.dtype)
    padded[:count, :-_GAP, :-_GAP] = pictures
    tiles = padded.reshape(rows, columns, height, width).swapaxes(1, 2)
    return tiles.reshape(rows * height, columns * width)


def drawn_sheet(
    cracks: CrackGenerator,
    seed: int,
    count: int,
    side: int,
    voxel_size: Any,
    seconds: float = math.inf,
    masks: list[Any] | None = None,
) -> tuple[Any, bool]:
    """A contact sheet of crack masks, uint8, shape (y, x), and whether it is whole: no mask is begun after so long.

    `masks` are those that were drawn before; what is drawn is appended to them.
    """
    masks = [] if masks is None else masks
    end = time.monotonic() + seconds
    while len(masks) < count and time.monotonic() < end:
        rng = np.random.default_rng((seed, len(masks)))
        masks.append(cracks.draw((1, side, side), rng, voxel_size).target[0])
    left = [np.zeros((side, side), np.bool_)] * (count - len(masks))
    return contact_sheet([*masks, *left]), not left


def rendered_sheet(patches: Patches, step: int, count: int) -> tuple[Any, Any, Any]:
    """Real patches with rendered cracks, where those are, and real patches that are darkest by themselves: (y, x) each."""
    batch = patches.batch(step, count)
    middle = batch.rendered.shape[1] // 2
    rendered, real = batch.rendered[:, middle].numpy(), batch.cracked[:, middle].numpy()
    return mosaic(rendered), mosaic(batch.masks[:, 0].numpy().astype(np.uint8)), mosaic(real)


def cleaned_slice(probability: Volume, along: int, at: int, settings: CleanSettings, name: str) -> LayerData | None:
    """Slice `at` of a probability after cleaning, as labels; none where it holds no such slice.

    A slab of slices around it is cleaned, so that what acts in three dimensions is seen.
    """
    side = probability.shape[along]
    if not 0 <= at < side:
        return None
    near = 0 if settings.dimensions == "2d" and along == 0 else _NEAR
    start, stop = [0, 0, 0], list(probability.shape)
    start[along], stop[along] = max(0, at - near), min(side, at + near + 1)
    slab = probability.read(Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2])))
    if probability.role in ("mask", "labels"):
        slab = slab != 0
    cleaned = np.take(clean_array(slab, settings, probability.voxel_size), [at - start[along]], axis=along)
    place = list(probability.origin)
    place[along] += at
    shown = Volume.from_array(cleaned, role="mask", voxel_size=probability.voxel_size, name=name, offset=tuple(place))
    return layer_of(shown)
