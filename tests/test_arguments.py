"""Settings ↔ argument list: order of sources, kinds that share a field name, and the round trip."""

import json
import shlex
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes import Alpha, Beta, Look, Walk
from napari_xct_crack import presets
from napari_xct_crack.commands._arguments import arguments, command_line
from napari_xct_crack.commands._parse import parse
from napari_xct_crack.commands.compare import Compare
from napari_xct_crack.errors import SettingsError
from napari_xct_crack.settings import Length

pytestmark = pytest.mark.usefixtures("fakes_found")


def read(*tokens: str) -> Walk:
    result = parse(Walk, ["in", "out", *tokens])
    assert result is not None
    assert isinstance(result.command, Walk)
    return result.command


def test_no_flag_means_the_defaults():
    assert read() == Walk(source="in", out=Path("out"))
    assert arguments(read()) == ["in", "out"]


def test_two_kinds_share_a_field_name():
    assert read("--cracks.decay", "0.02").cracks == Alpha(decay=0.02)
    assert read("--cracks.kind", "beta", "--cracks.decay", "0.02", "0.03").cracks == Beta(decay=(0.02, 0.03))
    both = read("--cracks.kind", "alpha", "--cracks.decay", "0.5", "--spare.kind=beta", "--spare.decay", "0.6", "0.7")
    assert both.cracks == Alpha(decay=0.5)
    assert both.spare == Beta(decay=(0.6, 0.7))


def test_a_default_instance_keeps_its_other_values():
    assert read("--look.far", "2").look == Look(near=4, far=2)
    assert read("--cracks.widest", "2um").cracks == Alpha(decay=0.3, widest=Length(2, "um"))


def test_another_kind_starts_from_its_own_defaults():
    assert read("--cracks.kind", "beta").cracks == Beta()
    assert read("--cracks.kind", "alpha").cracks == Alpha(decay=0.3)


def test_flags_win_over_the_file_and_the_file_over_the_defaults(tmp_path: Path):
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"cracks": {"kind": "beta", "decay": [0.3, 0.4]}, "seed": 5, "look": {"far": 1}}))
    walk = read("--settings", str(file), "--seed", "6")
    assert (walk.cracks, walk.seed, walk.look) == (Beta(decay=(0.3, 0.4)), 6, Look(near=4, far=1))
    assert read("--cracks.no-full", f"--settings={file}").cracks == Beta(decay=(0.3, 0.4), full=False)
    assert read("--settings", str(file), "--cracks.kind", "alpha").cracks == Alpha(decay=0.3)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "is not JSON"),
        ("[1]", "must hold one JSON object"),
        ('{"sed": 1}', "no setting sed"),
        ('{"cracks": {"deca": 1}}', "no setting cracks.deca"),
    ],
)
def test_a_bad_settings_file_is_one_sentence(tmp_path: Path, text: str, complaint: str):
    file = tmp_path / "settings.json"
    file.write_text(text)
    with pytest.raises(SettingsError, match=complaint):
        read("--settings", str(file))


@pytest.mark.parametrize(
    ("tokens", "complaint"),
    [
        (["--minutes", "0"], "minutes.*greater than 0"),
        (["--minutes", "soon"], '--minutes.*"soon"'),
        (["--crop", "1", "2"], "--crop requires 6"),
        (["--cracks.kind", "gamma"], "no cracks kind 'gamma'; there are alpha, beta"),
        (["--cracks.kind", "beta", "--cracks.widest", "3"], "cracks.widest"),
        (["--cracks.widest", "3mm"], "cracks.widest.*voxels such as"),
        (["--sed", "3"], "Unknown option.*--sed"),
        (["more"], "more"),
        (["--settings", "/nowhere/settings.json"], "/nowhere/settings.json cannot be read"),
    ],
)
def test_what_does_not_fit_is_one_sentence(tokens: list[str], complaint: str):
    with pytest.raises(SettingsError, match=complaint) as caught:
        read(*tokens)
    assert "\n" not in str(caught.value)


def test_flags_may_be_written_like_the_fields_in_json():
    assert parse(Walk, ["in", "out", "--cracks.kind=beta", "--events", "jsonl", "--look.near=2"]) is not None
    assert read("--json").json_ is True


def test_every_shipped_preset_is_known_by_name():
    for name in presets.names():
        assert presets.load(name)
    with pytest.raises(SettingsError, match="no preset 'fast'"):
        presets.load("fast")


def test_the_command_line_is_quoted():
    walk = Walk(source="my scan; rm *", out=Path("out"), cracks=Beta(full=False), spare=Alpha(), minutes=None)
    line = command_line(walk)
    words = shlex.split(line)
    assert words[:4] == ["xct-crack", "walk", "my scan; rm *", "out"]
    assert words[4:] == ["--cracks.kind", "beta", "--cracks.no-full", "--spare.kind", "alpha", "--no-minutes"]


text = st.text(string.ascii_letters + string.digits + " -_/\\'\"=.:{}[],;*$µ☃", max_size=12)
number = st.floats(allow_nan=False, allow_infinity=False)
length = st.builds(Length, st.floats(0, 1e6).map(lambda value: float(f"{value:.9g}")), st.sampled_from(["voxel", "um"]))
voxels = st.integers(-9, 9999)
alpha = st.builds(Alpha, decay=st.floats(0, 1), widest=length, range=st.tuples(length, length))
beta = st.builds(Beta, decay=st.none() | st.tuples(number, number), full=st.booleans())
walks = st.fixed_dictionaries(
    {
        "source": text,
        "out": text.filter(bool).map(Path),
        "cracks": alpha | beta,
        "spare": st.none() | alpha | beta,
        "look": st.builds(Look, near=st.integers(0, 10**9), far=st.none() | number),
        "crop": st.none() | st.tuples(voxels, voxels, voxels, voxels, voxels, voxels),
        "window": st.none() | st.tuples(number, number),
        "axes": st.lists(text, max_size=3).map(tuple),
        "method": st.sampled_from(["fast", "slow"]),
        "closing": st.none() | length,
        "title": text,
        "minutes": st.none() | st.floats(0, 1e9, exclude_min=True),
        "seed": st.integers(-(2**70), 2**70),
        "keep": st.booleans(),
        "overwrite": st.booleans(),
        "maybe": st.none() | st.booleans(),
        "json": st.booleans(),
    }
).map(Walk.checked)


@settings(max_examples=60, deadline=None)
@given(
    text.filter(bool),
    st.lists(text.filter(bool).map(Path), min_size=1, max_size=4).map(tuple),
    st.none() | st.integers(0, 99),
)
def test_several_places_before_the_last_survive_the_round_trip(volume: str, runs: tuple[Path, ...], at: int | None):
    given = Compare.checked({"volume": volume, "runs": runs, "out": "out.png", "slice": at})
    result = parse(Compare, arguments(given))
    assert result is not None
    assert result.command == given


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(walks)
def test_settings_survive_the_round_trip_through_arguments(walk: Walk):
    result = parse(Walk, arguments(walk))
    assert result is not None
    assert result.command == walk
