"""What the tests of the book share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.accounts.processes import fast_disk
from tests.unit.helpers import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(autouse=True)
def _fast_disk() -> Iterator[None]:
    with fast_disk():
        yield
