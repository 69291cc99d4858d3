"""What a running session is asked to do, and what it says of itself."""

from __future__ import annotations

import threading

import pytest

from cloudplow.errors import StoppedError
from cloudplow.events import UploaderState
from cloudplow.rclone.steering import LOWEST_BYTES_PER_SECOND, Steering
from cloudplow.upload.controls import Reach, SessionControls


def test_stopping_asks_and_stopping_now_kills() -> None:
    session = SessionControls()
    assert (session.should_stop(), session.should_kill()) == (False, False)
    session.stop()
    assert (session.should_stop(), session.should_kill()) == (True, False)
    session.stop(now=True)
    assert session.should_kill()


def test_whoever_waits_in_a_session_wakes_when_it_is_stopped() -> None:
    session = SessionControls()
    threading.Timer(0, session.stop).start()
    assert session.wait(60)


def test_a_session_looks_about_once_a_second_at_what_changes_while_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    session, looks, waits = SessionControls(), list[str](), list[float]()

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        return session.should_stop()

    monkeypatch.setattr(session.stopping, "wait", wait)
    session.meanwhile = lambda: looks.append("look")

    assert not session.wait(5.5)
    assert (sum(waits), max(waits), len(looks)) == (5.5, 1.0, 6)

    session.stop()
    assert session.wait(60)
    assert len(looks) == 6


def test_status_says_what_was_told_last_and_that_it_stops() -> None:
    changes: list[str] = []
    session = SessionControls(changed=lambda: changes.append(session.status().why))
    session.report(UploaderState.OFFLINE, "no network", until=1234.0)
    assert session.status()[:3] == (UploaderState.OFFLINE, "no network", 1234.0)
    assert changes == ["no network"]
    session.stop()
    assert session.status().state is UploaderState.STOPPING
    assert "no network" in session.status().why


def test_what_is_left_is_counted_when_somebody_asks() -> None:
    session = SessionControls()
    assert session.left() is None
    left = [(3, 300)]
    session.count_left_by(lambda: left[0])
    left[0] = 2, 200
    assert session.left() == (2, 200)


def test_it_is_known_how_long_nothing_has_happened() -> None:
    session = SessionControls()
    assert session.stalled_seconds() == 0
    session.report(UploaderState.STALLED, "rclone has said nothing for 60 s")
    assert session.stalled_seconds() > 0
    session.report(UploaderState.UPLOADING, "uploading")
    assert session.stalled_seconds() == 0


# Finishing and limiting


class Stage:
    """In place of a running stage's steering."""

    def __init__(self, *, can_steer: bool = True) -> None:
        self.can_steer = can_steer
        self.finished = 0
        self.limits: list[int | None] = []

    def finish(self) -> bool:
        self.finished += 1
        return self.can_steer

    def limit(self, limit_bytes: int | None) -> bool:
        self.limits.append(limit_bytes)
        return self.can_steer


def test_finishing_while_nothing_is_uploaded_ends_every_wait() -> None:
    session = SessionControls()
    assert session.finish() is Reach.NOW
    assert (session.should_stop(), session.should_kill(), session.ends_gently()) == (True, False, True)
    assert session.wait(30)


@pytest.mark.parametrize(("can_steer", "reach", "after"), [(True, "rc", "files"), (False, "stage", "running stage")])
def test_finishing_a_stage_lets_it_go_on_and_begins_no_other(can_steer: bool, reach: str, after: str) -> None:
    session, stage = SessionControls(), Stage(can_steer=can_steer)
    with session.uploading(stage):
        assert session.finish() == reach
        assert (session.should_finish(), session.should_stop(), stage.finished) == (True, False, 1)
        status = session.status()
        assert status.state is UploaderState.STOPPING
        assert f"stopping on request, after the {after}" in status.why
    assert session.should_stop()
    with pytest.raises(StoppedError), session.uploading(Stage()):
        pass


def test_a_stop_or_kill_after_finishing_is_stronger() -> None:
    session = SessionControls()
    with session.uploading(Stage()):
        session.finish()
        session.stop()
        assert (session.should_stop(), session.should_kill(), session.ends_gently()) == (True, False, False)
        session.stop(now=True)
        assert session.should_kill()


def test_finishing_after_a_stop_does_not_weaken_it() -> None:
    session = SessionControls()
    session.stop()
    session.finish()
    assert not session.ends_gently()


def test_a_limit_reaches_the_running_stage_and_every_later_one() -> None:
    session, first, second = SessionControls(), Stage(), Stage(can_steer=False)
    assert session.limit(1 << 20) is Reach.NOW
    with session.uploading(first):
        assert session.limit(2 << 20) is Reach.RC
    with session.uploading(second):
        assert session.limit(None) is Reach.STAGE
    assert (first.limits, second.limits) == ([1 << 20, 2 << 20], [2 << 20, None])
    assert session.limit_bytes() is None


def test_no_limit_is_so_low_that_it_cannot_be_raised_again() -> None:
    session = SessionControls()
    session.limit(1)
    assert session.limit_bytes() == LOWEST_BYTES_PER_SECOND


def test_a_real_steering_is_a_stage() -> None:
    session = SessionControls()
    with session.uploading(Steering(None)):
        assert session.finish() is Reach.STAGE
