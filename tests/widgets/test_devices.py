"""The device line of the section Train: what there is, and how to get CUDA where it is missing."""

import sys
from types import SimpleNamespace

import pytest
import torch

from napari_xct_crack.widgets._devices import device_text, install_line


@pytest.mark.parametrize(
    ("system", "line"),
    [
        ("linux", "python -m pip install --upgrade --force-reinstall torch"),
        (
            "win32",
            "python -m pip install --upgrade --force-reinstall torch --index-url https://download.pytorch.org/whl/cu126",
        ),
        ("darwin", ""),
    ],
)
def test_where_cuda_is_missing_the_line_for_this_system_is_given(
    monkeypatch: pytest.MonkeyPatch, system: str, line: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(sys, "platform", system)
    assert install_line() == line
    assert "no CUDA device was found" in device_text()
    assert torch.__version__.split("+")[0] in device_text()


def test_a_card_is_shown_with_its_free_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    card = SimpleNamespace(
        is_available=lambda: True, mem_get_info=lambda: (9e9, 12e9), get_device_name=lambda: "RTX A1"
    )
    monkeypatch.setattr(torch, "cuda", card)
    assert device_text().startswith("RTX A1, 9.0 of 12.0 GB free, torch ")
    assert install_line() == ""


def test_a_build_with_cuda_but_no_card_needs_no_other_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", "12.6")
    assert install_line() == ""
