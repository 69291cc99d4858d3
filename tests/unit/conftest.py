"""Unit tests start no process, reach no network and never sleep, unless a marker says that they start a process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, Final
from unittest import mock

import pytest

FORBIDDEN: Final = frozenset(
    ("subprocess.Popen", "os.posix_spawn", "os.fork", "os.exec", "os.system", "socket.connect")
)
_forbidding = False


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if _forbidding and event in FORBIDDEN:
        raise AssertionError(f"a unit test must not do this: {event} {arguments}")


sys.addaudithook(_watch)  # there is no way to remove one


@pytest.fixture(autouse=True)
def _nothing_from_outside(request: pytest.FixtureRequest) -> Iterator[None]:
    global _forbidding
    if {marker.name for marker in request.node.iter_markers()} & {"process", "rclone"}:
        yield
        return
    _forbidding = True
    try:
        with mock.patch("time.sleep", side_effect=AssertionError("a unit test must not sleep")):
            yield
    finally:
        _forbidding = False
