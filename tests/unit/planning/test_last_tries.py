"""Files that failed: after all others, in what these leave, and a session that does not give up because of a few."""

from __future__ import annotations

import math
from collections.abc import Collection

from hypothesis import given
from hypothesis import strategies as st

from cloudplow.models import Capacity, QueueFile, Return
from cloudplow.planning.last_tries import (
    BACKOFF_SECONDS,
    FAILURES_IN_A_ROW,
    Patience,
    by_failures,
    plan_last,
    plan_unlimited_last,
)
from cloudplow.planning.planner import Plan, plan, plan_unlimited
from tests.unit.helpers import DAY, HOUR, NOON, fresh, queue_of, spent


def planned(
    healthy: list[QueueFile], failed: list[QueueFile], accounts: list[Capacity], overdue: Collection[str] = ()
) -> Plan:
    """The plan of both."""
    made = plan(healthy, accounts, now=NOON, window_seconds=DAY, overdue=overdue)
    return plan_last(made, failed, accounts, now=NOON, window_seconds=DAY, overdue=overdue)


def stages(made: Plan) -> list[tuple[str, list[str], bool]]:
    return [(stage.account, [file.name for file in stage.files], stage.retry) for stage in made.stages]


# Order


def test_files_are_grouped_by_how_often_they_failed() -> None:
    a, b, c, d = queue_of([1, 2, 3, 4])
    assert by_failures([a, b], {}) == ([a, b],)
    assert by_failures([a, b, c, d], {a.name: 2, c.name: 1, d.name: 2}) == ([b], [c], [a, d])
    assert by_failures([a], {a.name: 1}) == ([], [a])


def test_failed_file_does_not_take_the_place_of_a_healthy_one() -> None:
    made = planned([QueueFile("small", 40)], [QueueFile("broken", 100)], [fresh("1"), fresh("2")])
    assert stages(made) == [("1", ["small"], False), ("2", ["broken"], True)]


def test_failed_file_goes_in_what_the_others_leave() -> None:
    made = planned([QueueFile("healthy", 60)], [QueueFile("broken", 30)], [fresh("1")])
    assert stages(made) == [("1", ["healthy"], False), ("1", ["broken"], True)]
    made = planned([QueueFile("healthy", 90)], [QueueFile("broken", 30)], [fresh("1")])
    assert stages(made) == [("1", ["healthy"], False)]
    assert (made.waiting_files, made.next_capacity_at) == (1, NOON + DAY)


def test_failed_files_are_tried_when_nothing_else_fits() -> None:
    made = planned([QueueFile("healthy", 60)], [QueueFile("broken", 30)], [spent("1", 40, NOON + HOUR)])
    assert stages(made) == [("1", ["broken"], True)]
    assert [file.name for file in made.later[0].files] == ["healthy"]
    assert made.next_capacity_at == NOON + HOUR


def test_failed_file_takes_no_room_that_an_overdue_one_waits_for() -> None:
    accounts = [spent("1", 40, NOON + HOUR)]
    made = planned([QueueFile("healthy", 60)], [QueueFile("broken", 30)], accounts, overdue=["healthy"])
    assert (made.stages, made.waiting_files) == ((), 2)
    assert made.next_capacity_at == NOON + HOUR
    assert "failed" in made.unplanned_why


def test_without_accounts_failed_files_go_in_a_stage_of_their_own() -> None:
    a, b = queue_of([1, 2])
    assert stages(plan_unlimited_last(plan_unlimited([a]), [b])) == [("", [a.name], False), ("", [b.name], True)]
    assert stages(plan_unlimited_last(plan_unlimited([]), [b])) == [("", [b.name], True)]


SIZES = st.lists(st.integers(0, 200), max_size=12)


@given(SIZES, SIZES, st.lists(st.integers(0, 100), max_size=4))
def test_plan_of_the_others_stays_as_it_is_and_no_account_gets_more_than_it_has_left(
    healthy_sizes: list[int], failed_sizes: list[int], spent_bytes: list[int]
) -> None:
    accounts = [
        Capacity(str(number), 100, 100 - size, (Return(NOON + HOUR, size),) if size else ())
        for number, size in enumerate(spent_bytes)
    ]
    healthy = queue_of(healthy_sizes)
    failed = [QueueFile(f"broken {number}", size) for number, size in enumerate(failed_sizes)]
    alone = plan(healthy, accounts, now=NOON, window_seconds=DAY)
    made = planned(healthy, failed, accounts)
    assert made.stages[: len(alone.stages)] == alone.stages
    assert all(stage.retry for stage in made.stages[len(alone.stages) :])
    for account in accounts:
        taken = [stage for stage in made.stages if stage.account == account.account]
        # A file larger than a whole quota is all that its account takes.
        alone_bytes = max([stage.bytes for stage in taken if stage.oversized], default=None)
        assert sum(stage.bytes for stage in taken) <= (account.free_bytes if alone_bytes is None else alone_bytes)
    placed = [file for stage in (*made.stages, *made.later) for file in stage.files] + list(made.unplanned)
    assert sorted(placed) == sorted([*healthy, *failed])


# Patience


def test_session_ends_after_its_last_pause_when_nothing_goes_at_all() -> None:
    patience = Patience()
    assert [patience.next_pause(0, others_first=False) for _ in range(4)] == [*BACKOFF_SECONDS, None]
    patience.renew()
    assert patience.next_pause(0, others_first=True) == BACKOFF_SECONDS[0]


def test_few_files_that_fail_one_after_the_other_end_nothing() -> None:
    patience = Patience()
    pauses = [patience.next_pause(1, others_first=number % 5 != 4) for number in range(FAILURES_IN_A_ROW)]
    assert None not in pauses
    assert pauses[:5] == [*[BACKOFF_SECONDS[0]] * 4, BACKOFF_SECONDS[1]]


def test_many_files_of_which_none_arrives_are_no_fault_of_theirs() -> None:
    patience = Patience()
    pauses = [patience.next_pause(FAILURES_IN_A_ROW + 1, others_first=True) for _ in range(4)]
    assert pauses == [*BACKOFF_SECONDS, None]


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=40, max_size=40))
def test_patience_ends_whatever_fails(steps: list[tuple[int, bool]]) -> None:
    patience = Patience()
    pauses = [patience.next_pause(failed, others_first=first) for failed, first in steps]
    assert None in pauses
    assert sum(pause or math.inf for pause in pauses[: pauses.index(None)]) < 150
