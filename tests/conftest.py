"""Fixtures for all tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import fakes

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line has it


@pytest.fixture
def fakes_found() -> Iterator[None]:
    """Commands and kinds of tests/fakes are there besides the real ones."""
    fakes.show()
    yield
    fakes.hide()


@pytest.fixture
def test_data() -> Path:
    """The folder of real scans, which are not part of the project."""
    folder = os.environ.get("XCT_CRACK_TEST_DATA")
    if not folder:
        pytest.skip("XCT_CRACK_TEST_DATA names no folder of real scans")
    return Path(folder)
