"""Show several runs side by side on one slice, or one run over its snapshots."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from ..errors import OutputError, writing
from ..events import Finished, Preview, Work
from ..inference import SegmentSettings
from . import Corners, Positional, ReadsVolume, box_of

if TYPE_CHECKING:
    from ..compare import Comparison


class Compare(SegmentSettings, ReadsVolume):
    """Show several runs side by side on one slice, or one run over its snapshots."""

    runs: Annotated[tuple[Path, ...], Positional] = Field(
        min_length=1,
        description="Folders of trained runs, or of their models; of a single run its snapshots are shown.",
    )
    out: Annotated[Path, Positional] = Field(description="Picture to write: a file that ends in .png.")
    slice_: int | None = Field(
        None,
        alias="slice",
        ge=0,
        description="Slice along the normal (z where it is all); the middle of the crop if not given.",
    )
    crop: Corners | None = Field(None, description="Show this box only: Z0 Y0 X0 Z1 Y1 X1, in voxels.")
    part: str | None = Field(None, description="Mask of the part; found in the scan if not given.")
    truth: Path | None = Field(None, description="True mask or labels, for scores below the pictures.")
    propagation: bool = Field(
        False, description="Also map what is marked beyond the visible tips, and say where it points."
    )
    overwrite: bool = Field(False, description="Replace a picture that exists.")

    def run(self) -> Work[Comparison]:
        """Segment the slice with each of them, write the picture, and end with the table."""
        from ..compare import compare
        from ..io import read
        from ..prepare import PrepareSettings, prepare
        from ..records import read_json
        from ..runs import model_folder

        if self.out.suffix.lower() != ".png":
            raise OutputError(f"{self.out} is to be a picture; name a file that ends in .png.")
        if self.out.exists() and not self.overwrite:
            raise OutputError(f"{self.out} exists; name another one or use --overwrite.")
        rule = read_json(model_folder(self.runs[0]) / "card.json").get("window_rule")
        scan = prepare(
            self.open(),
            PrepareSettings.checked(dict(rule or {})),
            crop=box_of(self.crop),
            part=read(self.part) if self.part else None,
        )
        result = yield from compare(
            scan,
            self.runs,
            at=self.slice_,
            settings=SegmentSettings(**{name: getattr(self, name) for name in SegmentSettings.model_fields}),
            truth=read(self.truth) if self.truth else None,
            propagation=self.propagation,
        )
        with writing(self.out):
            self.out.parent.mkdir(parents=True, exist_ok=True)
            self.out.write_bytes(result.picture())
        yield Preview(str(self.out), 0)
        yield Finished(result.table())
        return result
