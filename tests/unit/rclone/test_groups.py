"""The end of everything that was started: a process that is just being started is not forgotten."""

from __future__ import annotations

import signal
import threading
from typing import cast

import pytest

from cloudplow.rclone import groups
from cloudplow.rclone.groups import Group


class Started:
    """A group that only remembers what it was sent."""

    def __init__(self) -> None:
        self.sent: list[signal.Signals] = []

    def signal(self, number: signal.Signals) -> None:
        self.sent.append(number)


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> set[Group]:
    found: set[Group] = set()
    monkeypatch.setattr(groups, "_running", found)
    return found


@pytest.fixture
def ending() -> threading.Thread:
    return threading.Thread(target=groups.end_all, name="end of everything")


def test_a_process_that_is_being_started_is_ended_too(running: set[Group], ending: threading.Thread) -> None:
    started = Started()

    with groups.starting:
        ending.start()
        assert started.sent == []
        running.add(cast(Group, started))
    ending.join()

    assert started.sent == [signal.SIGKILL]


def test_a_start_that_hangs_does_not_hold_up_the_end(
    running: set[Group], ending: threading.Thread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "STARTING_SECONDS", 0.001)
    known = Started()
    running.add(cast(Group, known))

    with groups.starting:
        ending.start()
        ending.join(30)

        assert (known.sent, ending.is_alive()) == ([signal.SIGKILL], False)


def test_a_thread_that_ends_everything_while_it_starts_a_process_does_not_wait_for_itself(running: set[Group]) -> None:
    started = Started()
    running.add(cast(Group, started))

    with groups.starting:
        groups.end_all()

    assert started.sent == [signal.SIGKILL]
