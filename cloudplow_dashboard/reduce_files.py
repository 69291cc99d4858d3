"""Events about files on their way, arrived and failed: the frequent ones. See `reducer`."""

from __future__ import annotations

from typing import Any, Final

from cloudplow import events
from cloudplow_dashboard import clean, sentences
from cloudplow_dashboard.sessions import join, update_left
from cloudplow_dashboard.uploader_state import CHECKING_LIMIT, FAILED_NAMES_LIMIT, TRANSFERRING_LIMIT, UploaderState

#: Failures of one stage that become sentences; the list of failures has more.
FAILURE_FACTS_PER_STAGE: Final = 10


def _transferring(event: events.TransferProgress) -> dict[str, Any]:
    number = clean.number
    return {
        clean.file_name(file.name): {
            "size": number(file.size),
            "bytes": number(file.bytes),
            "speed": number(file.speed),
            "eta_seconds": clean.seconds_or_unknown(file.eta),
            "percentage": min(100, number(file.percentage)),
            "order": order,
        }
        for order, file in enumerate(event.transferring[:TRANSFERRING_LIMIT], start=1)
    }


def on_transfer_progress(u: UploaderState, event: events.TransferProgress, at: float) -> str:
    join(u, event, at)
    if not u.active:
        return ""
    number = clean.number
    u.progress = {
        "at": at,
        "bytes": number(event.bytes),
        "total_bytes": number(event.total_bytes),
        "speed": number(event.speed),
        "eta_seconds": clean.seconds_or_unknown(event.eta),
        "files": number(event.files),
        "total_files": number(event.total_files),
        "errors": number(event.errors),
        "transferring_count": len(event.transferring),
        "checking_count": len(event.checking),
        "transferring": _transferring(event),
        "checking": [clean.file_name(name) for name in event.checking[:CHECKING_LIMIT]],
    }
    u.slow.add("progress")
    if u.phase in ("scanning", "switching"):
        u.set_working()
    return ""


def on_file_transferred(u: UploaderState, event: events.FileTransferred, at: float) -> str:
    join(u, event, at)
    size = clean.whole(event.size)
    session = u.session
    session["files_done"] += 1
    session["bytes_done"] += size
    if u.failed_names and event.name in u.failed_names:
        u.failed_names.discard(event.name)
        session["files_failed"] -= 1
    update_left(session)
    u.dirty.add("session")
    u.history.add(size)
    u.history_files += 1
    if u.active and u.phase in ("scanning", "switching"):
        u.set_working()
    return ""


def on_file_failed(u: UploaderState, event: events.FileFailed, at: float) -> str:
    join(u, event, at)
    error = clean.redact(event.error, known_paths=u.known_paths())
    failure = {"at": at, "name": clean.file_name(event.name), "error": error}
    failure |= {"account": clean.base_name(event.account), "stage": clean.whole(event.stage)}
    u.failures.append(failure)
    if event.name not in u.failed_names:
        u.session["files_failed"] += 1
        if len(u.failed_names) < FAILED_NAMES_LIMIT:
            u.failed_names.add(event.name)
    u.dirty.update(("failures", "session"))
    u.failure_facts += 1
    return sentences.file_failed(event, error) if u.failure_facts <= FAILURE_FACTS_PER_STAGE else ""
