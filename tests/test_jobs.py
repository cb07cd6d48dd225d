"""Commands in real child processes: followed, stopped in three ways, let go, and stopped when their parent dies."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from fakes import HERE, Walk, child
from napari_xct_crack.commands import _history as history
from napari_xct_crack.commands.phantom import Phantom
from napari_xct_crack.commands.train import Train
from napari_xct_crack.events import Event, Failed, Finished, Progress, Said, StepDone, Work
from napari_xct_crack.jobs import Job

LONG = ("--steps", "600", "--pause", "0.05")
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('{"event": "Said", "text": "here"}', flush=True)
time.sleep(600)
"""


def walk(out: Path, *words: str) -> Job:
    how = ("--events", "jsonl", "--supervised")
    return Job(child("walk", *how, "scan", str(out), *words))


def all_of(work: Work[int]) -> tuple[list[Event], int]:
    events: list[Event] = []
    while True:
        try:
            events.append(next(work))
        except StopIteration as stop:
            return events, stop.value


def until_progress(work: Work[int]) -> None:
    while not isinstance(next(work), Progress):
        pass


def wait_for(condition) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_events_of_the_child_arrive_in_order(tmp_path: Path):
    job = walk(tmp_path / "steps")
    events, code = all_of(job.follow())
    assert code == 0
    assert events[0] == Said("Walking through scan.")
    assert events[1:4] == [Progress(step, 3, "walk") for step in (1, 2, 3)]
    assert events[-1] == Finished(str(tmp_path / "steps"))
    assert not job.running
    assert job.next_stage is None
    assert job.stop() is None


def test_the_child_has_a_low_priority(tmp_path: Path):
    job = walk(tmp_path / "steps", *LONG)
    work = job.follow()
    until_progress(work)
    nice = psutil.Process(job.pid).nice()
    assert nice == (psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else 10)
    group = Path(f"/proc/{job.pid}/autogroup")
    if group.exists() and group.read_text():
        assert group.read_text().split()[1:] == ["nice", "10"]
    assert list(job.end()) == ["ask"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a class for idle work")
@pytest.mark.parametrize("patient", [True, False])
def test_only_a_patient_child_waits_for_idle_cores(patient: bool):
    assert Train.patient
    assert not Walk.patient
    job = Job([sys.executable, "-c", "input()"], patient)
    assert os.sched_getscheduler(job.pid) == (os.SCHED_IDLE if patient else os.SCHED_OTHER)
    assert list(job.end((0.1, 10, 10)))


def test_asking_stops_after_a_saved_step(tmp_path: Path):
    job = walk(tmp_path / "steps", *LONG)
    work = job.follow()
    until_progress(work)
    assert job.next_stage == "ask"
    assert job.stop() == "ask"
    events, code = all_of(work)
    assert code == 130
    assert not any(isinstance(event, Failed) for event in events)
    announced = [event.done for event in events if isinstance(event, Progress)][-1:]
    assert announced in ([], [int((tmp_path / "steps").read_text())])


@pytest.mark.skipif(os.name == "nt", reason="Windows' terminate cannot be ignored")
def test_a_child_that_does_not_listen_is_terminated_then_killed():
    job = Job([sys.executable, "-c", STUBBORN])
    work = job.follow()
    assert next(work) == Said("here")
    assert list(job.end(patience=(0.2, 0.2, 10))) == ["ask", "terminate", "kill"]
    events, code = all_of(work)
    assert (events, code) == ([], -9)


@pytest.mark.skipif(os.name == "nt", reason="uses a POSIX signal")
def test_a_child_killed_by_another_hand_is_reported(tmp_path: Path):
    job = walk(tmp_path / "steps", *LONG)
    work = job.follow()
    until_progress(work)
    psutil.Process(job.pid).kill()
    events, code = all_of(work)
    assert code == -9
    assert isinstance(events[-1], Failed)
    assert "signal 9" in events[-1].text


def test_the_users_error_arrives_once_and_a_bug_with_its_last_line(tmp_path: Path):
    events, code = all_of(walk(tmp_path / "a", "--trouble", "user").follow())
    assert code == 2
    failed = [event for event in events if isinstance(event, Failed)]
    assert failed == [Failed("The path ends here; give a longer one.")]
    job = walk(tmp_path / "b", "--trouble", "bug")
    events, code = all_of(job.follow())
    assert code == 1
    assert events[-1] == Failed("The work ended with code 1: RuntimeError: a bug")
    assert "Traceback" in job.log
    events, code = all_of(walk(tmp_path / "c", "--sed", "1").follow())
    assert code == 2
    assert isinstance(events[-1], Failed)
    assert "Unknown option" in events[-1].text


@pytest.fixture(scope="module")
def scan(tmp_path_factory) -> Path:
    """A small phantom, made by a real command in a child process."""
    folder = tmp_path_factory.mktemp("phantom")
    project = folder / "scan.ome.zarr.xct-crack"
    project.mkdir()
    job = Job.start(Phantom(folder=folder, shape=(12, 128, 128), condition="clean"), project)
    events, code = all_of(job.follow())
    assert code == 0
    assert events[-1] == Finished(str(folder))
    assert [entry["command"][1] for entry in history.read(project)] == ["phantom"]
    return folder / "scan.ome.zarr"


def training(scan: Path, run: Path, epochs: int) -> Train:
    small = {
        "patches": {"size": 64},
        "batch": 2,
        "slices": 3,
        "steps_per_epoch": 5,
        "network": {"kind": "compact", "width": 4},
        "epochs": epochs,
    }
    return Train.checked({"volume": str(scan), "run": run, **small})


@pytest.mark.parametrize("ending", ["ask", "kill"])
def test_training_goes_on_after_it_was_stopped_or_killed(scan: Path, tmp_path: Path, ending: str):
    job = Job.start(training(scan, tmp_path / "run", 400))
    work = job.follow()
    while not (isinstance(event := next(work), StepDone) and event.step >= 3):
        assert not isinstance(event, Failed)
    if ending == "ask":
        assert job.stop() == "ask"
    else:
        psutil.Process(job.pid).kill()
    events, code = all_of(work)
    assert (code == 130) == (ending == "ask")
    done = [event.step for event in (event, *events) if isinstance(event, StepDone)][-1]
    again = Job.start(training(scan, tmp_path / "run", done // 5 + 1))
    events, code = all_of(again.follow())
    assert code == 0, again.log
    assert events[-1] == Finished(str(tmp_path / "run"))
    steps = [event.step for event in events if isinstance(event, StepDone)]
    assert steps[0] == done + 1 if ending == "ask" else steps[0] <= done + 1
    assert steps == list(range(steps[0], 5 * (done // 5 + 1) + 1))


def test_a_child_that_was_let_go_finishes_alone(tmp_path: Path):
    parent = f"""
import sys; sys.path.insert(0, {str(HERE.parent)!r})
from fakes import child
from napari_xct_crack.jobs import Job
words = ["--events", "jsonl", "--supervised", "scan", {str(tmp_path / "steps")!r}, "--steps", "40", "--pause", "0.05"]
job = Job(child("walk", *words))
work = job.follow()
next(work), next(work)
if sys.argv[1] == "alone":
    job.let_go()
sys.stdout.write(str(job.pid))
"""
    words = [sys.executable, "-c", parent]
    pid = int(subprocess.run([*words, "alone"], capture_output=True, text=True, check=True).stdout)
    wait_for(lambda: not psutil.pid_exists(pid))
    assert (tmp_path / "steps").read_text() == "40"
    pid = int(subprocess.run([*words, "not"], capture_output=True, text=True, check=True).stdout)
    wait_for(lambda: not psutil.pid_exists(pid))
    assert 0 < int((tmp_path / "steps").read_text()) < 40


def test_following_ends_when_the_child_is_let_go(tmp_path: Path):
    job = walk(tmp_path / "steps", "--steps", "60", "--pause", "0.05")
    work = job.follow()
    until_progress(work)
    job.let_go()
    _, code = all_of(work)
    assert code == 0
    wait_for(lambda: not job.running)
    assert (tmp_path / "steps").read_text() == "60"
