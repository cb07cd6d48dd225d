"""Measure every crack and pore of a mask."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from ..events import Finished, Work
from ..measure import MeasureSettings
from ..volume import Box, Volume
from . import Positional
from ._shared import Shared

if TYPE_CHECKING:
    from ..measure import Measured

_AROUND = 16
"""Voxels around a crop of the mask that are seen of the scan."""


class Measure(MeasureSettings, Shared):
    """Measure every crack and pore of a mask: tables, a summary and a report."""

    mask: Annotated[str, Positional] = Field(description="Mask that clean wrote: all but 0 is crack or pore.")
    out: Annotated[Path, Positional] = Field(description="Folder for the tables and the numbered components.")
    volume: str | None = Field(None, description="Grey scan: tells openings by the grey value that is missing.")
    probability: str | None = Field(
        None, description="Probability that segment wrote: tells how volumes depend on the threshold."
    )
    part: str | None = Field(
        None,
        description="Mask of the part: tells distances to its surface, and shares of it; found in the scan if not given.",
    )
    voxel_size_um: tuple[float, float, float] | None = Field(
        None, description="Voxel size in µm along z, y, x, where the files do not state it."
    )
    overwrite: bool = Field(False, description="Replace measurements that exist.")

    def run(self) -> Work[Measured]:
        """Measure and report; numbering goes on where an earlier call was stopped."""
        from ..heap import give_back
        from ..io import read
        from ..measure import measure
        from ..prepare import prepare
        from ..report.measured import measured_report

        give_back()
        settings = MeasureSettings(**{name: getattr(self, name) for name in MeasureSettings.model_fields})
        volume, probability = (
            None if path is None else read(path, voxel_size=self.voxel_size_um)
            for path in (self.volume, self.probability)
        )
        part = None if self.part is None else read(self.part)
        if part is None and volume is not None:
            # the blurred rim of the part is no metal to compare a crack with
            volume = prepare(volume)
        mask = read(self.mask, voxel_size=self.voxel_size_um)
        result = yield from self.shared(
            lambda some, out, overwrite, executor: measure(
                some,
                out,
                settings,
                volume=volume and _beside(volume, some),
                probability=probability,
                part=part,
                overwrite=overwrite,
                executor=executor,
            ),
            mask,
            self.out,
            self.overwrite,
        )
        measured_report(self.out / "report.html", result)
        yield Finished(str(self.out))
        return result


def _beside(volume: Volume, mask: Volume) -> Volume:
    """What the scan shows of a crop of the mask, with a little around it; all of it if the mask is none."""
    if mask.box is None:
        return volume
    z, y, x = volume.origin
    place = Box.of(mask.shape).shifted(mask.origin).shifted((-z, -y, -x)).grown((_AROUND, _AROUND, _AROUND))
    return volume.cropped(place.intersection(Box.of(volume.shape)))
