"""What a follower makes of the lines: each event once, whatever breaks, and an end for every session."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from cloudplow import events
from cloudplow.control import follower
from cloudplow.control.feed import Feed
from cloudplow.control.follower import Leftovers, Story, mark_of
from cloudplow.events import Event, ProgramEnded, ProgramFollowed, SessionFinished, SessionJoined, SessionOutcome
from cloudplow.events.wire import encode
from tests.unit.dashboard import helpers

ONE = {"pid": 1, "started_at": 5.0, "services": {"dashboard_url": "http://127.0.0.1:1/"}}
OTHER = {"pid": 2, "started_at": 9.0}


@dataclass
class Listener:
    told: list[tuple[Event, bool]] = field(default_factory=list)
    services: Mapping[str, str] = field(default_factory=dict)
    programs: list[Event] = field(default_factory=list)

    def __call__(self, event: Event, *, past: bool, services: Mapping[str, str]) -> None:
        self.services = services
        if isinstance(event, ProgramFollowed | ProgramEnded):
            self.programs.append(event)
        else:
            self.told.append((event, past))

    @property
    def signals(self) -> list[str]:
        return [event.signal_name for event, _ in self.told]


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def story(listener: Listener) -> Story:
    return Story(listener, now=lambda: 2000.0)


def numbered(*told: Event) -> list[Event]:
    return [replace(one, seq=seq, at=1000.0 + seq, session_id="s1") for seq, one in enumerate(told, 1)]


def line(event: Event, **more: Any) -> bytes:
    return json.dumps(encode(event) | more).encode() + b"\n"


def take_all(story: Story, feed: Feed) -> None:
    for one in feed.join(lambda: None).take(1 << 30).splitlines():
        story.take(one)


def test_events_are_told_with_what_they_carry(story: Story, listener: Listener) -> None:
    started, file = numbered(helpers.session_started(), helpers.file_transferred())
    story.begin(ONE)
    story.take(line(started, past=True))
    story.take(line(file))

    assert listener.told == [(started, True), (file, False)]
    assert listener.services == {"dashboard_url": "http://127.0.0.1:1/"}


def test_a_killed_process_leaves_an_interrupted_session(story: Story, listener: Listener) -> None:
    story.begin(OTHER)
    for one in numbered(helpers.session_started(), helpers.queue_learned(10, 1000), helpers.file_transferred(size=100)):
        story.take(line(one))
    story.end()
    story.end()

    assert listener.signals.count("session_finished") == 1
    end, past = listener.told[-1]
    assert end == SessionFinished(
        seq=4,
        at=2000.0,
        session_id="s1",
        uploader="google",
        outcome=SessionOutcome.INTERRUPTED,
        files=1,
        bytes=100,
        files_left=9,
        bytes_left=900,
        next_capacity_at=None,
        reason="cloudplow ended before the upload did",
    )
    assert not past


def test_a_session_that_was_joined_late_ends_with_all_its_files(story: Story, listener: Listener) -> None:
    feed = Feed()
    files = [helpers.file_transferred(f"{number}.mkv", 10) for number in range(500)]
    for one in numbered(helpers.session_started(), helpers.queue_learned(1000, 10_000), *files):
        feed.receive("google", event=one)
    story.begin(ONE)
    take_all(story, feed)
    story.end()

    end = listener.told[-1][0]
    assert isinstance(end, SessionFinished)
    assert (end.files, end.bytes, end.files_left, end.bytes_left) == (500, 5000, 500, 5000)


def test_a_session_that_ended_itself_is_not_ended_again(story: Story, listener: Listener) -> None:
    story.begin(ONE)
    finished = events.SessionFinished(
        uploader="google",
        outcome=SessionOutcome.DONE,
        files=0,
        bytes=0,
        files_left=0,
        bytes_left=0,
        next_capacity_at=None,
    )
    for one in numbered(helpers.session_started(), finished):
        story.take(line(one))
    story.end()

    assert listener.signals == ["session_started", "session_finished"]


def test_another_process_ends_the_sessions_of_the_last_one_and_counts_anew(story: Story, listener: Listener) -> None:
    (started,) = numbered(helpers.session_started())
    story.begin(ONE)
    story.take(line(started))
    story.begin(OTHER)
    story.take(line(replace(started, session_id="s2")))

    assert listener.signals == ["session_started", "session_finished", "session_started"]
    assert listener.told[1][0].session_id == "s1"
    assert listener.services == {}


def test_the_same_process_again_is_told_once_but_for_how_far_it_is(story: Story, listener: Listener) -> None:
    feed = Feed()
    first = numbered(helpers.session_started(), helpers.queue_learned(), helpers.file_transferred("a.mkv"))
    for one in first:
        feed.receive("google", event=one)
    story.begin(ONE)
    take_all(story, feed)
    feed.receive("google", event=replace(helpers.file_transferred("b.mkv"), seq=4))
    for _ in range(2):
        story.begin(ONE)
        take_all(story, feed)

    facts = [event for event, _ in listener.told if not isinstance(event, SessionJoined)]
    assert [event.seq for event in facts] == [1, 2, 3, 4]
    assert [event.files for event, _ in listener.told if isinstance(event, SessionJoined)] == [1, 2, 2]


@pytest.mark.parametrize("broken", [b"", b"{", b"5", b"[]", b"\xff", b'{"signal": 5}', b'{"signal": "sa_switched"}'])
def test_a_line_that_is_no_event_is_left_out(
    broken: bytes, story: Story, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    (started,) = numbered(helpers.session_started())
    story.begin(ONE)
    story.take(broken)
    story.take(line(started))

    assert listener.signals == ["session_started"]
    assert "is left out" in caplog.text


def test_events_of_a_newer_version_are_passed_over(
    story: Story, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    story.begin(ONE)
    story.take(b'{"signal": "moon_risen", "seq": 1}\n')

    assert listener.told == []
    assert not [record for record in caplog.records if record.levelname != "INFO"]


def test_who_receives_is_told_whom_he_follows_and_when_that_has_ended(story: Story, listener: Listener) -> None:
    story.begin(ONE)
    assert listener.services == ONE["services"]
    story.begin(ONE)
    assert [one.signal_name for one in listener.programs] == ["program_followed"]

    story.begin(OTHER)
    story.end()
    story.end()
    assert [one.signal_name for one in listener.programs] == ["program_followed", "program_ended"] * 2
    assert listener.services == {}


def test_a_fault_of_the_receiver_costs_one_event(caplog: pytest.LogCaptureFixture) -> None:
    told = []

    def receive(event: Event, *, past: bool, services: Mapping[str, str]) -> None:
        told.append((event.seq, past, services))
        raise ZeroDivisionError

    story = Story(receive)
    story.begin(OTHER)
    for one in numbered(helpers.session_started(), helpers.queue_learned()):
        story.take(line(one))

    assert [seq for seq, _, _ in told] == [0, 1, 2]
    assert "session_started could not be shown" in caplog.text


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(follower, "LEFTOVERS_SECONDS", 0.0)
    return []


def leftovers(file: Path, reads: list[str], mark: object) -> Leftovers:
    def read() -> list[Event]:
        reads.append(file.name)
        return [helpers.session_recovered()]

    return Leftovers(file, read, mark)


def test_what_was_read_at_the_start_is_not_read_again_until_it_changes(tmp_path: Path, reads: list[str]) -> None:
    file = tmp_path / "session"
    file.write_text("one")
    left = leftovers(file, reads, mark_of(file))
    assert (left.take(), left.take(), reads) == ([], [], [])

    file.write_text("another one")
    assert [one.signal_name for one in left.take()] == ["session_recovered"]
    assert (left.take(), reads) == ([], ["session"])


def test_a_file_that_comes_later_is_read(tmp_path: Path, reads: list[str]) -> None:
    file = tmp_path / "session"
    left = leftovers(file, reads, mark_of(file))
    assert left.take() == []

    file.write_text("one")
    assert len(left.take()) == 1


def test_a_file_that_changes_all_the_time_is_read_now_and_then(
    tmp_path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "LEFTOVERS_SECONDS", 3600.0)
    file = tmp_path / "session"
    left = leftovers(file, reads, None)
    for number in range(10):
        file.write_text("x" * number)
        left.take()

    assert reads == ["session"]
