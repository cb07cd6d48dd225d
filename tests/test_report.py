from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_xct_crack.errors import OutputError
from napari_xct_crack.report import Listing, Picture, Section, Table, Text, figures, render, write

NASTY = """<script>alert("x")</script> & 'quoted' {{ 7 * 6 }} {% raw %}"""


class Reader(HTMLParser):
    """Collects tags with their attributes, and the text between them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    return reader


def picture() -> bytes:
    return figures.grid({"noise": np.random.default_rng(0).random((20, 30))})


def test_everything_is_escaped() -> None:
    parts = [
        Text(NASTY),
        Table([NASTY, "b"], [[NASTY, "1"]], NASTY),
        Listing(NASTY),
        Picture(picture(), NASTY),
    ]
    html = render(NASTY, NASTY, [Section(NASTY, parts)])
    reader = read(html)
    assert "script" not in {tag for tag, _ in reader.tags}
    assert "{{ 7 * 6 }}" in reader.text
    assert "42" not in reader.text
    assert NASTY in [attributes.get("alt") for tag, attributes in reader.tags if tag == "img"]
    assert html.count("<script") == 0


def test_the_file_needs_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write(path, "Title", "Lead", [Section("S", [Picture(picture(), "noise"), Table(["a"], [["1"]])])])
    html = path.read_text(encoding="utf-8")
    reader = read(html)
    assert "://" not in html
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in reader.tags}
    assert all(not attributes.get("href") for _, attributes in reader.tags)
    sources = [attributes["src"] for tag, attributes in reader.tags if tag == "img"]
    assert len(sources) == 1
    data = base64.b64decode(sources[0].removeprefix("data:image/png;base64,"))
    assert data == picture()
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]


def test_tables_stress_a_row_and_keep_their_order() -> None:
    html = render("t", "l", [Section("s", [Table(["name", "value"], [["a", "1"], ["b", "2"]], "caption", strong=1)])])
    strong = re.findall(r'<tr class="strong">(.*?)</tr>', html)
    assert strong == ["<td>b</td><td>2</td>"]
    assert html.index("<td>a</td>") < html.index("<td>b</td>")


def test_a_folder_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot be written"):
        write(tmp_path / "file" / "report.html", "t", "l", [])


def test_the_overlay_tells_right_from_false_and_missed() -> None:
    grey = np.full((40, 40), 50)
    truth, found = np.zeros((40, 40), dtype=bool), np.zeros((40, 40), dtype=bool)
    truth[10, 5:35], found[11, 5:20], found[30, 5:20] = True, True, True
    rgb = figures.overlay(grey, (0, 100), found, truth)
    assert rgb.shape == (40, 40, 3)
    np.testing.assert_allclose(rgb[20, 20], 0.5)

    def nearest(y: int, x: int) -> int:
        colours = np.array([figures.RIGHT, figures.MISSED, figures.FALSE])
        return int(np.abs(colours - rgb[y, x]).sum(axis=1).argmin())

    assert [nearest(11, 10), nearest(10, 30), nearest(30, 10)] == [0, 1, 2]
    np.testing.assert_allclose(rgb[10, 12], 0.5)


def test_an_inverted_window_turns_the_grey_scale() -> None:
    nothing = np.zeros((2, 2), dtype=bool)
    rgb = figures.overlay(np.array([[0, 100], [25, 75]]), (100, 0), nothing, nothing)
    np.testing.assert_allclose(rgb[..., 0], [[1, 0], [0.75, 0.25]])


@pytest.mark.parametrize(
    "png",
    [
        lambda: figures.grid({str(number): np.zeros((8, 8)) for number in range(4)}),
        lambda: figures.precision_recall({"ours": (0.9, 0.8), "other": (0.0, 1.0)}, "ours"),
        lambda: figures.curves(np.arange(1.0, 4), {"loss": np.array([3.0, 2, 1])}),
        lambda: figures.curves(np.arange(1.0, 201), {"a": np.linspace(-1, 1, 200), "b": np.ones(200)}),
    ],
)
def test_figures_are_pictures(png: object, tmp_path: Path) -> None:
    (tmp_path / "figure.png").write_bytes(png())  # type: ignore[operator]
    with Image.open(tmp_path / "figure.png") as image:
        assert image.width > 300
        assert np.asarray(image.convert("L")).std() > 5
