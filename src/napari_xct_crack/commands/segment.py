"""Segment a scan with a trained run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from ..events import Finished, Work
from ..inference import SegmentSettings
from ..volume import Volume
from . import Corners, Positional, ReadsVolume, box_of
from ._shared import Shared


class Segment(SegmentSettings, Shared, ReadsVolume):
    """Segment a scan, or a crop of it, into an OME-Zarr of crack probability (uint8, p = v / 255)."""

    run_: Annotated[Path, Positional] = Field(alias="run", description="Folder of a trained run, or its model folder.")
    out: Annotated[Path, Positional] = Field(description="Where to write it: a folder that ends in .ome.zarr.")
    crop: Corners | None = Field(None, description="Segment this box only: Z0 Y0 X0 Z1 Y1 X1, in voxels.")
    part: str | None = Field(None, description="Mask of the part; found in the scan if not given.")
    overwrite: bool = Field(False, description="Replace an output that exists.")

    def run(self) -> Work[Volume]:
        """Segment, going on where an earlier call was stopped."""
        from ..heap import keep
        from ..inference import segment
        from ..io import read
        from ..prepare import PrepareSettings, prepare
        from ..runs import load_segmenter

        keep()
        segmenter = load_segmenter(self.run_)
        scan = prepare(
            self.open(),
            PrepareSettings.checked(dict(segmenter.card.get("window_rule") or {})),
            crop=box_of(self.crop),
            part=read(self.part) if self.part else None,
        )
        settings = SegmentSettings(**{name: getattr(self, name) for name in SegmentSettings.model_fields})
        result = yield from self.shared(
            lambda volume, out, overwrite, executor: segment(
                segmenter, volume, out, settings, overwrite=overwrite, executor=executor
            ),
            scan,
            self.out,
            self.overwrite,
            slices=self.normal == "z",
        )
        yield Finished(str(self.out))
        return result
