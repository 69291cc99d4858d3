"""The accounts of one uploader: totals, bounds, what comes back when."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from cloudplow.accounts.pool import RETURNS_LIMIT as EVENT_RETURNS_LIMIT
from cloudplow.accounts.pool import _by_the_hour
from cloudplow.events import AccountState
from cloudplow.models import Return
from cloudplow_dashboard.state.account_table import (
    ACCOUNTS_LIMIT,
    ACCOUNTS_SHOWN,
    AccountTable,
    free_bytes,
    new_account,
    rank,
    spent_bytes,
)
from cloudplow_dashboard.state.returns import RETURNS_LIMIT, STRIP_HOURS, checked, strip_start

CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["1", "2", "3"]),
        st.sampled_from(["charge", "activate", "rest", "expire", "keep"]),
        st.integers(0, 100),
        st.sampled_from(AccountState),
    ),
    max_size=30,
)


@given(CHANGES)
def test_totals_always_equal_the_sum_of_the_rows(changes: list[tuple[str, str, int, AccountState]]) -> None:
    table = AccountTable()
    for name, what, number, state in changes:
        if what == "charge":
            sent, unsettled = number // 3, number // 7
            table.charge(
                name,
                used_bytes=number,
                in_flight_bytes=sent,
                unsettled_bytes=unsettled,
                limit_bytes=100,
                state=state,
                until=number,
            )
        elif what == "activate":
            table.activate(name, number)
        elif what == "rest":
            table.rest()
        elif what == "expire":
            table.expire(number)
        else:
            table.keep_only([name], 1)

    rows = list(table.rows.values())
    summary = table.summary()
    assert summary["used_bytes"] == sum(row["used_bytes"] for row in rows)
    assert summary["in_flight_bytes"] == sum(row["in_flight_bytes"] for row in rows)
    assert summary["unsettled_bytes"] == sum(row["unsettled_bytes"] for row in rows)
    able = [row for row in rows if row["state"] not in (AccountState.DENIED, AccountState.FAILED)]
    assert table.free == sum(free_bytes(row) for row in able)
    assert summary["limit_bytes"] == sum(row["limit_bytes"] for row in rows)
    assert summary["states"] == {
        state: count for state in {row["state"] for row in rows} if (count := [r["state"] for r in rows].count(state))
    }


def test_only_one_account_is_active() -> None:
    table = AccountTable()
    table.activate("1.json", 0)
    table.activate("2.json", 1)

    assert [row["state"] for row in table.rows.values()] == ["ready", "active"]


def test_accounts_beyond_the_bound_are_counted_only() -> None:
    table = AccountTable()
    for number in range(ACCOUNTS_LIMIT + 3):
        table.change(f"{number}.json", used_bytes=1)
    table.keep_only([f"{number}.json" for number in range(ACCOUNTS_LIMIT + 3)], ACCOUNTS_LIMIT + 3)

    assert len(table.rows) == ACCOUNTS_LIMIT
    assert table.summary()["total"] == ACCOUNTS_LIMIT + 3


def test_the_active_and_the_most_used_are_shown() -> None:
    table = AccountTable()
    for number in range(ACCOUNTS_SHOWN * 2):
        table.change(f"{number}.json", used_bytes=number)
    table.activate("0.json", 0)

    shown = table.shown()

    assert len(shown) == ACCOUNTS_SHOWN
    assert "0.json" in shown
    assert f"{ACCOUNTS_SHOWN * 2 - 1}.json" in shown
    assert "1.json" not in shown


def test_what_is_free_is_never_below_nothing() -> None:
    row = new_account(0) | {"used_bytes": 60, "in_flight_bytes": 30, "unsettled_bytes": 20, "limit_bytes": 100}

    assert (spent_bytes(row), free_bytes(row), free_bytes(row | {"limit_bytes": 115})) == (110, 0, 5)


def test_an_account_with_much_on_its_way_is_among_the_most_used() -> None:
    sent = new_account(0) | {"used_bytes": 1, "in_flight_bytes": 9}
    unsettled = new_account(1) | {"used_bytes": 1, "unsettled_bytes": 10}

    assert sorted([unsettled, sent, new_account(2) | {"used_bytes": 8}], key=rank)[1:] == [sent, unsettled]


def test_an_event_overrules_what_was_told_before() -> None:
    table = AccountTable()
    table.charge("1.json", ((100.0, 30),), used_bytes=30, limit_bytes=50)
    table.charge("1.json", used_bytes=40, resets_at=500.0)
    table.expire(100.0)

    assert table.rows["1.json"]["used_bytes"] == 40


def test_an_account_without_a_name_is_none() -> None:
    table = AccountTable()

    assert table.change("", used_bytes=5) is False
    assert table.summary()["total"] == 0


def test_what_an_event_says_comes_back_too() -> None:
    table = AccountTable()
    table.charge("1.json", ((100.0, 30), (200.0, 12)), used_bytes=40, limit_bytes=50)

    steps = [(table.expire(now), table.rows["1.json"]["used_bytes"]) for now in (99.0, 100.0, 150.0, 200.0, 300.0)]

    assert steps == [(False, 40), (True, 10), (False, 10), (True, 0), (False, 0)]
    assert table.rows["1.json"]["resets_at"] == 0


def test_the_pool_as_a_whole() -> None:
    table = AccountTable()
    start = strip_start(1_000_000.0)
    table.charge("1.json", ((start + 100.0, 30), (start + 3700.0, 12)), used_bytes=42, limit_bytes=50)
    table.charge("2.json", ((start + 130.0, 5), (start + 25 * 3600.0, 6)), used_bytes=11, limit_bytes=50)
    table.charge("3.json", used_bytes=0, limit_bytes=50, state=AccountState.DENIED)
    table.change("3.json", used_bytes=1)

    capacity = table.capacity(1_000_000.0)

    assert capacity | {"strip": []} == {
        "strip": [],
        "free_bytes": 8 + 39,
        "blocked_bytes": 49,
        "used_bytes": 54,
        "in_flight_bytes": 0,
        "unsettled_bytes": 0,
        "limit_bytes": 150,
        "next_return_at": start + 100,
        "next_return_bytes": 35,
        "strip_from": start,
        "later_bytes": 6,
    }
    assert (len(capacity["strip"]), capacity["strip"][:3]) == (STRIP_HOURS, [35, 12, 0])


def test_returns_of_accounts_that_are_gone_no_longer_count() -> None:
    table = AccountTable()
    table.charge("1.json", ((100.0, 30),), used_bytes=30, limit_bytes=50)
    table.charge("2.json", ((100.0, 5),), used_bytes=5, limit_bytes=50)
    table.keep_only(["2.json"], 1)
    assert table.capacity(0.0)["strip"][0] == 5

    table.charge("2.json", used_bytes=5)

    assert sum(table.capacity(0.0)["strip"]) == 0


def test_returns_are_checked_and_bounded() -> None:
    assert checked([(5.0, 1), (math.nan, 2), (3.0, 4), (9.0, -1)]) == ((3.0, 4), (5.0, 1))
    many = checked([(float(number), 1) for number in range(1, RETURNS_LIMIT + 51)])

    assert (len(many), many[-1]) == (RETURNS_LIMIT, (RETURNS_LIMIT + 50.0, 51))


@given(st.lists(st.tuples(st.floats(1e9, 1e9 + 1e6), st.integers(1, 1 << 40))))
def test_an_event_tells_all_that_comes_back_and_none_of_it_too_early(charges: list[tuple[float, int]]) -> None:
    returns = tuple(sorted((Return(at, size) for at, size in charges), key=lambda back: back.at))

    told = _by_the_hour(returns)

    assert len(told) <= EVENT_RETURNS_LIMIT
    assert sum(size for _, size in told) == sum(back.bytes for back in returns)
    assert told[:1] == tuple((back.at, back.bytes) for back in returns[:1])
    assert list(told) == sorted(told, key=lambda pair: pair[0])
    for at, _ in told:
        assert sum(size for moment, size in told if moment <= at) <= sum(b.bytes for b in returns if b.at <= at)
