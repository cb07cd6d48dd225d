"""Boxes done by other processes: the same store, whoever does them and whoever dies on the way."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from scipy import ndimage

from napari_xct_crack import inference
from napari_xct_crack.blocks import cluster, each, exposed
from napari_xct_crack.clean import CleanSettings, clean
from napari_xct_crack.commands import load
from napari_xct_crack.commands._shared import Shared
from napari_xct_crack.convert import convert
from napari_xct_crack.errors import SettingsError
from napari_xct_crack.events import Event, Progress, Warned, finish
from napari_xct_crack.inference import SegmentSettings, segment
from napari_xct_crack.io import read
from napari_xct_crack.io.ome_zarr import write
from napari_xct_crack.measure import measure
from napari_xct_crack.networks.compact import Compact
from napari_xct_crack.runs import Run, TrainSettings, load_segmenter
from napari_xct_crack.volume import Box, Volume

SHAPE = (18, 36, 48)
ALL = CleanSettings(threshold=0.55, hysteresis=0.5, closing="1", fill_holes=True, opening="1", min_size=4)
HERE = ["--host", "127.0.0.1"]


class Elsewhere(ThreadPoolExecutor):
    """As another process would: all that is sent goes through a pickle, whose size is kept."""

    def __init__(self) -> None:
        super().__init__(2)
        self.sizes: list[int] = []

    def submit(self, call: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        sent = pickle.dumps((call, args, kwargs))
        self.sizes.append(len(sent))
        call, args, kwargs = pickle.loads(sent)
        return super().submit(call, *args, **kwargs)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a scan that has a part and a run that was not trained for long."""
    folder = tmp_path_factory.mktemp("given")
    smooth = ndimage.gaussian_filter(np.random.default_rng(4).random(SHAPE), 1)
    grey = (40 + 160 * (smooth - smooth.min()) / np.ptp(smooth)).astype(np.uint8)
    grey[:, :8] = 5
    scan = write(folder / "scan.ome.zarr", grey, role="image", voxel_size=(2.0, 1.0, 1.0))
    run = Run.create(
        folder / "run", TrainSettings(network=Compact(width=2), slices=3), replace(scan, window=(40.0, 200.0))
    )
    run.save_model(Compact(width=2).build(3).state_dict(), {}, {})
    return folder


@pytest.fixture(autouse=True)
def many_boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards so small that these scans have many of them."""
    monkeypatch.setattr(inference, "SLAB_BYTES", 3 * SHAPE[1] * SHAPE[2])
    for module in ("clean", "convert"):
        # the package's own name of a stage is its function
        place = sys.modules[f"napari_xct_crack.{module}"]
        monkeypatch.setattr(place, "layout", lambda shape, itemsize: ((4, 16, 16), (8, 16, 32)))


def parted(scan: Volume) -> Volume:
    part = np.ones([-(-side // 4) for side in SHAPE], np.uint8)
    part[:, :2] = 0
    return replace(scan, part=Volume.from_array(part, role="mask"))


def made(given: Path, out: Path, executor: Any) -> dict[str, bytes]:
    """All stages, one after the other."""
    scan, model = parted(read(given / "scan.ome.zarr")), load_segmenter(given / "run" / "model")
    finish(convert(scan, out / "copy.ome.zarr", executor=executor))
    settings = SegmentSettings(device="cpu", normal="all")
    finish(segment(model, scan, out / "probability.ome.zarr", settings, executor=executor))
    mask = finish(clean(read(out / "copy.ome.zarr"), ALL, out / "mask.ome.zarr", executor=executor))
    chance = read(out / "probability.ome.zarr")
    finish(measure(mask, out / "measured", volume=scan, probability=chance, executor=executor))
    return contents(out)


def test_any_executor_gives_the_same_stores_and_is_sent_descriptions_only(given: Path, tmp_path: Path) -> None:
    alone = made(given, tmp_path / "alone", None)
    inference._loaded.cache_clear()
    with Elsewhere() as executor:
        shared = made(given, tmp_path / "shared", executor)
    assert inference._loaded.cache_info().misses <= 2  # threads of the executor
    assert alone == shared
    assert any(name.startswith("mask.ome.zarr/0/c") for name in alone)
    assert alone["measured/cracks.csv"].count(b"\n") > 2
    assert len(executor.sizes) > 30
    assert max(executor.sizes) < 4000


def test_data_in_memory_are_stored_for_the_others(tmp_path: Path) -> None:
    data = np.random.default_rng(0).integers(0, 255, SHAPE).astype(np.uint8)
    with Elsewhere() as executor:
        crop = Volume.from_array(data, offset=(3, 0, 0)).cropped(Box((2, 3, 4), SHAPE))
        copy = finish(convert(crop, tmp_path / "c.ome.zarr", executor=executor))
        mask = finish(clean(replace(crop, role="probability"), ALL, tmp_path / "m.ome.zarr", executor=executor))
    np.testing.assert_array_equal(copy.read(), data[2:, 3:, 4:])
    assert copy.offset == (5, 3, 4)
    whole = replace(Volume.from_array(data[2:, 3:, 4:]), role="probability")
    np.testing.assert_array_equal(mask.read(), finish(clean(whole, ALL, tmp_path / "w.ome.zarr")).read())


def test_results_come_in_order_whoever_is_faster() -> None:
    grid = [Box((z, 0, 0), (z + 1, 1, 1)) for z in range(200)]

    def slow(box: Box) -> int:
        time.sleep(0.01 * (box.start[0] % 2))
        return box.start[0]

    with ThreadPoolExecutor(8) as executor:
        assert list(each(slow, grid, executor)) == [(box, box.start[0]) for box in grid]


def test_stop_and_go_on_elsewhere(given: Path, tmp_path: Path) -> None:
    scan = read(given / "scan.ome.zarr")
    with Elsewhere() as executor:
        work = convert(scan, tmp_path / "a" / "c.ome.zarr", executor=executor)
        for event in work:
            if isinstance(event, Progress) and event.done >= 2:
                break
        work.close()
        receipts = len(list((tmp_path / "a").rglob("receipts/*")))
        assert receipts >= 2
        before = len(executor.sizes)
        finish(convert(scan, tmp_path / "a" / "c.ome.zarr", executor=executor))
        assert len(executor.sizes) - before + receipts == before
    finish(convert(scan, tmp_path / "b" / "c.ome.zarr"))
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def command(given: Path, out: Path, **values: Any) -> Shared:
    found = load("segment").checked(
        {"volume": str(given / "scan.ome.zarr"), "run": given / "run", "out": out, "device": "cpu", **values}
    )
    assert isinstance(found, Shared)
    return found


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and two workers, each a process of its own."""
    file = tmp_path / "scheduler.json"
    start = [sys.executable, "-m", "distributed.cli.dask_scheduler", *HERE, "--port", "0", "--no-dashboard"]
    processes = [subprocess.Popen([*start, "--no-show", "--scheduler-file", str(file)], stderr=subprocess.DEVNULL)]
    start = [sys.executable, "-m", "distributed.cli.dask_worker", *HERE, "--no-nanny", "--no-dashboard"]
    start += ["--nthreads", "1", "--scheduler-file", str(file), "--local-directory", str(tmp_path)]
    try:
        processes += [subprocess.Popen(start, stderr=subprocess.DEVNULL) for _ in range(2)]
        import distributed

        while not file.exists():
            time.sleep(0.05)
        with distributed.Client(scheduler_file=str(file), set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
            address = client.scheduler.address
        yield address, processes
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


def test_a_killed_worker_is_made_up_for(
    given: Path, tmp_path: Path, scheduler: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    address, (_, victim, _) = scheduler
    events: list[Event] = []
    for event in command(given, tmp_path / "a" / "p.ome.zarr", scheduler=address).run():
        events.append(event)
        if isinstance(event, Progress) and event.done >= 2 and victim.poll() is None:
            victim.send_signal(signal.SIGKILL)
            victim.wait()
    assert victim.poll() is not None
    assert not [event for event in events if isinstance(event, Warned) and "encrypted" in event.text]
    finish(command(given, tmp_path / "b" / "p.ome.zarr").run())
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_a_lost_cluster_is_one_sentence_and_the_work_goes_on_without(
    given: Path, tmp_path: Path, scheduler: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    address, processes = scheduler

    def lose() -> None:
        for event in command(given, tmp_path / "a" / "p.ome.zarr", scheduler=address).run():
            if isinstance(event, Progress) and event.done >= 2:
                for process in processes:
                    process.kill()

    with pytest.raises(SettingsError, match="was lost; start again"):
        lose()
    assert len(list((tmp_path / "a").rglob("receipts/*"))) >= 2
    finish(command(given, tmp_path / "a" / "p.ome.zarr").run())
    finish(command(given, tmp_path / "b" / "p.ome.zarr").run())
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_local_workers_share_the_cores_and_listen_on_loopback_only(given: Path, tmp_path: Path) -> None:
    with cluster(2) as executor:
        assert executor is not None
        family = [psutil.Process(), *psutil.Process().children(recursive=True)]
        listening = {
            place.laddr.ip for one in family for place in one.net_connections("inet") if place.status == "LISTEN"
        }
        threads = executor.submit(_threads).result()
    assert listening == {"127.0.0.1"}
    assert threads == max(1, len(psutil.Process().cpu_affinity()) // 2)
    finish(command(given, tmp_path / "a" / "p.ome.zarr", workers=2, normal="all").run())
    finish(command(given, tmp_path / "b" / "p.ome.zarr", normal="all").run())
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def _threads() -> int:
    import torch

    return torch.get_num_threads()


def test_what_cannot_be_is_said(given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="exclude each other"):
        command(given, tmp_path / "p.ome.zarr", workers=2, scheduler="tcp://127.0.0.1:1")
    assert exposed("tcp://10.0.0.7:8786")
    assert exposed("10.0.0.7:8786")
    assert not exposed("tls://10.0.0.7:8786")
    assert not exposed("tcp://127.0.0.1:8786")
    assert not exposed(None)
    monkeypatch.setattr("napari_xct_crack.blocks._cluster.CONNECT_SECONDS", 1)
    with pytest.raises(SettingsError, match="No dask scheduler answers at tcp:"):
        finish(command(given, tmp_path / "p.ome.zarr", scheduler="tcp://127.0.0.1:9").run())
    with pytest.raises(SettingsError, match=r"names the certificates"):
        finish(command(given, tmp_path / "p.ome.zarr", scheduler="tls://127.0.0.1:9").run())
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SettingsError, match=r"napari-xct-crack\[cluster\]"):
        finish(command(given, tmp_path / "p.ome.zarr", workers=2).run())
    assert not list(tmp_path.iterdir())
