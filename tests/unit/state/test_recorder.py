"""What a restart must not lose: the learned queue, transferred sizes, the running session."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from cloudplow import events
from cloudplow.distribution import distribution_document
from cloudplow.events import Event
from cloudplow.state.recorder import HEARD_SECONDS, Recorder
from cloudplow.state.recovered import recovered_events
from cloudplow.state.state_files import LEARNED_FILE, SESSION_FILE, StateFiles
from tests.unit.helpers import NOON

#: What the first dashboard kept of a session, but for the parameters of its strategies.
OLD_KEYS: Final = {
    *("active", "uploader", "total_sas", "sa_index", "current_sa", "stage", "total_stages", "session_start"),
    *("session_start_time", "upload_folder", "sas_used", "total_files", "total_bytes"),
    *("transferred_files", "transferred_bytes"),
}
OLD_KEYS_AT_THE_END: Final = {"session_end", "session_end_time", "total_duration_seconds"}


class Bench:
    """A recorder that gets events as the bus would give them, and its files as a later start would read them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = StateFiles(folder)
        self.recorder = Recorder(self.files)
        self.at = NOON

    def tell(self, *told: Event, uploader: str = "google") -> None:
        for event in told:
            self.at += 1
            self.recorder.on_event(uploader, event=replace(event, uploader=uploader, at=self.at, session_id="s1"))

    def stored(self, name: str) -> dict[str, Any]:
        self.files.stop()
        path = self.folder / name
        found: dict[str, Any] = json.loads(path.read_bytes()) if path.exists() else {}
        return found

    def stored_or_none(self, name: str) -> dict[str, Any] | None:
        return self.stored(name) or None


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def started(accounts: int = 2) -> Event:
    return events.SessionStarted(
        upload_folder="/mnt/media", upload_remote="gdrive:Media", accounts_total=accounts, dry_run=False
    )


def learned(*sizes: int) -> Event:
    document = distribution_document(sizes, source="lsf", upload_folder="media", duration_seconds=0.1, now=NOON)
    return events.QueueLearned(
        files=len(sizes),
        bytes=sum(sizes),
        distribution=document,
        source="lsf",
        confidence="exact",
        duration_seconds=0.1,
    )


def switched(account: str, index: int) -> Event:
    return events.SaSwitched(
        previous="", current=account, account_index=index, accounts_total=2, reason=events.SwitchReason.FIRST
    )


def stage(number: int, index: int) -> Event:
    return events.StageStarted(
        stage=number,
        account="1.json",
        account_index=index,
        accounts_total=2,
        planned_files=1,
        planned_bytes=1,
        quota_remaining_bytes=1,
    )


def transferred(size: int) -> Event:
    return events.FileTransferred(name="a", size=size, account="1.json", stage=1)


def finished(files: int, size: int) -> Event:
    return events.SessionFinished(
        outcome=events.SessionOutcome.DONE, files=files, bytes=size, files_left=0, bytes_left=0, next_capacity_at=None
    )


def test_running_session_is_written_in_the_old_form_and_more(bench: Bench) -> None:
    bench.tell(started(), learned(10, 20), switched("2.json", 1), stage(1, 1), transferred(10))
    session = bench.stored(SESSION_FILE)
    assert set(session) >= OLD_KEYS
    assert session["active"] is True
    assert (session["current_sa"], session["sa_index"], session["sas_used"]) == ("2.json", 1, ["2.json"])
    assert (session["stage"], session["total_stages"], session["total_sas"]) == (1, 1, 2)
    assert (session["total_files"], session["total_bytes"]) == (2, 30)
    assert (session["transferred_files"], session["transferred_bytes"]) == (1, 10)
    assert session["session_start_time"] == NOON + 1


def progress() -> Event:
    return events.TransferProgress(
        bytes=1,
        total_bytes=2,
        speed=1.0,
        eta=None,
        files=0,
        total_files=1,
        errors=0,
        transferring=(),
        bytes_left=1,
        done_at=None,
        done_with_quotas_at=None,
    )


def test_a_session_of_one_large_file_is_heard_of_twice_a_minute(bench: Bench) -> None:
    bench.tell(started(), stage(1, 0))
    written = {bench.stored(SESSION_FILE)["heard_at"]}
    for _ in range(120):
        bench.tell(progress())
        written.add(bench.stored(SESSION_FILE)["heard_at"])
    assert len(written) == 5
    assert bench.at - max(written) <= HEARD_SECONDS
    (event,) = recovered_events({SESSION_FILE: bench.stored(SESSION_FILE)}.get)
    assert isinstance(event, events.SessionRecovered)
    assert event.ended_at == max(written)


def test_totals_do_not_shrink_when_the_queue_is_listed_again(bench: Bench) -> None:
    bench.tell(started(), learned(10, 20), transferred(10), learned(20, 5))
    session = bench.stored(SESSION_FILE)
    assert (session["total_files"], session["total_bytes"]) == (3, 35)


def test_accounts_are_listed_once_in_the_order_of_use(bench: Bench) -> None:
    bench.tell(started(), switched("2.json", 1), switched("1.json", 0), switched("2.json", 1))
    assert bench.stored(SESSION_FILE)["sas_used"] == ["2.json", "1.json"]


def test_finished_session_is_not_active_any_more(bench: Bench) -> None:
    bench.tell(started(), learned(10), transferred(10), finished(1, 10))
    session = bench.stored(SESSION_FILE)
    assert set(session) >= OLD_KEYS | OLD_KEYS_AT_THE_END
    assert session["active"] is False
    assert session["total_duration_seconds"] == 3.0
    assert (session["outcome"], session["next_capacity_at"]) == ("done", 0)


def test_session_without_accounts_has_no_index_below_zero(bench: Bench) -> None:
    bench.tell(started(0), stage(1, -1))
    assert bench.stored(SESSION_FILE)["sa_index"] == 0


def test_learned_queue_is_kept_with_its_whole_folder(bench: Bench) -> None:
    bench.tell(started(), learned(10, 20))
    document = bench.stored(LEARNED_FILE)["google"]["queue_distribution"]
    assert document["statistics"]["total_bytes"] == 30
    assert document["metadata"]["upload_folder"] == "/mnt/media"


def test_empty_queue_does_not_wipe_what_was_learned(bench: Bench) -> None:
    bench.tell(started(), learned(10, 20), learned())
    assert bench.stored(LEARNED_FILE)["google"]["queue_distribution"]["statistics"]["total_files"] == 2


def test_transferred_sizes_are_written_at_the_end(bench: Bench) -> None:
    bench.tell(started(), learned(10, 20), transferred(10), transferred(20), finished(2, 30))
    history = bench.stored(LEARNED_FILE)["google"]["transfer_history"]
    assert (history["statistics"]["total_files"], history["statistics"]["total_bytes"]) == (2, 30)


def test_session_that_moved_nothing_leaves_the_history_alone(bench: Bench) -> None:
    bench.tell(started(), transferred(10), finished(1, 10), started(), finished(0, 0))
    assert bench.stored(LEARNED_FILE)["google"]["transfer_history"]["statistics"]["total_files"] == 1


def stage_ended() -> Event:
    return events.StageFinished(
        stage=1, account="", outcome=events.StageOutcome.DONE, files=1, bytes=10, duration_seconds=1.0, reason=""
    )


def history_of(learned_file: dict[str, Any]) -> tuple[int, int]:
    statistics = learned_file["google"]["transfer_history"]["statistics"]
    return statistics["total_files"], statistics["total_bytes"]


def test_history_grows_over_sessions_and_restarts(tmp_path: Path, bench: Bench) -> None:
    bench.tell(started(), transferred(10), stage_ended(), transferred(20), finished(2, 30))
    bench.tell(started(), transferred(30), finished(1, 30))
    assert history_of(bench.stored(LEARNED_FILE)) == (3, 60)
    later = Bench(tmp_path)
    later.tell(started(), transferred(40), finished(1, 40))
    assert history_of(later.stored(LEARNED_FILE)) == (4, 100)


def test_session_that_is_killed_is_in_the_history(tmp_path: Path, bench: Bench) -> None:
    bench.tell(started(), transferred(10), stage_ended(), transferred(20))
    assert history_of(bench.stored(LEARNED_FILE)) == (1, 10)
    later = Bench(tmp_path)
    later.tell(started(), transferred(40), finished(1, 40))
    assert history_of(later.stored(LEARNED_FILE)) == (2, 50)


def test_what_the_first_dashboard_learned_stays(tmp_path: Path) -> None:
    old = {
        "statistics": {"total_files": 100, "total_bytes": 770_000_000_000},
        "metadata": {"upload_folder": "/mnt/media", "sample_count": 100},
        "tracker_state": {"a": 1},
        "comparison": {"b": 2},
    }
    (tmp_path / LEARNED_FILE).write_text(json.dumps({"google": {"transfer_history": old, "own": 5}, "x": {"y": 1}}))
    bench = Bench(tmp_path)
    bench.tell(started(), learned(10, 20, 30, 40), *map(transferred, (10, 20, 30, 40)), finished(4, 100))
    found = bench.stored(LEARNED_FILE)
    assert history_of(found) == (104, 770_000_000_100)
    history = found["google"]["transfer_history"]
    assert (history["tracker_state"], history["comparison"]) == ({"a": 1}, {"b": 2})
    assert (found["google"]["own"], found["x"]) == (5, {"y": 1})


def test_session_that_could_not_begin_leaves_the_record_of_the_last_one(bench: Bench) -> None:
    bench.tell(started(), learned(10), transferred(10), finished(1, 10))
    bench.recorder.on_event("other", event=replace(finished(0, 0), uploader="other", session_id="s2"))
    session = bench.stored(SESSION_FILE)
    assert (session["uploader"], session["transferred_files"]) == ("google", 1)


def test_session_that_could_not_begin_writes_nothing(tmp_path: Path, bench: Bench) -> None:
    bench.tell(finished(0, 0))
    bench.files.stop()
    assert list(tmp_path.iterdir()) == []


def test_other_uploaders_of_an_earlier_run_are_not_forgotten(tmp_path: Path, bench: Bench) -> None:
    bench.tell(started(), learned(10), transferred(10), finished(1, 10))
    bench.tell(started(), learned(5), uploader="other")
    bench.stored(SESSION_FILE)
    later = Bench(tmp_path)
    later.tell(started(), learned(7), uploader="third")
    session = later.stored(SESSION_FILE)
    assert session["uploader"] == "third"
    assert set(session["uploaders"]) == {"google", "other"}
    assert session["uploaders"]["google"]["active"] is False
    assert set(later.stored(LEARNED_FILE)) == {"google", "other", "third"}


def test_session_that_begins_again_replaces_its_old_record(bench: Bench) -> None:
    bench.tell(started(), uploader="google")
    bench.tell(started(), uploader="other")
    bench.tell(started(), uploader="google")
    session = bench.stored(SESSION_FILE)
    assert (session["uploader"], set(session["uploaders"])) == ("google", {"other"})


@pytest.mark.parametrize(
    "content", ["[]", "{", '{"google": 5}', '{"uploaders": 5, "uploader": ["x"]}', '{"a": Infinity}']
)
@pytest.mark.parametrize("name", [LEARNED_FILE, SESSION_FILE])
def test_whatever_old_files_hold_the_session_is_recorded(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    bench = Bench(tmp_path)
    bench.tell(started(), learned(10), transferred(10), finished(1, 10))
    assert bench.stored(SESSION_FILE)["outcome"] == "done"
    assert "google" in bench.stored(LEARNED_FILE)


def test_nothing_is_read_or_written_before_a_session_begins(tmp_path: Path, bench: Bench) -> None:
    bench.files.stop()
    assert list(tmp_path.iterdir()) == []


def receiving_objects(signal_name: str) -> list[object]:
    """Whose methods are connected to a signal."""
    return [getattr(one, "__self__", None) for one in events.SIGNALS[signal_name].receivers_for("google")]


def test_recorder_hears_of_every_event_that_it_handles(bench: Bench) -> None:
    bench.recorder.start()
    try:
        for name in ("session_started", "queue_learned", "file_transferred", "session_finished"):
            assert bench.recorder in receiving_objects(name)
    finally:
        bench.recorder.stop()
    assert all(bench.recorder not in receiving_objects(name) for name in events.SIGNALS)


def test_documents_may_be_made_while_events_come(bench: Bench) -> None:
    bench.tell(started(), learned(10))
    bench.files.start()

    def tell() -> None:
        for _ in range(200):
            bench.tell(transferred(1))

    threads = [threading.Thread(target=tell) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bench.stored(SESSION_FILE)["transferred_files"] == 400


def test_a_dry_run_is_known_as_one_after_a_restart_and_says_what_would_go(bench: Bench) -> None:
    def ended(outcome: events.StageOutcome) -> Event:
        return events.StageFinished(
            stage=1, account="1.json", outcome=outcome, files=0, bytes=0, duration_seconds=1.0, reason=""
        )

    dry = events.SessionStarted(upload_folder="/mnt", upload_remote="g:", accounts_total=1, dry_run=True)
    bench.tell(dry, learned(5, 7), stage(1, 0), ended(events.StageOutcome.DONE), stage(2, 0))
    bench.tell(ended(events.StageOutcome.FAILED), finished(0, 0))
    planned = stage(1, 0)
    assert isinstance(planned, events.StageStarted)

    (recovered,) = [one for one in recovered_events(bench.stored_or_none) if isinstance(one, events.SessionRecovered)]

    assert recovered.dry_run
    assert (recovered.would_go_files, recovered.would_go_bytes) == (planned.planned_files, planned.planned_bytes)
