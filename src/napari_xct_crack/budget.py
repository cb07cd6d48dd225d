"""How long to train, and how minutes become steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import Field

from .events import Event, Warned
from .settings import Settings

_PROBE, _PROBE_SHARE = 12, 0.05
"""Fewest steps, and share of the minutes, whose speed first tells a run's number of steps; the first ones after a start are slow.
Until then none of the budget counts as used."""

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

    def knows(self, seconds: Sequence[float]) -> bool:
        """Whether the seconds of the first steps tell the speed."""
        return len(seconds) >= _PROBE and sum(seconds) >= 60 * _PROBE_SHARE * (self.minutes or 0)

    def steps(self, per_epoch: int, seconds_per_step: float) -> int | None:
        """Number of steps, or none until the speed, in place of which stands 0, is known."""
        if self.epochs is not None:
            return self.epochs * per_epoch
        if seconds_per_step == 0 or self.minutes is None:
            return None
        return max(_PROBE, round(60 * self.minutes / seconds_per_step))


def few(total: int | None) -> Iterator[Event]:
    """Warn of a number of steps that is too small to learn much."""
    if total is not None and total < _FEW:
        yield Warned(
            f"Only {total} steps fit into that time on this machine; fewer than {_FEW} seldom find narrow cracks. Give it more time, "
            "or stop what else it computes."
        )
