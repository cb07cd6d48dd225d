"""The project folder of a scan: where results go and what the panels showed last."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import writing
from ..files import replacing

_FILE = "project.json"


class Project:
    """A folder with runs, results and ``project.json``; it is made when something is first written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def recall(self) -> dict[str, Any]:
        """What was remembered, by section; nothing where the file is missing or damaged."""
        try:
            values = json.loads((self.folder / _FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return values if isinstance(values, dict) else {}

    def remember(self, section: str, values: dict[str, Any]) -> None:
        """Keep the values of one section.

        Raises
        ------
        OutputError
            If the folder cannot be written.
        """
        path, values = self.made() / _FILE, {**self.recall(), section: values}
        with replacing(path) as partial:
            partial.write_text(json.dumps(values, indent=1), encoding="utf-8")

    def made(self) -> Path:
        """The folder, which exists from now on.

        Raises
        ------
        OutputError
            If it cannot be made.
        """
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder

    def free(self, stem: str, suffix: str = "") -> Path:
        """A path in the folder that does not exist yet: ``stem-1suffix``, ``stem-2suffix``, …"""
        number = 1
        while (path := self.folder / f"{stem}-{number}{suffix}").exists():
            number += 1
        return path

    def found(self, pattern: str) -> list[Path]:
        """What lies in the folder, newest first."""
        return sorted(self.folder.glob(pattern), key=lambda path: path.stat().st_mtime, reverse=True)
