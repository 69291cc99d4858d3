"""What the document says of an uploader that waits: its state, why, until when, and how near the next upload is."""

from __future__ import annotations

from typing import Any

import pytest

from cloudplow import events
from cloudplow_dashboard.state.state import DashboardState
from cloudplow_dashboard.web import overview
from tests.unit.dashboard import helpers
from tests.unit.dashboard.helpers import NOW, UPLOADER, Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def state(clock: Clock) -> DashboardState:
    return helpers.make_state(clock)


def take(state: DashboardState, *told: events.Event) -> None:
    for event in told:
        state.apply(event)


def shown(state: DashboardState, name: str = UPLOADER) -> dict[str, Any]:
    return dict(state.document()["uploaders"][name]["status"])


def summary(state: DashboardState) -> dict[str, Any]:
    told = state.health()
    return dict(
        state.read(lambda known: overview.summary(overview.pick(known, None), told, state.head(), state.clock()))
    )


def test_it_says_what_the_scheduler_says(state: DashboardState) -> None:
    take(
        state,
        helpers.uploader_checked(files=3, size=5, at=NOW - 60),
        helpers.uploader_status("outside_window", "outside 01:00-06:00, opens at 01:00", until=NOW + 60),
    )

    assert shown(state) == {
        "state": "outside_window",
        "why": "outside 01:00-06:00, opens at 01:00",
        "until": NOW + 60,
        "next_check_at": 0,
        "threshold_bytes": 9,
        "waiting_files": 3,
        "waiting_bytes": 5,
        "checked_at": NOW - 60,
    }
    assert state.document()["engine"] == "idle"


@pytest.mark.parametrize("told", list(events.UploaderState))
def test_every_state_is_shown_as_it_was_told_while_nothing_runs(
    state: DashboardState, told: events.UploaderState
) -> None:
    take(state, helpers.uploader_status(told, "why"))
    assert shown(state)["state"] == told


def test_a_session_ends_the_wait_and_the_wait_comes_back_after_it(state: DashboardState) -> None:
    take(state, helpers.uploader_status("cooling", "it cools", until=NOW + 5), helpers.session_started())
    assert (shown(state)["state"], shown(state)["why"], shown(state)["until"]) == ("scanning", "", 0)

    take(state, helpers.stage_started(), helpers.uploader_status("uploading", "stage 1"))
    assert (shown(state)["state"], shown(state)["why"]) == ("uploading", "stage 1")

    take(state, helpers.uploader_status("offline", "no network"))
    assert shown(state)["state"] == "offline"

    take(state, helpers.session_finished())
    assert (shown(state)["state"], shown(state)["why"]) == ("idle", "")

    take(state, helpers.uploader_status("waiting", "waiting: nothing to upload", files_left=0, bytes_left=0))
    assert (shown(state)["state"], shown(state)["waiting_files"]) == ("waiting", 0)


def test_a_status_that_came_before_the_end_of_its_session_is_not_lost_by_it(state: DashboardState) -> None:
    take(state, helpers.session_started(), helpers.uploader_status("cooling", "it cools"), helpers.session_finished())
    assert shown(state)["state"] == "cooling"


def test_without_a_scheduler_it_follows_from_the_session(state: DashboardState, clock: Clock) -> None:
    take(state, helpers.session_started(at=NOW), helpers.stage_started(at=NOW))
    assert shown(state)["state"] == "uploading"

    clock.now += 61
    assert shown(state)["state"] == "stalled"

    take(state, helpers.session_finished("failed"))
    assert shown(state)["state"] == "failed"


def test_what_the_scheduler_tells_is_no_sign_of_life_of_an_upload(state: DashboardState, clock: Clock) -> None:
    take(state, helpers.session_started(at=NOW), helpers.stage_started(at=NOW))
    clock.now += 61
    take(state, helpers.uploader_status("uploading", "stage 1", at=clock.now), helpers.control_used(at=clock.now))
    assert state.health()["engine"] == "stalled"


def test_when_the_program_ends_nothing_waits_any_more(state: DashboardState) -> None:
    take(state, helpers.session_started(), helpers.session_finished("quota_used", next_capacity_at=NOW + 60))
    take(state, helpers.uploader_status("cooling", "it cools", until=NOW + 60))
    state.stop()
    assert (shown(state)["state"], shown(state)["why"], shown(state)["until"]) == ("idle", "", 0)


def test_what_waits_is_what_the_last_session_left(state: DashboardState) -> None:
    take(state, helpers.uploader_checked(files=3, size=5), helpers.session_started(), helpers.queue_learned(3, 5))
    take(state, helpers.session_finished(files=2, bytes=4, files_left=1, bytes_left=1))
    assert (shown(state)["waiting_files"], shown(state)["waiting_bytes"]) == (1, 1)


def test_a_session_that_could_not_begin_leaves_what_was_counted(state: DashboardState) -> None:
    take(state, helpers.session_started(session_id="a"), helpers.queue_learned(3, 5, session_id="a"))
    take(state, helpers.session_finished("interrupted", session_id="a", files=0, bytes=0, files_left=3, bytes_left=5))
    take(state, helpers.session_finished("failed", session_id="b", files=0, bytes=0, reason="busy"))
    queue = state.document()["uploaders"][UPLOADER]["queue"]
    assert [queue["files"], queue["bytes"]] == [3, 5]
    assert (shown(state)["waiting_files"], shown(state)["waiting_bytes"]) == (3, 5)


def test_when_the_program_that_was_followed_has_ended_nobody_waits(state: DashboardState) -> None:
    take(state, helpers.uploader_status("waiting", "waiting", next_check_at=NOW + 5))
    state.nobody_waits()
    assert (shown(state)["state"], shown(state)["why"], shown(state)["next_check_at"]) == ("idle", "", 0)


def test_paths_and_secrets_do_not_come_with_a_reason(state: DashboardState) -> None:
    take(state, helpers.uploader_status("failed", "left out: /home/anna/keys: token=abcdef"))
    assert "anna" not in shown(state)["why"]
    assert "abcdef" not in shown(state)["why"]


def test_answers_about_all_uploaders_carry_it(state: DashboardState) -> None:
    take(state, helpers.uploader_checked(), helpers.uploader_status("vetoed", "not now: a backup runs"))
    lines = state.read(lambda known: overview.uploaders_side_by_side(known, NOW))["uploaders"]
    for line in (dict(lines[UPLOADER]), summary(state)):
        assert (line["state"], line["why"], line["waiting_bytes"]) == ("vetoed", "not now: a backup runs", 5)
    assert summary(helpers.make_state())["state"] == "idle"


def test_while_it_waits_for_quota_accounts_come_back_by_the_clock_alone(state: DashboardState, clock: Clock) -> None:
    cooling = [
        helpers.account_quota(f"{number}.json", 1000, state="cooling", until=NOW + at, returns=((NOW + at, 1000),))
        for number, at in ((1, 60), (2, 3600))
    ]
    take(
        state,
        helpers.session_started(),
        helpers.accounts_learned(*cooling),
        helpers.session_finished("quota_used", next_capacity_at=NOW + 60),
        helpers.uploader_status("cooling", "it cools", until=NOW + 90),
    )
    assert (summary(state)["accounts_cooling"], summary(state)["quota_free_bytes"]) == (2, 0)
    assert summary(state)["next_capacity_at"] == NOW + 90

    clock.now += 61
    assert (summary(state)["accounts_cooling"], summary(state)["accounts_ready"]) == (1, 1)
    assert (summary(state)["quota_free_bytes"], summary(state)["next_capacity_at"]) == (1000, NOW + 90)

    clock.now += 60
    assert summary(state)["next_capacity_at"] == 0


def test_who_steered_stands_in_the_log(state: DashboardState) -> None:
    take(
        state,
        helpers.control_used("pause", "paused by anna until somebody resumes it"),
        helpers.control_used("reload", "", uploader="", by="signal", who=""),
    )
    assert [(one["uploader"], one["kind"], one["text"]) for one in state.document()["facts"].values()] == [
        ("google", "control_used", "paused by anna until somebody resumes it (asked for by anna)"),
        ("", "control_used", "the configuration was read again (asked for by signal)"),
    ]
    assert list(state.document()["uploaders"]) == ["google"]
