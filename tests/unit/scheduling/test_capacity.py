"""When quota that comes back helps: at once for enough, after ten minutes for anything that fits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow.models import Capacity, Return
from cloudplow.scheduling.capacity import when_it_helps

GB = 1_000_000_000
DAY = 86_400.0
NOW = 1_800_000_000.0


def account(*returns: tuple[float, int], limit: int = 750 * GB, free: int = 0, from_: float = 0.0) -> Capacity:
    return Capacity("1.json", limit, free, tuple(Return(NOW + at, size) for at, size in returns), from_)


def helps(sizes: list[int], *accounts: Capacity, window: float = DAY) -> tuple[float, int] | None:
    found = when_it_helps(sizes, accounts, now=NOW, since=NOW, window_seconds=window)
    return None if found is None else (found.at - NOW, found.bytes)


def test_all_that_waits_may_go_as_soon_as_it_fits() -> None:
    assert helps([GB], account((60, GB))) == (60, GB)


def test_less_than_five_percent_of_an_account_waits_for_ten_minutes() -> None:
    assert helps([GB] * 100, account((60, GB), (3600, 40 * GB))) == (600, GB)


def test_five_percent_of_an_account_go_at_once() -> None:
    assert helps([GB] * 100, account((60, 38 * GB))) == (60, 38 * GB)


def test_nothing_starts_while_no_waiting_file_fits() -> None:
    assert helps([50 * GB, 60 * GB], account((60, 40 * GB), (7200, 20 * GB))) == (7200, 60 * GB)


def test_a_file_larger_than_a_quota_waits_for_a_whole_one() -> None:
    assert helps([900 * GB], account((60, 700 * GB), (900, 50 * GB))) == (900, 750 * GB)


def test_the_ten_minutes_are_in_proportion_to_the_window() -> None:
    assert helps([GB] * 100, account((2, GB)), window=60.0) == (2, GB)
    found = helps([GB] * 100, account((0.1, GB)), window=60.0)
    assert found is not None
    assert found[0] == pytest.approx(600 * 60 / DAY)


def test_a_denied_account_helps_when_it_is_not_denied_any_more() -> None:
    assert helps([GB], account(free=750 * GB, from_=NOW + 3600)) == (3600, 750 * GB)
    assert helps([GB], account(free=750 * GB, from_=float("inf"))) is None


def test_the_first_account_that_helps_counts_and_all_that_comes_back_until_then() -> None:
    assert helps([GB], account((100, GB), (90, GB)), account((80, GB))) == (80, GB)


def test_nothing_waits_or_no_account_is_there() -> None:
    assert helps([]) is None
    assert helps([GB]) is None


returns = st.lists(st.tuples(st.floats(1, DAY), st.integers(1, 100 * GB)), max_size=8)


@given(st.lists(st.integers(1, 100 * GB), min_size=1, max_size=20), st.lists(returns, min_size=1, max_size=4))
def test_when_it_helps_a_file_fits_and_no_earlier_moment_would_have_done(
    sizes: list[int], pools: list[list[tuple[float, int]]]
) -> None:
    accounts = [account(*sorted(one)) for one in pools]
    found = helps(sizes, *accounts)

    def free(capacity: Capacity, at: float) -> int:
        return sum(back.bytes for back in capacity.returns if back.at <= NOW + at)

    def is_good(at: float) -> bool:
        for capacity in accounts:
            room = free(capacity, at)
            if room < min(sizes):
                continue
            goes = max(sum_of_smallest(sizes, room), max(size for size in sizes if size <= room))
            if at >= 600 or goes >= min(sum(sizes), 0.05 * 750 * GB):
                return True
        return False

    moments = sorted({600.0, *(at for one in pools for at, _ in one)})
    expected = next((at for at in moments if is_good(at)), None)
    assert (None if found is None else found[0]) == pytest.approx(expected)


def sum_of_smallest(sizes: list[int], room: int) -> int:
    total = 0
    for size in sorted(sizes):
        if total + size > room:
            break
        total += size
    return total


@pytest.mark.parametrize("accounts", [1, 12])
def test_a_day_of_trickling_quota_makes_a_few_sessions_an_hour_and_leaves_nothing_unused(accounts: int) -> None:
    limit, size = 750 * GB, 2 * GB
    # Yesterday each account was used evenly, so that a little comes back all the time.
    spent = [[(NOW - DAY + 60 * minute, limit // 1440) for minute in range(1440)] for _ in range(accounts)]
    now, sessions, sent = NOW, [], 0
    while now < NOW + DAY:
        pool = [
            Capacity(str(number), limit, limit - sum(b for _, b in one), tuple(Return(at + DAY, b) for at, b in one))
            for number, one in enumerate(spent)
        ]
        found = when_it_helps([size] * 1000, pool, now=now, since=now, window_seconds=DAY)
        assert found is not None
        now = found.at + 1
        sessions.append(now)
        for number, one in enumerate(spent):
            spent[number] = [(at, b) for at, b in one if at + DAY > now]
            files = (limit - sum(b for _, b in spent[number])) // size
            if files:
                spent[number].append((now, files * size))
                sent += files * size
    by_hour = [sum(1 for at in sessions if at // 3600 == hour) for hour in {at // 3600 for at in sessions}]
    assert max(by_hour) <= 7  # one in ten minutes, and one more where an hour begins
    assert sent >= 0.97 * accounts * limit
