"""A project's record of every step that was started, and what it was to take: one JSON object a line in ``history.jsonl``."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from .. import __version__
from ..errors import writing
from ..events import Estimated
from . import PROGRAM, Command, Positional, name_of
from ._arguments import arguments
from ._flags import plain

SUFFIX = ".xct-crack"
FILE = "history.jsonl"
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")


def project_folder(source: str | Path) -> Path:
    """The default project folder of a scan: beside it, under its name."""
    path = Path(source)
    return path.with_name(path.name + SUFFIX)


def record(command: Command, folder: Path | None = None) -> None:
    """Append a step to the project's history.

    Parameters
    ----------
    command
        The step that starts.
    folder
        The project folder. Without one it is looked for beside and above what the command works on, and nothing is
        written where there is none: a step on the command line creates no folder beside the user's data.
    """
    folder = folder or _found(command)
    if folder is None:
        return
    entry = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": __version__,
        "command": [PROGRAM, name_of(type(command)), *map(without_secrets, arguments(command))],
        "settings": _without_secrets_deep(plain(command)),
    }
    with writing(folder / FILE), (folder / FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


def estimated(command: Command, event: Estimated) -> None:
    """Append what a step that runs will take, where it has a project folder."""
    _noted(command, {"estimate": {"seconds": event.seconds, "disk": event.disk, "memory": event.memory}})


def taken(command: Command, seconds: float) -> None:
    """Append what a step has then taken: the seconds from its first estimate on, its output's bytes, and memory at the peak."""
    from ..blocks import size_of  # slow to load; who estimates has loaded it
    from ..heap import peak

    out = getattr(command, "out", None) or command.run_  # type: ignore[attr-defined]
    _noted(command, {"taken": {"seconds": round(seconds, 1), "disk": size_of(out), "memory": peak()}})


def _noted(command: Command, what: dict[str, Any]) -> None:
    folder = _found(command)
    if folder is None:
        return
    entry = {"time": datetime.now(UTC).isoformat(timespec="seconds"), "step": name_of(type(command)), **what}
    with writing(folder / FILE), (folder / FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


def read(folder: Path) -> list[dict[str, Any]]:
    """The steps of a project, oldest first; a line cut off by a crash is left out."""
    path = folder / FILE
    entries = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            entries.append(json.loads(line))
        except ValueError:
            continue
    return entries


def made_from(folder: Path, out: Path) -> str | None:
    """What a step of the project made `out` from, if it is known."""
    for entry in reversed(read(folder)):
        settings = entry.get("settings", {})
        if settings.get("out") == str(out):
            source: str | None = settings.get("probability")
            return source
    return None


def without_secrets(text: str) -> str:
    """The text with every URL in it stripped of credentials, query and fragment."""
    return _URL.sub(lambda found: _bare(found[0]), text)


def _bare(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _without_secrets_deep(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_secrets_deep(entry) for name, entry in value.items()}
    if isinstance(value, tuple):
        return [_without_secrets_deep(entry) for entry in value]
    return without_secrets(value) if isinstance(value, str) else value


def _found(command: Command) -> Path | None:
    """The project folder of the first argument given by place that has one."""
    fields = type(command).model_fields.items()
    given = [getattr(command, name) for name, info in fields if Positional in info.metadata]
    for place in (one for entry in given for one in (entry if isinstance(entry, tuple) else (entry,))):
        if "://" in str(place):
            continue
        path = Path(place).absolute()
        for folder in (project_folder(path), *path.parents):
            if folder.name.endswith(SUFFIX) and folder.is_dir():
                return folder
    return None
