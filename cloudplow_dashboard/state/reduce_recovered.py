"""What an earlier process left, told once after a start: it is shown, but nothing of it happens now.

Such an event makes no fact and no news, and the engine stays idle. Once a session of its uploader has started in this
process, or in one that is followed, only a later session counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from cloudplow import events
from cloudplow_dashboard.state import clean
from cloudplow_dashboard.state.blanks import new_session
from cloudplow_dashboard.state.distribution import Distribution
from cloudplow_dashboard.state.reduce_pool import take_pool, take_queue
from cloudplow_dashboard.state.sessions import begin, phase_after
from cloudplow_dashboard.state.uploader_state import ACCOUNTS_USED_LIMIT, UploaderState


def told_after_start(event: events.Event) -> bool:
    """Whether an event tells what an earlier process left."""
    match event:
        case events.SessionRecovered() | events.TransfersRecovered():
            return True
        case events.QueueLearned():
            return event.learned_at is not None
        case events.AccountsLearned():
            return not event.session_id
        case _:
            return False


def still_counts(u: UploaderState, event: events.Event) -> bool:
    """Whether nothing is known that is newer."""
    if not u.begun:
        return True
    later = isinstance(event, events.SessionRecovered) and clean.number(event.started_at) > u.session["started_at"]
    return later and not u.active


def _on_session(u: UploaderState, event: events.SessionRecovered) -> None:
    started_at = clean.number(event.started_at)
    if not started_at:
        return
    told_again = u.session["recovered"] and u.session["started_at"] == started_at
    if u.begun:
        # Another process ran after the session that is shown, and nobody followed it.
        begin(u, event.session_id, started_at)
        u.set_active(False)
    u.folder_path = clean.folder_path(event.upload_folder)
    index = event.account_index
    session = new_session() | {
        "id": clean.text(event.session_id),
        "started_at": started_at,
        "ended_at": clean.number(event.ended_at),
        "outcome": clean.word(event.outcome, events.SessionOutcome),
        "reason": clean.redact(event.reason, known_paths=u.known_paths()),
        "folder": clean.base_name(event.upload_folder),
        "remote": clean.remote(event.upload_remote),
        "stage": clean.whole(event.stage),
        "stages_total": clean.whole(event.stages_total),
        "account": clean.base_name(event.account),
        "account_index": index if isinstance(index, int) and index >= 0 else -1,
        "accounts_total": clean.whole(event.accounts_total),
        "accounts_used": [name for one in event.accounts_used[:ACCOUNTS_USED_LIMIT] if (name := clean.base_name(one))],
        "files_done": clean.whole(event.files),
        "bytes_done": clean.whole(event.bytes),
        "files_total": clean.whole(event.files_total),
        "bytes_total": clean.whole(event.bytes_total),
        "next_capacity_at": clean.number(event.next_capacity_at),
        "recovered": True,
        "run_id": clean.text(event.run_id),
        "dry_run": event.dry_run is True,
        "would_go_files": clean.whole(event.would_go_files),
        "would_go_bytes": clean.whole(event.would_go_bytes),
    }
    session["files_left"], session["bytes_left"] = clean.whole(event.files_left), clean.whole(event.bytes_left)
    # Where nobody knew how much there was, what is done must not look like all of it.
    if session["files_total"] or session["bytes_total"]:
        session["files_total"] = session["files_done"] + session["files_left"]
        session["bytes_total"] = session["bytes_done"] + session["bytes_left"]
    # How many files failed knows only the dashboard's own file.
    session["files_failed"] = u.sessions.files_failed(started_at)
    u.session = session
    u.stage_params = clean.mapping(event.stage_params)
    u.sessions.add(session, replace=told_again)
    u.set_phase(phase_after(session["outcome"]))
    u.dirty.update(("session", "sessions"))
    _take_away_uploaded(u)


def _on_transfers(u: UploaderState, event: events.TransfersRecovered) -> None:
    u.earlier_history = cast(Distribution, clean.mapping(event.distribution))
    u.history_folder_path = clean.folder_path(event.upload_folder)


def _on_queue(u: UploaderState, event: events.QueueLearned) -> None:
    take_queue(u, event, clean.number(event.learned_at))
    metadata = event.distribution.get("metadata") if isinstance(event.distribution, Mapping) else None
    u.queue_folder_path = clean.folder_path(metadata.get("upload_folder")) if isinstance(metadata, Mapping) else ""
    _take_away_uploaded(u)


def _take_away_uploaded(u: UploaderState) -> None:
    """What the session has uploaded since it listed the folder does not wait any more."""
    session, queue = u.session, u.queue
    its_own = session["files_total"] > 0 and queue["learned_at"] >= session["started_at"]
    # One that found nothing to upload lists nothing anew.
    looked_again = session["outcome"] == events.SessionOutcome.DONE and session["ended_at"] >= queue["learned_at"]
    if session["recovered"] and (its_own or looked_again):
        u.queue_left = session["files_left"], session["bytes_left"]
        u.dirty.add("queue")


def _on_accounts(u: UploaderState, event: events.AccountsLearned) -> None:
    take_pool(u, event)


#: What to do for each signal of which `told_after_start` is true.
RECOVERED: Final[dict[str, Callable[[UploaderState, Any], None]]] = {
    "session_recovered": _on_session,
    "transfers_recovered": _on_transfers,
    "queue_learned": _on_queue,
    "accounts_learned": _on_accounts,
}
