"""What a running rclone is asked for, in which order, and what follows when it does not listen."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from cloudplow.rclone.rc import RcAnswer
from cloudplow.rclone.steering import AGAIN_SECONDS, FINISH, FINISH_SECONDS, LOOK_SECONDS, Steering

MB = 1 << 20
SILENT = RcAnswer({}, "does not answer")
Step = Callable[[], float | None]


class Rclone:
    """In place of a remote control. rate: what its own limit is now, in bytes per second, -1 for none."""

    def __init__(self, rate: int = -1) -> None:
        self.rate = rate
        self.calls: list[tuple[str, Any]] = []
        self.broken: dict[str, RcAnswer] = {}

    def call(self, command: str, parameters: Mapping[str, Any] | None = None, *, timeout_seconds: float) -> RcAnswer:
        assert 0 < timeout_seconds < 10
        self.calls.append((command, dict(parameters or {})))
        if command in self.broken:
            return self.broken[command]
        if command == "core/bwlimit":
            rate = (parameters or {}).get("rate")
            if rate is not None:
                self.rate = -1 if rate == "off" else int(rate.removesuffix("B"))
            return RcAnswer({"bytesPerSecond": self.rate, "rate": "off" if self.rate < 0 else f"{self.rate}B"})
        return RcAnswer({})

    def rates(self) -> list[str]:
        """The limits that it was given."""
        return [parameters["rate"] for _, parameters in self.calls if "rate" in parameters]


class Bench:
    """A steering whose thread is played by `turn`."""

    def __init__(self, rclone: Rclone, limit: int | None = None) -> None:
        self.now = 1000.0
        self.rclone = rclone
        self.steering: Any = Steering(lambda _port: rclone, limit_bytes=limit, clock=lambda: self.now)

    def turn(self) -> None:
        """Do everything that is due now."""
        for _ in range(10):
            if self.steering._pause() != 0.0:
                return
            self.steering.step()
        raise AssertionError("it never rests")

    def after(self, seconds: float) -> None:
        self.now += seconds
        self.turn()


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the threads that would have been started."""
    names: list[str] = []

    class NoThread:
        def __init__(self, target: object, name: str, *, daemon: bool) -> None:
            assert daemon
            self._name = name

        def start(self) -> None:
            names.append(self._name)

    monkeypatch.setattr("cloudplow.rclone.steering.threading.Thread", NoThread)
    return names


def test_without_a_wish_there_is_no_call_and_no_thread(started: list[str]) -> None:
    bench = Bench(Rclone())
    bench.steering.listens(1)
    bench.turn()
    assert (bench.rclone.calls, started) == ([], [])
    assert bench.steering.limit_in_force() == (True, None)


def test_finishing_is_one_call_and_only_once(started: list[str]) -> None:
    bench = Bench(Rclone())
    bench.steering.listens(1)
    assert not bench.steering.may_finish
    assert bench.steering.finish()
    assert bench.steering.finish()
    bench.turn()
    bench.after(100)
    assert bench.rclone.calls == [("options/set", FINISH)]
    assert bench.steering.may_finish
    assert started == ["cloudplow-steer"]


def test_a_wish_before_rclone_listens_is_passed_on_when_it_does(started: list[str]) -> None:
    bench = Bench(Rclone())
    assert bench.steering.finish()
    assert started == []
    bench.steering.listens(1)
    bench.turn()
    assert started == ["cloudplow-steer"]
    assert bench.rclone.calls == [("options/set", FINISH)]


def test_a_refused_finish_is_tried_again_and_given_up_after_some_seconds(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(Rclone())
    bench.rclone.broken["options/set"] = SILENT
    bench.steering.listens(1)
    bench.steering.finish()
    bench.turn()
    assert bench.steering.can_steer
    for _ in range(round(FINISH_SECONDS / AGAIN_SECONDS) + 5):
        bench.after(AGAIN_SECONDS)
    assert not bench.steering.can_steer
    assert not bench.steering.finish()
    assert len(bench.rclone.calls) == FINISH_SECONDS / AGAIN_SECONDS + 1
    assert "the upload ends after the running stage" in caplog.text


def test_a_finish_goes_before_a_limit_that_hangs() -> None:
    bench = Bench(Rclone())
    bench.rclone.broken["core/bwlimit"] = SILENT
    bench.steering.listens(1)
    bench.steering.limit(MB)
    bench.turn()
    bench.steering.finish()
    bench.turn()
    assert bench.rclone.calls[-1] == ("options/set", FINISH)


def test_a_limit_is_exact_to_the_byte_and_one_value() -> None:
    bench = Bench(Rclone())
    bench.steering.listens(1)
    assert bench.steering.limit(5 * MB)
    assert bench.steering.limit_in_force() == (False, None)
    bench.turn()
    assert bench.rclone.rates() == [f"{5 * MB - 1}B"]
    assert bench.steering.limit_in_force() == (True, 5 * MB)


def test_a_limit_from_the_start_is_set_as_soon_as_rclone_listens() -> None:
    bench = Bench(Rclone(), limit=MB)
    assert bench.steering.limit_in_force() == (False, None)
    bench.steering.listens(1)
    bench.turn()
    assert bench.rclone.rates() == [f"{MB - 1}B"]


@pytest.mark.parametrize(("own", "back"), [(-1, "off"), (2 * MB, f"{2 * MB}B")])
def test_off_returns_to_what_the_user_had(own: int, back: str) -> None:
    bench = Bench(Rclone(own))
    bench.steering.listens(1)
    bench.steering.limit(MB)
    bench.turn()
    bench.steering.limit(4 * MB)
    bench.turn()
    bench.steering.limit(None)
    bench.turn()
    assert bench.rclone.rates() == [f"{MB - 1}B", f"{4 * MB - 1}B", back]
    assert bench.steering.limit_in_force() == (True, None)
    calls = len(bench.rclone.calls)
    bench.after(10 * LOOK_SECONDS)
    assert len(bench.rclone.calls) == calls


def test_a_timetable_that_comes_between_is_replaced_and_returned_to() -> None:
    bench = Bench(Rclone(2 * MB))
    bench.steering.listens(1)
    bench.steering.limit(MB)
    bench.turn()
    bench.rclone.rate = MB  # the timetable's next entry, by chance of the same size
    bench.after(LOOK_SECONDS)
    assert bench.rclone.rates() == [f"{MB - 1}B"] * 2
    bench.after(LOOK_SECONDS)
    assert bench.rclone.rates() == [f"{MB - 1}B"] * 2
    bench.steering.limit(None)
    bench.turn()
    assert bench.rclone.rates()[-1] == f"{MB}B"


def test_off_without_a_limit_of_ours_changes_nothing() -> None:
    bench = Bench(Rclone(2 * MB))
    bench.steering.listens(1)
    bench.steering.limit(None)
    bench.turn()
    assert bench.rclone.rates() == []


def test_a_limit_that_fails_is_tried_again_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(Rclone())
    bench.rclone.broken["core/bwlimit"] = SILENT
    bench.steering.listens(1)
    bench.steering.limit(MB)
    bench.turn()
    bench.after(AGAIN_SECONDS)
    assert bench.steering.limit_in_force() == (False, None)
    assert caplog.text.count("cannot be changed yet") == 1
    bench.rclone.broken.clear()
    bench.after(AGAIN_SECONDS)
    assert bench.steering.limit_in_force() == (True, MB)


def test_the_newest_wish_counts() -> None:
    bench = Bench(Rclone())
    bench.steering.listens(1)
    for limit in (MB, 2 * MB, 3 * MB):
        bench.steering.limit(limit)
    bench.turn()
    assert bench.rclone.rates() == [f"{3 * MB - 1}B"]


def test_what_does_not_listen_or_has_ended_cannot_be_steered() -> None:
    for one in (Steering(None), Steering(lambda _port: Rclone())):
        one.end()
        assert not one.can_steer
        assert not one.finish()
        assert not one.limit(MB)


def test_an_rclone_that_works_without_listening_cannot_be_steered() -> None:
    silent, speaking = Steering(lambda _port: Rclone()), Steering(lambda _port: Rclone())
    speaking.listens(1)
    for one in (silent, speaking):
        one.does_not_listen()
    assert (silent.finish(), speaking.finish()) == (False, True)


def test_without_a_thread_to_spare_it_is_said_and_nothing_breaks(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Refused:
        def __init__(self, **_options: object) -> None:
            pass

        def start(self) -> None:
            raise RuntimeError("can't start new thread")

    monkeypatch.setattr("cloudplow.rclone.steering.threading.Thread", Refused)
    one = Steering(lambda _port: Rclone(), limit_bytes=MB)
    one.listens(1)
    assert not one.finish()
    assert "no thread can be started" in caplog.text


@pytest.mark.parametrize("document", [{}, {"bytesPerSecond": [], "rate": {}}, {"bytesPerSecond": "5", "rate": None}])
def test_odd_answers_to_a_question_break_nothing(document: dict[str, Any]) -> None:
    bench = Bench(Rclone())
    bench.rclone.broken["core/bwlimit"] = RcAnswer(document)
    bench.steering.listens(1)
    bench.steering.limit(MB)
    bench.turn()
    assert bench.rclone.rates() == [f"{MB - 1}B"]


def test_started_with_a_limit_it_has_that_limit() -> None:
    one = Steering(None, limit_bytes=MB)
    one.starts_limited(2 * MB)
    assert one.limit_in_force() == (True, 2 * MB)


def test_a_call_that_hangs_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    begun, go_on = threading.Event(), threading.Event()

    class Hanging(Rclone):
        def call(self, *_arguments: Any, **_more: Any) -> RcAnswer:
            begun.set()
            go_on.wait(30)
            return SILENT

    one = Steering(lambda _port: Hanging())
    one.listens(1)
    one.finish()
    assert begun.wait(30)
    one.limit(MB)
    assert one.can_steer
    one.end()
    (thread,) = [thread for thread in threading.enumerate() if thread.name == "cloudplow-steer"]
    assert thread.daemon
    go_on.set()
    thread.join(30)
    assert not thread.is_alive()
