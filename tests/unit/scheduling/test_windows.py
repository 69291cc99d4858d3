"""Hours in which an upload may start: over midnight, all day, never, and in nights in which the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow.scheduling.windows import Window, is_open, next_open

BERLIN = ZoneInfo("Europe/Berlin")
UTC = UTC


def at(text: str, zone: ZoneInfo | timezone = BERLIN, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp()


def clock(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def window(text: str) -> Window:
    begin, end = text.split("-")
    return Window(clock(begin), clock(end))


@pytest.mark.parametrize(
    ("hours", "now", "open_"),
    [
        ("04:00-08:00", "03:59", False),
        ("04:00-08:00", "04:00", True),
        ("04:00-08:00", "07:59", True),
        ("04:00-08:00", "08:00", False),
        ("22:00-06:00", "21:59", False),
        ("22:00-06:00", "22:00", True),
        ("22:00-06:00", "00:00", True),
        ("22:00-06:00", "05:59", True),
        ("22:00-06:00", "06:00", False),
        ("05:00-05:00", "04:59", True),
        ("00:00-00:00", "12:00", True),
        ("00:00-24:00", "12:00", True),
    ],
)
def test_a_window_is_open_from_its_first_minute_to_just_before_its_last(hours: str, now: str, open_: bool) -> None:
    assert is_open(window(hours), at(f"2026-11-27T{now}"), BERLIN) is open_


def test_no_window_is_always_open_and_an_unreadable_one_never() -> None:
    assert is_open(None, 0.0, BERLIN)
    assert next_open(None, 5.0, BERLIN) == 5.0
    never = Window(0, 0, never=True)
    assert not is_open(never, 0.0, BERLIN)
    assert next_open(never, 0.0, BERLIN) is None


@pytest.mark.parametrize(
    ("hours", "now", "opens"),
    [
        ("04:00-08:00", "2026-11-27T03:59:30", "2026-11-27T04:00:00"),
        ("04:00-08:00", "2026-11-27T05:00:17", "2026-11-27T05:00:17"),
        ("04:00-08:00", "2026-11-27T08:00:00", "2026-11-28T04:00:00"),
        ("23:00-01:00", "2026-12-31T12:00:00", "2026-12-31T23:00:00"),
        # In spring 02:00 to 03:00 does not exist: a window inside it stays shut, one that reaches out opens at 03:00.
        ("02:30-04:00", "2026-03-29T01:00:00", "2026-03-29T03:00:00"),
        ("02:15-02:45", "2026-03-29T01:00:00", "2026-03-30T02:15:00"),
        ("04:00-08:00", "2026-03-29T00:30:00", "2026-03-29T04:00:00"),
        # In autumn it comes twice.
        ("04:00-08:00", "2026-10-25T00:30:00", "2026-10-25T04:00:00"),
        ("02:15-02:45", "2026-10-25T02:50:00", "2026-10-25T02:15:00/1"),
    ],
)
def test_the_next_opening_is_the_one_that_a_clock_on_the_wall_shows(hours: str, now: str, opens: str) -> None:
    text, _, fold = opens.partition("/")
    assert next_open(window(hours), at(now), BERLIN) == at(text, fold=int(fold or 0))


ZONES = [BERLIN, ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Asia/Kathmandu"), UTC]


@given(
    begin=st.integers(0, 1439),
    end=st.integers(0, 1439),
    now=st.integers(int(at("2026-01-01T00:00")), int(at("2027-01-01T00:00"))),
    zone=st.sampled_from(ZONES),
)
def test_nothing_opens_before_the_next_opening(begin: int, end: int, now: int, zone: ZoneInfo) -> None:
    hours = Window(begin, end)
    found = next_open(hours, now, zone)
    assert found is not None
    assert found >= now

    # The oracle: every minute is looked at, as text on a clock.
    def shown(moment: datetime) -> bool:
        text = moment.astimezone(zone).strftime("%H:%M")
        first, last = f"{begin // 60:02}:{begin % 60:02}", f"{end // 60:02}:{end % 60:02}"
        return first <= text < last if first < last else (first == last or text >= first or text < last)

    moment = datetime.fromtimestamp(now, UTC)
    while not shown(moment):
        moment = moment.replace(second=0) + timedelta(minutes=1)
    assert found == moment.timestamp()
