"""Figures age: once nothing is heard, no speed and no finish are claimed."""

from __future__ import annotations

import pytest

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
    uploader_status,
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


def test_an_rclone_that_was_only_watched_is_gone_when_it_has_not_answered_for_long() -> None:
    clock = Clock()
    state = make_state(clock)
    state.apply(progress(transferring(speed=3e6), speed=3e6))
    shown: dict[str, object] = {}
    for seconds in (0, 61, 121):
        clock.now = NOW + seconds
        state.expire(clock.now)
        document = state.document()
        shown[f"{seconds} s"] = document["engine"], state.health()["engine"], document["focus"]
    told = state.document()["uploaders"]["google"]

    assert shown == {
        "0 s": ("uploading", "uploading", "google"),
        "61 s": ("uploading", "stalled", "google"),
        "121 s": ("idle", "idle", "google"),
    }
    assert (told["active"], told["phase"], told["progress"]["transferring"]) == (False, "idle", {})
    state.apply(progress(transferring(speed=3e6), speed=3e6, at=clock.now))
    assert state.document()["engine"] == "uploading"


def test_a_session_is_never_gone_because_it_is_silent() -> None:
    state, clock = uploading()
    clock.now += 3600
    state.expire(clock.now)

    assert state.health()["engine"] == "stalled"


def test_health_says_that_an_upload_stalled() -> None:
    state, clock = uploading()
    told = []
    for seconds in (0, 59, 61):
        clock.now = NOW + seconds
        told.append(state.health()["engine"])

    assert told == ["uploading", "uploading", "stalled"]


def test_health_says_how_long_nothing_was_heard_of_an_upload_though_its_silence_and_its_wait_are_told() -> None:
    state, clock = uploading()
    clock.now += 30
    state.apply(progress(transferring(), speed=0, silent_seconds=30, at=clock.now))
    state.apply(uploader_status("stalled", "rclone has said nothing for 30 s", at=clock.now))

    assert state.health()["last_event_age_seconds"] == pytest.approx(30)


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


@pytest.mark.parametrize("back_seconds", [100.0, 3600.0, 365 * 86_400.0])
def test_a_clock_that_is_set_back_ends_no_silence(back_seconds: float) -> None:
    state, clock = uploading()
    clock.now += 90
    state.publish()
    clock.now -= back_seconds
    told = state.document()["uploaders"]["google"]

    assert told["status"]["state"] == "stalled"
    assert clock.now - told["progress"]["silent_since"] == pytest.approx(90)
    assert clock.now - told["figures"]["stale_since"] == pytest.approx(90)
    assert state.health()["engine"] == "stalled"


@pytest.mark.parametrize("back_seconds", [3600.0, 365 * 86_400.0])
def test_a_clock_that_is_set_back_hides_neither_a_silence_that_begins_then_nor_the_finish(back_seconds: float) -> None:
    state, clock = uploading()
    clock.now -= back_seconds
    state.publish()
    state.apply(progress(transferring(speed=3e6), speed=3e6, done_at=clock.now + 60, at=clock.now))
    moving = state.document()["uploaders"]["google"]
    clock.now += 7
    silent = state.document()["uploaders"]["google"]

    assert moving["figures"]["finish_at"] == pytest.approx(clock.now + 53, abs=3)
    assert moving["figures"]["stale_since"] == 0
    assert silent["figures"]["stale_since"] == pytest.approx(clock.now - 7)
    assert (silent["progress"]["speed"], silent["figures"]["finish_at"]) == (0, 0)
