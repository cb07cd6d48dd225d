"""The training loop, read from top to bottom: draw, learn, average, save."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict

import numpy as np
import torch

from .budget import Budget, few
from .checkpoints import State, append_rows, cut_rows, move_average, read_checkpoint, write_checkpoint, write_snapshot
from .corrections import FILE, read_corrections
from .devices import device_named, mixed_precision
from .errors import InputError, XctCrackError
from .events import EpochEnd, Event, Preview, Said, Saved, StepDone, Warned, Work
from .examples import patches_of
from .methods import Batch, Learner
from .monitors import gaps, monitor, preview, words
from .reviews import review
from .runs import Run

SAVE_EVERY = 20.0
"""Seconds between two checkpoints, at least; they take at most a twentieth of the time."""

_FIXED = 0.5
"""Share of the budget from which on the number of steps stays: what else a machine does may end or begin before."""

_MARKS = tuple(50 * 2**power for power in range(12))
"""Steps at which a snapshot and a preview are kept."""


def train(run: Run, budget: Budget | None = None, device: str = "auto") -> Work[Run]:
    """Train a run, or go on with it, until its budget is used.

    Parameters
    ----------
    run
        As made by :meth:`Run.create`, with its volume.
    budget
        Minutes or epochs; five minutes if neither is given.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"``, …

    Yields
    ------
    Event
        StepDone each step; EpochEnd, Preview and Saved now and then. Not asking for the next saves and ends.

    Raises
    ------
    XctCrackError
        If the scan has no usable patch, the device or disk gives out, or the losses are no numbers.
    """
    if run.volume is None:
        raise InputError("A run needs its prepared scan to be trained.")
    if budget is None or budget == Budget():
        budget = Budget(minutes=5)
    with run.owned():
        trainer = _Trainer(run, device_named(device))
        yield from trainer.opening()
        yield from trainer.loop(budget)
    return run


class _Trainer:
    def __init__(self, run: Run, device: torch.device) -> None:
        assert run.volume is not None
        self.run, self.volume, self.settings, self.device = run, run.volume, run.settings, device
        settings = self.settings
        self.patches = patches_of(run.volume, settings, read_corrections(run.folder / FILE))
        torch.manual_seed(settings.seed)
        self.learner: Learner = settings.method.start(settings.network, settings.slices, device)
        self.average = copy.deepcopy(self.learner.modules["segmenter"])
        self.state = State(batch=settings.batch)
        self.checkpoint = run.folder / "checkpoint.safetensors"
        self.saved_at, self.saved_step, self.save_cost = time.monotonic(), 0, 0.0
        self.rows: list[dict[str, float]] = []
        self.probed: list[float] = []
        if self.checkpoint.exists():
            self._restore()

    def opening(self) -> Iterator[Event]:
        """What the user should know before the first step."""
        look, (sharpest, softest) = self.patches.appearance, self.patches.spreads
        seen = "1 slice" if self.settings.slices == 1 else f"{self.settings.slices} neighbouring slices"
        yield Said(
            f"Training on {self.device}, {torch.get_num_threads()} threads, {seen}, from step {self.state.step}."
        )
        yield Said(
            f"The scan: metal {look.metal:.0f}, contrast {look.contrast:.0f}, noise {look.noise:.0f} grey values, "
            f"point spread {look.point_spread:.2f} voxels; cracks are drawn with {sharpest:.2f} to {softest:.2f}."
        )
        notes = (*look.notes, *self.settings.cracks.warnings(self.volume.voxel_size))
        yield from (Warned(note) for note in notes)
        if (share := self.patches.doubtful_share) > 0.2:
            yield Warned(
                f"{share:.0%} of the metal is dark against its surroundings; check the part mask and the polarity."
            )

    def loop(self, budget: Budget) -> Iterator[Event]:
        """Steps until the budget is used; saves when it ends, is stopped, and now and then."""
        total = self._total(budget)
        if total is not None and self.state.step >= total:
            yield Said(f"This run has already had its {total} steps; give a larger budget to go on.")
            return
        with ThreadPoolExecutor(1) as pool:
            drawn = self._draw(pool, self.state.step)
            try:
                while total is None or self.state.step < total:
                    if self._review_is_due(total):
                        wait([drawn])  # it looks at what the review changes
                        yield from review(self.average, self.settings, self.patches, self.volume, self.device)
                        self.state.reviews += 1
                        drawn = self._draw(pool, self.state.step)
                    started = time.perf_counter()
                    batch, drawn = drawn.result(), self._draw(pool, self.state.step + 1)
                    patches = self.state.batch
                    losses, drawn = self._learn(batch, self._done(total), drawn, pool)
                    if self.state.batch < patches:
                        yield Warned(
                            f"The device's memory is full; the run goes on with {self.state.batch} patches a step."
                        )
                    known, total = total, self._paced(budget, time.perf_counter() - started, total)
                    if known is None:
                        yield from few(total)
                    yield StepDone(self.state.step, total or 0, losses)
                    yield from self._now_and_then(batch, total)
            finally:
                drawn.cancel()
                if self.state.step > self.saved_step:
                    self.save()
        yield Saved(str(self.run.folder), self.state.step)

    def _learn(
        self, batch: Batch, done: float, drawn: Future[Batch], pool: ThreadPoolExecutor
    ) -> tuple[dict[str, float], Future[Batch]]:
        """One step; on a device that is out of memory again with half the patches."""
        rng = np.random.default_rng((self.settings.seed, 7, self.state.step))
        try:
            with mixed_precision(self.device):
                losses = self.learner.step(batch, done, rng)
        except torch.OutOfMemoryError as error:
            if self.state.batch == 1:
                raise XctCrackError(
                    "Not even one patch fits into the device's memory; choose a smaller patch or network."
                ) from error
            self.state.batch //= 2
            torch.cuda.empty_cache()
            drawn.cancel()
            again = self._draw(pool, self.state.step).result()
            return self._learn(again, done, self._draw(pool, self.state.step + 1), pool)
        if not all(np.isfinite(value) for value in losses.values()):
            raise XctCrackError(
                f"The losses are no longer numbers at step {self.state.step + 1}; lower the learning rate and start anew."
            )
        self.state.step += 1
        move_average(self.average, self.learner.modules["segmenter"], self.state.step)
        self.rows.append({"step": self.state.step, **losses})
        return losses, drawn

    def _review_is_due(self, total: int | None) -> bool:
        if total is None or self.state.step >= total:
            return False
        due = self.state.step * (self.settings.reviews + 1) // total
        return self.state.reviews < min(due, self.settings.reviews)

    def _draw(self, pool: ThreadPoolExecutor, step: int) -> Future[Batch]:
        return pool.submit(self.patches.batch, step, self.state.batch, self.device)

    def _done(self, total: int | None) -> float:
        """Share of the budget that is used."""
        if total is None:
            return 0.0
        return max(0, self.state.step - self.state.probe) / max(1, total - self.state.probe)

    def _paced(self, budget: Budget, seconds: float, total: int | None) -> int | None:
        """The total by the speed of all steps of this run so far; it is fixed when it goes on, and from half of it on."""
        if total is None:
            self.probed.append(seconds)
            if not budget.knows(self.probed):
                return None
            self.state.probe = self.state.step
        elif not self.probed:
            return total
        else:
            self.probed.append(seconds)
            if self.state.step % self.settings.steps_per_epoch or self._done(total) >= _FIXED:
                return total
        self.state.seconds_per_step = float(np.mean(self.probed[2:]))
        return max(self.state.step + 1, self._total(budget) or 0)

    def _total(self, budget: Budget) -> int | None:
        """Number of steps of a budget, or none until the speed is known."""
        return budget.steps(self.settings.steps_per_epoch, self.state.seconds_per_step)

    def _now_and_then(self, batch: Batch, total: int | None) -> Iterator[Event]:
        step = self.state.step
        if step % self.settings.steps_per_epoch == 0 or step == total:
            self.state.monitors = monitor(self.average, batch) | gaps(self.rows)
            yield EpochEnd(step, self.state.monitors)
            done = step / total if total else 0.0
            yield from (Warned(text) for text in words(self.state.monitors, done))
        if step in _MARKS or step == total:
            folder = self.run.folder
            write_snapshot(folder, self.average, step)
            yield Preview(
                str(preview(folder / "previews", self.average, self.patches.batch(0, 1, self.device), step)), step
            )
        if time.monotonic() - self.saved_at > max(SAVE_EVERY, 20 * self.save_cost):
            self.save()
            yield Saved(str(self.run.folder), step)

    def save(self) -> None:
        """Write checkpoint, model and metrics, each file atomically."""
        started = time.monotonic()
        write_checkpoint(self.checkpoint, self.state, self.learner, self.average, self.patches)
        look = asdict(self.patches.appearance)
        self.run.save_model(self.average.state_dict(), {"step": self.state.step, **self.state.monitors}, look)
        append_rows(self.run.folder / "metrics.csv", self.rows)
        self.rows = []
        self.saved_at, self.saved_step = time.monotonic(), self.state.step
        self.save_cost = self.saved_at - started

    def _restore(self) -> None:
        self.state = read_checkpoint(self.checkpoint, self.learner, self.average, self.patches)
        self.saved_step = self.state.step
        cut_rows(self.run.folder / "metrics.csv", self.state.step)
