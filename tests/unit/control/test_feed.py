"""What followers are told, without a socket: first how things stand, then every event, in queues that are bounded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from cloudplow import events
from cloudplow.control import feed as feeds
from cloudplow.control.feed import Feed, Subscription
from cloudplow.events import Event
from tests.unit.dashboard import helpers

#: More than ever waits in these tests.
ALL = 1 << 30


class Program:
    """Publishes events with their numbers, and counts how often followers were woken."""

    def __init__(self) -> None:
        self.feed = Feed()
        self.seq = 0
        self.woken = 0

    def tell(self, *told: Event) -> None:
        for event in told:
            self.seq += 1
            self.feed.receive("google", event=replace(event, seq=self.seq, at=1000.0 + self.seq, session_id="s1"))

    def join(self) -> Subscription:
        return self.feed.join(self.wake)

    def wake(self) -> None:
        self.woken += 1


@pytest.fixture
def program() -> Program:
    return Program()


def lines(subscription: Subscription) -> list[dict[str, Any]]:
    return [json.loads(line) for line in subscription.take(ALL).splitlines()]


def signals(subscription: Subscription) -> list[str]:
    return [line["signal"] for line in lines(subscription)]


def test_while_nothing_runs_there_is_nothing_to_tell(program: Program) -> None:
    assert program.join().take(ALL) == b""


def test_a_newcomer_is_told_how_things_stand_and_then_what_happens(program: Program) -> None:
    program.tell(helpers.session_started(), helpers.queue_learned(files=10, size=1000), helpers.stage_started())
    program.tell(*(helpers.file_transferred(f"{number}.mkv", 50) for number in range(4)))
    newcomer = program.join()
    program.tell(helpers.file_transferred("e.mkv", 50))

    *past, joined, live = lines(newcomer)

    assert [one["signal"] for one in past] == ["session_started", "queue_learned", "stage_started"] + [
        "file_transferred"
    ] * 4
    assert [one["seq"] for one in past] == [1, 2, 3, 4, 5, 6, 7]
    assert all(one["past"] for one in [*past, joined])
    assert (joined["signal"], joined["started_at"], joined["session_id"]) == ("session_joined", 1001.0, "s1")
    assert (joined["files"], joined["bytes"]) == (4, 200)
    assert (joined["files_total"], joined["bytes_total"]) == (10, 1000)
    assert (live["name"], live["seq"], "past" in live) == ("e.mkv", 8, False)


def test_of_a_long_session_a_newcomer_is_told_the_latest_and_the_sums(program: Program) -> None:
    program.tell(helpers.session_started(), helpers.queue_learned(files=9000, size=900_000))
    for number in range(5000):
        program.tell(helpers.file_transferred(f"{number}.mkv"), helpers.progress())
    for number in range(300):
        program.tell(helpers.file_failed(f"bad {number}.mkv"), helpers.quota_changed(used=number))

    told = lines(program.join())

    assert len(told) < 200
    assert sum(one["signal"] == "transfer_progress" for one in told) == 1
    assert [one["used_bytes"] for one in told if one["signal"] == "quota_changed"] == [299]
    (joined,) = (one for one in told if one["signal"] == "session_joined")
    assert (joined["files"], joined["bytes"], joined["files_failed"]) == (5000, 500_000, 300)


def test_each_uploader_has_a_session_of_its_own(program: Program) -> None:
    program.tell(helpers.session_started(), replace(helpers.session_started(), uploader="dropbox"))

    joined = [one["uploader"] for one in lines(program.join()) if one["signal"] == "session_joined"]

    assert joined == ["google", "dropbox"]


def test_a_new_session_is_told_without_the_last_one(program: Program) -> None:
    program.tell(helpers.session_started(), helpers.file_transferred(), finished(), helpers.session_started())

    assert signals(program.join()) == ["session_started", "session_joined"]


def test_a_limit_of_the_speed_outlives_the_session_in_which_it_came(program: Program) -> None:
    limited = events.ThrottleChanged(uploader=helpers.UPLOADER, limit=1e6, streams=2)
    program.tell(helpers.session_started(), limited, finished(), helpers.session_started())

    assert signals(program.join()) == ["throttle_changed", "session_started", "session_joined"]


def test_why_an_uploader_waits_outlives_its_sessions(program: Program) -> None:
    checked, waits = helpers.uploader_checked(), helpers.uploader_status("waiting", "waiting: 5 B of 9 B")
    program.tell(checked, helpers.uploader_status("waiting", "older"), waits)
    assert signals(program.join()) == ["uploader_checked", "uploader_status"]

    program.tell(helpers.session_started())
    assert signals(program.join()) == ["uploader_checked", "uploader_status", "session_started", "session_joined"]

    program.tell(finished(), helpers.uploader_status("cooling", "it cools"))
    told = lines(program.join())
    assert [one["signal"] for one in told] == [
        "uploader_checked",
        "session_started",
        "session_joined",
        "session_finished",
        "uploader_status",
    ]
    assert (told[-1]["why"], told[2]["session_id"]) == ("it cools", "s1")


def test_what_is_told_beside_a_session_does_not_hide_whose_it_is(program: Program) -> None:
    program.tell(helpers.session_started())
    program.feed.receive("google", event=replace(helpers.uploader_status("uploading", "stage 1"), seq=2))
    told = lines(program.join())
    assert [(one["signal"], one["session_id"]) for one in told][-1] == ("session_joined", "s1")


def test_a_session_that_waits_is_told_with_why_it_waits(program: Program) -> None:
    waits = events.UploaderSuspended(uploader=helpers.UPLOADER, reason="all quotas are used up", until=2000.0)
    goes_on = events.UploaderResumed(uploader=helpers.UPLOADER, reason="all quotas are used up")
    program.tell(helpers.session_started(), waits)
    assert signals(program.join()) == ["session_started", "uploader_suspended", "session_joined"]

    program.tell(goes_on)
    assert signals(program.join()) == ["session_started", "uploader_resumed", "session_joined"]


def test_a_session_that_has_ended_is_told_with_its_end(program: Program) -> None:
    program.tell(helpers.session_started(), helpers.file_transferred(), finished())

    assert signals(program.join()) == ["session_started", "file_transferred", "session_joined", "session_finished"]


def finished() -> events.SessionFinished:
    return events.SessionFinished(
        uploader=helpers.UPLOADER,
        outcome=events.SessionOutcome.DONE,
        files=1,
        bytes=100,
        files_left=0,
        bytes_left=0,
        next_capacity_at=None,
    )


def test_newer_progress_replaces_progress_that_waits_and_facts_all_come(program: Program) -> None:
    slow = program.join()
    for number in range(100):
        program.tell(helpers.progress(files=number), helpers.file_transferred(f"{number}.mkv"))

    told = lines(slow)

    assert [one["name"] for one in told if one["signal"] == "file_transferred"] == [f"{n}.mkv" for n in range(100)]
    assert [one["files"] for one in told if one["signal"] == "transfer_progress"] == [99]
    assert [one["seq"] for one in told] == sorted(one["seq"] for one in told)


def test_progress_alone_never_fills_the_queue_of_somebody_who_does_not_read(program: Program) -> None:
    slow = program.join()
    for _ in range(2000):
        program.tell(helpers.progress(helpers.transferring("x" * 5000)))

    assert not slow.overflowed
    assert len(slow.take(ALL)) < 10_000


def test_who_reads_loses_nothing_whatever_happens(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "QUEUE_BYTES", 2000)
    reader = program.join()
    told = bytearray()
    for number in range(500):
        program.tell(helpers.file_transferred(f"{number}.mkv"))
        told += reader.take(1)

    assert [json.loads(line)["name"] for line in told.splitlines()] == [f"{number}.mkv" for number in range(500)]


def test_who_does_not_read_is_dropped_alone(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "QUEUE_BYTES", 2000)
    slow, quick = program.join(), program.join()
    for number in range(100):
        program.tell(helpers.file_transferred(f"{number}.mkv"))
        assert len(lines(quick)) == 1

    assert (slow.overflowed, quick.overflowed) == (True, False)
    assert slow.take(ALL) == b""


def test_a_single_line_may_be_longer_than_the_queue(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "QUEUE_BYTES", 10)
    follower = program.join()
    program.tell(helpers.file_transferred("a.mkv"))

    assert signals(follower) == ["file_transferred"]


def test_how_things_stand_does_not_count_against_the_queue(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "QUEUE_BYTES", 1000)
    program.tell(helpers.session_started(), *(helpers.file_transferred(f"{number}.mkv") for number in range(50)))
    follower = program.join()
    program.tell(helpers.file_transferred("last.mkv"))

    assert not follower.overflowed
    assert len(lines(follower)) == 53


def test_lines_are_taken_whole_and_a_few_at_a_time(program: Program) -> None:
    follower = program.join()
    program.tell(*(helpers.file_transferred(f"{number}.mkv") for number in range(10)))

    first = follower.take(300)

    assert first.endswith(b"}\n")
    assert 1 < len(first.splitlines()) < 10
    assert len(first.splitlines()) + len(lines(follower)) == 10


def test_who_has_left_is_told_nothing_more(program: Program) -> None:
    follower = program.join()
    program.feed.leave(follower)
    program.tell(helpers.file_transferred())

    assert (follower.take(ALL), program.woken) == (b"", 0)


def test_an_event_that_json_cannot_carry_is_left_out_with_a_line_in_the_log(
    program: Program, caplog: pytest.LogCaptureFixture
) -> None:
    follower = program.join()
    program.tell(helpers.progress(speed=float("nan")), helpers.file_transferred())

    assert signals(follower) == ["file_transferred"]
    assert "transfer_progress cannot be told to who follows" in caplog.text


@pytest.fixture
def connected(program: Program) -> Iterator[Feed]:
    program.feed.connect()
    yield program.feed
    program.feed.disconnect()


def test_it_hears_every_signal_while_it_is_connected(program: Program, connected: Feed) -> None:
    def hearing() -> set[str]:
        receivers = {name: list(signal.receivers_for("google")) for name, signal in events.SIGNALS.items()}
        return {name for name, found in receivers.items() if connected.receive in found}

    assert hearing() == set(events.SIGNALS)
    program.feed.disconnect()
    assert hearing() == set()
