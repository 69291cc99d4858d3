"""What anybody can bring about from outside does not fill the log."""

from __future__ import annotations

import errno
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from cloudplow_dashboard.server.loop_faults import PERIOD_SECONDS, LoopFaults
from tests.unit.dashboard.helpers import Clock


def play(faults: LoopFaults, *errors: Exception | None) -> list[Any]:
    """The contexts that were passed on."""
    passed: list[Any] = []
    loop: Any = SimpleNamespace(default_exception_handler=passed.append)
    for error in errors:
        faults(loop, {"message": "x", "exception": error})
    return passed


def test_descriptors_that_are_used_up_are_told_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "cloudplow.dashboard")
    clock = Clock()
    faults = LoopFaults(clock, lambda: True)
    scarce = OSError(errno.EMFILE, "Too many open files")

    assert play(faults, *[scarce] * 1000) == []
    assert len(caplog.messages) == 1
    assert "Too many open files; raise the limit" in caplog.messages[0]
    clock.now += PERIOD_SECONDS
    play(faults, scarce, scarce)
    assert len(caplog.messages) == 2


def test_another_try_to_accept_after_the_end_is_no_fault_and_everything_else_is() -> None:
    late = ValueError("Invalid file descriptor: -1")

    assert play(LoopFaults(Clock(), lambda: False), late) == []
    assert len(play(LoopFaults(Clock(), lambda: True), late, OSError(errno.EPIPE, "x"), None)) == 3
    assert len(play(LoopFaults(Clock(), lambda: False), KeyError("x"), None)) == 2
