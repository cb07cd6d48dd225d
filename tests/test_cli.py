"""The command line: exit codes, where what is printed goes, stopping."""

import io
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from fakes import child
from napari_xct_crack import __version__, commands
from napari_xct_crack.cli import main
from napari_xct_crack.commands._show import Person
from napari_xct_crack.events import EpochEnd, Finished, Progress, Said, StepDone, Warned, from_json

pytestmark = pytest.mark.usefixtures("fakes_found")


def test_results_go_to_standard_output_and_all_else_to_standard_error(tmp_path: Path, capsys):
    out = tmp_path / "steps"
    assert main(["walk", "scan", str(out)]) == 0
    printed = capsys.readouterr()
    assert printed.out == f"{out}\n"
    assert printed.err.splitlines() == ["Walking through scan.", "walk 1/3", "walk 3/3", "Warning: Mind the gap."]


def test_events_are_one_json_object_a_line(tmp_path: Path, capsys):
    out = tmp_path / "steps"
    assert main(["walk", "scan", str(out), "--events", "jsonl"]) == 0
    printed = capsys.readouterr()
    events = [from_json(line) for line in printed.out.splitlines()]
    steps = [Progress(step, 3, "walk") for step in (1, 2, 3)]
    assert events == [Said("Walking through scan."), *steps, Warned("Mind the gap."), Finished(str(out))]
    assert printed.err == ""


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["walk", "scan", "OUT", "--trouble", "user"], "The path ends here; give a longer one."),
        (["walk"], "Parameter SOURCE requires an argument; see xct-crack walk --help."),
        (["wlak"], "There is no command 'wlak'; did you mean walk?"),
    ],
)
def test_what_the_user_can_fix_is_a_sentence_and_2(tmp_path: Path, capsys, words: list[str], sentence: str):
    assert main([str(tmp_path / "out") if word == "OUT" else word for word in words]) == 2
    printed = capsys.readouterr()
    assert printed.err.splitlines()[-1] == sentence
    assert printed.out == ""


def test_with_events_an_error_is_an_event_too(tmp_path: Path, capsys):
    assert main(["walk", "scan", str(tmp_path / "o"), "--trouble", "user", "--events", "jsonl"]) == 2
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last == {"event": "Failed", "text": "The path ends here; give a longer one."}


def test_a_bug_keeps_its_traceback(tmp_path: Path):
    words = child("walk", "scan", str(tmp_path / "o"), "--trouble", "bug")
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "Traceback" in result.stderr
    assert result.stderr.rstrip().endswith("RuntimeError: a bug")


def test_help_lists_the_flags_of_the_chosen_kind(capsys):
    assert main(["walk", "--help"]) == 0
    plain = capsys.readouterr().out
    assert "Walk through a scan." in plain
    assert "Decay a column." in plain
    assert "[default: 0.3]" in plain
    assert main(["walk", "--cracks.kind", "beta", "--help"]) == 0
    chosen = capsys.readouterr().out
    assert "Decay from, to." in chosen
    assert "Decay a column." not in chosen
    assert "--supervised" not in chosen


def test_the_overview_names_every_command(capsys):
    assert main([]) == 0
    overview = capsys.readouterr().out
    for name in commands.names():
        assert f"\n  {name} " in overview
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"


def wait_for_step(out: Path, step: int) -> None:
    """Until that many steps are saved and the next one runs."""
    end = time.monotonic() + 60
    while not out.exists() or out.read_text() != str(step):
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to send to one process")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_after_the_step_is_saved(tmp_path: Path, number: signal.Signals):
    words = child("walk", "scan", str(tmp_path / "steps"), "--steps", "600", "--pause", "0.05")
    process = subprocess.Popen(words, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    wait_for_step(tmp_path / "steps", 1)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert errors.splitlines()[-1] == "Stopped; the state is saved."
    assert 0 < int((tmp_path / "steps").read_text()) < 600


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to send to one process")
def test_a_second_signal_does_not_wait(tmp_path: Path):
    words = child("walk", "scan", str(tmp_path / "steps"), "--pause", "60")
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    wait_for_step(tmp_path / "steps", 0)
    assert process.stderr is not None
    process.send_signal(signal.SIGINT)
    while not (line := process.stderr.readline()).startswith("Stopping"):
        assert line
    process.send_signal(signal.SIGINT)
    assert process.stderr.readline() == "Stopped at once; what was saved before stays.\n"
    assert process.wait(30) == 130


def test_without_supervision_standard_input_is_not_touched(tmp_path: Path):
    process = subprocess.run(
        child("walk", "scan", str(tmp_path / "steps")), input="stop\n", capture_output=True, text=True, check=False
    )
    assert process.returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="uses a POSIX pipe")
@pytest.mark.parametrize("how", [(), ("--events", "jsonl")])
def test_a_reader_that_leaves_ends_the_work_without_a_traceback(tmp_path: Path, how: tuple[str, ...]):
    words = child("walk", "scan", str(tmp_path / "steps"), "--steps", "40", "--pause", "0.01", *how)
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(60) == 130
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_rewrites_its_line_on_a_terminal_only():
    terminal, log = Terminal(), io.StringIO()
    for stream in (terminal, log):
        person = Person(out=io.StringIO(), err=stream)
        for event in (Progress(1, 4, "segment"), Said("Hello."), Progress(4, 4, "segment")):
            person.tell(event)
    assert terminal.getvalue() == "segment 1/4\r           \rHello.\nsegment 4/4\n"
    assert log.getvalue() == "segment 1/4\nHello.\nsegment 4/4\n"


def test_steps_and_monitors_are_told_in_words():
    log = io.StringIO()
    person = Person(out=io.StringIO(), err=log)
    person.tell(StepDone(1, 100, {"segmenter": 0.123456}))
    person.tell(StepDone(2, 100, {"segmenter": 0.1}))
    person.tell(EpochEnd(2, {"crack share": 0.01}))
    assert log.getvalue().splitlines() == ["step 1/100, segmenter 0.123", "step 2: crack share 0.01"]
