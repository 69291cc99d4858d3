"""What page and API once said differently: the cases that this document was made for, and others of their kind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cloudplow import events
from cloudplow.events import Event, SessionOutcome
from cloudplow_dashboard.state import figures
from cloudplow_dashboard.state.state import DashboardState
from cloudplow_dashboard.web import compat, overview
from cloudplow_dashboard.web.account_list import account_list
from tests.agreement.comparing import sums
from tests.unit.dashboard.helpers import (
    NOW,
    UPLOADER,
    Clock,
    account_quota,
    accounts_learned,
    control_used,
    file_failed,
    file_transferred,
    make_state,
    plan_made,
    progress,
    queue_learned,
    quota_changed,
    resumed,
    sa_switched,
    session_finished,
    session_recovered,
    session_started,
    stage_finished,
    stage_started,
    suspended,
    throttle_changed,
    transferring,
    uploader_checked,
    uploader_status,
)

MB = 1_000_000


def fed(*happened: Event, clock: Clock | None = None, **options: Any) -> DashboardState:
    state = make_state(clock, **options)
    for event in happened:
        state.apply(event, event.uploader)
    assert sums(state.document()) == []
    return state


def part(state: DashboardState, name: str = UPLOADER) -> Any:
    return state.document()["uploaders"][name]


def answers(state: DashboardState) -> tuple[Any, Any]:
    """`/api/session_stats` and `/api/summary`."""
    now, told, head = state.clock(), state.health(), state.head()
    return state.read(
        lambda us: (
            compat.session_stats(compat.focus(us), now)["data"],
            overview.summary(compat.focus(us), told, head, now),
        )
    )


def large_files(*more: Event) -> DashboardState:
    """One of ten files of 100 MB has arrived, two are half way, 10 s after the start."""
    clock = Clock(NOW + 10)
    half = [transferring(name, size=100 * MB, bytes=50 * MB, speed=5e6) for name in ("b.mkv", "c.mkv")]
    return fed(
        session_started(at=NOW),
        queue_learned(10, 1000 * MB),
        stage_started(planned_files=10, planned_bytes=1000 * MB),
        file_transferred("a.mkv", 100 * MB),
        progress(*half, at=NOW + 10, speed=10e6, done_at=NOW + 90, done_with_quotas_at=NOW + 90),
        *more,
        clock=clock,
    )


# --- D1, D6: bytes on their way --------------------------------------------------------------------------------------


def test_what_is_on_its_way_counts_in_every_answer_and_the_numbers_add_up() -> None:
    state = large_files()
    stats, summary = answers(state)
    session, told = part(state)["session"], part(state)["figures"]

    assert (session["bytes_done"], session["bytes_in_flight"], session["bytes_left"]) == (200 * MB, 100 * MB, 800 * MB)
    assert (stats["transferred_bytes"], stats["remaining_bytes"]) == (200 * MB, 800 * MB)
    assert (summary["bytes_done"], summary["bytes_left"], summary["bytes_in_flight"]) == (200 * MB, 800 * MB, 100 * MB)
    assert told["percentage"] == stats["byte_percentage"] == summary["byte_percentage"] == 20.0


def test_there_is_one_finish() -> None:
    state = large_files()
    stats, summary = answers(state)

    assert part(state)["figures"]["finish_at"] == stats["finish_at"] == summary["finish_at"] == NOW + 90
    assert stats["eta_seconds"] == summary["eta_seconds"] == 80


def test_a_file_that_arrives_is_counted_once_also_while_rclone_still_reports_it() -> None:
    still = progress(transferring("b.mkv", size=100 * MB, bytes=100 * MB), at=NOW + 11)
    session = part(large_files(file_transferred("b.mkv", 100 * MB), still))["session"]

    assert (session["bytes_done"], session["bytes_in_flight"]) == (200 * MB, 0)


def test_what_a_cut_stage_had_sent_is_no_longer_done() -> None:
    session = part(large_files(stage_finished(outcome="interrupted")))["session"]

    assert (session["bytes_done"], session["bytes_left"], session["bytes_in_flight"]) == (100 * MB, 900 * MB, 0)


def test_a_share_is_full_only_when_all_is_done_and_empty_files_have_one_too() -> None:
    nearly = part(fed(session_started(), queue_learned(2, 1000), file_transferred("a", 1000)))
    empty = part(fed(session_started(), queue_learned(4, 0), file_transferred("a", 0)))

    assert (nearly["figures"]["percentage"], nearly["session"]["files_left"]) == (99.9, 1)
    assert empty["figures"]["percentage"] == 25.0


def test_no_percentage_is_full_while_anything_is_left() -> None:
    state = fed(session_started(), queue_learned(10_000, 10_000 * 100), stage_started())
    for number in range(9_999):
        state.apply(file_transferred(f"{number}.mkv"))
    state.apply(accounts_learned(account_quota("1.json", 999_999, limit_bytes=1_000_000)))
    state.apply(progress(transferring("last.mkv", size=1000, bytes=996, percentage=100)))
    session_stats, _ = answers(state)
    row = state.read(lambda uploaders: account_list(uploaders, NOW))[0][0]

    assert session_stats["file_percentage"] == 99.9
    assert row["percentage"] == 99.9
    assert [one["percentage"] for one in part(state)["progress"]["transferring"].values()] == [99]


def test_the_share_of_several_uploads_counts_empty_files_too() -> None:
    empty = fed(session_started(), queue_learned(4, 0), file_transferred("a.nfo", 0))
    some = fed(session_started(), queue_learned(4, 100), file_transferred("a.mkv", 100))

    assert [
        state.read(lambda us: overview.uploaders_side_by_side(us, NOW))["totals"]["byte_percentage"]
        for state in (empty, some)
    ] == [25.0, 99.9]


def test_the_quota_of_a_working_account_is_spent_by_what_is_on_its_way() -> None:
    learned = accounts_learned(account_quota("1.json", limit_bytes=100), account_quota("2.json", limit_bytes=100))
    state = fed(session_started(), learned, quota_changed("1.json", 5, in_flight_bytes=40, limit_bytes=100))
    row, pool = part(state)["accounts"]["1.json"], part(state)["capacity"]
    listed = compat.account_row(UPLOADER, "1.json", row, NOW)

    assert (row["free_bytes"], listed["free_bytes"], listed["percentage"]) == (55, 55, 45.0)
    assert (pool["free_bytes"], answers(state)[1]["quota_spent_bytes"]) == (155, 45)


# --- D2, D5: endings after a restart ---------------------------------------------------------------------------------


@pytest.mark.parametrize("ended_at", [None, NOW - 9])
def test_an_interrupted_upload_is_shown_as_such_after_a_restart(ended_at: float | None) -> None:
    left = {"files": 5, "files_total": 344, "files_left": 339, "bytes": 50, "bytes_total": 3440, "bytes_left": 3390}
    told = part(fed(session_recovered(ended_at=ended_at, **left), alone=True))

    assert told["phase"] == "interrupted"
    session = told["session"]
    assert (session["outcome"], session["files_done"], session["files_total"], session["files_left"]) == (
        "interrupted",
        5,
        344,
        339,
    )


def test_one_interrupted_while_it_listed_claims_no_totals() -> None:
    nothing = dict.fromkeys(("files", "files_total", "files_left", "bytes", "bytes_total", "bytes_left"), 0)
    told = part(fed(session_recovered(**nothing)))

    assert (told["phase"], told["session"]["files_total"], told["figures"]["percentage"]) == ("interrupted", 0, -1)


@pytest.mark.parametrize("outcome", list(SessionOutcome))
def test_a_session_ends_in_the_same_phase_whether_it_was_seen_or_recovered(outcome: SessionOutcome) -> None:
    seen = part(fed(session_started(), session_finished(outcome)))
    recovered = part(fed(session_recovered(outcome=outcome, ended_at=NOW)))

    assert seen["phase"] == recovered["phase"]


def test_every_account_of_a_recovered_pool_is_shown_not_only_those_that_spent() -> None:
    pool = accounts_learned(account_quota("1.json", 5), account_quota("2.json"), account_quota("3.json"), session_id="")
    told = part(fed(pool, session_recovered(), alone=True))

    assert list(told["accounts"]) == ["1.json", "2.json", "3.json"]
    assert told["accounts_summary"]["total"] == 3


# --- D3: dry runs ----------------------------------------------------------------------------------------------------


def dry_run(outcome: str, **fields: Any) -> DashboardState:
    return fed(
        session_started(dry_run=True),
        queue_learned(344, 3440),
        stage_started(planned_files=300, planned_bytes=3000),
        stage_finished(files=0, bytes=0),
        stage_started(2, "2.json", planned_files=39, planned_bytes=390),
        stage_finished(2, files=0, bytes=0),
        session_finished(outcome, files=0, bytes=0, **fields),
    )


def test_a_dry_run_says_what_would_go() -> None:
    state = dry_run("quota_used", files_left=344, bytes_left=3440)
    session, past = part(state)["session"], part(state)["sessions"][-1]

    assert (session["files_done"], session["would_go_files"], session["would_go_bytes"]) == (0, 339, 3390)
    assert (past["dry_run"], past["would_go_files"]) == (True, 339)
    text = [fact["text"] for fact in state.document()["facts"].values()][-1]
    assert text == "Dry run: 339 files, 3.3 KB would go; 5 files, 50.0 B would not"
    assert answers(state)[1]["would_go_files"] == 339


def test_of_a_recovered_dry_run_what_would_go_does_not_wait() -> None:
    ended = {"outcome": SessionOutcome.QUOTA_USED, "ended_at": NOW - 5, "files": 0, "bytes": 0, "dry_run": True}
    told = part(fed(session_recovered(**ended, files_left=3, bytes_left=300, would_go_files=1, would_go_bytes=100)))
    assert (told["figures"]["waiting_files"], told["figures"]["waiting_bytes"]) == (2, 200)


def test_a_stage_of_a_dry_run_that_failed_would_not_go() -> None:
    state = fed(session_started(dry_run=True), stage_started(), stage_finished(outcome="failed"))

    assert part(state)["session"]["would_go_files"] == 0


def test_a_recovered_dry_run_is_still_one() -> None:
    recovered = replace(
        session_recovered(outcome=SessionOutcome.DONE, ended_at=NOW, files=0, files_left=30, bytes=0, bytes_left=3000),
        dry_run=True,
        would_go_files=30,
        would_go_bytes=3000,
    )
    session = part(fed(recovered))["session"]

    assert (session["dry_run"], session["files_done"], session["would_go_files"]) == (True, 0, 30)


# --- D4: the end of the program --------------------------------------------------------------------------------------


def test_after_the_end_of_the_program_the_last_state_stays_and_is_said_to_be_the_last() -> None:
    clock = Clock()
    state = fed(session_started(), file_transferred(), session_finished(), clock=clock)
    before: Any = state.document()
    clock.now += 5
    state.stop()
    after: Any = state.document()

    assert (before["program"], before["program_ended_at"]) == ("running", 0)
    assert (after["program"], after["program_ended_at"], after["engine"]) == ("ended", NOW + 5, "stopped")
    assert after["uploaders"] == before["uploaders"]
    assert (part(state)["phase"], part(state)["session"]["outcome"]) == ("finished", "done")


def test_a_dashboard_alone_says_whether_a_program_runs_beside_it() -> None:
    state = make_state(alone=True)
    told = [state.head()["program"]]
    for event in (events.ProgramFollowed(pid=7, at=NOW), events.ProgramEnded(at=NOW + 9)):
        state.apply(event)
        told.append(state.head()["program"])

    assert told == ["none", "running", "ended"]
    assert state.head()["program_ended_at"] == NOW + 9
    state.stop()
    assert state.head()["program_ended_at"] == NOW + 9, "the end of the dashboard is not that of the program"


# --- D7: the plan by account -----------------------------------------------------------------------------------------


def test_the_plan_of_an_account_says_what_is_done_what_runs_and_what_is_to_come() -> None:
    made = {
        "stages": [{"account": "1.json", "files": 1, "bytes": 100}, {"account": "2.json", "files": 2, "bytes": 200}],
        "later": [{"account": "1.json", "files": 3, "bytes": 300, "starts_at": NOW + 1000}],
        "waiting_files": 3,
        "waiting_bytes": 300,
    }
    state = fed(
        session_started(at=NOW - 10),
        queue_learned(6, 600),
        plan_made(made),
        stage_started(planned_files=1, planned_bytes=100),
        file_transferred("a", 100),
        stage_finished(files=1, bytes=100),
        stage_started(2, "2.json", planned_files=2, planned_bytes=200),
        progress(transferring("b", size=100, bytes=50), speed=10, done_at=NOW + 45, done_with_quotas_at=NOW + 1030),
    )
    one, two = (part(state)["plan"]["accounts"][name] for name in ("1.json", "2.json"))

    assert (one["state"], one["done_stages"], one["done_bytes"], one["to_come_bytes"]) == ("waiting", 1, 100, 300)
    assert (one["to_come_from"], one["to_come_until"]) == (NOW + 1000, NOW + 1030)
    assert (two["state"], two["now_files"], two["now_bytes"], two["now_until"]) == ("running", 2, 200, NOW + 15)


# --- D8, D9: waiting for quota ---------------------------------------------------------------------------------------


def test_a_session_that_has_no_plan_yet_does_not_show_that_of_the_last_one() -> None:
    made = {"stages": [{"account": "1.json", "files": 1, "bytes": 100}], "files": 1, "bytes": 100}
    state = fed(session_started(), plan_made(made), session_finished("interrupted"))
    kept = state.read(lambda us: overview.plans(us, UPLOADER))
    state.apply(session_started())
    begun = state.read(lambda us: overview.plans(us, UPLOADER))

    assert (kept["available"], kept["data"]["files"]) == (True, 1)
    assert (begun["available"], begun["data"], part(state)["plan"]["made_at"]) == (False, {}, 0)


def all_used(*more: Event) -> DashboardState:
    waiting = {"later": [{"account": "1.json", "files": 4, "bytes": 400, "starts_at": NOW + 600}]}
    sums_of_plan = {"waiting_files": 4, "waiting_bytes": 400, "next_capacity_at": NOW + 600}
    left = {"files": 0, "bytes": 0, "files_left": 4, "bytes_left": 400, "next_capacity_at": NOW + 600}
    return fed(
        session_started(run_id="r"),
        accounts_learned(account_quota("1.json", 1000, state="cooling", until=NOW + 600)),
        queue_learned(4, 400),
        plan_made(waiting | sums_of_plan),
        session_finished("quota_used", run_id="r", **left),
        *more,
    )


def test_while_all_quota_is_used_nothing_is_active_and_one_time_is_told() -> None:
    cooling = uploader_status("cooling", "waiting for quota until 14:05", until=NOW + 600, next_check_at=NOW + 600)
    state = all_used(cooling)
    told = part(state)

    assert told["accounts_summary"]["states"] == {"cooling": 1}
    assert told["figures"]["next_capacity_at"] == answers(state)[1]["next_capacity_at"] == NOW + 600
    assert (told["figures"]["waiting_files"], told["figures"]["waiting_bytes"]) == (4, 400)
    assert (told["figures"]["finish_at"], told["figures"]["quota_until"]) == (0, 0)
    row = told["plan"]["accounts"]["1.json"]
    assert (row["state"], row["to_come_files"], row["to_come_from"]) == ("waiting", 4, NOW + 600)
    assert (told["status"]["state"], told["status"]["why"]) == ("cooling", "waiting for quota until 14:05")


def test_a_return_that_has_passed_is_no_longer_to_come() -> None:
    clock = Clock()
    state = all_used()
    state.clock = clock
    clock.now = NOW + 601

    assert part(state)["figures"]["next_capacity_at"] == 0


def test_a_session_that_could_upload_nothing_waits_as_a_whole() -> None:
    told = part(all_used())

    assert (told["session"]["outcome"], told["session"]["files_left"]) == ("quota_used", 4)
    assert told["figures"]["waiting_files"] == told["session"]["files_left"]


def test_an_event_after_the_end_makes_no_account_active_again() -> None:
    state = all_used(quota_changed("1.json", 1000, state="active"))

    assert part(state)["accounts"]["1.json"]["state"] != "active"


def test_the_end_of_the_quota_is_told_beside_that_of_everything() -> None:
    state = fed(
        session_started(at=NOW - 10),
        queue_learned(10, 1000),
        plan_made(
            {"stages": [{"account": "1.json", "files": 8, "bytes": 800}], "waiting_files": 2, "waiting_bytes": 200}
        ),
        stage_started(),
        progress(speed=10, done_at=NOW + 100, done_with_quotas_at=NOW + 5000),
    )
    told = part(state)["figures"]

    assert (told["quota_until"], told["finish_at"]) == (NOW + 80, NOW + 5000)


# --- D12: silence ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "event", [resumed(), throttle_changed(None), throttle_changed(5)], ids=["resumed", "full", "5"]
)
def test_an_average_is_the_same_in_every_answer_whatever_was_heard_last(event: Event) -> None:
    clock = Clock()
    state = fed(session_started(), queue_learned(2, 2000), file_transferred(size=1000), clock=clock)
    state.publish()
    clock.now += 10
    state.apply(replace(event, at=clock.now))

    assert part(state)["figures"]["average_speed"] == answers(state)[0]["avg_speed"] == 100


def test_an_upload_that_is_suspended_promises_no_finish() -> None:
    clock = Clock()
    state = fed(session_started(), queue_learned(2, 200), stage_started(), clock=clock)
    clock.now += 5
    state.apply(progress(transferring(), done_at=NOW + 60, at=clock.now))
    before = part(state)["figures"]["finish_at"]
    state.apply(suspended("rate limit", NOW + 600))

    assert (before, part(state)["figures"]["finish_at"], part(state)["progress"]["speed"]) == (NOW + 60, 0, 0)


def test_five_seconds_of_silence_are_told_to_every_viewer_without_being_asked() -> None:
    clock = Clock(NOW + 10)
    state = large_files()
    state.clock = clock
    heard: list[bool] = []
    state.listen(heard.append)
    told = []
    for seconds in (4, 6):
        clock.now = NOW + 10 + seconds
        state.expire(clock.now)
        state.publish()
        told.append((len(heard) > 0, part(state)["figures"]["stale_since"], part(state)["progress"]["speed"]))

    assert told == [(False, 0, 10_000_000), (True, NOW + 10, 0)]
    assert answers(state)[0]["stale_since"] == answers(state)[1]["stale_since"] == NOW + 10


def test_last_figures_that_come_again_without_a_speed_are_no_news() -> None:
    clock = Clock(NOW + 10)
    state = large_files()
    state.clock = clock
    before = part(state)
    clock.now = NOW + 15.1
    state.apply(progress(speed=0, eta=None, at=NOW + 15.1, silent_seconds=5.1))
    told = part(state)

    assert told["figures"]["stale_since"] == before["progress"]["at"] == told["progress"]["at"] == NOW + 10
    assert told["progress"]["speed"] == 0


def test_other_events_make_no_statistics_newer() -> None:
    clock = Clock(NOW + 10)
    state = large_files()
    state.clock = clock
    clock.now = NOW + 17
    state.apply(replace(quota_changed(), at=NOW + 17))
    told = part(state)

    assert (told["progress"]["speed"], told["figures"]["stale_since"]) == (0, NOW + 10)


# --- D13, D14: the queue and the files on their way ------------------------------------------------------------------


def test_a_queue_of_which_everything_went_is_empty_and_what_was_listed_is_history() -> None:
    files = [file_transferred(f"{number}", 10) for number in range(3)]
    running = part(fed(session_started(), queue_learned(3, 30), *files))["queue"]
    ended = part(fed(session_started(), queue_learned(3, 30), *files, session_finished(files=3, bytes=30)))["queue"]

    for queue in (running, ended):
        assert (queue["files"], queue["bytes"]) == (0, 0)
        assert (queue["listed_files"], queue["listed_bytes"]) == (3, 30)


def test_what_a_later_look_finds_is_the_queue() -> None:
    state = fed(session_started(), queue_learned(3, 30), session_finished(files_left=1, bytes_left=10))
    left = part(state)["queue"]["files"]
    state.apply(uploader_checked(files=7, size=70))

    assert (left, part(state)["queue"]["files"], part(state)["queue"]["bytes"]) == (1, 7, 70)


def test_a_file_that_is_uploaded_and_checked_is_counted_once() -> None:
    told = part(fed(session_started(), progress(transferring("a"), transferring("b"), checking=("b", "c", "c"))))[
        "progress"
    ]

    assert (told["transferring_count"], told["checking_count"], told["checking"]) == (2, 1, ["c"])


def test_files_found_later_count_in_what_is_done_and_not_in_what_is_left() -> None:
    found = file_transferred("x", 7, found_later=True, stage=0)
    session = part(fed(session_started(), queue_learned(3, 30), found))["session"]

    assert (session["files_done"], session["files_left"], session["bytes_left"]) == (1, 3, 30)


# --- D18: the uploader -----------------------------------------------------------------------------------------------


def test_the_uploader_is_the_same_everywhere() -> None:
    state = make_state()
    for name in ("u10", "u2"):
        state.apply(replace(uploader_status(), uploader=name))
    idle = state.head()["focus"]
    for name in ("u10", "u2"):
        state.apply(replace(session_started(), uploader=name))
        state.apply(replace(progress(at=NOW + 5), uploader=name))
    state.apply(replace(progress(at=NOW + 9), uploader="u10"))

    assert idle == "u2", "nobody has uploaded: the first by name"
    assert state.head()["focus"] == "u2", "it does not change with every report of two that run"
    assert answers(state)[0]["uploader"] == answers(state)[1]["uploader"] == "u2"


def test_several_that_run_have_sums() -> None:
    state = make_state(Clock(NOW + 5))
    for name, size in (("a", 100), ("b", 300)):
        for event in (
            session_started(at=NOW),
            queue_learned(2, size * 2),
            file_transferred(size=size),
            progress(speed=10, at=NOW + 5, done_at=NOW + size),
        ):
            state.apply(replace(event, uploader=name))
    totals = state.read(lambda us: overview.uploaders_side_by_side(us, NOW + 5))["totals"]

    assert (totals["active"], totals["files_done"], totals["bytes_done"], totals["bytes_left"]) == (2, 2, 400, 400)
    assert (totals["speed"], totals["byte_percentage"], totals["finish_at"]) == (20, 50.0, NOW + 300)


# --- limits, notifications, and sessions that never began ------------------------------------------------------------


def test_a_limit_is_visible_also_while_nothing_runs() -> None:
    state = make_state()
    told = [state.head()["limit"]]
    for limit in (5 << 20, None):
        state.apply(control_used("limit", "limited", limit_bytes=limit))
        told.append(state.head()["limit"])

    assert told == [0, 5 << 20, 0]


def test_the_limit_of_a_followed_program_ends_with_it() -> None:
    state = fed(control_used("limit", "limited", limit_bytes=9), events.ProgramEnded(at=NOW), alone=True)

    assert state.head()["limit"] == 0


def test_notifications_that_failed_are_told_by_receiver_and_without_secrets() -> None:
    state = make_state()
    for error in ("timed out", "401 for https://user:secret@example.org/hook"):
        state.apply(events.NotificationFailed(receiver="slack", error=error, at=NOW + 3))
    told = state.head()["notifications"]["slack"]

    assert (told["failed"], told["at"], state.head()["notifications_failed"]) == (2, NOW + 3, 2)
    assert "secret" not in told["error"]
    assert answers(state)[1]["notifications_failed"] == 2


def test_a_session_that_could_not_begin_is_shown_as_failed() -> None:
    told = part(fed(session_finished("failed", files=0, bytes=0, reason="the folder is gone")))

    assert (told["phase"], told["session"]["outcome"], told["session"]["reason"]) == (
        "finished",
        "failed",
        "the folder is gone",
    )


def test_quotas_that_change_while_it_runs_change_what_is_free_at_once() -> None:
    state = fed(
        session_started(),
        accounts_learned(account_quota("1.json", limit_bytes=1000)),
        quota_changed("1.json", 300, limit_bytes=500, resets_at=None),
    )

    assert (part(state)["capacity"]["free_bytes"], part(state)["accounts"]["1.json"]["free_bytes"]) == (200, 200)


def test_what_failed_before_a_switch_and_a_throttle_changes_no_sum() -> None:
    fed(
        session_started(),
        queue_learned(4, 400),
        sa_switched("1.json", ""),
        stage_started(),
        file_failed("a"),
        throttle_changed(1000),
        file_transferred("a", 100),
        stage_finished(outcome="denied"),
        sa_switched(),
        stage_started(2, "2.json"),
    )


def test_names_are_ordered_as_people_count() -> None:
    assert sorted(["u10", "u2", "b", "10", "9"], key=figures.natural_key) == ["9", "10", "b", "u2", "u10"]
