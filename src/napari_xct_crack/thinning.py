"""Centre lines of masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def centre_line(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The 8-connected line, one pixel wide, in the middle of a mask of shape (y, x) [1]_.

    Not the thinning that is usual in 2-D: that one deletes a diagonal bar two or six pixels wide but for one pixel.

    References
    ----------
    .. [1] Lee, Kashyap and Chu, Building skeleton models via 3-D medial surface axis thinning algorithms, 1994.
    """
    from skimage.morphology import skeletonize

    return np.asarray(skeletonize(mask, method="lee")) > 0
