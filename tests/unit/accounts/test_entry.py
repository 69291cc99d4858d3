"""Charges and denials of one account: kept as few, never back early, never for ever, whatever the clock said."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow.accounts.entry import (
    CHARGES_LIMIT,
    KEPT_QUOTAS,
    MERGE_SECONDS,
    Charge,
    Entry,
    charges_document,
    denied_until,
    deny,
    entry_document,
    join,
    larger,
    live,
    notice,
    prune,
    read_charges,
    read_entry,
    returning,
    shift,
    shortfall_bytes,
    spend,
)
from tests.unit.helpers import DAY, HOUR, NOON

YEAR = 365 * DAY
TIMES = st.integers(0, 1000).map(float)
CHARGES = st.lists(st.builds(lambda at, size: Charge(at, at, size), TIMES, st.integers(1, 100)), max_size=8).map(
    lambda found: sorted(found, key=lambda one: one.at)
)


def spent(charges: list[Charge], now: float) -> int:
    return spent_within(charges, now, DAY)


def spent_within(charges: list[Charge], now: float, window: float) -> int:
    return sum(back.bytes for back in returning(charges, now, window))


def sizes(charges: Sequence[Charge]) -> list[int]:
    return [charge.bytes for charge in charges]


# Merging


def test_charges_close_together_are_one_dated_by_the_latest() -> None:
    charges: list[Charge] = []
    for after in (0.0, 30.0, 59.0, 60.0):
        spend(charges, 10, NOON + after, DAY)
    assert charges == [Charge(NOON, NOON + 59, 30), Charge(NOON + 60, NOON + 60, 10)]


def test_charges_are_not_merged_without_end() -> None:
    charges: list[Charge] = []
    for step in range(100):
        spend(charges, 1, NOON + step * 30, DAY)
    assert all(charge.at - charge.since < MERGE_SECONDS for charge in charges)
    assert len(charges) == 50


def test_short_windows_merge_less() -> None:
    charges: list[Charge] = []
    for after in (0.0, 9.0, 10.0):
        spend(charges, 10, NOON + after, 2880.0)
    assert sizes(charges) == [20, 10]


# The window


def test_charge_counts_for_exactly_one_window() -> None:
    charges = [Charge(NOON, NOON, 10), Charge(NOON + HOUR, NOON + HOUR, 5)]
    assert [spent(charges, NOON + after) for after in (HOUR, DAY - 1, DAY, DAY + HOUR - 1, DAY + HOUR)] == [
        15,
        15,
        5,
        5,
        0,
    ]


def test_live_charges_come_latest_first() -> None:
    charges = [Charge(NOON + at, NOON + at, size) for size, at in enumerate((0, HOUR, 2 * HOUR), start=1)]
    assert sizes(list(live(charges, NOON + DAY, DAY))) == [3, 2]


# A clock that was ahead


def test_charge_that_is_still_to_come_counts_now_and_comes_back_one_window_after_it_was_noticed() -> None:
    charges = [Charge(NOON + YEAR, NOON + YEAR, 10)]
    assert spent(charges, NOON) == 10
    assert charges[0].back_at(DAY) == NOON + DAY
    assert spent(charges, NOON + DAY - 1) == 10
    assert spent(charges, NOON + DAY) == 0


def test_charge_that_is_not_to_come_any_more_counts_by_its_own_time() -> None:
    charges = [Charge(NOON + HOUR, NOON + HOUR, 10)]
    assert spent(charges, NOON) == 10
    assert spent(charges, NOON + 2 * HOUR) == 10
    assert spent(charges, NOON + HOUR + DAY - 1) == 10
    assert spent(charges, NOON + HOUR + DAY) == 0


def test_spending_after_a_charge_that_is_still_to_come_keeps_the_order_of_time() -> None:
    charges = [Charge(NOON + YEAR, NOON + YEAR, 10)]
    assert spent(charges, NOON) == 10
    spend(charges, 5, NOON, DAY)
    spend(charges, 7, NOON + HOUR, DAY)
    assert [charge.at for charge in charges] == sorted(charge.at for charge in charges)
    assert spent(charges, NOON + HOUR) == 22
    assert spent(charges, NOON + DAY + HOUR - 1) == 7
    assert spent(charges, NOON + DAY + HOUR) == 0


def test_charge_is_not_merged_into_one_that_was_noticed_to_be_ahead() -> None:
    charges = [Charge(NOON, NOON, 10, noticed_at=NOON - HOUR)]
    spend(charges, 5, NOON + 1, DAY)
    assert sizes(charges) == [10, 5]


@given(st.lists(st.tuples(st.integers(-30, 30), st.integers(1, 100)), max_size=40))
def test_with_any_clock_what_was_spent_in_the_last_window_of_it_counts(steps: list[tuple[int, int]]) -> None:
    charges: list[Charge] = []
    now = NOON
    made: list[tuple[float, int]] = []
    for hours, size in steps:
        now += hours * HOUR
        made = [(at, one) for at, one in made if at + DAY > now or at > now]
        spend(charges, size, now, DAY)
        made.append((now, size))
        assert spent(charges, now) >= sum(one for at, one in made if now - DAY < at <= now)
        assert [charge.at for charge in charges] == sorted(charge.at for charge in charges)


# Keeping


def test_charges_that_came_back_are_kept_below_two_quotas_of_newer_ones() -> None:
    charges = [Charge(NOON + hour * HOUR, NOON + hour * HOUR, 100) for hour in range(30)]
    now = NOON + 30 * HOUR + 10 * DAY
    prune(charges, now, DAY, 1000)
    assert len(charges) == KEPT_QUOTAS * 10
    assert charges[-1].at == NOON + 29 * HOUR
    prune(charges, now, DAY, 1000)
    assert len(charges) == KEPT_QUOTAS * 10


def test_charges_that_count_are_never_dropped() -> None:
    charges = [Charge(NOON + minute, NOON + minute, 1000) for minute in range(50)]
    prune(charges, NOON + HOUR, DAY, 1000)
    assert len(charges) == 50


def test_many_charges_are_merged_further_the_oldest_first_and_none_comes_back_earlier() -> None:
    charges = [Charge(NOON + second, NOON + second, 1) for second in range(CHARGES_LIMIT + 10)]
    before = [spent(list(charges), NOON + DAY + second) for second in range(0, CHARGES_LIMIT, 500)]
    prune(charges, NOON + CHARGES_LIMIT, DAY, 1 << 40)
    assert len(charges) == CHARGES_LIMIT
    assert charges[0] == Charge(NOON, NOON + 10, 11)
    after = [spent(charges, NOON + DAY + second) for second in range(0, CHARGES_LIMIT, 500)]
    assert all(now >= then for now, then in zip(after, before, strict=True))


@given(CHARGES, st.integers(1, 300), TIMES)
def test_pruning_changes_nothing_that_counts_now_or_later(charges: list[Charge], quota: int, now: float) -> None:
    kept = [Charge(one.since, one.at, one.bytes) for one in charges]
    prune(kept, now, 100.0, quota)
    for later in (0.0, 1.0, 50.0, 99.0, 200.0):
        assert spent_within(kept, now + later, 100.0) == spent_within(charges, now + later, 100.0)


def test_joined_charges_are_in_order_of_time_and_empty_ones_left_out() -> None:
    charges = [Charge(NOON, NOON, 1), Charge(NOON + 9, NOON + 9, 2)]
    join(charges, [Charge(NOON + 5, NOON + 5, 3), Charge(NOON - 1, NOON - 1, 4), Charge(NOON, NOON, 0)])
    assert sizes(charges) == [4, 1, 3, 2]


# Two records of one account


@given(CHARGES, CHARGES)
def test_larger_counts_at_every_time_as_much_as_each_and_no_more(one: list[Charge], two: list[Charge]) -> None:
    both = larger(one, two)
    for at in range(-1, 1001):
        counted = [sum(charge.bytes for charge in charges if charge.at > at) for charges in (both, one, two)]
        assert counted[0] == max(counted[1:])
    assert [charge.at for charge in both] == sorted({charge.at for charge in both})
    assert larger(both, one) == both


@given(CHARGES, CHARGES)
def test_shortfall_is_what_must_be_added_to_count_as_much(one: list[Charge], two: list[Charge]) -> None:
    short = shortfall_bytes(one, two)
    gaps = [
        sum(charge.bytes for charge in two if charge.at > at) - sum(charge.bytes for charge in one if charge.at > at)
        for at in range(-1, 1001)
    ]
    assert short == max(0, *gaps)


# Denials


def test_denial_lasts_until_its_end_and_a_shorter_one_changes_nothing() -> None:
    entry = Entry()
    assert denied_until(entry, NOON) == 0
    deny(entry, NOON + HOUR, "first", NOON)
    deny(entry, NOON + 60, "shorter", NOON)
    assert (denied_until(entry, NOON), entry.denied_why) == (NOON + HOUR, "first")
    assert denied_until(entry, NOON + HOUR) <= NOON + HOUR
    deny(entry, NOON + DAY, "longer", NOON + 60)
    assert (denied_until(entry, NOON + 60), entry.denied_why) == (NOON + DAY, "longer")


def test_denial_that_was_met_with_the_clock_ahead_lasts_as_long_as_it_would_have() -> None:
    entry = Entry()
    deny(entry, NOON + YEAR + DAY, "refused", NOON + YEAR)
    assert denied_until(entry, NOON) == NOON + DAY
    assert denied_until(entry, NOON + HOUR) == NOON + DAY
    assert denied_until(entry, NOON + DAY) <= NOON + DAY
    # A new one counts by its own time.
    deny(entry, NOON + 2 * DAY, "again", NOON + DAY + HOUR)
    assert denied_until(entry, NOON + DAY + HOUR) == NOON + 2 * DAY


def test_denial_that_was_met_with_the_clock_behind_ends_when_it_would_have() -> None:
    entry = Entry()
    deny(entry, NOON - YEAR + DAY, "refused", NOON - YEAR)
    assert denied_until(entry, NOON) < NOON


def test_denial_that_is_in_order_again_is_not_cut_short() -> None:
    entry = Entry()
    deny(entry, NOON + DAY, "refused", NOON)
    assert denied_until(entry, NOON - 10 * HOUR) == NOON - 10 * HOUR + DAY
    assert denied_until(entry, NOON + HOUR) == NOON + DAY


# When the clock adopts another time


def test_what_was_dated_since_then_moves_and_what_was_before_stays() -> None:
    entry = Entry(charges=[Charge(NOON + at, NOON + at, at) for at in (10, 20, 30)])
    deny(entry, NOON + 20 + DAY, "refused", NOON + 20)
    shift(entry, NOON + 20, -1000.0)
    assert sizes(entry.charges) == [20, 30, 10]
    assert [charge.at for charge in entry.charges] == [NOON - 980, NOON - 970, NOON + 10]
    assert (entry.denied_at, entry.denied_until) == (NOON - 980, NOON - 980 + DAY)
    shift(entry, NOON + 5, YEAR)
    assert entry.charges[-1] == Charge(NOON + YEAR + 10, NOON + YEAR + 10, 10)
    assert entry.denied_at == NOON - 980


def test_when_something_was_noticed_moves_too() -> None:
    entry = Entry(charges=[Charge(NOON + YEAR, NOON + YEAR, 1)])
    deny(entry, NOON + 2 * YEAR, "refused", NOON + 2 * YEAR - DAY)
    notice(entry, NOON + 10, DAY)
    assert (entry.charges[0].noticed_at, entry.denied_noticed_at) == (NOON + 10, NOON + 10)
    shift(entry, NOON, 500.0)
    assert (entry.charges[0].noticed_at, entry.denied_noticed_at) == (NOON + 510, NOON + 510)


# On disk


ENTRIES = st.builds(
    Entry,
    charges=CHARGES,
    total_bytes=st.integers(0, 1 << 50),
    last_used=TIMES,
    denied_until=TIMES,
    denied_why=st.text(max_size=5),
    denied_at=TIMES,
    denied_seconds=TIMES,
    denied_noticed_at=TIMES,
    learned_limit_bytes=st.integers(0, 1 << 50),
    learned_for_limit_bytes=st.integers(0, 1 << 50),
    key=st.text(max_size=5),
)


@given(ENTRIES)
def test_entry_is_read_as_it_was_written(entry: Entry) -> None:
    document = json.loads(json.dumps(entry_document(entry), allow_nan=False))
    assert read_entry(document) == entry


def test_when_a_charge_was_noticed_is_kept() -> None:
    charges = [Charge(NOON + YEAR, NOON + YEAR, 10)]
    list(live(charges, NOON, DAY))
    assert read_charges(json.loads(json.dumps(charges_document(charges)))) == charges


@pytest.mark.parametrize(
    "stored",
    [None, 5, "x", {}, [5], [[1, 2]], [[1, 2, 0]], [[1, 2, -5]], [[1, 2, True]], [[1, 2, "3"]], [[1, 2, 3, 4, 5]]],
)
def test_charges_that_are_none_are_left_out(stored: object) -> None:
    assert read_charges(stored) == []


def test_charges_are_read_in_order_of_time() -> None:
    assert sizes(read_charges([[9, 9, 1], [1, 1, 2]])) == [2, 1]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True, allow_infinity=True) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(JSON | st.dictionaries(st.sampled_from(sorted(Entry.__slots__)), JSON | st.just(10**400)))
def test_whatever_is_stored_an_entry_can_be_read_used_and_written(stored: object) -> None:
    entry = read_entry(stored)
    notice(entry, NOON, DAY)
    spend(entry.charges, 5, NOON, DAY)
    prune(entry.charges, NOON, DAY, 1000)
    assert spent(entry.charges, NOON) >= 5
    json.dumps(entry_document(entry), allow_nan=False)


def test_entry_of_which_nothing_is_known_is_empty() -> None:
    assert Entry(key="/keys/1.json", last_used=NOON).is_empty()
    assert not Entry(charges=[Charge(NOON, NOON, 1)]).is_empty()
    assert not Entry(denied_until=NOON).is_empty()
    assert not Entry(learned_limit_bytes=5).is_empty()
    assert not Entry(total_bytes=5).is_empty()
