"""Fixtures for all tests."""

from collections.abc import Iterator

import pytest

import fakes


@pytest.fixture
def fakes_found() -> Iterator[None]:
    """Commands and kinds of tests/fakes are there besides the real ones."""
    fakes.show()
    yield
    fakes.hide()
