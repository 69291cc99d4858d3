"""What people read about each event."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from cloudplow import events
from cloudplow.events import AccountState, SessionOutcome, StageOutcome, SwitchReason, sentence
from cloudplow.events.sentences import local_time

GIB = 1 << 30
NOON = 1_800_000_000.0


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def switched(reason: SwitchReason, previous: str = "1.json") -> events.SaSwitched:
    return events.SaSwitched(previous=previous, current="2.json", account_index=1, accounts_total=12, reason=reason)


def stage_finished(outcome: StageOutcome, **fields: Any) -> events.StageFinished:
    values: dict[str, Any] = {"stage": 3, "account": "2.json", "files": 1, "bytes": GIB, "duration_seconds": 64.0}
    return events.StageFinished(outcome=outcome, **(values | fields))


def session_finished(outcome: SessionOutcome, **fields: Any) -> events.SessionFinished:
    values: dict[str, Any] = {"files": 3000, "bytes": 2 * GIB, "files_left": 0, "bytes_left": 0}
    return events.SessionFinished(outcome=outcome, at=NOON, **(values | {"next_capacity_at": None} | fields))


CASES = [
    (
        events.SessionStarted(upload_folder="/media", upload_remote="gdrive:Media", accounts_total=1, dry_run=False),
        "Uploading /media to gdrive:Media with 1 account",
    ),
    (
        events.SessionStarted(upload_folder="/media", upload_remote="gdrive:Media", accounts_total=0, dry_run=True),
        "Dry run (nothing is uploaded): /media to gdrive:Media",
    ),
    (
        events.QueueLearned(
            files=1, bytes=GIB, distribution={}, source="lsf", confidence="exact", duration_seconds=1.0
        ),
        "1 file, 1.0 GB to upload",
    ),
    (
        events.QueueLearned(files=0, bytes=0, distribution={}, source="lsf", confidence="exact", duration_seconds=1.0),
        "Nothing to upload",
    ),
    (switched(SwitchReason.FIRST, ""), "Starting with account 2.json (2 of 12)"),
    (switched(SwitchReason.QUOTA_USED), "Switched from account 1.json to 2.json (2 of 12): its quota is used up"),
    (
        events.StageStarted(
            stage=3,
            account="2.json",
            account_index=1,
            accounts_total=12,
            planned_files=1204,
            planned_bytes=GIB,
            quota_remaining_bytes=GIB,
        ),
        "Stage 3 started with 2.json: 1,204 files, 1.0 GB",
    ),
    (stage_finished(StageOutcome.DONE), "Stage 3 finished: 1 file, 1.0 GB in 1m 4s (16.0 MB/s)"),
    (stage_finished(StageOutcome.DONE, duration_seconds=0.4), "Stage 3 finished: 1 file, 1.0 GB"),
    (
        stage_finished(StageOutcome.DENIED, files=0, bytes=0, duration_seconds=0.0, reason="Google says no"),
        "Stage 3 stopped: uploads denied: 0 files, 0 B; Google says no",
    ),
    (
        events.FileFailed(name="a.mkv", error="", account="", stage=1),
        "Could not upload a.mkv: rclone gave no reason",
    ),
    (
        events.FileTransferred(name="a.mkv", size=GIB, account="2.json", stage=0, found_later=True),
        "a.mkv arrived after all (found at the destination): 1.0 GB with 2.json",
    ),
    (events.FileTransferred(name="a.mkv", size=GIB, account="2.json", stage=1), ""),
    (
        events.UploaderSuspended(at=NOON, reason="quota", until=NOON + 3600),
        "Uploads are suspended until 09:00: quota",
    ),
    (events.UploaderSuspended(at=NOON, reason="a plugin", until=None), "Uploads are suspended: a plugin"),
    (events.UploaderResumed(reason="quota"), "Uploads resumed"),
    (events.ThrottleChanged(limit=None, streams=0), "Full speed again"),
    (events.ThrottleChanged(limit=1 << 20, streams=1), "Limited to 1.0 MB/s while 1 stream plays"),
    (events.ThrottleChanged(limit=1 << 20, streams=2), "Limited to 1.0 MB/s while 2 streams play"),
    (session_finished(SessionOutcome.DONE), "Done: 3,000 files, 2.0 GB uploaded"),
    (
        session_finished(SessionOutcome.QUOTA_USED, files_left=1, bytes_left=GIB, next_capacity_at=NOON + 86_400),
        "Stopped, all quota used: 3,000 files, 2.0 GB uploaded; 1 file, 1.0 GB left; "
        "more quota at Sat 2027-01-16 08:00",
    ),
    (
        session_finished(SessionOutcome.DONE, files=0, bytes=0, files_left=339, bytes_left=GIB, dry_run=True),
        "Dry run: nothing was uploaded; 339 files, 1.0 GB to upload",
    ),
    (
        session_finished(SessionOutcome.FAILED, files=0, bytes=0, files_left=1, bytes_left=GIB, dry_run=True),
        "Dry run, failed: nothing was uploaded; 1 file, 1.0 GB to upload",
    ),
    (events.PlanMade(plan={}), ""),
]


@pytest.mark.parametrize(
    ("event", "expected"), CASES, ids=[f"{type(one).__name__}-{n}" for n, (one, _) in enumerate(CASES)]
)
def test_each_event_is_one_plain_sentence(event: events.Event, expected: str) -> None:
    assert sentence(event) == expected


@pytest.mark.parametrize("reason", SwitchReason)
@pytest.mark.parametrize("stage", StageOutcome)
@pytest.mark.parametrize("session", SessionOutcome)
def test_no_sentence_shows_a_code(reason: SwitchReason, stage: StageOutcome, session: SessionOutcome) -> None:
    said = [sentence(switched(reason)), sentence(stage_finished(stage)), sentence(session_finished(session))]
    assert not [text for text in said if re.search(r"(?<!rclone)_", text.replace("rclone_sleeps", ""))]
    assert len({sentence(stage_finished(one)) for one in StageOutcome}) == len(StageOutcome)


def test_every_word_of_an_account_is_lower_case_as_older_tools_know_it() -> None:
    assert [str(one) for one in AccountState] == ["ready", "active", "cooling", "denied", "failed"]


@pytest.mark.parametrize("at", [None, 0, -5, 1e18, float("inf")])
def test_a_time_that_no_calendar_holds_is_no_text(at: float | None) -> None:
    assert local_time(at, NOON) == ""
