"""Events as another program sends them: only with what the contract names, late, or more than was announced."""

from __future__ import annotations

from typing import Any

import pytest

from cloudplow import events
from cloudplow_dashboard.state.state import DashboardState
from tests.unit.dashboard.helpers import (
    NOW,
    UPLOADER,
    Clock,
    account_quota,
    accounts_learned,
    file_failed,
    file_transferred,
    make_state,
    plan_made,
    progress,
    queue_learned,
    sa_switched,
    session_finished,
    session_started,
    stage_finished,
    stage_started,
    transferring,
    uploader_status,
)

FULL = 1000


@pytest.fixture
def clock() -> Clock:
    return Clock()


def after(clock: Clock, *happened: Any) -> DashboardState:
    state = make_state(clock)
    for event in happened:
        state.apply(event)
    return state


def part_of(state: DashboardState) -> Any:
    return state.document()["uploaders"][UPLOADER]


def quota(account: str, used: int, resets_at: float | None) -> events.QuotaChanged:
    """Without a state and without returns."""
    return events.QuotaChanged(
        uploader=UPLOADER, account=account, used_bytes=used, limit_bytes=FULL, resets_at=resets_at
    )


def checked(size: int, *, due: bool, why: str = "5 B of 9 B") -> events.UploaderChecked:
    return events.UploaderChecked(
        uploader=UPLOADER, bytes=size, threshold_bytes=9, due=due, why=why, next_check_at=NOW + 60
    )


# --- late ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "late",
    [
        file_transferred("late.mkv", session_id="s1"),
        file_failed("late.mkv", session_id="s1"),
        progress(transferring("late.mkv"), session_id="s1"),
        stage_started(9, "9.json", session_id="s1"),
        session_finished("interrupted", session_id="s1", files_left=7),
        session_started(session_id="s1", at=NOW - 60),
    ],
    ids=lambda event: str(event.signal_name),
)
@pytest.mark.parametrize("ended", [False, True])
def test_an_event_of_a_session_that_another_one_has_followed_changes_nothing(
    late: events.Event, ended: bool, clock: Clock
) -> None:
    state = after(
        clock,
        session_started(session_id="s1", at=NOW - 60),
        file_transferred("a.mkv", session_id="s1"),
        session_started(session_id="s2", at=NOW),
        queue_learned(session_id="s2"),
        file_transferred("b.mkv", session_id="s2"),
        *([session_finished(session_id="s2", files=1, bytes=100)] if ended else []),
    )
    before = state.document()

    state.apply(late)

    assert state.document() == before


def test_a_session_may_begin_again(clock: Clock) -> None:
    state = after(clock, *(session_started(session_id=one, at=NOW + n) for n, one in enumerate(("s1", "s2", "s1"))))

    assert (part_of(state)["active"], part_of(state)["session"]["id"]) == (True, "s1")


# --- quota without a state ----------------------------------------------------------------------------------------


def test_an_account_with_nothing_left_cools_until_its_quota_comes_back(clock: Clock) -> None:
    state = after(clock, session_started(), quota("1.json", FULL, NOW + 60), quota("2.json", 10, NOW + 90))

    part = part_of(state)
    assert {name: one["state"] for name, one in part["accounts"].items()} == {"1.json": "cooling", "2.json": "ready"}
    assert (part["capacity"]["next_return_at"], part["capacity"]["next_return_bytes"]) == (NOW + 60, FULL + 10)
    clock.now = NOW + 61
    assert (part_of(state)["accounts"]["1.json"]["state"], part_of(state)["capacity"]["free_bytes"]) == (
        "ready",
        FULL + FULL - 10,
    )


def test_an_account_that_works_is_active_whatever_it_has_spent_and_cools_afterwards(clock: Clock) -> None:
    state = after(clock, session_started(), stage_started(1, "1.json"), quota("1.json", FULL, NOW + 60))

    assert part_of(state)["accounts"]["1.json"]["state"] == "active"
    state.apply(session_finished("quota_used"))
    assert part_of(state)["accounts_summary"]["states"] == {"cooling": 1}


def test_nothing_is_said_to_wait_for_quota_while_nobody_knows_what_all_accounts_have_left(clock: Clock) -> None:
    state = after(
        clock,
        session_started(accounts_total=2),
        queue_learned(3, 3 * FULL),
        sa_switched("1.json", "", accounts_total=2),
        quota("1.json", FULL, NOW + 60),
    )

    assert part_of(state)["accounts_summary"]["total"] == 2
    assert part_of(state)["figures"]["waiting_bytes"] == 0
    state.apply(quota("2.json", 0, None))
    assert part_of(state)["figures"]["waiting_bytes"] == 2 * FULL


def test_a_smaller_pool_is_believed(clock: Clock) -> None:
    state = after(clock, session_started(accounts_total=3), accounts_learned(account_quota("1.json")))

    assert part_of(state)["accounts_summary"]["total"] == 1


# --- a look of the scheduler, and no status -----------------------------------------------------------------------


def test_after_a_look_that_starts_nothing_it_waits_for_the_next(clock: Clock) -> None:
    state = after(clock, checked(5, due=False))

    status = part_of(state)["status"]
    assert (status["state"], status["why"], status["until"]) == ("waiting", "5 B of 9 B", NOW + 60)
    state.apply(checked(7, due=False, why=""))
    assert part_of(state)["status"]["why"] == "waiting for the next check"
    state.apply(checked(9, due=True))
    assert (part_of(state)["status"]["state"], part_of(state)["status"]["why"]) == ("idle", "")


def test_what_is_told_stands_above_a_look(clock: Clock) -> None:
    told = uploader_status("paused", "paused by anna")
    state = after(clock, checked(5, due=False), told, checked(6, due=False))

    assert (part_of(state)["status"]["state"], part_of(state)["status"]["why"]) == ("paused", "paused by anna")


def test_a_look_during_an_upload_leaves_nothing_to_wait_for(clock: Clock) -> None:
    state = after(clock, session_started(), checked(5, due=False), session_finished())

    assert part_of(state)["status"]["state"] == "idle"


# --- more than was announced, slower than anybody thought ---------------------------------------------------------


def test_a_file_on_its_way_is_left_though_nobody_listed_it(clock: Clock) -> None:
    state = after(
        clock,
        session_started(),
        queue_learned(1, 100),
        file_transferred("a.mkv", 100),
        progress(transferring("b.mkv", size=100, bytes=100)),
    )

    part = part_of(state)
    assert (part["session"]["files_total"], part["session"]["files_left"], part["queue"]["files"]) == (2, 1, 1)
    assert part["figures"]["percentage"] == 99.9


def test_hardly_any_speed_is_not_none(clock: Clock) -> None:
    state = after(clock, session_started(), queue_learned(), progress(transferring(speed=0.25), speed=0.4))

    told = part_of(state)["progress"]
    assert (told["speed"], [one["speed"] for one in told["transferring"].values()]) == (0.4, [0.25])


def test_a_name_does_not_turn_the_words_of_the_log_around(clock: Clock) -> None:
    state = after(clock, session_started(), file_failed("\u202egpj.exe"))

    text = state.document()["facts"]["2"]["text"]
    assert text.startswith("Could not upload \ufffdgpj.exe with")


# --- numbers that contradicted each other ---------------------------------------------------------------------------


def test_what_is_spent_this_moment_comes_back_within_24_hours(clock: Clock) -> None:
    day = 24 * 3600
    state = after(clock, session_started(), quota("1.json", 10, NOW + day + 0.4), quota("2.json", 10, NOW + day + 900))

    capacity = part_of(state)["capacity"]
    assert (sum(capacity["strip"]), capacity["later_bytes"]) == (10, 10)


def test_a_stage_that_was_cut_off_promises_no_finish(clock: Clock) -> None:
    state = after(clock, session_started(at=NOW - 60), queue_learned(), stage_started(), progress(transferring()))

    assert part_of(state)["figures"]["finish_at"] > 0
    state.apply(stage_finished(outcome="failed"))
    assert part_of(state)["figures"]["finish_at"] == 0


def test_the_plan_of_an_upload_that_has_ended_names_no_next_stage_but_what_waits_for_quota(clock: Clock) -> None:
    one = {"account": "1.json", "files": 5, "bytes": 500}
    later = one | {"account": "2.json", "starts_at": NOW + 600}
    begun = (session_started(), plan_made({"stages": [one, one], "later": [later]}), stage_started(1))

    running = part_of(after(clock, *begun))["plan"]
    ended = part_of(after(clock, *begun, session_finished("interrupted", files_left=15)))["plan"]

    assert (running["next_total"], running["later_total"]) == (1, 1)
    assert (ended["next_total"], ended["later_total"]) == (0, 1)
    assert [stage["state"] for stage in ended["stages"]] == ["done"]
