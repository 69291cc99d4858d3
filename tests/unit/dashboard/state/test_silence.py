"""Figures age: once nothing is heard, no speed and no finish are claimed."""

from __future__ import annotations

from cloudplow_dashboard.state.state import DashboardState
from tests.unit.dashboard.helpers import (
    NOW,
    Clock,
    file_transferred,
    make_state,
    progress,
    session_finished,
    session_started,
    stage_started,
    transferring,
)


def uploading() -> tuple[DashboardState, Clock]:
    clock = Clock()
    state = make_state(clock)
    for event in (
        session_started(at=NOW - 10),
        stage_started(),
        progress(transferring(speed=3e6, eta=9.0), speed=3e6, done_at=clock() + 9),
    ):
        state.apply(event)
    return state, clock


def test_speed_and_finish_disappear_after_some_seconds_without_a_word() -> None:
    state, clock = uploading()
    before = state.document()["uploaders"]["google"]
    clock.now += 7
    after = state.document()["uploaders"]["google"]

    assert (before["progress"]["speed"], before["eta"]["speed_at"] > 0) == (3_000_000, True)
    assert (after["progress"]["speed"], after["progress"]["eta_seconds"], after["eta"]["speed_at"]) == (0, -1, 0)
    (file,) = after["progress"]["transferring"].values()
    assert (file["speed"], file["eta_seconds"]) == (0, -1)


def test_every_reader_sees_the_aged_figures() -> None:
    state, clock = uploading()
    clock.now += 7

    assert state.read(lambda uploaders: uploaders["google"].progress["speed"]) == 0


def test_health_says_that_an_upload_stalled() -> None:
    state, clock = uploading()
    told = []
    for seconds in (0, 59, 61):
        clock.now = NOW + seconds
        told.append(state.health()["engine"])

    assert told == ["uploading", "uploading", "stalled"]


def test_the_document_says_since_when_an_upload_is_silent_until_it_is_heard_again() -> None:
    state, clock = uploading()
    told = []
    for seconds in (0, 59, 61, 300):
        clock.now = NOW + seconds
        state.publish()
        told.append(state.document()["uploaders"]["google"]["progress"]["silent_since"] - NOW)
    state.apply(progress(transferring(speed=3e6), speed=3e6))
    state.publish()

    assert told == [-NOW, -NOW, 0, 0]
    assert state.document()["uploaders"]["google"]["progress"]["silent_since"] == 0


def test_a_file_that_arrives_ends_the_silence_and_so_does_the_end() -> None:
    for event in (file_transferred(), session_finished()):
        state, clock = uploading()
        clock.now += 61
        before = state.publish()
        state.apply(event)

        assert state.publish() > before
        assert state.document()["uploaders"]["google"]["progress"]["silent_since"] == 0
