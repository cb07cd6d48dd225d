"""What this machine can compute on, in words."""

from __future__ import annotations

import sys
from importlib import metadata

import psutil


def device_names() -> list[str]:
    """Names that a command takes."""
    import torch

    names = ["auto", "cpu"]
    names += [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        names.append("mps")
    return names


def device_text() -> str:
    """The device that ``auto`` takes, and torch's build."""
    import torch

    build = f"torch {metadata.version('torch')}"
    if torch.cuda.is_available():
        free, whole = torch.cuda.mem_get_info()
        return f"{torch.cuda.get_device_name()}, {free / 1e9:.1f} of {whole / 1e9:.1f} GB free, {build}."
    cores = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    return f"CPU with {cores} cores, {build}; no CUDA device was found."


def install_line() -> str:
    """What to type to get torch for CUDA; empty where it is there, or where there is none."""
    import torch

    if torch.cuda.is_available() or torch.version.cuda is not None or sys.platform == "darwin":
        return ""
    index = "" if sys.platform == "linux" else " --index-url https://download.pytorch.org/whl/cu126"
    return f"python -m pip install --upgrade --force-reinstall torch{index}"
