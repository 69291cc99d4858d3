"""The short way to a connection: taken only when everything is as it is known."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from cloudplow_dashboard.server.direct import chunk_of, direct_writer


class Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written: list[Any] = []
        self.closing = False

    def write(self, data: Any) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.closing


class Cycle:
    def __init__(self, **changes: Any) -> None:
        self.transport: Any = Transport()
        self.flow: Any = SimpleNamespace(write_paused=False)
        self.disconnected: Any = False
        self.response_started: Any = True
        self.scope = {"http_version": "1.1"}
        vars(self).update(changes)

    async def send(self, _message: Any) -> None: ...


def test_it_writes_what_the_connection_takes() -> None:
    cycle = Cycle()
    writer = direct_writer(cycle.send)

    assert writer is not None
    assert writer.write(chunk_of(b"data"))
    assert cycle.transport.written == [b"4\r\ndata\r\n"]


@pytest.mark.parametrize("hindrance", ["paused", "gone", "closing"])
def test_it_writes_nothing_to_a_connection_that_cannot_take_it(hindrance: str) -> None:
    cycle = Cycle()
    writer = direct_writer(cycle.send)
    cycle.flow.write_paused = hindrance == "paused"
    cycle.disconnected = hindrance == "gone"
    cycle.transport.closing = hindrance == "closing"

    assert writer is not None
    assert not writer.write(b"x")
    assert cycle.transport.written == []


@pytest.mark.parametrize(
    "changes",
    [
        {"transport": object()},
        {"flow": None},
        {"disconnected": None},
        {"response_started": False},
        {"scope": {"http_version": "1.0"}},
    ],
)
def test_what_is_not_known_is_not_used(changes: dict[str, Any]) -> None:
    assert direct_writer(Cycle(**changes).send) is None


def test_a_function_is_no_connection() -> None:
    assert direct_writer(lambda _message: None) is None
