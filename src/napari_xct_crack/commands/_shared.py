"""What commands have in common whose work can be shared among processes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import TypeVar

from pydantic import Field, model_validator

from ..events import Warned, Work
from ..volume import Volume
from . import Command

Result = TypeVar("Result")
Step = Callable[[Volume, Path, bool, Executor | None], Work[Result]]
"""Does a volume into a place, replacing what stands there or not, with an executor or in this process."""


class Shared(Command):
    """A command that works box by box, each of which any process can do."""

    workers: int = Field(
        0, ge=0, le=1024, description="Processes of this machine that share the work; 0 does it in this one."
    )
    scheduler: str | None = Field(
        None, description="Address of a running dask.distributed scheduler whose workers share the work."
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> Shared:
        if self.workers and self.scheduler is not None:
            raise ValueError("workers and scheduler exclude each other; give one of them")
        return self

    def shared(
        self, step: Step[Result], volume: Volume, out: Path, overwrite: bool, *, slices: bool = False
    ) -> Work[Result]:
        """Tell what the step takes on all of a volume, then do it with the processes that were asked for."""
        from ..blocks import cluster, exposed
        from ..outlook import foretold

        if exposed(self.scheduler):
            yield Warned(
                f"The connection to {self.scheduler} is not encrypted, and whoever reaches a dask cluster can make it "
                "run anything: use it on a network you trust, or tls://."
            )
        with cluster(self.workers, self.scheduler) as executor:
            if executor is None and (overwrite or not out.exists()):
                yield from foretold(
                    lambda box, place: step(volume.cropped(box), place, False, None), volume, out, slices=slices
                )
            return (yield from step(volume, out, overwrite, executor))
