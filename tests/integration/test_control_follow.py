"""Who follows through a real control socket: what they get, and that none of them can hold anybody up."""

from __future__ import annotations

import json
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cloudplow.control import feed as feeds
from cloudplow.control.caller import TOO_SLOW
from cloudplow.control.client import ask
from cloudplow.control.feed import Feed
from cloudplow.control.follower import Follower
from cloudplow.control.loop import FAREWELL_SECONDS, MAX_FOLLOWERS
from cloudplow.control.server import ControlSocket
from cloudplow.errors import CloudplowError
from cloudplow.events import Event
from tests.integration.local_site import wait_for
from tests.unit.dashboard import helpers


class Program:
    """A control socket whose events a test publishes."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.feed = Feed()
        self.seq = 0
        self.control = ControlSocket(
            state_dir,
            {"status": lambda _: {"fine": True}, "follow": lambda _: {"pid": 1, "started_at": 2.0}},
            self.feed,
        )

    def tell(self, *told: Event) -> None:
        for event in told:
            self.seq += 1
            self.feed.receive("google", event=replace(event, seq=self.seq, at=1000.0 + self.seq))

    def tell_files(self, count: int, size_of_name: int = 5) -> None:
        self.tell(*(helpers.file_transferred(f"{number:0{size_of_name}}") for number in range(count)))

    def answers_at_once(self) -> bool:
        started = time.monotonic()
        return ask(self.state_dir, {"do": "status"}, 30) == {"fine": True} and time.monotonic() - started < 5

    @property
    def followers(self) -> int:
        return len(self.feed._subscriptions)


@pytest.fixture
def program(runtime_dir: Path) -> Iterator[Program]:
    with tempfile.TemporaryDirectory(dir=runtime_dir.parent, prefix="f-") as name:
        program = Program(Path(name))
        with program.control:
            yield program


class Caller:
    """One connection that has asked to follow, or asks something else."""

    def __init__(self, program: Program, request: Mapping[str, Any] | None = None) -> None:
        assert program.control.path is not None
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(30)
        self.socket.connect(str(program.control.path))
        self.socket.sendall(json.dumps(request or {"do": "follow"}).encode() + b"\n")
        self.lines = self.socket.makefile("rb")

    def next(self) -> dict[str, Any]:
        line: dict[str, Any] = json.loads(self.lines.readline())
        return line

    def rest(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]

    def close(self) -> None:
        self.lines.close()
        self.socket.close()


@contextmanager
def following(program: Program) -> Iterator[Caller]:
    caller = Caller(program)
    try:
        assert caller.next() == {"ok": True, "pid": 1, "started_at": 2.0}
        yield caller
    finally:
        caller.close()


def test_a_follower_gets_every_event_as_it_happens(program: Program) -> None:
    program.tell(helpers.session_started())
    with following(program) as follower:
        assert [follower.next()["signal"] for _ in range(2)] == ["session_started", "session_joined"]
        for number in range(20):
            program.tell(helpers.file_transferred(f"{number}"))
            assert follower.next()["name"] == f"{number}"


def test_thousands_of_events_reach_all_who_read(program: Program) -> None:
    with ExitStack() as stack:
        followers = [stack.enter_context(following(program)) for _ in range(MAX_FOLLOWERS)]
        got: list[list[str]] = [[] for _ in followers]

        def read(follower: Caller, names: list[str]) -> None:
            names.extend(follower.next()["name"] for _ in range(3000))

        threads = [threading.Thread(target=read, args=pair) for pair in zip(followers, got, strict=True)]
        for one in threads:
            one.start()
        program.tell_files(3000)
        for one in threads:
            one.join(60)

    assert got == [[f"{number:05}" for number in range(3000)]] * MAX_FOLLOWERS


def test_one_more_is_refused_until_another_leaves_and_who_asks_is_still_answered(program: Program) -> None:
    with ExitStack() as stack:
        followers = [stack.enter_context(following(program)) for _ in range(MAX_FOLLOWERS)]
        with pytest.raises(CloudplowError, match=f"{MAX_FOLLOWERS} others follow already"):
            ask(program.state_dir, {"do": "follow"}, 30)
        assert program.answers_at_once()

        followers[3].close()
        wait_for(lambda: program.followers < MAX_FOLLOWERS, "a place")
        stack.enter_context(following(program))


def test_who_does_not_read_is_told_so_and_dropped_while_others_go_on(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "QUEUE_BYTES", 200_000)
    with following(program) as slow, following(program) as quick:
        for number in range(2000):
            started = time.monotonic()
            program.tell(helpers.file_transferred("x" * 1000))
            assert time.monotonic() - started < 5, "a slow reader holds up who publishes"
            assert quick.next()["seq"] == number + 1
        assert program.answers_at_once()
        *events, last = slow.rest()

    assert last == {"ok": False, "error": TOO_SLOW}
    # What he did get is whole and without a gap.
    assert [one["seq"] for one in events] == list(range(1, len(events) + 1))
    assert 0 < len(events) < 2000
    wait_for(lambda: program.followers == 0, "the end of both")


def test_who_leaves_is_forgotten(program: Program) -> None:
    with following(program):
        assert program.followers == 1
    wait_for(lambda: program.followers == 0, "the end")
    program.tell_files(10)
    assert program.answers_at_once()


def test_who_says_that_he_will_say_nothing_more_is_told_everything_all_the_same(program: Program) -> None:
    with following(program) as follower:
        follower.socket.shutdown(socket.SHUT_WR)
        for number in range(5):
            program.tell(helpers.file_transferred(f"{number}"))
            assert follower.next()["name"] == f"{number}"
        used = time.process_time()
        time.sleep(0.3)
        assert time.process_time() - used < 0.1, "it waits busily"
    # Nobody notices until there is something to say.
    program.tell_files(1)
    wait_for(lambda: program.followers == 0, "the end")


def test_what_a_follower_says_is_not_listened_to(program: Program) -> None:
    with following(program) as follower:
        follower.socket.sendall(b'{"do": "status"}\n' + b"x" * 300_000)
        program.tell(helpers.file_transferred("a"))
        assert follower.next()["name"] == "a"


def test_at_the_end_followers_are_told_what_still_waits(program: Program) -> None:
    with following(program) as follower:
        program.tell_files(1500, size_of_name=1000)
        stopping = threading.Thread(target=program.control.stop)
        stopping.start()
        told = follower.rest()
        stopping.join(30)

    assert [one["seq"] for one in told] == list(range(1, 1501))


def test_who_does_not_read_holds_the_end_up_for_a_second_at_most(program: Program) -> None:
    with following(program):
        program.tell_files(2000, size_of_name=1000)
        started = time.monotonic()
        program.control.stop()
        assert FAREWELL_SECONDS * 0.5 < time.monotonic() - started < FAREWELL_SECONDS + 5


def test_without_a_feed_nobody_can_follow(runtime_dir: Path) -> None:
    with (
        tempfile.TemporaryDirectory(dir=runtime_dir.parent, prefix="f-") as name,
        ControlSocket(Path(name), {}),
        pytest.raises(CloudplowError, match='"do" cannot be "follow"'),
    ):
        ask(Path(name), {"do": "follow"}, 30)


class Told:
    """Receives what a follower tells."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event, *, past: bool, services: Mapping[str, str]) -> None:
        self.events.append(event)

    def has(self, *signals: str) -> Callable[[], bool]:
        return lambda: [one.signal_name for one in self.events] == list(signals)


def test_our_own_follower_waits_for_a_program_and_for_the_next_one(runtime_dir: Path) -> None:
    with tempfile.TemporaryDirectory(dir=runtime_dir.parent, prefix="f-") as name:
        told = Told()
        with Follower(Path(name), told):
            seen: list[str] = []
            for _ in range(2):
                program = Program(Path(name))
                with program.control:
                    wait_for(lambda program=program: program.followers == 1, "the follower")  # type: ignore[misc]
                    program.tell(helpers.session_started(), helpers.file_transferred())
                    seen += ["program_followed", "session_started", "file_transferred"]
                    wait_for(told.has(*seen), "the events")
                seen += ["session_finished", "program_ended"]
                wait_for(told.has(*seen), "the end")


def test_our_own_follower_comes_back_after_it_was_dropped(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "QUEUE_BYTES", 100_000)
    read, started = threading.Event(), threading.Event()
    seen: list[Event] = []

    def receive(event: Event, *, past: bool, services: Mapping[str, str]) -> None:
        started.set()
        read.wait(30)
        seen.append(event)

    with Follower(program.state_dir, receive):
        wait_for(lambda: program.followers == 1, "the follower")
        program.tell(helpers.session_started())
        started.wait(30)
        program.tell_files(1000, size_of_name=1000)
        read.set()
        wait_for(lambda: any(one.signal_name == "session_joined" for one in seen), "how far it is")
        joined = next(one for one in seen if one.signal_name == "session_joined")
        program.tell(helpers.file_transferred("last"))
        wait_for(lambda: getattr(seen[-1], "name", "") == "last", "what happens afterwards")

    assert getattr(joined, "files", 0) == 1000
    numbers = [one.seq for one in seen if one.signal_name != "session_joined"]
    assert numbers == sorted(set(numbers))


def test_our_own_follower_ends_at_once_whatever_it_waits_for(program: Program) -> None:
    for _ in range(2):
        started = time.monotonic()
        with Follower(program.state_dir, Told()):
            wait_for(lambda: program.followers == 1, "the follower")
        assert time.monotonic() - started < 5
        wait_for(lambda: program.followers == 0, "the end")
    with tempfile.TemporaryDirectory() as empty:
        started = time.monotonic()
        with Follower(Path(empty), Told()):
            time.sleep(0.1)
        assert time.monotonic() - started < 5
