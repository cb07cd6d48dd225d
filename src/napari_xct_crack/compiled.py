"""Functions that numba compiles, once for all processes where there is a place to keep the result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Decorates a function that is compiled when it is first called and then runs without the interpreter's lock.

    Parameters
    ----------
    options
        More options of ``numba.njit``.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        try:
            return njit(cache=True, nogil=True, **options)(function)
        except RuntimeError:  # program and home are read-only, as in many a container: compiled anew in each process
            return njit(nogil=True, **options)(function)

    return decorate
