"""The whole pipeline on a simulated scan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from ..demo import Contest, DemoSettings, demo
from ..events import Finished, Work
from ..heap import keep
from . import Command, Positional


class Demo(DemoSettings, Command):
    """Simulate a scan, train, segment, clean, and score the result against its truth and other methods."""

    out: Annotated[Path, Positional] = Field(description="Folder to write into; an unfinished demo in it goes on.")

    def run(self) -> Work[Contest]:
        """Run the demo; the last event holds the scores."""
        keep()
        settings = DemoSettings.checked({name: getattr(self, name) for name in DemoSettings.model_fields})
        contest = yield from demo(self.out, settings)
        yield Finished(contest.table())
        return contest
