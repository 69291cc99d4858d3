"""The state stays as small as it was, however many events come."""

from __future__ import annotations

import gc
import os
import tracemalloc
from itertools import count

import pytest

from cloudplow_dashboard.state.history import History
from cloudplow_dashboard.state.patches import Ring
from cloudplow_dashboard.state.state import DashboardState
from tests.unit.dashboard.helpers import (
    Clock,
    account_quota,
    accounts_learned,
    file_failed,
    file_transferred,
    make_state,
    queue_learned,
)
from tests.unit.dashboard.helpers import session_started as begun

#: By hand: CLOUDPLOW_TEST_EVENTS=1000000.
EVENTS = int(os.environ.get("CLOUDPLOW_TEST_EVENTS", "60000"))
GROWTH_BYTES = 512 << 10


class Feed:
    """Files of an upload, each with a name of its own; every second one fails."""

    def __init__(self, state: DashboardState, history: History, clock: Clock) -> None:
        self.state, self.history, self.clock = state, history, clock
        self.numbers = count(1)

    def go_on(self, events: int) -> None:
        for _ in range(events):
            number = next(self.numbers)
            self.clock.now += 0.05
            name = f"Show {number:09}/episode.mkv"
            if number % 2 == 0:
                event = file_failed(name, f"broken at {number}", seq=number, account=f"{number % 3000}.json")
                self.state.receive("google", event=event)
                self.history.receive("google", event=event)
            else:
                arrived = file_transferred(name, number, seq=number, account=f"{number % 3000}.json")
                self.state.receive("google", event=arrived)
                self.history.receive("google", event=arrived)
            if number % 1000 == 0:
                self.state.publish()


@pytest.mark.alone
def test_many_events_leave_the_memory_where_it_was() -> None:
    clock = Clock()
    state, history = make_state(clock, ring=Ring(max_frames=8)), History(clock)
    feed = Feed(state, history, clock)
    state.apply(begun())
    state.apply(queue_learned(files=10 * EVENTS, size=1 << 50))
    state.apply(accounts_learned(*(account_quota(f"{number}.json") for number in range(3000))))
    tracemalloc.start()
    try:
        # Until every bounded collection is full: of failed names 10,000.
        feed.go_on(EVENTS // 2)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        feed.go_on(EVENTS // 2)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()

    assert state.document()["uploaders"]["google"]["session"]["files_done"] == EVENTS // 2
    assert grown < GROWTH_BYTES
