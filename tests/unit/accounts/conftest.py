"""What the tests of the book share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.unit.helpers import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(autouse=True)
def fast_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is on the disk matters here, not that it is synced."""
    monkeypatch.setattr(os, "fsync", lambda _fd: None)
    yield
