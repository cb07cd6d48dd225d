"""What tests of the window share: waiting as a user waits, and a small simulated scan."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from napari_xct_crack.events import finish
from napari_xct_crack.phantom import PhantomSettings, make


@pytest.fixture(scope="session")
def made_phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a simulated scan of 16 × 96 × 96 voxels."""
    return finish(make(PhantomSettings(shape=(16, 96, 96), condition="clean"), tmp_path_factory.mktemp("phantom")))


@pytest.fixture
def phantom(made_phantom: Path, tmp_path: Path) -> Path:
    """A copy of that scan: its project folder, which lies beside it, is empty."""
    return Path(shutil.copytree(made_phantom, tmp_path / "phantom"))


@pytest.fixture
def until(qtbot):
    """Wait until something holds, with the event loop running."""

    def wait(holds, seconds: float = 60.0) -> None:
        qtbot.waitUntil(lambda: bool(holds()), timeout=int(1000 * seconds))

    return wait


@pytest.fixture(autouse=True)
def _nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that fails with work under way must not wait for an answer when its window is closed."""
    monkeypatch.setattr("napari_xct_crack.widgets.workbench.ask_about", lambda parent, titles: "stop")
