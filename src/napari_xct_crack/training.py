"""The training loop, read from top to bottom: draw, learn, average, save."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import asdict

import numpy as np
import torch

from . import processes
from .blocks import estimated
from .budget import Budget, Pace
from .checkpoints import (
    State,
    append_rows,
    bytes_of,
    cut_rows,
    move_average,
    read_checkpoint,
    write_checkpoint,
    write_snapshot,
)
from .corrections import FILE, read_corrections
from .devices import device_named, mixed_precision
from .errors import InputError, XctCrackError
from .events import EpochEnd, Event, Preview, Said, Saved, StepDone, Warned, Work, finish
from .examples import patches_of
from .last_look import last_look
from .methods import Batch, Learner
from .monitors import gaps, monitor, preview, scan_in_words, words
from .reviews import review
from .runs import Run
from .start import begun

SAVE_EVERY = 20.0
"""Seconds between two checkpoints, at least; they take at most a twentieth of the time."""

_STEP, _REVIEW, _END = range(3)
"""What the leading process can tell the others to do."""

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
    with run.owned() if processes.leads() else nullcontext():
        trainer = _Trainer(run, device_named(device))
        if not processes.leads():
            trainer.follow()
            return run
        try:
            yield Said(
                f"Training on {trainer.device}, {torch.get_num_threads()} threads, from step {trainer.state.step}."
            )
            yield from trainer.begun
            yield from scan_in_words(trainer.patches, run.settings)
            yield from trainer.loop(budget)
        finally:
            if not trainer.learning:
                processes.agreed([_END, 0.0])
    return run


class _Trainer:
    def __init__(self, run: Run, device: torch.device) -> None:
        assert run.volume is not None
        self.run, self.volume, self.settings, self.device = run, run.volume, run.settings, device
        settings = self.settings
        self.patches = patches_of(run.volume, settings, read_corrections(run.folder / FILE))
        torch.manual_seed(settings.seed)
        self.learner: Learner = settings.method.start(settings.network, settings.slices, device)
        self.begun = begun(self.learner.modules["segmenter"], run)
        self.average = copy.deepcopy(self.learner.modules["segmenter"])
        self.state = State(batch=settings.batch)
        self.checkpoint = run.folder / "checkpoint.safetensors"
        self.saved_at, self.saved_step, self.save_cost = time.monotonic(), 0, 0.0
        self.rows: list[dict[str, float]] = []
        self.learning = False  # in the middle of a step other processes do not listen
        if self.checkpoint.exists():
            self._restore()

    def loop(self, budget: Budget) -> Iterator[Event]:
        """Steps until the budget is used; saves when it ends, is stopped, and now and then."""
        pace = Pace(budget, self.state, self.settings.steps_per_epoch)
        if pace.ended:
            yield Said(f"This run has already had its {pace.total} steps; give a larger budget to go on.")
            return
        with ThreadPoolExecutor(1) as pool:
            drawn = self._draw(pool, self.state.step)
            try:
                while not pace.ended:
                    if self._review_is_due(pace.total):
                        drawn = yield from self._reviewed(drawn, pool)
                    started = time.perf_counter()
                    batch, drawn = drawn.result(), self._draw(pool, self.state.step + 1)
                    patches = self.state.batch
                    _, done = processes.agreed([_STEP, pace.done])
                    losses, drawn = self._learn(batch, done, drawn, pool)
                    if self.state.batch < patches:
                        yield Warned(
                            f"The device's memory is full; the run goes on with {self.state.batch} patches a step."
                        )
                    yield from pace.took(time.perf_counter() - started)
                    if (left := pace.left()) is not None:
                        size = bytes_of(self.learner, self.average)
                        yield from estimated(self.run.folder, "What is left takes", left, size)
                    yield StepDone(self.state.step, pace.total or 0, losses)
                    yield from self._now_and_then(batch, pace.total)
                looked = last_look(self.average, self.settings, self.patches, self.volume, self.device)
                self.state.monitors |= yield from looked
            finally:
                drawn.cancel()
                if self.state.step > self.saved_step:
                    self.save()
        yield Saved(str(self.run.folder), self.state.step)

    def follow(self) -> None:
        """Do beside the leading process what it says, until it ends."""
        with ThreadPoolExecutor(1) as pool:
            drawn = self._draw(pool, self.state.step)
            while (told := processes.agreed([_END, 0.0]))[0] != _END:
                if told[0] == _REVIEW:
                    drawn = finish(self._reviewed(drawn, pool))
                else:
                    batch, drawn = drawn.result(), self._draw(pool, self.state.step + 1)
                    _, drawn = self._learn(batch, told[1], drawn, pool)
            drawn.cancel()

    def _reviewed(self, drawn: Future[Batch], pool: ThreadPoolExecutor) -> Work[Future[Batch]]:
        """Look over the scan, and draw anew what was drawn before."""
        if processes.leads():
            processes.agreed([_REVIEW, 0.0])
        wait([drawn])  # it looks at what the review changes
        yield from review(self.average, self.settings, self.patches, self.volume, self.device)
        self.state.reviews += 1
        return self._draw(pool, self.state.step)

    def _learn(
        self, batch: Batch, done: float, drawn: Future[Batch], pool: ThreadPoolExecutor
    ) -> tuple[dict[str, float], Future[Batch]]:
        """One step; on a device that is out of memory again with half the patches."""
        rng = np.random.default_rng((self.settings.seed, 7, self.state.step))
        try:
            with mixed_precision(self.device):
                losses = self._step(batch, done, rng)
        except torch.OutOfMemoryError as error:
            if processes.joined() > 1:
                raise XctCrackError(
                    f"{self.state.batch} patches do not fit into the memory of {self.device}; start anew with a smaller --batch."
                ) from error
            if self.state.batch == 1:
                raise XctCrackError(
                    "Not even one patch fits into the device's memory; choose a smaller patch or network."
                ) from error
            self.state.batch //= 2
            torch.cuda.empty_cache()
            drawn.cancel()
            again = self._draw(pool, self.state.step).result()
            return self._learn(again, done, self._draw(pool, self.state.step + 1), pool)
        if processes.leads() and not all(np.isfinite(value) for value in losses.values()):
            raise XctCrackError(
                f"The losses are no longer numbers at step {self.state.step + 1}; lower the learning rate and start anew."
            )
        self.state.step += 1
        move_average(self.average, self.learner.modules["segmenter"], self.state.step, self.settings.averaging)
        self.rows.append({"step": self.state.step, **losses})
        return losses, drawn

    def _step(self, batch: Batch, done: float, rng: np.random.Generator) -> dict[str, float]:
        """One step of all processes; losses and statistics are those of all."""
        self.learning = True
        losses = self.learner.step(batch, done, rng)
        kept = [value for module in self.learner.modules.values() for value in module.buffers()]
        processes.average([value for value in kept if value.is_floating_point()])
        values = torch.tensor(list(losses.values()), dtype=torch.float64)
        processes.average([values])
        self.learning = False
        return dict(zip(losses, values.tolist(), strict=True))

    def _review_is_due(self, total: int | None) -> bool:
        if total is None or self.state.step >= total:
            return False
        due = self.state.step * (self.settings.reviews + 1) // total
        return self.state.reviews < min(due, self.settings.reviews)

    def _draw(self, pool: ThreadPoolExecutor, step: int) -> Future[Batch]:
        first = processes.own(self.state.batch).start
        return pool.submit(self.patches.batch, step, self.state.batch, self.device, first)

    def _now_and_then(self, batch: Batch, total: int | None) -> Iterator[Event]:
        step = self.state.step
        if step % self.settings.steps_per_epoch == 0 or step == total:
            self.state.monitors = monitor(self.average, batch) | gaps(self.rows)
            yield EpochEnd(step, self.state.monitors)
            done = step / total if total else 0.0
            yield from (Warned(text) for text in words(self.state.monitors, done))
        if step in _MARKS or step == total:
            write_snapshot(self.run.folder, self.average, step)
            shown = preview(self.run.folder / "previews", self.average, self.patches.batch(0, 1, self.device), step)
            yield Preview(str(shown), step)
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
        if processes.leads():
            cut_rows(self.run.folder / "metrics.csv", self.state.step)
