"""Pictures as grey values: colour that is grey is read as grey, real colour wants a choice."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError


def grey(picture: NDArray[Any], channel: int | None, where: str) -> NDArray[Any]:
    """One channel of a picture.

    Parameters
    ----------
    picture
        Shape (y, x) or (y, x, channels); 2 and 4 channels end with an opacity, which is left out.
    channel
        The channel that was chosen, if one was.

    Raises
    ------
    InputError
        If no channel was chosen and they differ, or the chosen one is not there.
    """
    if picture.ndim == 3:
        count = picture.shape[2]
        if channel is not None:
            if not 0 <= channel < count:
                raise InputError(
                    f"--index c={channel} lies outside {where}, which has {count} channels: 0 to {count - 1}."
                )
        elif any(not np.array_equal(picture[..., 0], picture[..., c]) for c in range(1, colours(count))):
            raise InputError(
                f"{where} is in colour: its {colours(count)} channels differ and none was chosen; "
                "choose one with --index c=0."
            )
        picture = picture[..., channel or 0]
    return np.minimum(picture.view(np.uint8), 1) if picture.dtype == bool else picture


def colours(channels: int) -> int:
    """How many of a picture's channels are colours; the last of 2 or 4 is its opacity."""
    return channels - 1 if channels in (2, 4) else channels


def grey_type(dtype: np.dtype[Any], where: str) -> np.dtype[Any]:
    """Type of the voxels that are read from pictures of a type, in the machine's byte order.

    Raises
    ------
    InputError
        If it is not a type of real numbers.
    """
    if dtype.kind not in "buif":
        raise InputError(f"{where} holds voxels of type {dtype}; grey values are whole or floating point numbers.")
    return np.dtype(np.uint8) if dtype.kind == "b" else dtype.newbyteorder("=")
