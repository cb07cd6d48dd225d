"""The rows of the quality benchmark that stand, and the tables made of them."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from quality_cells import CASES, Size, key_of
from quality_methods import COMPACT, METHODS, VARIANTS

from napari_xct_crack.metrics import Scores, pooled_margin

OURS = "ours"
Row = dict[str, Any]


def _scores(listed: dict[str, Any]) -> Scores:
    return Scores(np.array(listed["units"], np.int64), np.array(listed["counts"], np.int64).reshape(-1, 4))


class Raw:
    """The rows that stand: one file each, and all of them once more as a table."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, folder / "quality.csv"

    @property
    def rows(self) -> list[Row]:
        """In the order of conditions, methods and seeds."""
        found = [json.loads(path.read_text())["row"] for path in self.folder.glob("*.json")]
        places = {name: place for place, name in enumerate([*CASES, *METHODS])}
        return sorted(
            found, key=lambda row: (places[row["condition"]], places[row["method"]], row["steps"], row["seed"])
        )

    def path(self, row: Row) -> Path:
        name = "-".join(str(row[key]) for key in ("method", "condition", "physics", "shape", "steps", "seed"))
        return self.folder / (re.sub(r"[^\w.-]+", "_", name) + ".json")

    def has(self, method: str, condition: str, seed: int, size: Size) -> bool:
        return self.path(key_of(method, condition, seed, size)).exists()

    def add(self, row: Row, counted: dict[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path(row).write_text(json.dumps({"row": row} | counted, separators=(",", ":")))
        with self.file.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(row))
            writer.writeheader()
            writer.writerows(self.rows)

    def counted(self, row: Row) -> dict[str, Any]:
        """What was counted for a row."""
        found: dict[str, Any] = json.loads(self.path(row).read_text())
        return found

    def scores(self, row: Row, key: str) -> list[Scores]:
        """Counts per crack, one per test volume."""
        return [_scores(volume[key]) for volume in self.counted(row)["volumes"]]

    def worst(self, condition: str) -> dict[tuple[str, int], Row]:
        """The worst seed of each method and number of steps, the best of them first."""
        rows = sorted(
            (row for row in self.rows if row["condition"] == condition), key=lambda row: -row["centreline_f1"]
        )
        return {(row["method"], row["steps"]): row for row in rows}

    def table(self) -> Iterator[str]:
        """Lines of a Markdown table for each condition: the worst seed of each method, beside our worst; variants beside theirs."""
        rows = self.rows
        for condition in dict.fromkeys(row["condition"] for row in rows):
            here, worst = [row for row in rows if row["condition"] == condition], self.worst(condition)
            yield f"\n**{condition}** (learnt from {here[0]['learnt_from'].split()[0]})\n"
            yield (
                "| method | seeds | steps | CPU s | centre-line F1@2 | P / R | F1@2 | tip F1 | volume ratio | void bias "
                "| false objects per 512² | ours ahead (95 %) |"
            )
            yield "|---|" + "---|" * 11
            for key, row in worst.items():
                own = COMPACT if row["method"] in VARIANTS else OURS
                ours = worst.get((own, row["steps"])) or worst.get((own, Size.steps))
                yield self._line(row, sum((one["method"], one["steps"]) == key for one in here), ours)

    def _line(self, row: Row, seeds: int, ours: Row | None) -> str:
        lead = ""
        if ours is not None and row["method"] != ours["method"]:
            found = pooled_margin(self.scores(ours, "centreline"), self.scores(row, "centreline"))
            lead = f"{found.value:+.3f} ({found.low:+.3f}, {found.high:+.3f})"
        bias = "" if row["void_bias"] is None else f"{row['void_bias']:+.2f}"
        ratio = "" if row["volume_ratio"] is None else f"{row['volume_ratio']:.2f}"
        return (
            f"| {row['method']} | {seeds} | {row['steps']} | {row['cpu_seconds']} | {row['centreline_f1']:.3f} "
            f"| {row['centreline_precision']:.2f} / {row['centreline_recall']:.2f} | {row['voxels_f1']:.3f} "
            f"| {row['tips_f1']:.3f} | {ratio} | {bias} | {row['false_objects_per_512x512']:.1f} | {lead} |"
        )
