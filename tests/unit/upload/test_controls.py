"""What a running session is asked to do, and what it says of itself."""

from __future__ import annotations

import threading

from cloudplow.events import UploaderState
from cloudplow.upload.controls import SessionControls


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
