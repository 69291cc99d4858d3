"""A clock that stands still, events with defaults, and strategies for events of any kind."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from cloudplow import events
from cloudplow_dashboard.state.state import DashboardState

NOW = 1_760_000_000.0
UPLOADER = "google"


class Clock:
    """Epoch seconds that only a test moves."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def make_state(clock: Clock | None = None, **options: Any) -> DashboardState:
    return DashboardState(clock=clock or Clock(), boot="boot", app_version="3.0.0", **options)


def session_started(**fields: Any) -> events.SessionStarted:
    values: dict[str, Any] = {
        "upload_folder": "/mnt/disk/Media",
        "upload_remote": "gdrive:Media",
        "accounts_total": 3,
        "dry_run": False,
    }
    return events.SessionStarted(uploader=UPLOADER, **(values | fields))


def queue_learned(files: int = 10, size: int = 1000, **fields: Any) -> events.QueueLearned:
    values: dict[str, Any] = {
        "distribution": {"statistics": {"total_files": files}},
        "source": "lsf",
        "confidence": "exact",
    }
    values |= {"duration_seconds": 0.5, "files": files, "bytes": size}
    return events.QueueLearned(uploader=UPLOADER, **(values | fields))


def stage_started(stage: int = 1, account: str = "1.json", **fields: Any) -> events.StageStarted:
    values: dict[str, Any] = {"account_index": 0, "accounts_total": 3, "planned_files": 5, "planned_bytes": 500}
    values |= {"quota_remaining_bytes": 700}
    return events.StageStarted(uploader=UPLOADER, stage=stage, account=account, **(values | fields))


def sa_switched(current: str = "2.json", previous: str = "1.json", **fields: Any) -> events.SaSwitched:
    values: dict[str, Any] = {"account_index": 1, "accounts_total": 3, "reason": "quota_used"}
    return events.SaSwitched(uploader=UPLOADER, current=current, previous=previous, **(values | fields))


def transferring(name: str = "Show/S01E01.mkv", **fields: Any) -> events.Transferring:
    values: dict[str, Any] = {"size": 100, "bytes": 40, "speed": 10.0, "eta": 6.0, "percentage": 40}
    return events.Transferring(name=name, **(values | fields))


def progress(*files: events.Transferring, **fields: Any) -> events.TransferProgress:
    values: dict[str, Any] = {
        "bytes": 40,
        "total_bytes": 500,
        "speed": 10.0,
        "eta": 46.0,
        "files": 0,
        "total_files": 5,
        "errors": 0,
    }
    return events.TransferProgress(uploader=UPLOADER, transferring=files, **(values | fields))


def file_transferred(name: str = "a.mkv", size: int = 100, **fields: Any) -> events.FileTransferred:
    values: dict[str, Any] = {"account": "1.json", "stage": 1}
    return events.FileTransferred(uploader=UPLOADER, name=name, size=size, **(values | fields))


def file_failed(name: str = "b.mkv", error: str = "broken", **fields: Any) -> events.FileFailed:
    values: dict[str, Any] = {"account": "1.json", "stage": 1}
    return events.FileFailed(uploader=UPLOADER, name=name, error=error, **(values | fields))


def quota_changed(account: str = "1.json", used: int = 300, **fields: Any) -> events.QuotaChanged:
    values: dict[str, Any] = {"limit_bytes": 1000, "resets_at": NOW + 3600, "state": "ready"}
    return events.QuotaChanged(uploader=UPLOADER, account=account, used_bytes=used, **(values | fields))


def account_quota(account: str, used: int = 0, **fields: Any) -> events.AccountQuota:
    values: dict[str, Any] = {"limit_bytes": 1000, "resets_at": None, "state": "ready", "why": "", "until": None}
    return events.AccountQuota(account=account, used_bytes=used, **(values | fields))


def accounts_learned(*accounts: events.AccountQuota, session_id: str = "s1") -> events.AccountsLearned:
    return events.AccountsLearned(uploader=UPLOADER, session_id=session_id, accounts=accounts)


def session_recovered(**fields: Any) -> events.SessionRecovered:
    """An interrupted one, of which 10 of 30 files had arrived."""
    values: dict[str, Any] = {
        "started_at": NOW - 500,
        "ended_at": None,
        "outcome": events.SessionOutcome.INTERRUPTED,
        "reason": "The program ended before the upload did",
        "upload_folder": "/secret/disk/Media",
        "upload_remote": "gdrive,token=secret:Media",
        "stage": 4,
        "stages_total": 7,
        "account": "/secret/keys/3.json",
        "account_index": 2,
        "accounts_total": 12,
        "accounts_used": ("1.json", "/secret/keys/3.json"),
        "files": 10,
        "bytes": 900,
        "files_total": 30,
        "bytes_total": 3000,
        "files_left": 20,
        "bytes_left": 2100,
        "next_capacity_at": None,
        "stage_params": {"strategy": "p90", "max_transfer": "700G", "transfers": 4},
    }
    return events.SessionRecovered(uploader=UPLOADER, **(values | fields))


def transfers_recovered(**fields: Any) -> events.TransfersRecovered:
    values: dict[str, Any] = {
        "distribution": {"max_file_size": 9, "metadata": {"upload_folder": "/secret/disk/Media"}},
        "upload_folder": "/secret/disk/Media",
    }
    return events.TransfersRecovered(uploader=UPLOADER, **(values | fields))


def plan_made(plan: dict[str, Any]) -> events.PlanMade:
    return events.PlanMade(uploader=UPLOADER, plan=plan)


def stage_finished(stage: int = 1, **fields: Any) -> events.StageFinished:
    values: dict[str, Any] = {
        "account": "1.json",
        "outcome": "done",
        "files": 5,
        "bytes": 500,
        "duration_seconds": 60.0,
    }
    return events.StageFinished(uploader=UPLOADER, stage=stage, **(values | fields))


def suspended(reason: str = "denied", until: float | None = NOW + 60) -> events.UploaderSuspended:
    return events.UploaderSuspended(uploader=UPLOADER, reason=reason, until=until)


def resumed(reason: str = "denied") -> events.UploaderResumed:
    return events.UploaderResumed(uploader=UPLOADER, reason=reason)


def throttle_changed(limit: float | None, streams: int = 1) -> events.ThrottleChanged:
    return events.ThrottleChanged(uploader=UPLOADER, limit=limit, streams=streams)


def session_finished(outcome: str = events.SessionOutcome.DONE, **fields: Any) -> events.SessionFinished:
    values: dict[str, Any] = {"files": 1, "bytes": 100, "files_left": 0, "bytes_left": 0, "next_capacity_at": None}
    values["outcome"] = outcome
    return events.SessionFinished(uploader=UPLOADER, **(values | fields))


def uploader_status(state: str = "waiting", why: str = "waiting: 5 B of 9 B", **fields: Any) -> events.Event:
    values: dict[str, Any] = {"state": events.UploaderState(state), "why": why, "threshold_bytes": 9}
    return events.UploaderStatusChanged(uploader=UPLOADER, **(values | fields))


def uploader_checked(files: int = 2, size: int = 5, **fields: Any) -> events.Event:
    values: dict[str, Any] = {"threshold_bytes": 9, "due": False, "why": "5 B of 9 B", "next_check_at": NOW + 600}
    return events.UploaderChecked(uploader=UPLOADER, files=files, bytes=size, **(values | fields))


def control_used(action: str = "pause", what: str = "paused by anna", **fields: Any) -> events.Event:
    values: dict[str, Any] = {"uploader": UPLOADER, "by": "cli", "who": "anna"}
    return events.ControlUsed(action=action, what=what, **(values | fields))


NAMES = st.sampled_from(["a.mkv", "b/c.mkv", "Ünï/\udce4.mkv", "<img src=x>", "", "x" * 3000, "null"])
ACCOUNTS = st.sampled_from(["", "1.json", "2.json", "/keys/3.json", "10.json"])
SIZES = st.integers(-5, 1 << 60)
NUMBERS = st.one_of(st.floats(), SIZES)
MAYBE = st.one_of(st.none(), NUMBERS)
COMMON: dict[str, Any] = {
    "uploader": st.sampled_from(["google", "dropbox"]),
    "session_id": st.sampled_from(["", "s1", "s2"]),
    "at": st.sampled_from([0.0, NOW, math.nan, NOW + 5]),
    "seq": st.integers(0, 5),
}
DOCUMENTS = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, NAMES),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=8,
)
#: Stages of a plan.
STAGES = st.lists(
    st.fixed_dictionaries({"account": ACCOUNTS, "files": SIZES, "bytes": SIZES, "starts_at": NUMBERS}), max_size=4
)


def _event(kind: type[events.Event], **fields: Any) -> st.SearchStrategy[Any]:
    return st.builds(kind, **COMMON, **fields)


TRANSFERRING = st.builds(
    events.Transferring, name=NAMES, size=SIZES, bytes=SIZES, speed=NUMBERS, eta=MAYBE, percentage=st.integers(0, 100)
)
QUOTA: dict[str, Any] = {
    "account": ACCOUNTS,
    "used_bytes": SIZES,
    "in_flight_bytes": SIZES,
    "unsettled_bytes": SIZES,
    "limit_bytes": SIZES,
    "resets_at": MAYBE,
    "state": st.sampled_from(["ready", "active", "cooling", "denied", "failed", "odd"]),
    "why": NAMES,
    "until": MAYBE,
    "returns": st.lists(st.tuples(NUMBERS, SIZES), max_size=3).map(tuple),
}
EVENTS = st.one_of(
    _event(
        events.SessionStarted, upload_folder=NAMES, upload_remote=NAMES, accounts_total=SIZES, dry_run=st.booleans()
    ),
    _event(
        events.QueueLearned,
        files=st.integers(0, 9),
        bytes=SIZES,
        distribution=st.dictionaries(NAMES, DOCUMENTS, max_size=3),
        source=NAMES,
        confidence=NAMES,
        duration_seconds=NUMBERS,
        learned_at=st.one_of(st.none(), NUMBERS),
    ),
    _event(
        events.SessionRecovered,
        started_at=NUMBERS,
        ended_at=MAYBE,
        outcome=st.sampled_from([None, *events.SessionOutcome, "odd"]),
        reason=NAMES,
        upload_folder=NAMES,
        upload_remote=NAMES,
        stage=SIZES,
        stages_total=SIZES,
        account=ACCOUNTS,
        account_index=st.integers(-1, 4),
        accounts_total=SIZES,
        accounts_used=st.lists(ACCOUNTS, max_size=3).map(tuple),
        files=SIZES,
        bytes=SIZES,
        files_total=SIZES,
        bytes_total=SIZES,
        files_left=SIZES,
        bytes_left=SIZES,
        next_capacity_at=MAYBE,
        stage_params=st.dictionaries(NAMES, DOCUMENTS, max_size=3),
    ),
    _event(
        events.SessionJoined,
        started_at=NUMBERS,
        files=SIZES,
        bytes=SIZES,
        files_total=SIZES,
        bytes_total=SIZES,
        files_failed=SIZES,
        accounts_used=st.lists(ACCOUNTS, max_size=3).map(tuple),
    ),
    _event(
        events.TransfersRecovered,
        distribution=st.dictionaries(NAMES, DOCUMENTS, max_size=3),
        upload_folder=NAMES,
    ),
    _event(events.AccountsLearned, accounts=st.lists(st.builds(events.AccountQuota, **QUOTA), max_size=4).map(tuple)),
    _event(
        events.PlanMade,
        plan=st.one_of(
            st.dictionaries(st.sampled_from(["stages", "later", "files", "unplanned_why", "x"]), DOCUMENTS),
            st.fixed_dictionaries({"stages": STAGES, "later": STAGES, "waiting_files": SIZES, "waiting_bytes": SIZES}),
        ),
    ),
    _event(
        events.StageStarted,
        stage=st.integers(0, 9),
        account=ACCOUNTS,
        account_index=st.integers(-1, 4),
        accounts_total=st.integers(0, 4),
        planned_files=SIZES,
        planned_bytes=SIZES,
        quota_remaining_bytes=st.one_of(st.none(), SIZES),
    ),
    _event(
        events.SaSwitched,
        previous=ACCOUNTS,
        current=ACCOUNTS,
        account_index=st.integers(-1, 4),
        accounts_total=st.integers(0, 4),
        reason=NAMES,
    ),
    _event(
        events.TransferProgress,
        bytes=SIZES,
        total_bytes=SIZES,
        speed=NUMBERS,
        eta=MAYBE,
        files=SIZES,
        total_files=SIZES,
        errors=SIZES,
        transferring=st.lists(TRANSFERRING, max_size=4).map(tuple),
        checking=st.lists(NAMES, max_size=3).map(tuple),
        bytes_left=SIZES,
        done_at=MAYBE,
        done_with_quotas_at=MAYBE,
    ),
    _event(
        events.FileTransferred,
        name=NAMES,
        size=SIZES,
        account=ACCOUNTS,
        stage=st.integers(0, 3),
        already_there=st.booleans(),
        found_later=st.booleans(),
    ),
    _event(events.FileFailed, name=NAMES, error=NAMES, account=ACCOUNTS, stage=st.integers(0, 3)),
    _event(events.QuotaChanged, **QUOTA),
    _event(
        events.StageFinished,
        stage=st.integers(0, 3),
        account=ACCOUNTS,
        outcome=NAMES,
        files=SIZES,
        bytes=SIZES,
        duration_seconds=NUMBERS,
        reason=NAMES,
    ),
    _event(
        events.UploaderStatusChanged,
        state=st.sampled_from([*events.UploaderState, "odd"]),
        why=NAMES,
        until=MAYBE,
        next_check_at=MAYBE,
        files_left=st.one_of(st.none(), SIZES),
        bytes_left=st.one_of(st.none(), SIZES),
        threshold_bytes=SIZES,
    ),
    _event(
        events.UploaderChecked,
        bytes=SIZES,
        files=SIZES,
        threshold_bytes=SIZES,
        due=st.booleans(),
        why=NAMES,
        next_check_at=MAYBE,
    ),
    _event(
        events.ControlUsed,
        action=st.one_of(NAMES, st.just("limit")),
        by=NAMES,
        who=NAMES,
        what=NAMES,
        limit_bytes=MAYBE,
    ),
    _event(events.NotificationFailed, receiver=NAMES, error=NAMES),
    _event(events.ProgramFollowed, pid=st.integers(1, 9)),
    _event(events.ProgramEnded),
    _event(events.UploaderSuspended, reason=NAMES, until=MAYBE),
    _event(events.UploaderResumed, reason=NAMES, until=MAYBE),
    _event(events.ThrottleChanged, limit=MAYBE, streams=SIZES),
    _event(
        events.SessionFinished,
        outcome=st.sampled_from(["done", "quota_used", "suspended", "failed", "interrupted", "odd"]),
        files=SIZES,
        bytes=SIZES,
        files_left=SIZES,
        bytes_left=SIZES,
        next_capacity_at=MAYBE,
        reason=NAMES,
    ),
)
