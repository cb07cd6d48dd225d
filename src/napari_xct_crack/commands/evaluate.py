"""Score a mask against a known truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from ..events import Finished, Work
from . import Command, Positional

if TYPE_CHECKING:
    from ..evaluate import Evaluation


class Evaluate(Command):
    """Score a mask against a truth: centre lines, voxels, tips, false alarms."""

    mask: Annotated[Path, Positional] = Field(description="Predicted mask: above 0 is crack.")
    truth: Annotated[Path, Positional] = Field(
        description="True mask or labels; a truth.json beside it gives the true tips."
    )
    probability: Path | None = Field(None, description="Predicted probability, for the average precision.")
    part: Path | None = Field(None, description="Mask of the part; what lies outside does not count.")
    json_: bool = Field(False, alias="json", description="Print the numbers as JSON.")

    def run(self) -> Work[Evaluation]:
        """Score slab by slab; the last event holds the numbers as a table or as JSON."""
        from ..evaluate import evaluate
        from ..io import read

        probability = None if self.probability is None else read(self.probability)
        part = None if self.part is None else read(self.part)
        result = yield from evaluate(read(self.mask), read(self.truth), probability=probability, part=part)
        yield Finished(json.dumps(result.record(), indent=1) if self.json_ else result.table())
        return result
