"""How a session of one uploader begins and how its totals stay consistent. Not thread-safe."""

from __future__ import annotations

from typing import Final

from cloudplow import events
from cloudplow.events import SessionOutcome
from cloudplow_dashboard.state import clean
from cloudplow_dashboard.state.blanks import new_eta, new_progress, new_session, new_suspension
from cloudplow_dashboard.state.document_session import Session
from cloudplow_dashboard.state.document_words import Phase
from cloudplow_dashboard.state.measures import Nothing
from cloudplow_dashboard.state.stages import StageBoard
from cloudplow_dashboard.state.uploader_state import ACCOUNTS_USED_LIMIT, UploaderState

#: An rclone that is only watched is shown as silent for so long, then no more, in seconds.
GONE_SECONDS: Final = 120.0


def begin(u: UploaderState, session_id: str, at: float) -> None:
    """A new session: totals from 0."""
    u.heard.begin(clean.text(session_id), u.session["id"])
    u.session = new_session() | {"id": clean.text(session_id), "started_at": at}
    u.progress = new_progress()
    u.eta, u.quota_until = new_eta(), 0
    u.under_way = {}
    u.arrived_names.clear()
    u.stages, u.plan = StageBoard(), {}
    u.files.begin()
    u.failures.clear()
    u.failure_kinds.clear()
    u.failure_facts = 0
    u.found_facts = 0
    u.plan, u.stage_params = {}, {}
    u.suspension = new_suspension()
    u.begin_history(at)
    u.accounts.rest()
    u.set_active(True)
    u.set_phase(Phase.SCANNING)
    u.accounts_changed()
    u.dirty.update(("session", "progress", "eta", "plan", "failures", "failure_kinds", "suspension"))


def join(u: UploaderState, event: events.Event, at: float) -> None:
    """Make sure that there is a session for an event that belongs to one, though its beginning was not seen."""
    if u.active:
        return
    if u.begun and event.session_id in ("", u.session["id"]):
        return  # a straggler of the session that has just ended
    begin(u, event.session_id, at)
    if u.queue["available"]:
        u.session["files_total"], u.session["bytes_total"] = u.queue_left


def is_gone(u: UploaderState, now: float) -> bool:
    """Whether an rclone that was only watched, so that nobody can tell its end, has not answered for long.

    now: epoch seconds.
    """
    watched = u.is_working and not u.session["id"] and not u.session["remote"]
    return watched and now - u.heard.at > GONE_SECONDS


def update_left(session: Session) -> None:
    """Keep totals and what is left consistent with what is done."""
    session["files_total"] = max(session["files_total"], session["files_done"])
    session["bytes_total"] = max(session["bytes_total"], session["bytes_done"])
    session["files_left"] = session["files_total"] - session["files_done"]
    session["bytes_left"] = session["bytes_total"] - session["bytes_done"]


def phase_after(outcome: SessionOutcome | Nothing, *, suspended: bool = False) -> Phase:
    """The phase after a session that ended like this. suspended: whether its uploader is."""
    if outcome == SessionOutcome.INTERRUPTED:
        return Phase.INTERRUPTED
    return Phase.SUSPENDED if suspended or outcome == SessionOutcome.SUSPENDED else Phase.FINISHED


def use_account(u: UploaderState, account: str, index: object, total: object) -> None:
    """The session now works with this account."""
    session = u.session
    session["account"] = account
    session["account_index"] = index if isinstance(index, int) and index >= 0 else -1
    session["accounts_total"] = clean.whole(total) or session["accounts_total"]
    if account:
        used = session["accounts_used"]
        if account not in used and len(used) < ACCOUNTS_USED_LIMIT:
            used.append(account)
        u.accounts.activate(account, session["account_index"])
    u.accounts_changed()
    u.dirty.add("session")
