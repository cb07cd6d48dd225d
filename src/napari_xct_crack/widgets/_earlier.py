"""The choice of an earlier run from whose weights a new one starts."""

from __future__ import annotations

from pathlib import Path

from ..errors import XctCrackError
from ..runs import model_folder
from ..start import settings_of
from ._choices import PathChoice
from ._forms import Form


class EarlierRun(PathChoice):
    """One of the project's runs or of others, or none; the form takes over its network and slices."""

    def __init__(self, form: Form) -> None:
        tip = "Earlier runs, with whose weights a new one may begin; the settings take over their network and slices."
        other = "the folder of a run, or of a model that was shared"
        super().__init__("start from", tip, other, model_folder, nothing="no earlier run")
        self._form = form
        self.changed.connect(self.fit)

    def offer_trained(self, runs: list[Path]) -> None:
        """List those of some runs that have learnt something."""
        self.offer([run for run in runs if (run / "model" / "card.json").is_file()])

    def fit(self) -> None:
        """Make the form's network that of the run, where it may be chosen: one to go on with has its own."""
        if self.path is None or not self.isEnabled():
            return
        try:
            settings = settings_of(self.path)
        except XctCrackError as error:
            self.refused.emit(str(error))
        else:
            self._form.set({"network": settings.network.model_dump(mode="json"), "slices": settings.slices})
