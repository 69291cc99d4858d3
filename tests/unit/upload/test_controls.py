"""How running sessions are stopped, and what they say of themselves."""

from __future__ import annotations

import threading

from cloudplow.events import SessionFinished, SessionOutcome, UploaderState
from cloudplow.upload.controls import Controls


def finished(outcome: SessionOutcome, reason: str = "") -> SessionFinished:
    return SessionFinished(
        uploader="google",
        outcome=outcome,
        files=2,
        bytes=2048,
        files_left=0,
        bytes_left=0,
        next_capacity_at=None,
        reason=reason,
    )


def test_stopping_the_program_ends_every_session_and_a_second_time_kills() -> None:
    controls = Controls(["google", "dropbox"])
    with controls.session("google") as google, controls.session("dropbox") as dropbox:
        controls.request_stop()
        assert [one.should_stop() for one in (google, dropbox)] == [True, True]
        assert [one.should_kill() for one in (google, dropbox)] == [False, False]
        controls.request_stop()
        assert [one.should_kill() for one in (google, dropbox)] == [True, True]


def test_a_session_that_begins_while_the_program_ends_is_stopped_at_once() -> None:
    controls = Controls(["google"])
    controls.request_stop()
    with controls.session("google") as session:
        assert session.should_stop()


def test_stopping_one_uploader_leaves_the_others_alone_and_the_program_running() -> None:
    controls = Controls(["google", "dropbox"])
    with controls.session("google") as google, controls.session("dropbox") as dropbox:
        assert controls.stop("google") == ["google"]
        assert (google.should_stop(), google.should_kill(), dropbox.should_stop()) == (True, False, False)
    assert not controls.stop_requested()
    with controls.session("google") as again:
        assert not again.should_stop()


def test_stopping_now_kills_at_the_first_time() -> None:
    controls = Controls(["google"])
    with controls.session("google") as session:
        controls.stop(now=True)
        assert session.should_kill()


def test_stopping_what_does_not_run_says_that_nothing_ran() -> None:
    assert Controls(["google"]).stop("google") == []


def test_whoever_waits_in_a_session_wakes_when_it_is_stopped() -> None:
    controls = Controls(["google"])
    with controls.session("google") as session:
        threading.Timer(0, controls.stop).start()
        assert session.wait(60)


def test_whoever_waits_for_the_end_of_the_program_wakes_at_it() -> None:
    controls = Controls([])
    assert not controls.wait_for_stop(0)
    threading.Timer(0, controls.request_stop).start()
    assert controls.wait_for_stop(60)


def test_status_says_what_a_session_told_last_and_that_it_stops() -> None:
    controls = Controls(["google"])
    assert controls.status()["google"].state is UploaderState.IDLE
    with controls.session("google") as session:
        session.report(UploaderState.COOLING, "all 3 accounts are used up", until=1234.0)
        status = controls.status()["google"]
        assert (status.state, status.why, status.until) == (UploaderState.COOLING, "all 3 accounts are used up", 1234.0)
        controls.stop()
        status = controls.status()["google"]
        assert status.state is UploaderState.STOPPING
        assert "all 3 accounts are used up" in status.why


def test_status_keeps_how_the_last_session_ended() -> None:
    controls = Controls(["google"])
    with controls.session("google"):
        pass
    controls.note_end(finished(SessionOutcome.DONE))
    assert controls.status()["google"] == (UploaderState.IDLE, "last upload: Done: 2 files, 2.0 KB uploaded", None)
    controls.note_end(finished(SessionOutcome.FAILED, "no rclone"))
    assert controls.status()["google"].state is UploaderState.FAILED
    assert "no rclone" in controls.status()["google"].why


def test_a_session_that_fails_is_no_longer_registered() -> None:
    controls = Controls(["google"])
    try:
        with controls.session("google"):
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    assert controls.stop() == []
