"""History of fakes: the discriminator also sees older ones, so that it does not forget what it has unlearnt."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def exchange(pools: dict[str, Tensor], name: str, fakes: Tensor, size: int, rng: np.random.Generator) -> Tensor:
    """Put new fakes into a history and get as many, new or old, out of it.

    Until the history is full each fake is stored and returned. From then on it is returned in half of all cases;
    in the other half a random stored one is returned and replaced by it.

    Parameters
    ----------
    pools
        Holds the history under `name`, shape (size, channels, h, w), and how many of it are filled under
        ``name + "_count"``. Both are made on first use and changed in place.
    fakes
        Shape (n, channels, h, w), detached.
    size
        How many fakes are kept; 0 returns the new ones.
    rng
        The only source of chance.

    References
    ----------
    Shrivastava et al., "Learning from Simulated and Unsupervised Images through Adversarial Training", CVPR 2017.
    """
    if size == 0:
        return fakes
    if name not in pools:
        pools[name] = torch.zeros((size, *fakes.shape[1:]), dtype=fakes.dtype, device=fakes.device)
        pools[f"{name}_count"] = torch.zeros((), dtype=torch.int64)
    history, count = pools[name], pools[f"{name}_count"]
    shown = fakes.clone()
    for place, fake in enumerate(fakes):
        filled = int(count)
        if filled < size:
            history[filled] = fake
            count += 1
        elif rng.random() < 0.5:
            old = int(rng.integers(size))
            shown[place] = history[old]
            history[old] = fake
    return shown
