"""Events change the state of an uploader: one function for each event, each returns its sentence or "".

Not thread-safe: `state` calls them under its lock. They trust nothing: events may come without a session, twice, or
with values that are no numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from cloudplow import events
from cloudplow_dashboard.state import clean, returns, sentences
from cloudplow_dashboard.state.counters import count
from cloudplow_dashboard.state.reduce_files import on_file_failed, on_file_transferred, on_transfer_progress
from cloudplow_dashboard.state.sessions import begin, join, update_left, use_account
from cloudplow_dashboard.state.uploader_state import UploaderState, new_eta, new_progress, new_queue

_FACTS_OF_ACCOUNTS: Final = ("state", "why", "until", "limit_bytes")

Handler = Callable[[UploaderState, Any, float], str]


def _on_session_started(u: UploaderState, event: events.SessionStarted, at: float) -> str:
    begin(u, event.session_id, at)
    folder = clean.folder_path(event.upload_folder)
    if u.queue_folder_path and u.queue_folder_path != folder:
        u.queue, u.queue_folder_path = new_queue(), ""
        u.dirty.add("queue")
    if u.history_folder_path and u.history_folder_path != folder:
        u.forget_history()
    u.folder_path = u.history_folder_path = folder
    u.session |= {
        "folder": clean.base_name(folder),
        "remote": clean.remote(event.upload_remote),
        "accounts_total": clean.whole(event.accounts_total),
        "dry_run": bool(event.dry_run),
    }
    return sentences.session_started(event)


def _on_queue_learned(u: UploaderState, event: events.QueueLearned, at: float) -> str:
    changed = (u.queue["files"], u.queue["bytes"]) != (event.files, event.bytes) or not u.queue["available"]
    u.queue = {
        "available": True,
        "files": clean.whole(event.files),
        "bytes": clean.whole(event.bytes),
        "source": clean.text(event.source),
        "confidence": clean.text(event.confidence),
        "duration_seconds": clean.number(event.duration_seconds),
        "learned_at": at,
        "distribution": clean.mapping(event.distribution),
    }
    u.queue_folder_path = u.folder_path
    u.dirty.add("queue")
    if not u.active:
        return ""
    # The listing holds what still waits; what this session has done comes on top.
    session = u.session
    session["files_total"] = session["files_done"] + u.queue["files"]
    session["bytes_total"] = session["bytes_done"] + u.queue["bytes"]
    update_left(session)
    u.dirty.add("session")
    return sentences.queue_learned(event) if changed else ""


def _quota_values(quota: events.QuotaChanged | events.AccountQuota) -> dict[str, Any]:
    return {
        "state": clean.text(quota.state),
        "why": clean.redact(quota.why),
        "used_bytes": clean.whole(quota.used_bytes),
        "limit_bytes": clean.whole(quota.limit_bytes),
        "resets_at": clean.number(quota.resets_at),
        "until": clean.number(quota.until),
        "returns": returns.checked(quota.returns),
    }


def _on_accounts_learned(u: UploaderState, event: events.AccountsLearned, _at: float) -> str:
    names = [clean.base_name(quota.account) for quota in event.accounts]
    u.accounts.keep_only(names, total=len(names))
    for index, (name, quota) in enumerate(zip(names, event.accounts, strict=True)):
        u.accounts.charge(name, index=index, **_quota_values(quota))
    u.session["accounts_total"] = len(names)
    u.accounts_changed()
    u.dirty.add("session")
    return ""


def _on_quota_changed(u: UploaderState, event: events.QuotaChanged, _at: float) -> str:
    name = clean.base_name(event.account)
    before = u.accounts.rows.get(name, {})
    u.accounts.charge(name, **_quota_values(event))
    after = u.accounts.rows.get(name, {})
    # How much the running account has used is a statistic; another state is a fact.
    u.accounts_changed(slow=all(before.get(field) == after.get(field) for field in _FACTS_OF_ACCOUNTS))
    return ""


def _on_plan_made(u: UploaderState, event: events.PlanMade, at: float) -> str:
    u.plan = clean.mapping(event.plan)
    planned = u.stages.plan(event.plan, at)
    # The plan holds the stages that are still to come.
    u.session["stages_total"] = (u.session["stage"] if u.active else 0) + planned
    u.dirty.update(("session", "plan"))
    return ""


def _on_stage_started(u: UploaderState, event: events.StageStarted, at: float) -> str:
    join(u, event, at)
    u.session["stage"] = clean.whole(event.stage)
    u.session["stages_total"] = max(u.session["stages_total"], u.session["stage"])
    use_account(u, clean.base_name(event.account), event.account_index, event.accounts_total)
    files, size = clean.whole(event.planned_files), clean.whole(event.planned_bytes)
    u.progress = new_progress() | {"at": at, "total_files": files, "total_bytes": size}
    left = event.quota_remaining_bytes
    u.stage_params = {
        "strategy": "exact sizes",
        "planned_files": files,
        "planned_bytes": size,
        "quota_remaining_bytes": clean.whole(left) if left is not None else -1,
    }
    u.failure_facts = 0
    u.stages.start(u.session["stage"], clean.base_name(event.account), files, size, at)
    u.dirty.update(("progress", "plan"))
    u.set_working()
    return sentences.stage_started(event)


def _on_sa_switched(u: UploaderState, event: events.SaSwitched, at: float) -> str:
    join(u, event, at)
    use_account(u, clean.base_name(event.current), event.account_index, event.accounts_total)
    u.session["switch_reason"] = clean.text(event.reason)
    count(u.counters.switches, clean.text(event.reason))
    if u.active:
        u.set_phase("switching")
    return sentences.sa_switched(event)


def _on_stage_finished(u: UploaderState, event: events.StageFinished, at: float) -> str:
    join(u, event, at)
    u.clear_progress()
    if u.active:
        update_left(u.session)
        u.dirty.add("session")
    u.stages.finish(
        clean.whole(event.stage),
        clean.base_name(event.account),
        clean.whole(event.files),
        clean.whole(event.bytes),
        clean.redact(event.outcome),
    )
    u.dirty.add("plan")
    if u.active and u.phase in ("uploading", "throttled", "switching"):
        u.set_phase("scanning")
    return sentences.stage_finished(event, clean.redact(event.reason, known_paths=u.known_paths()))


def _on_suspended(u: UploaderState, event: events.UploaderSuspended, _at: float) -> str:
    reason = clean.redact(event.reason, known_paths=u.known_paths())
    u.suspension = {"active": True, "reason": reason, "until": clean.number(event.until)}
    u.clear_progress()
    u.dirty.add("suspension")
    u.set_phase("suspended")
    return sentences.suspended(reason, event.until)


def _on_resumed(u: UploaderState, event: events.UploaderResumed, _at: float) -> str:
    u.suspension = {"active": False, "reason": "", "until": 0}
    u.dirty.add("suspension")
    if u.phase == "suspended":
        if u.active:
            u.set_working()
        else:
            u.set_phase("finished" if u.session["ended_at"] else "idle")
    return sentences.resumed(clean.redact(event.reason, known_paths=u.known_paths()))


def _on_throttle_changed(u: UploaderState, event: events.ThrottleChanged, _at: float) -> str:
    limit = event.limit
    u.throttle = {
        "active": limit is not None,
        "limit": clean.number(limit),
        "streams": clean.whole(event.streams),
    }
    u.dirty.add("throttle")
    if u.phase in ("uploading", "throttled"):
        u.set_working()
    return sentences.throttle_changed(event)


def _on_session_finished(u: UploaderState, event: events.SessionFinished, at: float) -> str:
    if not u.session["started_at"] or u.session["recovered"]:
        # Nothing of this session was seen: the event itself is all there is.
        begin(u, event.session_id, at)
        u.session["files_done"], u.session["bytes_done"] = clean.whole(event.files), clean.whole(event.bytes)
    reason = clean.redact(event.reason, known_paths=u.known_paths())
    session = u.session
    session |= {"ended_at": at, "outcome": clean.text(event.outcome), "reason": reason}
    update_left(session)
    session["files_left"], session["bytes_left"] = clean.whole(event.files_left), clean.whole(event.bytes_left)
    session["next_capacity_at"] = clean.number(event.next_capacity_at)
    u.accounts.rest()
    u.accounts_changed()
    u.eta = new_eta()
    u.stages.end()
    u.sessions.add(session)
    count(u.counters.sessions, session["outcome"])
    u.clear_progress()
    u.set_active(False)
    suspended = u.suspension["active"] or event.outcome == "suspended"
    interrupted = event.outcome == "interrupted"
    u.set_phase("interrupted" if interrupted else "suspended" if suspended else "finished")
    u.dirty.update(("session", "eta", "plan", "sessions"))
    return sentences.session_finished(event, reason)


#: What to do for each signal; an event with another name is ignored.
HANDLERS: Final[dict[str, Handler]] = {
    "session_started": _on_session_started,
    "queue_learned": _on_queue_learned,
    "accounts_learned": _on_accounts_learned,
    "plan_made": _on_plan_made,
    "stage_started": _on_stage_started,
    "sa_switched": _on_sa_switched,
    "transfer_progress": on_transfer_progress,
    "file_transferred": on_file_transferred,
    "file_failed": on_file_failed,
    "quota_changed": _on_quota_changed,
    "stage_finished": _on_stage_finished,
    "uploader_suspended": _on_suspended,
    "uploader_resumed": _on_resumed,
    "throttle_changed": _on_throttle_changed,
    "session_finished": _on_session_finished,
}
