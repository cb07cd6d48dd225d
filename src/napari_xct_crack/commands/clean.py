"""Turn a probability into a mask."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from ..clean import CleanSettings
from ..events import Finished, Work
from ..volume import Volume
from . import Positional
from ._shared import Shared


class Clean(CleanSettings, Shared):
    """Turn a crack probability into a 0/1 mask: threshold, close, fill, open, erode, dilate, remove small."""

    probability: Annotated[str, Positional] = Field(description="Probability that segment wrote, or a mask.")
    out: Annotated[Path, Positional] = Field(description="Where to write the mask: a folder that ends in .ome.zarr.")
    voxel_size_um: tuple[float, float, float] | None = Field(
        None, description="Voxel size in µm along z, y, x, where the file does not state it."
    )
    overwrite: bool = Field(False, description="Replace an output that exists.")

    def run(self) -> Work[Volume]:
        """Clean, going on where an earlier call was stopped."""
        from ..clean import clean
        from ..io import read

        settings = CleanSettings(**{name: getattr(self, name) for name in CleanSettings.model_fields})
        probability = read(self.probability, voxel_size=self.voxel_size_um)
        result = yield from self.shared(
            lambda volume, out, overwrite, executor: clean(
                volume, settings, out, overwrite=overwrite, executor=executor
            ),
            probability,
            self.out,
            self.overwrite,
        )
        yield Finished(str(self.out))
        return result
