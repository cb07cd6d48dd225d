"""The C library's memory: what is freed goes back to the system."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Numbers of the options in glibc's ``malloc.h``."""


def give_back() -> None:
    """Have this process return blocks of a megabyte and more as soon as they are freed; other systems than Linux do so.

    By itself glibc raises that size as it goes, and every thread then keeps up to 64 MB for itself.
    """
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
        library.mallopt(_MMAP_THRESHOLD, 2**20)
        library.mallopt(_TRIM_THRESHOLD, 2**26)
