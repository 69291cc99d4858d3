"""What an earlier process left, told once after a start."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudplow import events
from cloudplow_dashboard.state.state import DashboardState
from cloudplow_dashboard.web.compat import focus, session_stats
from tests.unit.dashboard.helpers import (
    EVENTS,
    NOW,
    UPLOADER,
    Clock,
    account_quota,
    accounts_learned,
    file_failed,
    file_transferred,
    make_state,
    queue_learned,
    session_finished,
    session_recovered,
    session_started,
    stage_started,
    transfers_recovered,
)
from tests.unit.dashboard.state.test_state import assert_fit_for_json

LEARNED: dict[str, Any] = {
    "learned_at": NOW - 5,
    "source": "checkers",
    "confidence": "medium",
    "duration_seconds": 2.5,
    "distribution": {
        "max_file_size": float("inf"),
        "statistics": {"total_files": 30, "total_bytes": 3000, "mean": None},
        "metadata": {"upload_folder": "/secret/disk/Media"},
    },
}


def queue_recovered() -> events.QueueLearned:
    return queue_learned(30, 3000, **LEARNED)


def accounts_recovered(*accounts: events.AccountQuota) -> events.AccountsLearned:
    return accounts_learned(*accounts, session_id="")


def everything() -> list[events.Event]:
    quota = account_quota("/secret/keys/1.json", 500, why="Google said no to /secret/keys/1.json")
    return [session_recovered(), queue_recovered(), accounts_recovered(quota), transfers_recovered()]


def state_after(*happened: events.Event, clock: Clock | None = None) -> DashboardState:
    state = make_state(clock)
    for event in happened:
        state.apply(event)
    return state


def part_of(state: DashboardState) -> Any:
    return state.document()["uploaders"][UPLOADER]


def test_an_interrupted_session_is_shown_as_interrupted() -> None:
    state = state_after(session_recovered())

    part, session = part_of(state), part_of(state)["session"]
    assert (part["active"], part["phase"], state.document()["recovered"]) == (False, "interrupted", True)
    assert (session["recovered"], session["outcome"], session["ended_at"]) == (True, "interrupted", 0)
    assert session["reason"] == "The program ended before the upload did"
    assert (session["files_done"], session["files_left"], session["bytes_left"]) == (10, 20, 2100)
    assert (session["folder"], session["remote"]) == ("Media", "gdrive:Media")
    assert (session["account"], session["account_index"], session["accounts_used"]) == (
        "3.json",
        2,
        ["1.json", "3.json"],
    )
    assert state.health()["recovered"] is True


def test_a_new_session_takes_the_place_of_the_recovered_one() -> None:
    state = state_after(session_recovered(), session_started())

    assert state.health()["recovered"] is False
    assert part_of(state)["session"]["files_done"] == 0


def test_a_session_that_had_ended_is_shown_as_finished() -> None:
    ended = {"ended_at": NOW - 100, "reason": "", "files_left": 5, "next_capacity_at": NOW + 9}
    state = state_after(session_recovered(outcome=events.SessionOutcome.QUOTA_USED, **ended))

    part = part_of(state)
    assert (part["phase"], part["session"]["outcome"], part["session"]["ended_at"]) == (
        "finished",
        "quota_used",
        NOW - 100,
    )
    assert (part["session"]["files_left"], part["session"]["next_capacity_at"]) == (5, NOW + 9)
    assert state.health()["recovered"] is False


def test_a_session_of_an_older_program_need_not_say_how_it_ended() -> None:
    part = part_of(state_after(session_recovered(outcome=None, ended_at=NOW - 100)))

    assert (part["phase"], part["session"]["outcome"]) == ("finished", "")


def test_each_uploader_has_a_session_of_its_own() -> None:
    ended = session_recovered(outcome=events.SessionOutcome.DONE, ended_at=NOW - 1)
    state = state_after(ended, dataclasses.replace(session_recovered(), uploader="dropbox"))

    assert {name: part["phase"] for name, part in state.document()["uploaders"].items()} == {
        UPLOADER: "finished",
        "dropbox": "interrupted",
    }


def test_a_recovered_session_is_among_the_past_ones() -> None:
    past = part_of(state_after(session_recovered()))["sessions"]

    assert [(one["started_at"], one["outcome"], one["accounts_used"]) for one in past] == [
        (NOW - 500, "interrupted", 2)
    ]


@pytest.mark.parametrize("learned_at", [NOW - 400, NOW - 600], ids=["in the session", "before it"])
def test_the_queue_of_an_interrupted_session_is_what_it_left(learned_at: float) -> None:
    queue = queue_learned(30, 3000, **LEARNED | {"learned_at": learned_at})
    for told in ([session_recovered(), queue], [queue, session_recovered()]):
        found = part_of(state_after(*told))["queue"]
        left = (20, 2100) if learned_at > NOW - 500 else (30, 3000)
        assert (found["files"], found["bytes"], found["listed_files"]) == (*left, 30)


def test_a_session_that_found_nothing_left_says_so_of_an_older_listing_too() -> None:
    nothing = {"files": 0, "bytes": 0, "files_total": 0, "bytes_total": 0, "files_left": 0, "bytes_left": 0}
    ended = {"outcome": events.SessionOutcome.DONE, "ended_at": NOW - 1}
    queue = queue_learned(30, 3000, **LEARNED | {"learned_at": NOW - 600})
    for told in ([session_recovered(**ended, **nothing), queue], [queue, session_recovered(**ended, **nothing)]):
        found = part_of(state_after(*told))["queue"]
        assert (found["files"], found["bytes"], found["listed_files"]) == (0, 0, 30)


def test_of_a_dry_run_of_more_than_the_quota_only_the_rest_waits() -> None:
    found = {"files": 0, "bytes": 0, "files_left": 12, "bytes_left": 1200, "would_go_files": 9, "would_go_bytes": 900}
    ended = {"outcome": events.SessionOutcome.QUOTA_USED, "ended_at": NOW - 1, "dry_run": True}
    figures = part_of(state_after(session_recovered(**ended, **found)))["figures"]
    assert (figures["waiting_files"], figures["waiting_bytes"]) == (3, 300)


def test_what_the_own_file_of_the_dashboard_knows_of_a_past_session_stays() -> None:
    state = make_state()
    stored = {"started_at": NOW - 500, "outcome": "done", "files_failed": 3}
    state.edit(UPLOADER, lambda u: u.sessions.recover(stored))
    state.apply(session_recovered(outcome=events.SessionOutcome.DONE, ended_at=NOW - 1))

    assert [one["files_failed"] for one in part_of(state)["sessions"]] == [3]
    assert part_of(state)["session"]["files_failed"] == 3


def test_what_an_older_program_told_its_last_stage_is_shown() -> None:
    state = state_after(session_recovered())

    assert state.read(lambda known: known[UPLOADER].stage_params["strategy"]) == "p90"


def test_a_queue_is_shown_as_of_when_it_was_learned() -> None:
    queue = part_of(state_after(queue_recovered()))["queue"]

    assert (queue["available"], queue["files"], queue["bytes"]) == (True, 30, 3000)
    assert (queue["learned_at"], queue["confidence"], queue["duration_seconds"]) == (NOW - 5, "medium", 2.5)
    assert queue["distribution"] == {
        "max_file_size": 0,
        "statistics": {"total_files": 30, "total_bytes": 3000},
        "metadata": {"upload_folder": "Media"},
    }


def test_what_was_learned_of_another_folder_is_void() -> None:
    state = state_after(queue_recovered(), transfers_recovered(), session_started(upload_folder="/secret/disk/Other"))

    assert part_of(state)["queue"]["available"] is False
    assert state.read(lambda known: known[UPLOADER].history_document(NOW)) == {}


def test_what_was_learned_of_the_same_folder_stays_until_more_is_known() -> None:
    state = state_after(queue_recovered(), transfers_recovered(), session_started(upload_folder="/secret/disk/Media"))

    assert part_of(state)["queue"]["files"] == 30
    assert state.read(lambda known: known[UPLOADER].history_document(NOW))["max_file_size"] == 9


def test_the_pool_is_shown_in_its_order_and_bytes_come_back_one_by_one() -> None:
    back = ((NOW + 100, 300), (NOW + 200, 200))
    denied = account_quota("2.json", state="denied", why="Google said no", until=NOW + 150)
    used = account_quota("/secret/keys/10.json", 500, resets_at=NOW + 100, returns=back)
    state = state_after(accounts_recovered(account_quota("1.json"), denied, used))
    before = part_of(state)
    after = []
    for now in (NOW + 100, NOW + 150, NOW + 200):
        state.expire(now)
        rows = part_of(state)["accounts"]
        after.append((rows["10.json"]["used_bytes"], rows["2.json"]["state"]))

    assert list(before["accounts"]) == ["1.json", "2.json", "10.json"]
    assert (before["accounts"]["2.json"]["why"], before["accounts_summary"]["total"]) == ("Google said no", 3)
    assert after == [(200, "denied"), (200, "ready"), (0, "ready")]


def test_the_pool_leaves_the_recovered_session_as_it_was() -> None:
    state = state_after(session_recovered(), accounts_recovered(account_quota("1.json")))

    assert part_of(state)["session"]["accounts_total"] == 12


def test_nothing_of_it_happens_now() -> None:
    clock = Clock()
    state = state_after(*everything(), clock=clock)
    clock.now += 10

    document = state.document()
    assert (document["engine"], document["facts"]) == ("idle", {})
    assert part_of(state)["active"] is False
    assert state.health()["last_event_age_seconds"] == -1
    assert state.read(lambda known: known[UPLOADER].heard.at) == 0


def test_news_of_another_uploader_is_not_hidden_by_what_is_recovered() -> None:
    state = make_state()
    state.apply(events.ThrottleChanged(uploader="dropbox", at=NOW - 50, limit=None, streams=0))
    for event in everything():
        state.apply(event)

    shown = state.read(focus)
    assert shown is not None
    assert shown.name == "dropbox"


@pytest.mark.parametrize(
    "live",
    [
        [session_started(), stage_started(), file_transferred()],
        [session_started(), file_transferred(), session_finished()],
        [file_transferred()],
    ],
    ids=["running", "ended", "seen from the middle"],
)
def test_it_never_overwrites_a_session_of_this_process(live: list[events.Event]) -> None:
    state = state_after(*live)
    before = state.document()

    for event in everything():
        state.apply(event)

    assert state.document() == before


def test_a_later_session_that_nobody_followed_takes_the_place_of_one_that_has_ended() -> None:
    later = session_recovered(started_at=NOW + 60, ended_at=NOW + 61, outcome="done", files=2, files_left=0)
    state = state_after(
        session_started(at=NOW),
        stage_started(at=NOW),
        file_failed(at=NOW),
        session_finished(at=NOW + 5),
        later,
        accounts_recovered(account_quota("9.json", 5)),
    )

    shown = state.document()["uploaders"][UPLOADER]
    assert (shown["phase"], shown["active"]) == ("finished", False)
    assert (shown["session"]["started_at"], shown["session"]["files_done"]) == (NOW + 60, 2)
    assert [one["started_at"] for one in shown["sessions"]] == [NOW, NOW + 60]
    assert list(shown["accounts"]) == ["9.json"]
    assert (shown["failures"], shown["plan"]["stages"]) == ({}, [])


@pytest.mark.parametrize("started_at", [NOW - 60, NOW, NOW + 60])
def test_a_session_that_runs_gives_way_to_nothing_that_was_left(started_at: float) -> None:
    live = [session_started(at=NOW), stage_started(at=NOW)]

    after = state_after(*live, session_recovered(started_at=started_at))

    assert after.document()["uploaders"] == state_after(*live).document()["uploaders"]


def test_told_again_with_its_end_a_recovered_session_has_ended() -> None:
    state = state_after(
        session_recovered(), session_recovered(ended_at=NOW - 400, outcome="done", files=30, files_left=0)
    )

    shown = state.document()["uploaders"][UPLOADER]
    assert (shown["phase"], [one["outcome"] for one in shown["sessions"]]) == ("finished", ["done"])


def test_no_path_of_this_machine_is_shown() -> None:
    state = state_after(*everything(), session_recovered(reason="open /secret/disk/Media/a.mkv: denied"))

    assert "secret" not in json.dumps(state.document())


def test_texts_of_a_recovered_session_lose_its_folder_whatever_it_is_called() -> None:
    folder = "/mnt/odd: name's place"
    state = state_after(session_recovered(upload_folder=folder, reason=f"open {folder}/Show/a.mkv: gone"))

    assert part_of(state)["session"]["reason"] == "open Show/a.mkv: gone"


@given(st.lists(EVENTS, max_size=6))
def test_an_engine_that_has_only_been_told_what_was_is_idle(happened: list[Any]) -> None:
    told = [
        event
        for event in happened
        if isinstance(event, events.SessionRecovered | events.TransfersRecovered)
        or (isinstance(event, events.QueueLearned) and event.learned_at is not None)
        or (isinstance(event, events.AccountsLearned) and not event.session_id)
    ]
    state = state_after(*told)

    document = state.document()
    assert_fit_for_json(document)
    json.dumps(document, allow_nan=False)
    assert (document["engine"], document["facts"]) == ("idle", {})


def test_a_failed_file_of_the_new_session_is_a_fact_as_ever() -> None:
    state = state_after(*everything(), session_started(), file_failed())

    assert [fact["kind"] for fact in state.document()["facts"].values()] == ["session_started", "file_failed"]


@pytest.mark.parametrize("outcome", [events.SessionOutcome.INTERRUPTED, None])
def test_totals_that_were_never_known_stay_unknown(outcome: events.SessionOutcome | None) -> None:
    unknown = {"files": 39, "bytes": 3900, "files_total": 0, "bytes_total": 0, "files_left": 0, "bytes_left": 0}
    state = state_after(session_recovered(outcome=outcome, **unknown))

    session = part_of(state)["session"]
    assert (session["files_done"], session["files_total"], session["bytes_total"]) == (39, 0, 0)
    stats = state.read(lambda uploaders: session_stats(focus(uploaders), NOW)["data"])
    assert (stats["transferred_files"], stats["total_files"]) == (39, 0)
    assert (stats["file_percentage"], stats["byte_percentage"]) == (0.0, 0.0)
