"""The fixture `fake_drive`: a factory of fake Drives that are stopped, and checked for defects, after the test.

Import `fake_drive_fixture` into a conftest or a test module (and name it in `__all__`) to have it there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from .drive import FakeDrive


class MakeDrive(Protocol):
    """`fake_drive(accounts=3, quota_bytes=...)`: a running Drive; see `FakeDrive` for the options."""

    def __call__(self, **options: Any) -> FakeDrive: ...


@pytest.fixture(name="fake_drive")
def fake_drive_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeDrive]:
    """Make fake Drives. The test fails when one of them met a request it does not know, or broke."""
    started: list[FakeDrive] = []
    with contextlib.ExitStack() as stack:

        def make(**options: Any) -> FakeDrive:
            directory: Path = tmp_path_factory.mktemp("drive")
            drive = stack.enter_context(FakeDrive(directory, **options))
            started.append(drive)
            return drive

        yield make
    for drive in started:
        assert drive.problems() == []
