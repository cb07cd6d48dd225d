"""Undo of changes made to a store in place: the files that a change replaces are kept beside the store.

The journal is the hidden folder ``.NAME.undo``: one numbered folder per change, with a record and the files as they were.
What is kept appears at once, before the change begins, and goes back file by file: a stop at any point loses nothing and
the undo may be called again, also after a restart.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import OutputError, writing
from ..records import read_json, write_json
from ._owner import owned

CAP = 10 * 10**9
"""Bytes that the journal of a store may hold; the oldest changes are dropped first."""
_RECORD, _FILES = "change.json", "files"


def keep(store: Path, what: str, files: Sequence[str] | None = None) -> str:
    """Keep what a change is about to replace; the caller owns the store.

    Parameters
    ----------
    what
        The change, in a few words.
    files
        Paths within the store that it may write; those that do not exist yet are removed by the undo. If none are given
        the whole store is moved into the journal.

    Returns
    -------
    str
        One sentence: what can be undone.
    """
    found = [path for path in store.rglob("*") if path.is_file()] if files is None else _existing(store, files)
    size = sum(path.stat().st_size for path in found)
    with writing(store):
        if size > CAP:
            # Older changes lead to a state that this one overwrites for good.
            shutil.rmtree(_folder(store), ignore_errors=True)
            return (
                f"This change of {store.name} replaces {_gb(size)} and cannot be undone: at most {_gb(CAP)} are kept."
            )
        _make_room(store, size)
        entry = _folder(store) / f"{_next(store):06}"
        entry.mkdir(parents=True)
        write_json(entry / _RECORD, {"what": what, "files": None if files is None else list(files), "bytes": size})
        if files is None:
            store.rename(entry / _FILES)
        else:
            for path in found:
                _copy(path, entry / "copying" / path.relative_to(store))
            (entry / "copying").mkdir(exist_ok=True)
            (entry / "copying").rename(entry / _FILES)
    return f"The {what} of {store.name} can be undone; {_gb(size)} are kept, {_gb(CAP)} at most."


def changes(store: str | Path) -> list[str]:
    """What can be undone, the last change last."""
    return [str(read_json(entry / _RECORD)["what"]) for entry in _entries(Path(store).absolute())]


def undo(store: str | Path) -> str:
    """Take back the last change of a store; returns what it was.

    Raises
    ------
    OutputError
        If nothing is kept, or it cannot be written.
    BusyError
        If another process is writing the store.
    """
    store = Path(store).absolute()
    with owned(store), writing(store):
        entries = _entries(store)
        if not entries:
            raise OutputError(f"Nothing is kept of earlier changes of {store.name}, so nothing can be undone.")
        entry = entries[-1]
        record = read_json(entry / _RECORD)
        if record["files"] is None:
            if store.exists():
                store.rename(entry / "undone")
            (entry / _FILES).rename(store)
        else:
            _put_back(entry / _FILES, store, record["files"])
        shutil.rmtree(entry)
        if not entries[1:]:
            shutil.rmtree(_folder(store))
    return str(record["what"])


def _put_back(kept: Path, store: Path, files: Sequence[str]) -> None:
    """Every file as it was. Those that the change added are removed first: later they could not be told any more."""
    marked = kept.with_name("removed")
    if not marked.exists():
        for name in files:
            if not (kept / name).exists():
                (store / name).unlink(missing_ok=True)
        marked.touch()
    for path in [path for path in kept.rglob("*") if path.is_file()]:
        to = store / path.relative_to(kept)
        to.parent.mkdir(parents=True, exist_ok=True)
        path.replace(to)


def _existing(store: Path, files: Sequence[str]) -> list[Path]:
    return [store / name for name in files if (store / name).is_file()]


def _copy(path: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, to)


def _folder(store: Path) -> Path:
    return store.with_name(f".{store.name}.undo")


def _entries(store: Path) -> list[Path]:
    """Changes whose files are all kept, the last one last; a stop while they were copied leaves none."""
    return [entry for entry in sorted(_folder(store).glob("[0-9]*")) if (entry / _FILES).exists()]


def _next(store: Path) -> int:
    return 1 + max((int(entry.name) for entry in _folder(store).glob("[0-9]*")), default=0)


def _make_room(store: Path, size: int) -> None:
    """Drop what a stop left, and the oldest changes until so many bytes fit."""
    entries = _entries(store)
    for left in set(_folder(store).glob("[0-9]*")) - set(entries):
        shutil.rmtree(left)
    held = [_bytes(entry) for entry in entries]
    while held and sum(held) + size > CAP:
        shutil.rmtree(entries.pop(0))
        held.pop(0)


def _bytes(entry: Path) -> int:
    record: dict[str, Any] = read_json(entry / _RECORD)
    return int(record["bytes"])


def _gb(size: int) -> str:
    return f"{size / 1e9:.3g} GB"
