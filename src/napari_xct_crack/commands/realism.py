"""Compare a generator's cracks with those of a scan, and set the generator from the scan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from ..cracks import CrackGenerator
from ..cracks.sheet import SheetCracks
from ..errors import OutputError, writing
from ..events import Finished, Preview, Saved, Work
from . import Corners, ReadsVolume, box_of

if TYPE_CHECKING:
    from ..realism import Realism


class CompareCracks(ReadsVolume):
    """Compare a generator's cracks with those of a scan, and set the generator from the scan."""

    cracks: CrackGenerator = Field(SheetCracks(), description="Crack generation module.")
    calibrate: Path | None = Field(
        None,
        description="Set the generator from the scan first and write this JSON, for --settings of train and cracks.",
    )
    out: Path | None = Field(None, description="Folder for realism.md and realism.png.")
    crop: Corners | None = Field(None, description="Look at this box only: Z0 Y0 X0 Z1 Y1 X1, in voxels.")
    part: str | None = Field(None, description="Mask of the part; found if it is not given.")
    seed: int = Field(0, ge=0, description="Seed of everything random.")
    overwrite: bool = Field(False, description="Replace files that exist.")

    def run(self) -> Work[Realism]:
        """Calibrate if asked for, compare, and end with the table."""
        from ..io import read
        from ..prepare import prepare
        from ..realism import calibrate, realism
        from ..records import write_json

        for path in (self.calibrate, self.out and self.out / "realism.md", self.out and self.out / "realism.png"):
            if path is not None and path.exists() and not self.overwrite:
                raise OutputError(f"{path} exists; name another one or use --overwrite.")
        part = read(self.part) if self.part else None
        scan = prepare(self.open(), crop=box_of(self.crop), part=part)
        generator = self.cracks
        if self.calibrate is not None:
            found = yield from calibrate(scan, generator, self.seed)
            generator = found.generator
            with writing(self.calibrate):
                self.calibrate.parent.mkdir(parents=True, exist_ok=True)
                write_json(self.calibrate, found.record())
            yield Saved(str(self.calibrate), 0)
        result = yield from realism(scan, generator, self.seed)
        if self.out is not None:
            yield Preview(str(self._write(self.out, result)), 0)
        yield Finished(result.table())
        return result

    def _write(self, folder: Path, result: Realism) -> Path:
        from ..realism.pictures import picture

        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            text = "\n".join([result.table(), "", *(f"* {sentence}" for sentence in result.sentences)])
            (folder / "realism.md").write_text(text + "\n", encoding="utf-8")
            path = folder / "realism.png"
            path.write_bytes(picture(result))
        return path
