"""Copy a store to another place, also behind an address."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ..events import Finished, Work
from . import Command, Positional


class Copy(Command):
    """Copy a store to another folder or to s3://, gs://, az://, as OME-Zarr 0.5 or 0.4."""

    source: Annotated[str, Positional] = Field(description="Store that a step wrote.")
    out: Annotated[str, Positional] = Field(
        description="Folder or address (s3://BUCKET/NAME.ome.zarr); who may write there is read from the environment."
    )
    ome_zarr: Literal["0.5", "0.4"] = Field(
        "0.5",
        description="0.5 is Zarr 3 with shards; 0.4 is Zarr 2, which older programs read, with a file for each chunk.",
    )
    overwrite: bool = Field(False, description="Replace a store that exists.")

    def run(self) -> Work[str]:
        """Write the copy."""
        from ..copies import copy
        from ..io import read

        result = yield from copy(read(self.source), self.out, version=self.ome_zarr, overwrite=self.overwrite)
        yield Finished(result)
        return result
