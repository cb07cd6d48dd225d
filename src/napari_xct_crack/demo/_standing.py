"""Who is ahead of whom, by how much, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from ..evaluate import Evaluation
from ..metrics import Margin, Scores, margin

MEASURES = {"centreline": "centre-line F1@2", "voxels": "F1@2", "tips": "tip F1"}


@dataclass(frozen=True)
class Entrant:
    """One method and its scores."""

    name: str
    evaluation: Evaluation
    threshold: float
    tuned: bool
    """Whether its threshold was chosen on the truth it is scored with."""

    def scores(self, measure: str) -> Scores:
        """Its counts by one of the measures."""
        scores: Scores = getattr(self.evaluation, measure)
        return scores

    def record(self) -> dict[str, Any]:
        """Its numbers as JSON values."""
        return {"threshold": self.threshold, "tuned_on_truth": self.tuned, **self.evaluation.record()}


@dataclass(frozen=True)
class Contest:
    """Our scores beside those of others, on the same voxels."""

    ours: Entrant
    others: tuple[Entrant, ...]

    def margin(self, other: Entrant, measure: str) -> Margin:
        """How far ours is ahead in F1, with its paired 95 % interval over cracks and background cells."""
        return margin(self.ours.scores(measure), other.scores(measure))

    def best_other(self, measure: str) -> Entrant:
        """The strongest of the others."""
        return max(self.others, key=lambda other: other.scores(measure).f1)

    def leads(self, measure: str) -> bool:
        """Whether ours has the highest value."""
        return self.ours.scores(measure).f1 > self.best_other(measure).scores(measure).f1

    @property
    def ahead_of_all(self) -> bool:
        """Whether ours has the highest value by all measures."""
        return all(self.leads(measure) for measure in MEASURES)

    def record(self) -> dict[str, Any]:
        """All numbers as JSON values."""
        return {
            "ours": self.ours.record(),
            "peers": {other.name: other.record() for other in self.others},
            "margins": {
                other.name: {measure: asdict(self.margin(other, measure)) for measure in MEASURES}
                for other in self.others
            },
            "ahead_of_all": self.ahead_of_all,
        }

    def verdict(self) -> str:
        """Where ours stands, in a few sentences."""
        first = [name for measure, name in MEASURES.items() if self.leads(measure)]
        words = []
        if first:
            everyone = " and so is ahead of all" if self.ahead_of_all else ""
            words.append(f"Ours, without labels, has the highest {_listed(first)}{everyone}.")
        for measure, name in MEASURES.items():
            if not self.leads(measure):
                best, own = self.best_other(measure), self.ours.scores(measure).f1
                words.append(f"It is not ahead in {name}: {own:.3f}, {best.name} {best.scores(measure).f1:.3f}.")
        if self.leads("centreline"):
            unsure = [other.name for other in self.others if self.margin(other, "centreline").low <= 0]
            over = f"reach 0 for {_listed(unsure)}" if unsure else "all lie above 0"
            words.append(f"The 95 % intervals of its lead in {MEASURES['centreline']} {over}.")
        return " ".join(words)

    def table(self) -> str:
        """All scores and margins as lines of text."""
        wide = max(len(entrant.name) for entrant in (self.ours, *self.others)) + 2
        head = "".join(f"{name:>22}" for name in MEASURES.values())
        lines = [f"{'F1':{wide}}{head}"]
        for entrant in (self.ours, *self.others):
            lines.append(f"{entrant.name:{wide}}" + "".join(f"{entrant.scores(m).f1:22.3f}" for m in MEASURES))
        lines += ["", f"{'ours ahead by (95 %)':{wide}}{head}"]
        for other in self.others:
            lines.append(f"{other.name:{wide}}" + "".join(f"{cell:>22}" for cell in self.margins(other)))
        tuned = "(tuned): on the truth of the very slices that are scored, an upper bound of what that method can do."
        return "\n".join([*lines, "", tuned, self.verdict()])

    def margins(self, other: Entrant) -> Iterator[str]:
        """The margins over one method as text."""
        for measure in MEASURES:
            lead = self.margin(other, measure)
            yield f"{lead.value:+.3f} ({lead.low:+.2f}, {lead.high:+.2f})"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
