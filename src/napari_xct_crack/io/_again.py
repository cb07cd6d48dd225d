"""Open the same volume in another process: once there, however many boxes are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..volume import Volume
from ._remote import is_address

_OPEN_AT_ONCE = 16


@dataclass(frozen=True)
class Again:
    """How a volume was opened."""

    opener: Callable[..., Volume]
    path: str
    told: tuple[tuple[str, Any], ...]
    """What the opener was told beside the path; a mapping as its items."""
    changed: int
    """When the path was last changed, 0 of an address: another content is opened anew."""

    def __call__(self) -> Volume:
        """The volume, from memory where this process has opened it before."""
        return _opened(self)


def opened_by(opener: Callable[..., Volume], path: str, volume: Volume, **told: Any) -> Volume:
    """The volume with how it was opened."""
    words = tuple((name, tuple(value.items()) if isinstance(value, Mapping) else value) for name, value in told.items())
    changed = 0 if is_address(path) else Path(path).stat().st_mtime_ns
    return replace(volume, again=Again(opener, path, words, changed))


@lru_cache(_OPEN_AT_ONCE)
def _opened(how: Again) -> Volume:
    told = {name: dict(value) if name == "index" and value is not None else value for name, value in how.told}
    return how.opener(how.path, **told)
