"""Events as a session publishes them, short."""

from __future__ import annotations

from typing import Any, Final

from cloudplow import events
from cloudplow.events import AccountState, SessionOutcome, StageOutcome
from tests.unit.helpers import NOON

GIB: Final = 1 << 30


def started(at: float = NOON, *, session: str = "s1", dry_run: bool = False, accounts: int = 2) -> Any:
    return events.SessionStarted(
        at=at,
        session_id=session,
        uploader="google",
        upload_folder="/mnt/Media",
        upload_remote="google:Media",
        accounts_total=accounts,
        dry_run=dry_run,
    )


def learned(files: int = 412, size: int = 750 * GIB, session: str = "s1") -> Any:
    return events.QueueLearned(
        session_id=session,
        uploader="google",
        files=files,
        bytes=size,
        distribution={},
        source="lsf",
        confidence="exact",
        duration_seconds=1.0,
    )


def stage(at: float = NOON, session: str = "s1") -> Any:
    return events.StageStarted(
        at=at,
        session_id=session,
        uploader="google",
        stage=1,
        account="1.json",
        account_index=0,
        accounts_total=2,
        planned_files=10,
        planned_bytes=GIB,
        quota_remaining_bytes=GIB,
    )


def stage_ended(
    outcome: StageOutcome = StageOutcome.DONE, account: str = "1.json", reason: str = "", at: float = NOON
) -> Any:
    return events.StageFinished(
        at=at,
        session_id="s1",
        uploader="google",
        stage=1,
        account=account,
        outcome=outcome,
        files=3,
        bytes=GIB,
        duration_seconds=60.0,
        reason=reason,
    )


def ended(outcome: SessionOutcome = SessionOutcome.DONE, at: float = NOON + 3600, **more: Any) -> Any:
    fields: dict[str, Any] = {"session_id": "s1", "files": 412, "bytes": 750 * GIB, "files_left": 0, "bytes_left": 0}
    fields |= {"next_capacity_at": None, "reason": ""}
    return events.SessionFinished(at=at, uploader="google", outcome=outcome, **(fields | more))


def account(state: AccountState, name: str = "1.json", why: str = "", at: float = NOON) -> Any:
    return events.QuotaChanged(
        at=at,
        uploader="google",
        account=name,
        used_bytes=0,
        limit_bytes=GIB,
        resets_at=None,
        state=state,
        why=why,
    )


def suspended(reason: str, until: float | None, at: float = NOON) -> Any:
    return events.UploaderSuspended(at=at, uploader="google", reason=reason, until=until)


def resumed(at: float = NOON) -> Any:
    return events.UploaderResumed(at=at, uploader="google", reason="")
