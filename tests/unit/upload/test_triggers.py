"""`rclone_sleeps`: when texts in rclone's output stop a run."""

from __future__ import annotations

import pytest

from cloudplow.upload.triggers import Sleep, Triggers, statistics_text

TEXT = "User rate limit exceeded"


def make(count: int, timeout_seconds: float = 60.0) -> Triggers:
    return Triggers({TEXT: Sleep(count, timeout_seconds, 7200.0)})


@pytest.mark.parametrize("count", [0, 1])
def test_count_of_one_fires_at_the_first_hit(count: int) -> None:
    assert make(count).hit(f"x {TEXT} y", 5.0) == (TEXT, Sleep(count, 60.0, 7200.0))


def test_count_is_reached_within_the_window() -> None:
    triggers = make(3)
    assert triggers.hit(TEXT, 100.0) is None
    assert triggers.hit(TEXT, 110.0) is None
    fired = triggers.hit(TEXT, 159.9)
    assert fired is not None
    assert fired[0] == TEXT


def test_count_starts_again_after_the_window() -> None:
    triggers = make(3)
    assert [triggers.hit(TEXT, now) for now in (100.0, 110.0, 160.0, 170.0)] == [None] * 4
    assert triggers.hit(TEXT, 180.0) is not None


def test_count_starts_again_after_it_fired() -> None:
    triggers = make(2)
    triggers.hit(TEXT, 1.0)
    assert triggers.hit(TEXT, 2.0) is not None
    assert triggers.hit(TEXT, 3.0) is None


@pytest.mark.parametrize(
    ("line", "hits"),
    [(TEXT.upper(), True), (f"googleapi: {TEXT.lower()}.", True), ("User rate limit", False), ("", False)],
)
def test_text_is_found_anywhere_whatever_its_case(line: str, hits: bool) -> None:
    assert (make(1).hit(line, 0.0) is not None) == hits


def test_several_hits_in_one_line_count_once() -> None:
    assert make(2).hit(f"{TEXT} {TEXT}", 0.0) is None


def test_each_text_counts_for_itself() -> None:
    triggers = Triggers({"one": Sleep(2, 60, 1), "two": Sleep(2, 60, 2)})
    assert triggers.hit("one", 0.0) is None
    assert triggers.hit("two", 1.0) is None
    assert triggers.hit("one and two", 2.0) == ("one", Sleep(2, 60, 1))
    assert triggers.hit("two", 3.0) == ("two", Sleep(2, 60, 2))


def test_nothing_configured_never_fires() -> None:
    assert Triggers({}).hit(TEXT, 0.0) is None


@pytest.mark.parametrize(
    "text",
    [
        "Transferring:\n * a.bin: 21% /2.861Mi, 0/s, -\n",
        "Transferring:\n * a.bin: 19% / 2.861 MiB, 0 B/s, -\n",
    ],
    ids=["1.60", "1.75"],
)
@pytest.mark.parametrize("trigger", [" 0/s,", "0/s"])
def test_speed_of_nothing_is_found_as_older_versions_wrote_it(text: str, trigger: str) -> None:
    assert trigger in statistics_text(text)
    assert statistics_text(text).endswith(text)


@pytest.mark.parametrize("text", ["a.bin: 21%, 10 B/s, -", "1.0 B/s", "100/s", "0 Bananas/s", ""])
def test_other_speeds_stay_as_they_are(text: str) -> None:
    assert statistics_text(text) == text
