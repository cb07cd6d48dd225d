"""How long to train, and how minutes become steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from .events import Event, Warned
from .settings import Settings

if TYPE_CHECKING:
    from .checkpoints import State

_PROBE, _PROBE_SHARE = 12, 0.05
"""Fewest steps, and share of the minutes, whose speed first tells a run's number of steps; the first ones after a start are slow.
Until then none of the budget counts as used."""

_FIXED = 0.5
"""Share of the budget from which on the number of steps stays: what else a machine does may end or begin before."""

_FEW = 500
"""Steps below which a run given in minutes is warned of."""


class Budget(Settings):
    """How long to train; not part of a run's identity, a run can go on with a larger one."""

    minutes: float | None = Field(
        None,
        gt=0,
        le=100000,
        description="Time to train; the speed of the first half turns it into a number of steps.",
    )
    epochs: int | None = Field(None, ge=1, le=1000000, description="Epochs to train, in place of minutes.")


class Pace:
    """How much of a budget a run has used, and after how many steps it ends.

    Parameters
    ----------
    state
        Of the run; where the speed is known, it is noted there.
    per_epoch
        Steps of an epoch.
    """

    def __init__(self, budget: Budget, state: State, per_epoch: int) -> None:
        self.budget, self.state, self.per_epoch = budget, state, per_epoch
        self.seconds: list[float] = []
        """Of the steps since the start, as long as something is told by them."""
        self.total = self._total()
        """Number of the last step; none until the speed is known."""
        self._settled = self.total is not None
        self._told = False
        """Whether it was told how long the rest takes."""

    @property
    def ended(self) -> bool:
        """Whether the budget is used."""
        return self.total is not None and self.state.step >= self.total

    @property
    def done(self) -> float:
        """Share of the budget that is used."""
        if self.total is None:
            return 0.0
        return max(0, self.state.step - self.state.probe) / max(1, self.total - self.state.probe)

    def left(self) -> float | None:
        """Seconds until the end, once: after the first steps, when their number is known."""
        if self.total is None or len(self.seconds) < _PROBE or self._told:
            return None
        self._told = True
        return self._mean() * (self.total - self.state.step)

    def took(self, seconds: float) -> Iterator[Event]:
        """Note how long a step took; the total follows from all of this run, but is fixed when it goes on, and from half of it on."""
        if not (self._settled and self._told):
            self.seconds.append(seconds)
        if self._settled:
            return
        if self.total is None:
            if not self._known():
                return
            self.state.probe = self.state.step
        elif self.state.step % self.per_epoch or self.done >= _FIXED:
            return
        first = self.total is None
        self.state.seconds_per_step = self._mean()
        self.total = max(self.state.step + 1, self._total() or 0)
        if first and self.total < _FEW:
            yield Warned(
                f"Only {self.total} steps fit into that time on this machine; fewer than {_FEW} seldom find narrow cracks. Give it "
                "more time, or stop what else it computes."
            )

    def _mean(self) -> float:
        """Seconds of a step, but for the first two after the start."""
        return float(np.mean(self.seconds[2:]))

    def _known(self) -> bool:
        """Whether the steps so far tell the speed."""
        return len(self.seconds) >= _PROBE and sum(self.seconds) >= 60 * _PROBE_SHARE * (self.budget.minutes or 0)

    def _total(self) -> int | None:
        """Number of steps of the budget, or none until the speed, in place of which stands 0, is known."""
        if self.budget.epochs is not None:
            return self.budget.epochs * self.per_epoch
        if self.state.seconds_per_step == 0 or self.budget.minutes is None:
            return None
        return max(_PROBE, round(60 * self.budget.minutes / self.state.seconds_per_step))
