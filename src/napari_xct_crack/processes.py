"""Several processes that train one run together, one for each graphics card, as torchrun starts them.

Each learns from patches of its own and all hold the same weights. One of them leads: only it writes, speaks and decides. A
process that was started alone leads itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # torch is slow to load, and most commands do without
    from torch import Tensor, nn


def launched() -> bool:
    """Whether torchrun started several processes, of which this is one."""
    return "TORCHELASTIC_RUN_ID" in os.environ and int(os.environ["WORLD_SIZE"]) > 1


def leads() -> bool:
    """Whether this process writes and speaks."""
    return not launched() or os.environ["RANK"] == "0"


def card() -> str:
    """The CUDA device of this process."""
    return f"cuda:{os.environ['LOCAL_RANK']}" if launched() else "cuda"


@contextmanager
def together() -> Iterator[None]:
    """Join the processes that torchrun started; does nothing in one that was started alone."""
    if not launched():
        yield
        return
    import torch
    from torch import distributed

    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield
    finally:
        distributed.destroy_process_group()


@contextmanager
def leader_first() -> Iterator[None]:
    """What the leading process does here is done before the others begin."""
    from torch import distributed

    if not leads():
        distributed.barrier()
    yield
    if leads() and joined() > 1:
        distributed.barrier()


def joined() -> int:
    """How many processes learn together."""
    from torch import distributed

    return distributed.get_world_size() if distributed.is_initialized() else 1


def own(count: int) -> slice:
    """Which of what is drawn for all processes, `count` for each, is this one's."""
    from torch import distributed

    first = count * distributed.get_rank() if joined() > 1 else 0
    return slice(first, first + count)


def replicated(net: nn.Module) -> nn.Module:
    """The net to be called in training: its gradients become the mean over all processes."""
    if joined() == 1:
        return net
    from torch.nn.parallel import DistributedDataParallel

    device = next(net.parameters()).device
    cards = [device] if device.type == "cuda" else None
    # buffers that change with each call must not be overwritten between two calls; they are averaged after the step
    return DistributedDataParallel(net, device_ids=cards, broadcast_buffers=False)


def total(value: Tensor) -> Tensor:
    """Sum over all processes, such that a loss made of such sums is that of all their patches, and so is its gradient."""
    if joined() == 1:
        return value
    from torch import distributed

    summed = value.detach().clone()
    distributed.all_reduce(summed)
    # all hold the same loss of these sums: the mean of their gradients needs each one as often as there are processes
    scaled = joined() * value
    return scaled + (summed - scaled).detach()


def average(tensors: Sequence[Tensor]) -> None:
    """Put in place of tensors of one device their means over all processes."""
    if joined() == 1 or not tensors:
        return
    import torch
    from torch import distributed

    flat = torch.cat([tensor.detach().flatten() for tensor in tensors])
    distributed.all_reduce(flat)
    flat /= joined()
    for tensor, mean in zip(tensors, torch.split(flat, [tensor.numel() for tensor in tensors]), strict=True):
        tensor.detach().copy_(mean.view_as(tensor))


def agreed(values: Sequence[float]) -> list[float]:
    """The numbers of the leading process, whatever the others give."""
    if joined() == 1:
        return list(values)
    import torch
    from torch import distributed

    held = torch.tensor(values, dtype=torch.float64)
    distributed.broadcast(held, 0)
    return held.tolist()
