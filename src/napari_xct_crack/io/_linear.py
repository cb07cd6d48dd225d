"""Stored numbers to grey values: the slope and intercept that some headers state."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError


@dataclass(frozen=True)
class Linear:
    """``slope * stored + intercept``."""

    slope: float = 1.0
    intercept: float = 0.0

    @classmethod
    def checked(cls, slope: float, intercept: float, where: str) -> Linear:
        """The map, if it tells grey values apart.

        Raises
        ------
        InputError
            If the slope is 0 or either is not finite.
        """
        if slope == 0 or not (math.isfinite(slope) and math.isfinite(intercept)):
            raise InputError(
                f"{where} states a rescale slope of {slope:g} and intercept of {intercept:g}: no grey values."
            )
        return cls(slope, intercept)

    @property
    def whole(self) -> bool:
        """Whole numbers stay whole."""
        return self.slope.is_integer() and self.intercept.is_integer()

    def dtype(self, stored: np.dtype[Any]) -> np.dtype[Any]:
        """The smallest type, in the machine's byte order, that holds whatever the map makes of a stored type."""
        stored = np.dtype(np.uint8) if stored.kind == "b" else stored.newbyteorder("=")
        if self == Linear():
            return stored
        if self.whole and stored.kind in "ui":
            info = np.iinfo(stored)
            ends = sorted(int(self.slope) * end + int(self.intercept) for end in (int(info.min), int(info.max)))
            if ends[0] >= -(2**31) and ends[1] < 2**32:
                found = np.result_type(np.min_scalar_type(ends[0]), np.min_scalar_type(ends[1]))
                return found if found.itemsize <= 4 else np.dtype(np.float64)
        return np.result_type(stored, np.float32)

    def __call__(self, values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Grey values of a type that :meth:`dtype` gave (or a wider one)."""
        if self == Linear():
            return values.astype(dtype, copy=False)
        if dtype.kind in "ui":
            return (values.astype(np.int64) * int(self.slope) + int(self.intercept)).astype(dtype)
        return (values.astype(np.float64) * self.slope + self.intercept).astype(dtype)
