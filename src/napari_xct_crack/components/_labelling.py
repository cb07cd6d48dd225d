"""Connected components of a block in memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

try:  # the extra "fast", some times faster and under the LGPL
    import cc3d
except ImportError:
    cc3d = None

Labels = NDArray[np.int32]


def labelled(foreground: NDArray[np.bool_], structure: NDArray[np.bool_]) -> tuple[Labels, int]:
    """Number the components of a block, shape (z, y, x), and say how many there are."""
    labels = np.zeros(foreground.shape, np.int32)
    if not foreground.any():
        return labels, 0
    touching = {27: 26, 7: 6}.get(int(structure.sum()))
    if cc3d is not None and touching:
        # a view, or a row of voxels as bool, is labelled wrongly
        whole = np.array(foreground, np.uint8, order="C")
        found, count = cc3d.connected_components(whole, connectivity=touching, return_N=True)
        return found.astype(np.int32, copy=False), int(count)
    return labels, int(ndimage.label(foreground, structure, output=labels))
