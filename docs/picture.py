"""Makes the picture of the README from a finished demo::

python docs/picture.py OUT docs/images/demo.png
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from napari_xct_crack.io import read

BOX = (slice(50, 334), slice(50, 334))


def main(out: Path, picture: Path) -> None:
    """Draw one slice: the scan, its truth, what was found, and what the label-free filter finds."""
    scan, truth = read(out / "phantom" / "scan.ome.zarr").read(), read(out / "phantom" / "truth.ome.zarr").read()
    entries = json.loads((out / "peers" / "peers.json").read_text())["peers"]
    filtered = next(out / "peers" / entry["mask"] for entry in entries if "r < -2.5" in entry["name"])
    masks = {
        "known truth of the phantom": truth > 0,
        "found without labels": read(out / "mask.ome.zarr").read() > 0,
        "3-D Gaussian filter": read(filtered).read() > 0,
    }
    z = int(np.argmax((truth > 0).sum(axis=(1, 2))))
    figure, axes = plt.subplots(1, 4, figsize=(16, 4.3), layout="constrained")
    low, high = np.percentile(scan[z][BOX], (1, 99.5))
    for axis, title in zip(axes, ["scan", *masks], strict=True):
        axis.imshow(scan[z][BOX], cmap="gray", vmin=low, vmax=high)
        if title in masks:
            axis.imshow(np.ma.masked_equal(masks[title][z][BOX], False), cmap="autumn", interpolation="nearest")
        axis.set_title(title)
        axis.axis("off")
    figure.savefig(picture, dpi=70)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
