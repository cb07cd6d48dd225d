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
    """Score a mask against a truth: centre lines, voxels, tips, openings, false alarms, void."""

    mask: Annotated[Path, Positional] = Field(description="Predicted mask: above 0 is crack.")
    truth: Annotated[Path, Positional] = Field(
        description="True mask or labels. What a phantom's folder holds beside it (tips, apertures, void, pores) is used."
    )
    probability: Path | None = Field(None, description="Predicted probability, for the average precision.")
    part: Path | None = Field(None, description="Mask of the part; what lies outside does not count.")
    tips: Path | None = Field(None, description="Table of true tips: CSV with columns z, y, x and maybe crack.")
    aperture: Path | None = Field(None, description="True openings in voxels on the true labels.")
    volume: Path | None = Field(None, description="Grey scan, to compare missing grey value with the exact void.")
    dont_care: float = Field(0.5, ge=0, description="Truth thinner than this, in voxels, is left out in a second row.")
    json_: bool = Field(False, alias="json", description="Print the numbers as JSON.")

    def run(self) -> Work[Evaluation]:
        """Score slab by slab; the last event holds the numbers as a table or as JSON."""
        from ..evaluate import evaluate, known
        from ..io import read

        names = ("probability", "part", "aperture", "volume")
        probability, part, aperture, scan = (
            None if path is None else read(path) for path in (getattr(self, name) for name in names)
        )
        truth = read(self.truth)
        beside = known(truth, tips=self.tips, aperture=aperture, scan=scan)
        result = yield from evaluate(
            read(self.mask), truth, probability=probability, part=part, beside=beside, dont_care=self.dont_care
        )
        yield Finished(json.dumps(result.record(), indent=1) if self.json_ else result.table())
        return result
