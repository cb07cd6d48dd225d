"""What is computed at once for a panel: pictures of drawn and rendered cracks, and one slice segmented or cleaned."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from ..clean import CleanSettings, clean_array, reach
from ..commands.cracks import contact_sheet
from ..cracks import CrackGenerator
from ..volume import Box, Triple, Volume
from ._colours import BLUE, GREEN, RED, coloured
from ._layers import UNKNOWN, LayerData, layer_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..inference import SegmentSettings
    from ..patches import Patches
    from ..runs import Segmenter

_GAP = 3
"""Pixels between two pictures of a mosaic."""
_NEAR = (4, 8)
"""Slices on each side that are cleaned with the one that is previewed: as many as the settings reach, within these."""
_PREVIEWED = 384
"""Longest side of what is previewed of a slice: small enough to be there at once."""
KEPT, ADDED, REMOVED = 1, 2, 3
"""Values in a preview of cleaning."""


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


def cleaned_slice(
    probability: Volume, middle: Triple, along: int, settings: CleanSettings, name: str, before: bool = False
) -> LayerData | None:
    """A slice of a probability around a voxel, cleaned, as labels; none where it holds no such slice.

    Parameters
    ----------
    middle
        The voxel; what is shown lies up to 192 voxels around it.
    along
        Axis across the slice. Slices on either side are cleaned with it, so that what acts in three dimensions is seen.
    before
        Show the threshold alone, else what cleaning keeps, adds and removes of it.
    """
    at, side = middle[along], probability.shape[along]
    if not 0 <= at < side:
        return None
    few, most = _NEAR
    near = (
        0
        if settings.dimensions == "2d" and along == 0
        else min(most, max(few, reach(settings, probability.voxel_size)[along]))
    )
    reaches = [near if axis == along else _PREVIEWED // 2 for axis in range(3)]
    whole = Box.of(probability.shape)
    box = Box(middle, middle).grown((reaches[0], reaches[1], reaches[2]))
    box = Box(box.start, box.shifted((1, 1, 1)).stop).intersection(whole)
    if box.size == 0:
        return None
    slab = probability.read(box)
    slab = slab != 0 if probability.role in ("mask", "labels") else slab
    found = clean_array(slab, CleanSettings(threshold=settings.threshold, min_size=0)) > 0
    if not before:
        cleaned = clean_array(slab, settings, probability.voxel_size) > 0
        found = np.select([found & cleaned, cleaned, found], [KEPT, ADDED, REMOVED], 0)
    shown = np.take(found.astype(np.uint8), [at - box.start[along]], axis=along)
    place = list(box.shifted(probability.origin).start)
    place[along] = probability.origin[along] + at
    offset = (place[0], place[1], place[2])
    volume = Volume.from_array(shown, role="mask", voxel_size=probability.voxel_size, name=name, offset=offset)
    return layer_of(volume, **coloured({KEPT: RED, ADDED: GREEN, REMOVED: BLUE}))


def segmented(scan: Volume, box: Box, settings: SegmentSettings, load: Callable[[], Segmenter]) -> tuple[Volume, float]:
    """Probability in a box of the scan, and the seconds that it took."""
    from ..inference import preview

    started = time.perf_counter()
    values = preview(load(), scan, box, settings)
    start = box.shifted(scan.origin).start
    probability = Volume.from_array(values, role="probability", voxel_size=scan.voxel_size, offset=start)
    return probability, time.perf_counter() - started
