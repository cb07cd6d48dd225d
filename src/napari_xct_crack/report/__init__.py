"""A report as one HTML file that needs nothing else: text, tables and pictures; everything in it is escaped."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from .. import __version__
from ..files import replacing

__all__ = ["Listing", "Picture", "Section", "Table", "Text", "render", "write"]


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Table:
    """Rows of text under a head; the first column names the row."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    strong: int | None = None
    """Number of the row to stress."""


@dataclass(frozen=True)
class Picture:
    """A PNG picture and what it shows."""

    png: bytes
    caption: str

    @property
    def source(self) -> str:
        """The picture as a data URL."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode("ascii")


@dataclass(frozen=True)
class Listing:
    """Settings or a command line, shown as they are."""

    text: str


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    parts: Sequence[Text | Table | Picture | Listing]


def render(title: str, lead: str, sections: Sequence[Section]) -> str:
    """The report as HTML; `lead` is the sentence under the title that says what came out."""
    environment = Environment(
        loader=PackageLoader(__name__, "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    shown = [
        {"title": section.title, "parts": [(type(part).__name__, part) for part in section.parts]}
        for section in sections
    ]
    template = environment.get_template("report.html")
    return template.render(title=title, lead=lead, sections=shown, version=__version__)


def write(path: Path, title: str, lead: str, sections: Sequence[Section]) -> None:
    """Write the report; a file that stands there is replaced at once.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    text = render(title, lead, sections)
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")
