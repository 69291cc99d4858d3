"""Which uploads may have arrived without a word, and how long they may take to appear."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow.rclone.log import Stats, parse_line
from cloudplow.upload import doubts
from cloudplow.upload.doubts import (
    BUFFERED_BYTES,
    LANDING_SECONDS,
    LANDING_SECONDS_LIMIT,
    LANDING_VARIABLE,
    Doubts,
    landing_seconds,
    least_landing_seconds,
)
from tests.unit.upload.test_stage import line

REFUSED = "Failed to copy: googleapi: Error 403: x, userRateLimitExceeded"
UNREAD = "Failed to copy: failed to open source object: open /media/a: permission denied"
MAYBE = "Failed to copy: Post: EOF"
WASTED = "corrupted on transfer: md5 hash differ"


def under_way(speed: float = 0.0, **files: int) -> Stats:
    items = [{"name": name, "bytes": done, "size": 10 << 30} for name, done in files.items()]
    stats = parse_line(line("text", stats={"bytes": 1, "speed": speed, "transferring": items}))
    assert isinstance(stats, Stats)
    return stats


@pytest.fixture(autouse=True)
def usual_landing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(LANDING_VARIABLE, raising=False)


# Which


def test_what_was_under_way_at_the_end_may_have_arrived() -> None:
    found = Doubts()
    found.under_way(under_way(a=5, b=7))
    assert found.names() == {"a", "b"}
    found.under_way(under_way(b=9))
    assert found.names() == {"b"}
    found.arrived("b")
    assert found.names() == set()


@pytest.mark.parametrize(
    ("text", "expected", "ruled_out"),
    [
        (UNREAD, set(), {"a"}),
        ("Failed to copy: object not found", set(), {"a"}),
        (WASTED, set(), {"a"}),
        (MAYBE, {"a"}, set()),
        # It may refuse the second try of what has arrived.
        (REFUSED, {"a"}, set()),
        ("Failed to copy: googleapi: Error 404: File not found", {"a"}, set()),
        ("Failed to copy: max transfer limit reached as set by --max-transfer", {"a"}, set()),
        ("Failed to copy: googleapi: Error 502: Bad Gateway", {"a"}, set()),
        ("anything that nobody has seen yet", {"a"}, set()),
    ],
)
def test_a_failure_says_whether_the_file_can_have_arrived(text: str, expected: set[str], ruled_out: set[str]) -> None:
    found = Doubts()
    found.under_way(under_way(a=5))
    found.failed("a", text)
    assert (found.names(), found.ruled_out) == (expected, ruled_out)


def test_file_that_cannot_be_read_is_not_in_doubt_until_another_attempt() -> None:
    found = Doubts()
    found.failed("a", MAYBE)
    found.failed("a", UNREAD)
    assert found.names() == set()
    found.under_way(under_way(a=5))
    assert found.names() == {"a"}


def test_only_uploads_that_came_to_nothing_are_wasted_each_once() -> None:
    found = Doubts()
    assert not found.failed("a", MAYBE)
    assert not found.failed("a", REFUSED)
    assert found.failed("a", WASTED)
    assert not found.failed("a", WASTED)
    assert not found.failed("a", f"Failed to copy: {WASTED}")
    assert not found.failed("a", MAYBE)
    assert found.failed("b", WASTED)
    found.attempt_failed("Can't retry this error")
    assert not found.failed("a", WASTED)
    found.attempt_failed("Attempt 1/3 failed with 2 errors and: x")
    assert found.failed("a", WASTED)


# How long


def test_everything_has_arrived_after_a_minute_on_a_usual_line() -> None:
    found = Doubts()
    assert found.landing_seconds() == LANDING_SECONDS
    found.under_way(under_way(100e6, a=1 << 30))
    assert found.landing_seconds() == LANDING_SECONDS


def test_slow_lines_take_longer_but_not_for_ever() -> None:
    assert landing_seconds([BUFFERED_BYTES * 9, 1 << 20], 1e5) == pytest.approx((BUFFERED_BYTES + (1 << 20)) / 1e5)
    assert landing_seconds([BUFFERED_BYTES], 1.0) == LANDING_SECONDS_LIMIT


@given(st.lists(st.integers(0, 1 << 50), max_size=9), st.floats(0, 1e12))
def test_landing_time_is_always_within_its_bounds(files: list[int], speed: float) -> None:
    assert LANDING_SECONDS <= landing_seconds(files, speed) <= LANDING_SECONDS_LIMIT


@pytest.mark.parametrize(
    ("text", "expected"), [("2.5", 2.5), ("-3", 0.0), ("x", LANDING_SECONDS), ("", LANDING_SECONDS)]
)
def test_tests_can_shorten_the_landing_time(monkeypatch: pytest.MonkeyPatch, text: str, expected: float) -> None:
    monkeypatch.setenv(LANDING_VARIABLE, text)
    assert least_landing_seconds() == doubts.landing_seconds([], 0.0) == expected
