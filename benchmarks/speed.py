"""Speed as ratios of what this machine can do, measured in the same run: of its own matrix products, of reading and compressing.

``python benchmarks/speed.py [--rounds N]`` prints the tables of docs/scale.md. Times are CPU seconds, torch has one thread:
what else runs on the machine then matters least. Every quantity is taken once a round, beside the one it is divided by; the
ratio is the median over the rounds. ``ngff-zarr`` is compared with where it is installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from numcodecs.zstd import Zstd
from torch import nn
from torch.utils.mkldnn import to_mkldnn

from napari_xct_crack.blocks import boxes, identity
from napari_xct_crack.convert import convert
from napari_xct_crack.events import finish
from napari_xct_crack.heap import keep
from napari_xct_crack.inference import SegmentSettings, segment
from napari_xct_crack.io import RawLayout, read
from napari_xct_crack.io.ome_zarr import write
from napari_xct_crack.networks import Network
from napari_xct_crack.networks._norm import fold
from napari_xct_crack.networks.compact import Compact
from napari_xct_crack.networks.halved import Halved
from napari_xct_crack.networks.unet256 import UNet256
from napari_xct_crack.runs import Segmenter
from napari_xct_crack.volume import Volume

NETS: dict[str, tuple[Network, int, tuple[int, int, int]]] = {
    "UNet-256": (UNet256(), 1, (2, 1024, 1024)),
    "halved": (Halved(), 5, (24, 1024, 1024)),
    "compact": (Compact(), 5, (16, 1024, 1024)),
}
"""Network, slices it sees, and shape of the volume that it segments."""
RAW = (640, 512, 512)
"""Shape of the 16 bit volume that is converted."""


def cpu_seconds(action: Callable[..., object], *words: object) -> float:
    begun = time.process_time()
    action(*words)
    return time.process_time() - begun


def sgemm() -> float:
    """Multiplications with addition a CPU second of products of 1024 × 1024 float32 matrices, by the faster library."""
    a, b = torch.rand(1024, 1024), torch.rand(1024, 1024)
    mkl = cpu_seconds(lambda: [torch.mm(a, b) for _ in range(20)])
    layer, packed = to_mkldnn(nn.Linear(1024, 1024).eval()), a.to_mkldnn()
    with torch.inference_mode():
        onednn = cpu_seconds(lambda: [layer(packed) for _ in range(20)])
    return 20 * 1024**3 / min(mkl, onednn)


def macs(net: nn.Module, channels: int) -> float:
    """Multiplications a pixel in the convolutions of a net."""
    counted = []

    def count(layer: Any, given: Any, found: torch.Tensor) -> None:
        places = (
            given[0].numel() / given[0].shape[1]
            if isinstance(layer, nn.ConvTranspose2d)
            else found.numel() / found.shape[1]
        )
        counted.append(places * layer.weight.numel())

    hooks = [
        layer.register_forward_hook(count)
        for layer in net.modules()
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
    ]
    with torch.inference_mode():
        net(torch.zeros(1, channels, 256, 256))
    for hook in hooks:
        hook.remove()
    return sum(counted) / 256**2


def usual(net: nn.Module, frame: torch.Tensor) -> torch.Tensor:
    """Patches of 256² one at a time, half of each over the next, averaged, in memory."""
    total, count = torch.zeros(frame.shape[1:]), torch.zeros(frame.shape[1:])
    with torch.inference_mode():
        for y in range(0, frame.shape[1] - 128, 128):
            for x in range(0, frame.shape[2] - 128, 128):
                place = (slice(y, y + 256), slice(x, x + 256))
                total[place] += torch.sigmoid(net(frame[None, :, *place]))[0, 0]
                count[place] += 1
    return total / count


def networks(folder: Path, rounds: int) -> dict[str, list[float]]:
    """Print the table of the networks; returns pixels a second by network."""
    print("| network | MAC a pixel | Mpx/s, Zarr to Zarr | of the sgemm limit | against patches one at a time |")
    print("|---|---|---|---|---|")
    rates: dict[str, list[float]] = {name: [] for name in NETS}
    shares: dict[str, list[float]] = {name: [] for name in NETS}
    ahead: dict[str, list[float]] = {name: [] for name in NETS}
    made: dict[str, tuple[Segmenter, nn.Module, Volume]] = {}
    for name, (network, slices, shape) in NETS.items():
        scan = write(
            folder / f"{name}.ome.zarr", np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8), role="image"
        )
        plain = fold(network.build(slices)).eval()
        card = {"window": (0, 255), "scan": identity(scan)}
        net = fold(network.build(slices)).eval().to(memory_format=torch.channels_last)
        made[name] = (Segmenter(net, slices, network.stride, network.reach, card, name), plain, scan)
    for number in range(rounds + 1):
        for name, (model, plain, scan) in made.items():
            limit = sgemm()
            out = folder / f"{name}-{number}.ome.zarr"
            took = cpu_seconds(finish, segment(model, scan, out, SegmentSettings(device="cpu")))
            limit = (limit + sgemm()) / 2
            frame = torch.rand(model.slices, *scan.shape[1:])
            patches = cpu_seconds(usual, plain, frame)
            if number:  # the first round warms up
                rate = float(np.prod(scan.shape)) / took
                rates[name].append(rate)
                shares[name].append(rate * macs(plain, model.slices) / limit)
                ahead[name].append(rate * patches / (scan.shape[1] * scan.shape[2]))
    for name, (_, plain, _) in made.items():
        cost = macs(plain, NETS[name][1])
        print(
            f"| {name} | {cost:,.0f} | {median(rates[name]) / 1e6:.3f} | {100 * median(shares[name]):.0f} % "
            f"| {median(ahead[name]):.1f} × |"
        )
    return rates


def probe(path: Path, coarser: list[np.ndarray]) -> None:
    """Read the raw file and compress it and its coarser levels as in the store, and no more: the limit of converting.

    By as many threads as convert has: those of one core share its caches, which costs each of them time.
    """
    data, codec = np.memmap(path, np.uint16, "r", shape=RAW), Zstd(level=1)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for level in (data, *coarser):
            chunks = (level[box.slices] for box in boxes(level.shape, (64, 64, 64)))
            deque(threads.map(lambda chunk: codec.encode(np.ascontiguousarray(chunk)), chunks), 0)


def peer(path: Path, out: Path) -> None:
    """The same file by ngff-zarr, with chunks and shards of the same size."""
    import dask.array
    from ngff_zarr import Methods, to_multiscales, to_ngff_image, to_ngff_zarr

    data = dask.array.from_array(np.memmap(path, np.uint16, "r", shape=RAW), chunks=(64, 64, 64))
    image = to_ngff_image(data, dims=["z", "y", "x"])
    stages = to_multiscales(image, [2], chunks=64, method=Methods.ITKWASM_BIN_SHRINK)
    to_ngff_zarr(str(out), stages, version="0.5", chunks_per_shard=4)


def conversion(folder: Path, rounds: int) -> None:
    """Print the table of converting."""
    path = folder / "scan.raw"
    rng = np.random.default_rng(0)
    with path.open("wb") as file:
        for _ in range(RAW[0]):
            file.write(rng.normal(20000, 800, RAW[1:]).astype(np.uint16).tobytes())
    layout = RawLayout(shape=RAW, dtype="uint16")
    there = importlib.util.find_spec("ngff_zarr") is not None
    limits, ours, theirs = [], [], []
    out = folder / "c.ome.zarr"
    made = finish(convert(read(path, raw=layout), out))
    coarser = [np.asarray(level[:, :, :]) for level in made.levels[1:]]
    shutil.rmtree(out)
    for _ in range(rounds + 1):
        limits.append(cpu_seconds(probe, path, coarser))
        ours.append(cpu_seconds(finish, convert(read(path, raw=layout), out)))
        shutil.rmtree(out)
        if there:
            theirs.append(cpu_seconds(peer, path, out))
            shutil.rmtree(out)
    size = 2 * np.prod(RAW) / 1e6
    share = median(limit / took for limit, took in zip(limits[1:], ours[1:], strict=True))
    print(
        f"\nReading, and compressing all levels, alone (zstd level 1, chunks of 64³, {os.cpu_count()} threads, CPU seconds): "
        f"{size / median(limits[1:]):.0f} MB/s."
    )
    print(f"Convert: {size / median(ours[1:]):.0f} MB/s, {100 * share:.0f} % of that.")
    if there:
        times = median(b / a for a, b in zip(ours[1:], theirs[1:], strict=True))
        print(f"ngff-zarr writing the same: {size / median(theirs[1:]):.0f} MB/s; convert is {times:.1f} × as fast.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    keep()  # as the command segment does
    with tempfile.TemporaryDirectory() as name:
        rates = networks(Path(name), rounds)
        for net in list(rates)[1:]:
            ahead = median(a / b for a, b in zip(rates[net], rates["UNet-256"], strict=True))
            print(f"\n{net} is {ahead:.1f} × as fast as UNet-256.")
        conversion(Path(name), rounds)


if __name__ == "__main__":
    main()
