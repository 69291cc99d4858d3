"""Events change the state of an uploader: one function for each event; True when the event is a fact for people.

Not thread-safe: `state` calls them under its lock. They trust nothing: events may come without a session, twice, or
with values that are not numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from cloudplow import events
from cloudplow_dashboard.state import clean
from cloudplow_dashboard.state.blanks import new_eta, new_progress, new_queue, new_suspension
from cloudplow_dashboard.state.document_words import Phase
from cloudplow_dashboard.state.reduce_files import on_file_failed, on_file_transferred, on_transfer_progress
from cloudplow_dashboard.state.reduce_pool import (
    on_accounts_learned,
    on_plan_made,
    on_queue_learned,
    on_quota_changed,
)
from cloudplow_dashboard.state.sessions import begin, join, phase_after, update_left, use_account
from cloudplow_dashboard.state.uploader_state import ACCOUNTS_USED_LIMIT, UploaderState

#: Times are epoch seconds.
Handler = Callable[[UploaderState, Any, float], bool]


def _on_session_started(u: UploaderState, event: events.SessionStarted, at: float) -> bool:
    begin(u, event.session_id, at)
    u.status.begin()
    folder = clean.folder_path(event.upload_folder)
    if u.queue_folder_path and u.queue_folder_path != folder:
        u.queue, u.queue_folder_path = new_queue(), ""
        u.dirty.add("queue")
    if u.history_folder_path and u.history_folder_path != folder:
        u.forget_history()
    u.folder_path = u.history_folder_path = folder
    u.accounts.told_total = max(u.accounts.told_total, clean.whole(event.accounts_total))
    u.session |= {
        "folder": clean.base_name(folder),
        "remote": clean.remote(event.upload_remote),
        "accounts_total": clean.whole(event.accounts_total),
        "dry_run": bool(event.dry_run),
        "run_id": clean.text(event.run_id),
    }
    return True


def _on_session_joined(u: UploaderState, event: events.SessionJoined, at: float) -> bool:
    """Somebody else's session, of which only some events were told: it says what all of them come to."""
    if event.session_id != u.session["id"]:
        begin(u, event.session_id, at)
    if not u.active:
        return False  # told again, after its end
    session = u.session
    u.counters.files += max(0, clean.whole(event.files) - session["files_done"])
    u.counters.bytes += max(0, clean.whole(event.bytes) - session["bytes_done"])
    u.stages.shift(clean.whole(event.bytes) - session["bytes_done"])
    session["started_at"] = clean.number(event.started_at) or session["started_at"]
    session["files_done"], session["bytes_done"] = clean.whole(event.files), clean.whole(event.bytes)
    session["files_total"], session["bytes_total"] = clean.whole(event.files_total), clean.whole(event.bytes_total)
    session["files_failed"] = clean.whole(event.files_failed)
    session["accounts_used"] = [
        name for one in event.accounts_used[:ACCOUNTS_USED_LIMIT] if (name := clean.base_name(one))
    ]
    update_left(session)
    u.files.total = max(u.files.total, session["files_done"] + session["files_failed"])
    u.dirty.add("session")
    return False


def _on_stage_started(u: UploaderState, event: events.StageStarted, at: float) -> bool:
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
    u.under_way = {}
    u.arrived_names.clear()
    u.stages.start(u.session["stage"], clean.base_name(event.account), files, size, at, u.session["bytes_done"])
    u.dirty.update(("progress", "plan"))
    u.set_working()
    return True


def _on_sa_switched(u: UploaderState, event: events.SaSwitched, at: float) -> bool:
    join(u, event, at)
    use_account(u, clean.base_name(event.current), event.account_index, event.accounts_total)
    reason = clean.word(event.reason, events.SwitchReason)
    u.session["switch_reason"] = reason
    u.counters.switches[reason] += 1
    if u.active:
        u.set_phase(Phase.SWITCHING)
    return True


def _on_stage_finished(u: UploaderState, event: events.StageFinished, at: float) -> bool:
    join(u, event, at)
    u.clear_progress()
    if event.outcome not in events.WENT_THROUGH:
        # What was cut off goes again: nobody knows how long that takes.
        u.eta, u.quota_until = new_eta(), 0
        u.dirty.add("eta")
    if u.session["dry_run"] and event.outcome in events.WENT_THROUGH:
        files, size = u.stages.planned
        u.session["would_go_files"] += files
        u.session["would_go_bytes"] += size
    if u.active:
        update_left(u.session)
        u.dirty.add("session")
    u.stages.finish(
        clean.whole(event.stage),
        clean.base_name(event.account),
        clean.whole(event.files),
        clean.whole(event.bytes),
        clean.word(event.outcome, events.StageOutcome),
        at,
    )
    u.dirty.add("plan")
    if u.active and u.phase in (Phase.UPLOADING, Phase.THROTTLED, Phase.SWITCHING):
        u.set_phase(Phase.SCANNING)
    return True


def _on_suspended(u: UploaderState, event: events.UploaderSuspended, _at: float) -> bool:
    reason = clean.redact(event.reason, known_paths=u.known_paths())
    u.suspension = {"active": True, "reason": reason, "until": clean.number(event.until)}
    u.clear_progress()
    # Nothing is promised of an upload that stands still.
    u.eta, u.quota_until = new_eta(), 0
    u.dirty.update(("suspension", "eta"))
    u.set_phase(Phase.SUSPENDED)
    return True


def _on_resumed(u: UploaderState, _event: events.UploaderResumed, _at: float) -> bool:
    u.suspension = new_suspension()
    u.dirty.add("suspension")
    if u.phase == Phase.SUSPENDED:
        if u.active:
            u.set_working()
        else:
            u.set_phase(Phase.FINISHED if u.session["ended_at"] else Phase.IDLE)
    return True


def _on_throttle_changed(u: UploaderState, event: events.ThrottleChanged, _at: float) -> bool:
    limit = event.limit
    u.throttle = {
        "active": limit is not None,
        "limit": clean.number(limit),
        "streams": clean.whole(event.streams),
    }
    u.dirty.add("throttle")
    if u.phase in (Phase.UPLOADING, Phase.THROTTLED):
        u.set_working()
    return True


def _take_unseen(u: UploaderState, files: int, size: int) -> None:
    """What a session comes to by its own word; size: bytes. More than was seen, if some events of it were not."""
    session = u.session
    more_files, more_bytes = max(0, files - session["files_done"]), max(0, size - session["bytes_done"])
    session["files_done"] += more_files
    session["bytes_done"] += more_bytes
    u.counters.files += more_files
    u.counters.bytes += more_bytes


def _on_session_finished(u: UploaderState, event: events.SessionFinished, at: float) -> bool:
    unseen = not u.begun or (u.session["ended_at"] > 0 and event.session_id not in ("", u.session["id"]))
    if unseen:
        # The session's other events were not seen, or it could not begin: this one is all there is.
        begin(u, event.session_id, at)
    _take_unseen(u, clean.whole(event.files), clean.whole(event.bytes))
    reason = clean.redact(event.reason, known_paths=u.known_paths())
    session = u.session
    outcome = clean.word(event.outcome, events.SessionOutcome)
    session |= {"ended_at": at, "outcome": outcome, "reason": reason}
    session["run_id"] = clean.text(event.run_id) or session["run_id"]
    update_left(session)
    session["files_left"], session["bytes_left"] = clean.whole(event.files_left), clean.whole(event.bytes_left)
    # Now it is known how much there was: files may have gone or come meanwhile.
    session["files_total"] = session["files_done"] + session["files_left"]
    session["bytes_total"] = session["bytes_done"] + session["bytes_left"]
    session["next_capacity_at"] = clean.number(event.next_capacity_at)
    # Of one that could not begin nobody counted what is left.
    left = session["files_left"], session["bytes_left"]
    counted = not unseen or any(left) or event.files > 0 or outcome == events.SessionOutcome.DONE
    u.status.end(left if counted else None)
    if counted and u.queue["available"]:
        u.queue_left = left
    u.accounts.rest()
    u.accounts_changed()
    u.eta, u.quota_until = new_eta(), 0
    u.stages.end(at)
    u.sessions.add(session)
    u.counters.sessions[outcome] += 1
    u.clear_progress()
    u.set_active(False)
    u.set_phase(phase_after(outcome, suspended=u.suspension["active"]))
    u.dirty.update(("session", "eta", "plan", "sessions"))
    return True


def _on_status(u: UploaderState, event: events.UploaderStatusChanged, _at: float) -> bool:
    u.status.tell(event, u.known_paths())
    u.dirty.add("status")
    return False


def _on_checked(u: UploaderState, event: events.UploaderChecked, at: float) -> bool:
    u.status.check(event, at)
    if not u.active:
        u.status.wait(event, u.known_paths())
    if u.queue["available"] and not u.active:
        u.queue_left = clean.whole(event.files), clean.whole(event.bytes)
        u.dirty.add("queue")
    u.dirty.add("status")
    return False


def _on_control_used(_u: UploaderState, _event: events.ControlUsed, _at: float) -> bool:
    return True


#: What to do for each signal; an event with another name is ignored.
HANDLERS: Final[dict[str, Handler]] = {
    "session_started": _on_session_started,
    "session_joined": _on_session_joined,
    "queue_learned": on_queue_learned,
    "accounts_learned": on_accounts_learned,
    "plan_made": on_plan_made,
    "stage_started": _on_stage_started,
    "sa_switched": _on_sa_switched,
    "transfer_progress": on_transfer_progress,
    "file_transferred": on_file_transferred,
    "file_failed": on_file_failed,
    "quota_changed": on_quota_changed,
    "stage_finished": _on_stage_finished,
    "uploader_suspended": _on_suspended,
    "uploader_resumed": _on_resumed,
    "throttle_changed": _on_throttle_changed,
    "session_finished": _on_session_finished,
    "uploader_checked": _on_checked,
    "uploader_status": _on_status,
    "control_used": _on_control_used,
}
#: Events that may be about the program and no uploader.
OF_ALL: Final = frozenset({"control_used"})
#: Events that no session publishes.
BESIDE: Final = OF_ALL | {"uploader_checked", "uploader_status"}
