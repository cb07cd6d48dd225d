"""What was started is written down once, where a project is, without secrets."""

import json
from importlib import import_module
from pathlib import Path

import pytest

from fakes import Walk
from napari_xct_crack.cli import main
from napari_xct_crack.commands._history import project_folder, read, record, without_secrets
from napari_xct_crack.commands._parse import parse

pytestmark = pytest.mark.usefixtures("fakes_found")


def test_a_step_is_written_into_the_scans_project(tmp_path: Path):
    scan = tmp_path / "bar.ome.zarr"
    project_folder(scan).mkdir()
    assert main(["walk", str(scan), str(tmp_path / "out"), "--seed", "7"]) == 0
    assert main(["walk", str(scan), str(tmp_path / "out"), "--trouble", "user"]) == 2
    first, second = read(project_folder(scan))
    assert first["command"] == ["xct-crack", "walk", str(scan), str(tmp_path / "out"), "--seed", "7"]
    assert second["settings"]["trouble"] == "user"
    again = parse(Walk, first["command"][2:])
    assert again is not None
    assert again.command.seed == 7


def test_what_a_step_is_to_take_is_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    place = import_module("napari_xct_crack.convert")
    monkeypatch.setattr(place, "layout", lambda shape, itemsize: ((2, 32, 32), (2, 32, 32)))
    scan = tmp_path / "bar.raw"
    scan.write_bytes(bytes(6 * 40 * 50))
    project_folder(scan).mkdir()
    words = ["convert", str(scan), str(tmp_path / "o.ome.zarr"), "--shape", "6", "40", "50", "--dtype", "uint8"]
    assert main([*words, "--voxel-size-um", "1", "1", "1"]) == 0
    first, *rest = read(project_folder(scan))
    assert first["command"][1] == "convert"
    told, took = rest
    assert told["step"] == took["step"] == "convert"
    assert min(told["estimate"].values()) >= 0
    assert took["taken"]["seconds"] >= 0


def test_a_step_on_a_result_inside_a_project_is_found_too(tmp_path: Path):
    project = tmp_path / "bar.ome.zarr.xct-crack"
    (project / "runs").mkdir(parents=True)
    assert main(["walk", str(project / "runs" / "probability.ome.zarr"), str(tmp_path / "out")]) == 0
    assert len(read(project)) == 1


def test_no_folder_is_made_beside_the_users_data(tmp_path: Path):
    assert main(["walk", str(tmp_path / "bar.ome.zarr"), str(tmp_path / "out")]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_project_that_cannot_be_written_is_warned_of(tmp_path: Path, capsys):
    scan = tmp_path / "bar.ome.zarr"
    project_folder(scan).mkdir()
    (project_folder(scan) / "history.jsonl").symlink_to(tmp_path / "a file" / "history.jsonl")
    (tmp_path / "a file").write_text("mine")
    assert main(["walk", str(scan), str(tmp_path / "out")]) == 0
    assert "history.jsonl cannot be written" in capsys.readouterr().err


def test_a_line_cut_off_by_a_crash_is_left_out(tmp_path: Path):
    record(Walk(source="a", out=Path("b")), tmp_path)
    with (tmp_path / "history.jsonl").open("a") as file:
        file.write('{"time": "20')
    assert len(read(tmp_path)) == 1
    assert read(tmp_path / "nothing") == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://me:secret@host:8080/a.zarr?token=1#x", "https://host:8080/a.zarr"),
        ("--probability=s3://key:secret@bucket/p?sig=2", "--probability=s3://bucket/p"),
        ("/data/a?b=c", "/data/a?b=c"),
        ("-3", "-3"),
    ],
)
def test_credentials_and_queries_are_removed(tmp_path: Path, given: str, kept: str):
    assert without_secrets(given) == kept
    record(Walk(source=given, out=Path("b"), title=given), tmp_path)
    line = (tmp_path / "history.jsonl").read_text()
    assert "secret" not in line
    assert "token" not in line
    assert json.loads(line)["settings"]["source"] == kept
