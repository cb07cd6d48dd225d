"""Settings ↔ form: what goes in comes out, value for value."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import Field

from napari_xct_crack.errors import SettingsError
from napari_xct_crack.settings import Length, Settings
from napari_xct_crack.widgets._forms import Form

pytestmark = pytest.mark.gui
FINITE = st.floats(1e-250, 1e250) | st.floats(-1e250, -1e-250) | st.just(0.0)
SHARE = st.floats(1e-4, 1)


class Inner(Settings):
    size: Length = Field(Length(3.0), description="A length.")


class Everything(Settings):
    width: float = Field(0.713, description="A name that clashes with a widget's own.")
    label: str = Field("", description="Another one.")
    visible: bool = Field(True, description="A third.")
    rate: float = Field(2e-4, ge=1e-4, le=1, description="Between limits.")
    pair: tuple[float, float] = Field((0.1, 2e-4), description="Two numbers.")
    shape: tuple[Annotated[int, Field(ge=1)], int, int] = Field((1, 2, 3), description="Three.")
    seed: int = Field(1, ge=0, description="Far beyond 999.")
    free: int = Field(0, description="No limits.")
    batch: int | None = Field(None, ge=0, description="Automatic unless given.")
    window: tuple[float, float] | None = Field(None, description="Automatic unless given.")
    side: Literal["z", "y", "x", "all"] = Field("z", description="One of four.")
    number: Literal[1, 2, 4] = Field(2, description="One of three.")
    place: Path = Field(Path.cwd() / "a", description="A path; the form makes it absolute.")
    inner: Inner = Field(Inner(), description="Settings inside.")
    rare: float = Field(0.5, gt=0, description="Folded away.", json_schema_extra={"advanced": True})


EVERYTHING = st.builds(
    Everything,
    width=FINITE,
    label=st.text(st.characters(codec="ascii", categories=["L", "N", "P"])),
    visible=st.booleans(),
    rate=SHARE,
    pair=st.tuples(FINITE, FINITE),
    shape=st.tuples(st.integers(1, 2**40), st.integers(-(2**40), 2**40), st.integers(0, 9)),
    seed=st.integers(0, 2**53),
    free=st.integers(-(2**53), 2**53),
    batch=st.none() | st.integers(0, 2**31),
    window=st.none() | st.tuples(FINITE, FINITE),
    side=st.sampled_from(["z", "y", "x", "all"]),
    number=st.sampled_from([1, 2, 4]),
    place=st.sampled_from([Path.cwd() / "a", Path.cwd() / "some" / "where ü"]),
    inner=st.builds(Inner, size=st.builds(Length, st.floats(0, 1e6), st.sampled_from(["voxel", "um"]))),
    rare=st.floats(1e-300, 1e300),
)


@pytest.fixture(scope="module")
def form(qapp):
    return Form(Everything)


@given(EVERYTHING)
@hypothesis_settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_values_come_back_unchanged(form, values):
    form.set(values)
    assert form.settings() == values


def test_defaults_are_shown_unchanged(qapp):
    assert Form(Everything).settings() == Everything()


def test_a_wrong_length_is_one_sentence_and_a_red_label(qtbot):
    form = Form(Inner)
    form["size"]._line.setText("three")
    with pytest.raises(SettingsError, match=r"Setting size: .*voxels"):
        form.settings()
    assert "d33" in form._labels["size"].styleSheet()
    form["size"]._line.setText("1.5um")
    assert form.settings().size == Length(1.5, "um")
    assert not form._labels["size"].styleSheet()


def test_typing_and_sliding_change_the_number(qtbot):
    form = Form(Everything)
    qtbot.addWidget(form)
    box = form["rate"]._box
    box.lineEdit().setText("3e-3")
    box.interpretText()
    assert form.settings().rate == 3e-3
    slider = form["rate"].row.itemAt(0).widget()
    with qtbot.waitSignal(form.changed):
        slider._slider.setValue(500)
    assert form.settings().rate == pytest.approx(0.01, rel=0.02)
    form["rate"].set(0.123456789012)
    box.interpretText()
    assert form.settings().rate == 0.123456789012


def test_every_control_has_a_tooltip(qapp):
    from qtpy.QtWidgets import QWidget

    form = Form(Everything)
    for name in Everything.model_fields:
        assert form._labels[name].toolTip()
        assert all(child.toolTip() for child in form[name].findChildren(QWidget))


def test_kinds_share_field_names_and_remember(qapp, tmp_path, monkeypatch):
    from napari_xct_crack import cracks as family

    for kind, default in (("one", 1.5), ("two", 2.5)):
        (tmp_path / f"form_{kind}.py").write_text(
            "from typing import Literal\nfrom napari_xct_crack.cracks import CrackGenerator\n"
            f"class Made(CrackGenerator):\n    kind: Literal['form_{kind}'] = 'form_{kind}'\n    depth: float = {default}\n"
            "    def draw(self, shape, rng, voxel_size=None): raise NotImplementedError\n"
        )
    monkeypatch.setattr(family, "__path__", [*family.__path__, str(tmp_path)])
    one, two = family.CrackGenerator.named("form_one"), family.CrackGenerator.named("form_two")

    class Holder(Settings):
        cracks: family.CrackGenerator = one()

    form = Form(Holder)
    assert form.settings().cracks == one()
    form["cracks"].set(two(depth=7.25))
    assert form.settings().cracks == two(depth=7.25)
    form["cracks"]._choice.setCurrentText("form_one")
    assert form.settings().cracks == one()
    form["cracks"]._choice.setCurrentText("form_two")
    assert form.settings().cracks.depth == 7.25
