"""What each event changes."""

from __future__ import annotations

from typing import Any

import pytest

from cloudplow_dashboard.state import uploader_state
from cloudplow_dashboard.state.bounded import SESSIONS_LIMIT
from cloudplow_dashboard.state.reduce_files import FAILURE_FACTS_PER_STAGE, FOUND_FACTS_PER_SESSION
from cloudplow_dashboard.state.stages import STAGES_SHOWN
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
    quota_changed,
    resumed,
    sa_switched,
    session_finished,
    session_started,
    stage_finished,
    stage_started,
    suspended,
    throttle_changed,
    transferring,
)


def shown(*happened: Any, clock: Clock | None = None) -> Any:
    """The uploader's part of the document after these events."""
    state = make_state(clock)
    for event in happened:
        state.apply(event)
    part: Any = state.document()["uploaders"][UPLOADER]
    return part


def sentences(*happened: Any) -> list[str]:
    state = make_state()
    for event in happened:
        state.apply(event)
    return [fact["text"] for fact in state.document()["facts"].values()]


def test_a_session_begins_with_base_names_only() -> None:
    part = shown(session_started(upload_remote="gdrive,token=x:Media", session_id="s1"))

    session = part["session"]
    assert (part["active"], part["phase"]) == (True, "scanning")
    assert (session["folder"], session["remote"], session["id"]) == ("Media", "gdrive:Media", "s1")
    assert (session["started_at"], session["accounts_total"]) == (NOW, 3)


@pytest.mark.parametrize(
    ("happened", "phase"),
    [
        ([session_started()], "scanning"),
        ([session_started(), sa_switched()], "switching"),
        ([session_started(), sa_switched(), stage_started()], "uploading"),
        ([session_started(), stage_started(), stage_finished()], "scanning"),
        ([session_started(), stage_started(), throttle_changed(5e6)], "throttled"),
        ([session_started(), stage_started(), throttle_changed(5e6), throttle_changed(None)], "uploading"),
        ([throttle_changed(5e6), session_started(), stage_started()], "throttled"),
        ([throttle_changed(5e6)], "idle"),
        ([session_started(), stage_started(), suspended()], "suspended"),
        ([session_started(), stage_started(), suspended(), resumed()], "uploading"),
        ([suspended()], "suspended"),
        ([suspended(), resumed()], "idle"),
        ([suspended(), session_started()], "scanning"),
        ([session_started(), session_finished("done")], "finished"),
        ([session_started(), session_finished("quota_used")], "finished"),
        ([session_started(), session_finished("suspended")], "suspended"),
        ([session_started(), session_finished("interrupted")], "interrupted"),
        ([progress()], "uploading"),
        ([file_transferred()], "uploading"),
    ],
)
def test_phases(happened: list[Any], phase: str) -> None:
    assert shown(*happened)["phase"] == phase


def test_totals_are_what_is_done_plus_what_still_waits() -> None:
    session = shown(session_started(), queue_learned(10, 1000), file_transferred(size=100), queue_learned(12, 1200))[
        "session"
    ]

    assert (session["files_total"], session["bytes_total"]) == (13, 1300)
    assert (session["files_left"], session["bytes_left"]) == (12, 1200)


def test_what_is_done_never_exceeds_the_total() -> None:
    session = shown(session_started(), queue_learned(1, 10), *[file_transferred(size=50)] * 3)["session"]

    assert (session["files_total"], session["bytes_total"], session["files_left"]) == (3, 150, 0)


def test_a_second_session_starts_at_nothing() -> None:
    part = shown(session_started(), file_transferred(), file_failed(), session_finished(), session_started())

    assert (part["session"]["files_done"], part["session"]["files_failed"], part["failures"]) == (0, 0, {})


def test_a_straggler_of_a_session_that_ended_starts_no_new_one() -> None:
    part = shown(session_started(session_id="s1"), session_finished(session_id="s1"), progress(session_id="s1"))
    other = shown(session_started(session_id="s1"), session_finished(session_id="s1"), progress(session_id="s2"))

    assert (part["active"], other["active"]) == (False, True)


def test_what_was_not_seen_of_a_session_is_in_its_totals_at_the_end() -> None:
    state = make_state()
    for event in (session_started(), queue_learned(5, 500), file_transferred(size=100)):
        state.apply(event)
    state.apply(session_finished(files=5, bytes=500))

    session = state.document()["uploaders"]["google"]["session"]
    assert (session["files_done"], session["bytes_done"], session["files_total"]) == (5, 500, 5)
    counters = state.read(lambda uploaders: uploaders["google"].counters)
    assert (counters.files, counters.bytes) == (5, 500)


def test_an_event_that_comes_twice_counts_once() -> None:
    state = make_state()
    state.apply(session_started())
    for name, seq in (("a.mkv", 5), ("a.mkv", 5), ("b.mkv", 6), ("a.mkv", 5), ("b.mkv", 0), ("b.mkv", 0), ("c.mkv", 5)):
        state.apply(file_transferred(name, at=NOW, seq=seq))

    # Without a number, and another one of the same number: nobody can say that these came before.
    assert state.document()["uploaders"]["google"]["session"]["files_done"] == 5


def test_the_end_of_a_session_that_nobody_saw_begin() -> None:
    part = shown(
        session_finished("quota_used", files=7, bytes=70, files_left=3, bytes_left=30, next_capacity_at=NOW + 9)
    )

    session = part["session"]
    assert (part["phase"], session["files_done"], session["bytes_done"]) == ("finished", 7, 70)
    assert (session["files_left"], session["next_capacity_at"]) == (3, NOW + 9)


def test_a_stage_makes_its_account_the_active_one() -> None:
    part = shown(
        session_started(),
        accounts_learned(account_quota("1.json", 900, state="active"), account_quota("2.json")),
        stage_started(stage=2, account="2.json", account_index=1),
    )

    states = {name: row["state"] for name, row in part["accounts"].items()}
    assert states == {"1.json": "ready", "2.json": "active"}
    assert part["session"]["accounts_used"] == ["2.json"]
    assert (part["session"]["stage"], part["session"]["account_index"]) == (2, 1)
    assert part["accounts_summary"]["states"] == {"ready": 1, "active": 1}


def test_without_accounts_a_stage_has_none() -> None:
    part = shown(session_started(accounts_total=0), stage_started(account="", account_index=-1, accounts_total=0))

    assert part["session"]["account"] == ""
    assert (part["accounts"], part["session"]["accounts_used"]) == ({}, [])


def test_no_account_is_active_after_the_session() -> None:
    part = shown(session_started(), stage_started(), session_finished())

    assert part["accounts"]["1.json"]["state"] == "ready"


def test_the_pool_is_replaced_and_counted() -> None:
    part = shown(quota_changed("gone.json"), accounts_learned(account_quota("1.json", 5), account_quota("2.json", 6)))

    assert list(part["accounts"]) == ["1.json", "2.json"]
    assert part["accounts_summary"] == {
        "total": 2,
        "used_bytes": 11,
        "in_flight_bytes": 0,
        "unsettled_bytes": 0,
        "limit_bytes": 2000,
        "states": {"ready": 2},
    }


def test_what_is_on_its_way_or_unsettled_is_neither_used_nor_free() -> None:
    part = shown(
        session_started(),
        accounts_learned(account_quota("1.json", 5, unsettled_bytes=100), account_quota("2.json")),
        quota_changed("2.json", 300, in_flight_bytes=120, unsettled_bytes=30),
    )

    row, capacity = part["accounts"]["2.json"], part["capacity"]
    assert (row["used_bytes"], row["in_flight_bytes"], row["unsettled_bytes"]) == (300, 120, 30)
    assert (capacity["used_bytes"], capacity["in_flight_bytes"], capacity["unsettled_bytes"]) == (305, 120, 130)
    assert capacity["free_bytes"] == (1000 - 105) + (1000 - 450)


def test_what_was_on_its_way_is_gone_once_it_is_charged() -> None:
    part = shown(quota_changed(used=300, in_flight_bytes=500), quota_changed(used=800))

    assert (part["accounts"]["1.json"]["in_flight_bytes"], part["capacity"]["free_bytes"]) == (0, 200)


def test_stages_to_come_are_added_to_those_begun() -> None:
    before = shown(session_started(), plan_made({"stages": [{}, {}, {}]}))
    after = shown(session_started(), stage_started(stage=2), plan_made({"stages": [{}, {}]}))

    assert (before["session"]["stages_total"], after["session"]["stages_total"]) == (3, 4)


def test_progress_is_rclones_and_ordered() -> None:
    part = shown(session_started(), progress(transferring("b"), transferring("a", eta=None), checking=("c",)))

    files = part["progress"]["transferring"]
    assert {number: (file["name"], file["eta_seconds"]) for number, file in files.items()} == {
        "1": ("b", 6),
        "2": ("a", -1),
    }
    assert (part["progress"]["speed"], part["progress"]["checking"]) == (10.0, ["c"])


def test_a_file_keeps_its_number_which_is_never_used_again() -> None:
    part = shown(
        session_started(),
        progress(transferring("a"), transferring("b")),
        progress(transferring("c"), transferring("b")),
        progress(transferring("a"), transferring("c")),
    )

    assert {number: file["name"] for number, file in part["progress"]["transferring"].items()} == {"3": "c", "4": "a"}


def test_progress_is_bounded_but_counted() -> None:
    limit = uploader_state.TRANSFERRING_LIMIT
    many = [transferring(f"file {number}") for number in range(limit + 10)]
    names = tuple(f"name {number}" for number in range(uploader_state.CHECKING_LIMIT + 10))

    part = shown(progress(*many, checking=names))["progress"]

    assert (len(part["transferring"]), part["transferring_count"]) == (limit, limit + 10)
    assert (len(part["checking"]), part["checking_count"]) == (uploader_state.CHECKING_LIMIT, len(names))


def test_a_file_that_failed_and_arrived_later_no_longer_counts_as_failed() -> None:
    part = shown(session_started(), file_failed("a"), file_failed("a"), file_failed("b"), file_transferred("a"))

    assert part["session"]["files_failed"] == 1
    assert len(part["failures"]) == 3


def test_a_file_that_was_found_later_counts_once_and_changes_no_stage() -> None:
    found = file_transferred("f.mkv", size=70, stage=0, account="7.json", found_later=True)
    part = shown(session_started(), stage_started(stage=3), queue_learned(10, 1000), found)

    session = part["session"]
    assert (session["files_done"], session["bytes_done"]) == (1, 70)
    assert (session["files_left"], session["bytes_left"]) == (10, 1000), "it is not in the queue"
    assert (session["files_failed"], part["failures"]) == (0, {})
    assert (session["stage"], session["account"], session["accounts_used"]) == (3, "1.json", ["1.json"])
    assert part["plan"]["stages"][-1]["stage"] == 3


def test_a_file_that_failed_and_was_found_later_no_longer_counts_as_failed() -> None:
    part = shown(session_started(), file_failed("a"), file_transferred("a", stage=0, found_later=True))

    assert (part["session"]["files_failed"], part["session"]["files_done"]) == (0, 1)


def test_looking_at_the_destination_is_no_upload() -> None:
    part = shown(session_started(), file_transferred(stage=0, found_later=True))

    assert part["phase"] == "scanning"


def test_the_totals_of_a_session_add_up_though_a_found_file_was_in_the_queue() -> None:
    found = file_transferred("a", size=100, stage=0, found_later=True)
    part = shown(
        session_started(),
        queue_learned(2, 300),
        found,
        file_transferred("b", size=150),
        session_finished("failed", files=2, bytes=250, files_left=1, bytes_left=40),
    )

    session = part["session"]
    assert (session["files_total"], session["files_done"], session["files_left"]) == (3, 2, 1)
    assert (session["bytes_total"], session["bytes_done"], session["bytes_left"]) == (290, 250, 40)


def test_files_that_were_found_later_are_told_but_do_not_push_everything_else_out() -> None:
    found = [file_transferred(f"{number}", stage=0, found_later=True) for number in range(200)]
    told = sentences(session_started(), *found, session_started(), found[0])

    assert told[1] == "0 arrived after all (found at the destination): 100.0 B with 1.json"
    assert len(told) == 2 + FOUND_FACTS_PER_SESSION + 1


def test_failures_are_bounded_and_redacted() -> None:
    many = [file_failed(f"{number}", "open /mnt/disk/Media/x: denied") for number in range(60)]

    part = shown(session_started(), *many)

    assert len(part["failures"]) == uploader_state.FAILURES_LIMIT
    assert part["failures"]["60"]["error"] == "open x: denied"
    assert part["session"]["files_failed"] == 60


def test_names_of_failed_files_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloudplow_dashboard.state.failure_kinds.NAMES_LIMIT", 2)

    part = shown(session_started(), *[file_failed(name) for name in "abcd"], file_transferred("d"))

    assert part["session"]["files_failed"] == 4


def test_a_storm_of_failures_does_not_push_everything_else_out() -> None:
    told = sentences(session_started(), stage_started(), *[file_failed(f"{number}") for number in range(200)])

    assert len(told) == 2 + FAILURE_FACTS_PER_STAGE


def test_accounts_used_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloudplow_dashboard.state.sessions.ACCOUNTS_USED_LIMIT", 2)

    part = shown(session_started(), *[stage_started(account=f"{number}.json") for number in range(5)])

    assert part["session"]["accounts_used"] == ["0.json", "1.json"]


def test_another_folder_makes_what_was_learned_void() -> None:
    first = [session_started(), queue_learned(), file_transferred(), session_finished()]
    state = make_state()
    for event in [*first, session_started(upload_folder="/mnt/disk/Other")]:
        state.apply(event)

    assert state.document()["uploaders"][UPLOADER]["queue"]["available"] is False
    assert state.read(lambda known: known[UPLOADER].history_document(NOW)) == {}
    assert shown(*first, session_started(upload_folder="/mnt/disk/Media/"))["queue"]["available"] is True


def test_the_history_of_the_last_session_is_shown_until_a_file_arrives() -> None:
    state = make_state()
    for event in [session_started(), file_transferred(size=5), file_transferred(size=5), session_started()]:
        state.apply(event)
    earlier = state.read(lambda known: known[UPLOADER].history_document(NOW))
    state.apply(file_transferred(size=9))
    present = state.read(lambda known: known[UPLOADER].history_document(NOW))

    assert earlier["statistics"]["total_files"] == 2
    assert (present["statistics"]["total_files"], present["max_file_size"]) == (1, 9)
    assert present["metadata"]["upload_folder"] == "Media"


def test_sentences_for_people() -> None:
    told = sentences(
        session_started(dry_run=True),
        queue_learned(3000, 5 << 40),
        sa_switched("1.json", "", account_index=0, reason="first"),
        stage_started(),
        throttle_changed(10 << 20, 2),
        throttle_changed(None, 0),
        file_failed("<b>.mkv", "no"),
        stage_finished(duration_seconds=7620.0, reason="quota"),
        sa_switched(),
        suspended("Google refuses", None),
        resumed("Google refuses"),
        session_finished("quota_used", files=1, bytes=2048, files_left=2, bytes_left=4096),
    )

    assert told == [
        "Dry run (nothing is uploaded): Media to gdrive:Media with 3 accounts",
        "3,000 files, 5.0 TB to upload",
        "Starting with account 1.json (1 of 3)",
        "Stage 1 started with 1.json: 5 files, 500.0 B",
        "Limited to 10.0 MB/s while 2 streams play",
        "Full speed again",
        "Could not upload <b>.mkv with 1.json: no",
        "Stage 1 finished: 5 files, 500.0 B in 2h 7m (0.1 B/s); quota",
        "Switched from account 1.json to 2.json (2 of 3): its quota is used up",
        "Uploads are suspended: Google refuses",
        "Uploads resumed",
        "Dry run: 5 files, 500.0 B would go",
    ]
    assert sentences(session_finished("quota_used", files=1, bytes=2048, files_left=2, bytes_left=4096)) == [
        "Stopped, all quota used: 1 file, 2.0 KB uploaded; 2 files, 4.0 KB left"
    ]


def test_the_time_of_an_event_counts_before_the_clock() -> None:
    part = shown(session_started(at=NOW - 50), session_finished(at=NOW - 10))

    assert (part["session"]["started_at"], part["session"]["ended_at"]) == (NOW - 50, NOW - 10)


def test_both_times_of_completion_and_what_is_left_follow_the_progress() -> None:
    told = progress(transferring(bytes=100), at=NOW + 4, done_at=NOW + 100.4, done_with_quotas_at=NOW + 5000.6)
    part = shown(session_started(), queue_learned(10, 1000), told)

    assert part["eta"] == {"speed_at": NOW + 100, "quotas_at": NOW + 5001}
    assert part["session"]["bytes_left"] == 900


def test_times_of_completion_do_not_jump_about() -> None:
    first = progress(at=NOW + 4, done_at=NOW + 1000, done_with_quotas_at=NOW + 1000)
    near = progress(at=NOW + 5, done_at=NOW + 1009, done_with_quotas_at=NOW + 1200)
    part = shown(session_started(), queue_learned(10, 1000), first, near)

    assert part["eta"] == {"speed_at": NOW + 1000, "quotas_at": NOW + 1200}


def test_nobody_knows_when_an_upload_without_speed_is_done() -> None:
    known = progress(at=NOW + 4, done_at=NOW + 1000, done_with_quotas_at=NOW + 1000)
    part = shown(session_started(), queue_learned(10, 1000), known, progress(at=NOW + 5, speed=0))

    assert part["eta"] == {"speed_at": 0, "quotas_at": 0}


def test_what_is_left_never_grows_when_a_file_arrives() -> None:
    moving = progress(transferring("a.mkv", size=100, bytes=90), transferring("b.mkv", size=100, bytes=30))
    part = shown(session_started(), queue_learned(10, 1000), moving, file_transferred("a.mkv", size=100))
    again = shown(session_started(), queue_learned(10, 1000), moving, file_transferred("a.mkv", size=100), moving)

    assert (part["session"]["bytes_left"], part["session"]["bytes_in_flight"]) == (870, 30)
    assert again["session"] == part["session"], "rclone reports a file for a moment after it has arrived"


def a_plan() -> dict[str, Any]:
    return {
        "stages": [{"account": "1.json", "files": 5, "bytes": 500}, {"account": "2.json", "files": 2, "bytes": 90}],
        "later": [{"account": "1.json", "files": 1, "bytes": 70, "starts_at": NOW + 50, "oversized": True}],
        "files": 7,
        "bytes": 590,
        "waiting_files": 1,
        "waiting_bytes": 70,
        "next_capacity_at": NOW + 50,
    }


def states_of(plan: dict[str, Any]) -> list[tuple[int, str, str, int]]:
    rows = [*plan["stages"], *plan["later"]]
    return [(row["stage"], row["account"], row["state"], row["bytes"]) for row in rows]


def test_the_plan_says_what_is_done_what_runs_and_what_waits() -> None:
    begun = [session_started(), plan_made(a_plan()), stage_started(1, planned_files=4, planned_bytes=480)]

    running = shown(*begun)["plan"]
    done = shown(*begun, stage_finished(1, bytes=470, outcome="denied"))["plan"]

    assert states_of(running) == [
        (1, "1.json", "running", 480),
        (0, "2.json", "next", 90),
        (0, "1.json", "waiting", 70),
    ]
    assert states_of(done)[0] == (1, "1.json", "done", 470)
    assert done["stages"][0]["outcome"] == "denied"
    assert (running["bytes"], running["waiting_bytes"], running["next_capacity_at"]) == (590, 70, NOW + 50)
    assert running["later"][0]["oversized"] is True
    assert (done["done_total"], done["next_total"], done["later_total"]) == (1, 1, 1)


def test_a_new_plan_keeps_what_is_done() -> None:
    plan = shown(session_started(), plan_made(a_plan()), stage_started(1), stage_finished(1), plan_made({}))["plan"]

    assert states_of(plan) == [(1, "1.json", "done", 500)]


def test_the_plan_is_bounded() -> None:
    many = [{"account": f"{number}.json", "files": 1, "bytes": 1} for number in range(3000)]
    happened: list[Any] = [session_started(), plan_made({"stages": many, "later": many})]
    for stage in range(1, 80):
        happened += [stage_started(stage), stage_finished(stage)]

    plan = shown(*happened)["plan"]

    assert (len(plan["stages"]), len(plan["later"])) == (STAGES_SHOWN, STAGES_SHOWN)
    assert (plan["done_total"], plan["next_total"], plan["later_total"]) == (79, 2999, 3000)


def test_a_stage_that_nobody_planned_or_saw_begin_is_shown_too() -> None:
    part = shown(session_started(), stage_started(3, "9.json"), session_finished())["plan"]
    unseen = shown(session_started(), stage_finished(4, files=1, bytes=9))["plan"]

    assert states_of(part) == [(3, "9.json", "done", 0)], "nobody said what it uploaded"
    assert states_of(unseen) == [(4, "1.json", "done", 9)]


def test_past_sessions_are_kept_and_bounded() -> None:
    happened: list[Any] = []
    for number in range(SESSIONS_LIMIT + 5):
        at = NOW + number
        happened += [session_started(at=at, session_id=f"s{number}"), session_finished(at=at + 0.5)]

    past = shown(*happened)["sessions"]

    assert len(past) == SESSIONS_LIMIT
    assert [past[0]["id"], past[-1]["id"]] == ["s5", f"s{SESSIONS_LIMIT + 4}"]
    assert (past[-1]["outcome"], past[-1]["ended_at"]) == ("done", NOW + SESSIONS_LIMIT + 4.5)


def test_how_much_the_running_account_has_used_is_a_statistic() -> None:
    heard: list[bool] = []
    state = make_state()
    state.apply(quota_changed(used=1))
    state.publish()
    state.listen(heard.append)
    state.apply(quota_changed(used=2))
    state.apply(quota_changed(used=3, state="cooling", until=NOW + 9))

    assert heard == [False, True, False]


def test_what_is_on_its_way_is_a_statistic_and_an_upload_that_was_cut_off_a_fact() -> None:
    heard: list[bool] = []
    state = make_state()
    state.apply(quota_changed())
    state.publish()
    state.listen(heard.append)
    state.apply(quota_changed(in_flight_bytes=5))
    state.publish()
    state.apply(quota_changed(unsettled_bytes=5))

    assert heard == [False, True]


def test_a_film_that_arrived_is_told_at_once_many_small_files_with_the_statistics() -> None:
    heard: list[bool] = []
    state = make_state()
    state.apply(session_started())
    state.publish()
    state.listen(heard.append)
    for at in (NOW, NOW + 0.1, NOW + 0.2, NOW + 5):
        state.apply(stage_started(at=at) if at == NOW else file_transferred(at=at))
        state.publish()

    assert heard == [True, True, False, True]
