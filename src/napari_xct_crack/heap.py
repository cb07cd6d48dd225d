"""This process's memory: the most it had, and whether what is freed goes back to the system or stays for what comes next."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import psutil

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


def peak() -> int:
    """The most bytes of memory that this process has had at once."""
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    if sys.platform == "linux":
        # what getrusage tells begins with the pages of the process that started this one
        held = Path("/proc/self/status").read_text().rsplit("VmHWM:", 1)[1].split()[0]
        return 1024 * int(held)
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _set(option: int, value: int) -> None:
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
        library.mallopt(option, value)
