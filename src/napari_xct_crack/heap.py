"""The C library's memory: whether what is freed goes back to the system, or stays for what comes next."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4
"""Numbers of the options in glibc's ``malloc.h``."""


def give_back() -> None:
    """Have this process return blocks of a megabyte and more as soon as they are freed; other systems than Linux do so.

    By itself glibc raises that size as it goes, and every thread then keeps up to 64 MB for itself.
    """
    _set(_MMAP_MAX, 2**16)
    _set(_MMAP_THRESHOLD, 2**20)
    _set(_TRIM_THRESHOLD, 2**26)


KEPT = {"MALLOC_MMAP_MAX_": 0, "MALLOC_TRIM_THRESHOLD_": 2**30}
"""What :func:`keep` sets, as the environment of a process that is to be started."""


def keep() -> None:
    """Have this process keep up to a gigabyte of what it frees. For programs: a library leaves that to its caller.

    A net's layers are made and freed in turn. To have the system clear fresh pages for each took up to a third of the time.
    """
    _set(_MMAP_MAX, KEPT["MALLOC_MMAP_MAX_"])
    _set(_TRIM_THRESHOLD, KEPT["MALLOC_TRIM_THRESHOLD_"])


def _set(option: int, value: int) -> None:
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
        library.mallopt(option, value)
