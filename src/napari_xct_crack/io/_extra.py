"""Libraries of formats that not everybody needs: the extra ``formats``."""

from __future__ import annotations

import importlib
from typing import Any

from ..errors import InputError


def library(name: str, path_name: str, what: str) -> Any:
    """A module of the extra.

    Raises
    ------
    InputError
        If it is not installed, with the command that installs it.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise InputError(
            f'{path_name} is {what}, which needs {package}: pip install "napari-xct-crack[formats]".'
        ) from error


def reason(error: BaseException) -> str:
    """What a library says of a file, in one line."""
    return " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
