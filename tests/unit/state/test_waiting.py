"""Since when the largest waiting files have waited: remembered in the book, bounded, and never longer than true."""

from __future__ import annotations

from typing import Any

import pytest

from cloudplow.models import QueueFile
from cloudplow.planning.planner import Plan, PlannedStage
from cloudplow.state.waiting import REMEMBERED, WAITING_FACT, WaitingFiles
from tests.unit.helpers import DAY, HOUR, NOON, FakeClock


class Facts(dict[str, Any]):
    """In place of the book."""

    writes = 0

    def set_fact(self, name: str, value: Any) -> None:
        self.writes += 1
        self[name] = value


def plan(later: list[QueueFile], unplanned: list[QueueFile] | None = None) -> Plan:
    stage = PlannedStage("1.json", tuple(later), sum(file.size for file in later))
    return Plan(later=(stage,), unplanned=tuple(unplanned or ()))


@pytest.fixture
def facts() -> Facts:
    return Facts()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def waiting(facts: Facts, clock: FakeClock) -> WaitingFiles:
    return WaitingFiles(facts.get, facts.set_fact, now=clock)


def test_file_that_waited_for_a_whole_window_is_overdue(waiting: WaitingFiles, clock: FakeClock) -> None:
    waiting.note("google", plan([QueueFile("a", 5)], [QueueFile("b\udcff", 7)]))
    clock.move(HOUR)
    waiting.note("google", plan([QueueFile("a", 5), QueueFile("c", 1)], [QueueFile("b\udcff", 7)]))
    clock.move(DAY - HOUR - 1)
    assert waiting.overdue("google", DAY) == frozenset()
    clock.move(1)
    assert waiting.overdue("google", DAY) == {"a", "b\ufffd"}
    assert waiting.overdue("other", DAY) == frozenset()


def test_what_does_not_wait_any_more_is_forgotten(waiting: WaitingFiles, clock: FakeClock, facts: Facts) -> None:
    waiting.note("google", plan([QueueFile("a", 5)]))
    waiting.note("other", plan([QueueFile("a", 5)]))
    waiting.note("google", plan([]))
    clock.move(DAY)
    assert waiting.overdue("google", DAY) == frozenset()
    assert waiting.overdue("other", DAY) == {"a"}
    waiting.note("google", plan([QueueFile("a", 5)]))
    assert waiting.overdue("google", DAY) == frozenset()


def test_nothing_is_written_when_nothing_changed(waiting: WaitingFiles, clock: FakeClock, facts: Facts) -> None:
    for _ in range(5):
        waiting.note("google", plan([QueueFile("a", 5)]))
        clock.move(HOUR)
    assert facts.writes == 1


def test_only_the_largest_are_remembered(waiting: WaitingFiles, clock: FakeClock, facts: Facts) -> None:
    waiting.note("google", plan([QueueFile(f"file {size}", size) for size in range(3 * REMEMBERED)]))
    clock.move(DAY)
    overdue = waiting.overdue("google", DAY)
    assert len(overdue) == len(facts[WAITING_FACT]["google"]) == REMEMBERED
    assert f"file {3 * REMEMBERED - 1}" in overdue


@pytest.mark.parametrize(
    "stored", [None, 5, [], {"google": 5}, {"google": {"a": "x"}}, {"google": {"a": None}}, {"google": {"a": -5}}]
)
def test_whatever_the_book_holds_it_can_be_read(waiting: WaitingFiles, facts: Facts, stored: object) -> None:
    facts[WAITING_FACT] = stored
    waiting.overdue("google", DAY)
    waiting.note("google", plan([QueueFile("b", 5)]))
    assert facts[WAITING_FACT]["google"] == {"b": NOON}


def test_time_that_is_still_to_come_counts_as_now(waiting: WaitingFiles, clock: FakeClock, facts: Facts) -> None:
    facts[WAITING_FACT] = {"google": {"a": NOON + DAY}}
    assert waiting.overdue("google", 0) == {"a"}
    assert waiting.overdue("google", 1) == frozenset()
