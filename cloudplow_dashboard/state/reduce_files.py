"""Events about files that are being transferred, have arrived or have failed: the frequent ones. See `reducer`."""

from __future__ import annotations

from typing import Final

from cloudplow import events
from cloudplow_dashboard.state import clean, figures
from cloudplow_dashboard.state.bounded import FileEntry, FileStatus
from cloudplow_dashboard.state.document_session import Eta, Failure, TransferringFile
from cloudplow_dashboard.state.document_words import Phase
from cloudplow_dashboard.state.sessions import join, update_left
from cloudplow_dashboard.state.uploader_state import (
    CHECKING_LIMIT,
    TRANSFERRING_LIMIT,
    UploaderState,
)

#: Failures of one stage that become sentences; the list of failures has more.
FAILURE_FACTS_PER_STAGE: Final = 10
#: Files of one session, found later at the destination, that become sentences; the export has them all.
FOUND_FACTS_PER_SESSION: Final = 10
#: The times of the plan are shown anew when the finish moves by more than this share of the time left: they are many.
PLAN_TOLERANCE_SHARE: Final = 0.1
#: A file that arrives so long after the one before is published at once, in seconds.
RARE_SECONDS: Final = 1.0


def _transferring(u: UploaderState, event: events.TransferProgress) -> dict[str, TransferringFile]:
    """By number: names would make up most of each message."""
    number, whole = clean.number, clean.whole
    before, u.transfer_numbers = u.transfer_numbers, {}
    found: dict[str, TransferringFile] = {}
    arrived = set(u.arrived_names)
    u.under_way = {}
    for file in event.transferring:
        name = clean.file_name(file.name)
        if name in arrived:
            continue  # its arrival has been told; rclone reports it for a moment longer
        u.under_way[name] = min(whole(file.bytes), whole(file.size)) if file.size else whole(file.bytes)
        if len(found) >= TRANSFERRING_LIMIT:
            continue
        own = before.get(name)
        if own is None:
            own = u.last_transfer_number = u.last_transfer_number + 1
        u.transfer_numbers[name] = own
        found[str(own)] = {
            "name": name,
            "size": whole(file.size),
            "bytes": whole(file.bytes),
            "speed": _speed(number(file.speed)),
            "eta_seconds": round(clean.seconds_or_unknown(file.eta)),
            "percentage": _percentage(file),
        }
    return found


def _speed(bytes_per_second: float) -> float:
    """As it is shown: whole bytes, but what hardly moves is not nothing."""
    return round(bytes_per_second, None if bytes_per_second >= 1 else 2)


def _percentage(file: events.Transferring) -> int:
    """How much of a file has arrived, as rclone rounds it; but 100 only where it is all of it."""
    return min(100 if clean.whole(file.bytes) >= clean.whole(file.size) else 99, clean.whole(file.percentage))


def on_transfer_progress(u: UploaderState, event: events.TransferProgress, at: float) -> bool:
    join(u, event, at)
    if not u.active:
        return False
    transferring = _transferring(u, event)
    checking = [name for name in dict.fromkeys(map(clean.file_name, event.checking)) if name not in u.under_way]
    speed = clean.number(event.speed) or sum(clean.number(file.speed) for file in event.transferring)
    u.progress = {
        "at": round(at, 1),
        "bytes": clean.whole(event.bytes),
        "total_bytes": clean.whole(event.total_bytes),
        "speed": _speed(speed),
        "eta_seconds": round(clean.seconds_or_unknown(event.eta)),
        "files": clean.whole(event.files),
        "total_files": clean.whole(event.total_files),
        "errors": clean.whole(event.errors),
        "transferring_count": len(u.under_way),
        "checking_count": len(checking),
        "silent_since": 0,
        "transferring": transferring,
        "checking": checking[:CHECKING_LIMIT],
    }
    u.slow.add("progress")
    _on_outlook(u, event, at)
    if u.phase in (Phase.SCANNING, Phase.SWITCHING):
        u.set_working()
    return False


def _on_outlook(u: UploaderState, event: events.TransferProgress, at: float) -> None:
    """When the whole queue will be uploaded."""
    speed_at, quotas_at, quota_until = 0.0, 0.0, 0.0
    if not 0 <= at - u.session["started_at"] < figures.SETTLED_SECONDS:  # the clock may have been set back
        session = u.session_document()
        speed_at, quotas_at = clean.number(event.done_at), clean.number(event.done_with_quotas_at)
        if not speed_at and u.progress["speed"] > 0 and session["bytes_left"] > 0:
            speed_at = at + session["bytes_left"] / u.progress["speed"]
        waits = u.waiting(session)[1]
        quotas_at = quotas_at if waits or quotas_at else speed_at
        quota_until = figures.outlook({"speed_at": speed_at, "quotas_at": quotas_at}, session, waits, at)
    eta: Eta = {
        "speed_at": figures.steady(u.eta["speed_at"], speed_at, at),
        "quotas_at": figures.steady(u.eta["quotas_at"], quotas_at, at),
    }
    u.quota_until = figures.steady(u.quota_until, quota_until, at)
    if eta != u.eta:
        u.eta = eta
        u.slow.add("eta")
    if abs(eta["speed_at"] - u.plan_finish_at) > PLAN_TOLERANCE_SHARE * abs(eta["speed_at"] - at):
        u.plan_finish_at = eta["speed_at"]
        u.slow.add("plan")


def on_file_transferred(u: UploaderState, event: events.FileTransferred, at: float) -> bool:
    join(u, event, at)
    size = clean.whole(event.size)
    session = u.session
    session["files_done"] += 1
    session["bytes_done"] += size
    if event.found_later:
        # It is at the destination, so it is not in the queue: what is left stays.
        session["files_total"] += 1
        session["bytes_total"] += size
    else:
        u.queue_left = max(0, u.queue_left[0] - 1), max(0, u.queue_left[1] - size)
        _arrive(u, clean.file_name(event.name))
    if u.failure_kinds.settle(clean.file_name(event.name)):
        session["files_failed"] = max(0, session["files_failed"] - 1)
        u.dirty.add("failure_kinds")
    update_left(session)
    # A large file is published at once; many small ones in a row only as sums, with the statistics.
    rare = abs(at - u.last_arrival_at) >= RARE_SECONDS
    u.last_arrival_at = at
    (u.dirty if rare else u.slow).add("session")
    u.history.add(size)
    u.history_files += 1
    account = clean.base_name(event.account)
    stage = clean.whole(event.stage)
    u.files.add(FileEntry(at, _status(event), clean.file_name(event.name), size, account, stage, ""))
    u.counters.files += 1
    if event.already_there:
        u.counters.already_there_files += 1
    else:
        u.counters.bytes += size
    if event.found_later:
        # Nothing is being uploaded: somebody looked at the destination.
        u.found_facts += 1
        return u.found_facts <= FOUND_FACTS_PER_SESSION
    if u.active and u.phase in (Phase.SCANNING, Phase.SWITCHING):
        u.set_working()
    return False


def _arrive(u: UploaderState, name: str) -> None:
    """A file is no longer on its way: what had arrived of it is in the whole file now."""
    u.arrived_names.append(name)
    u.under_way.pop(name, None)
    number = u.transfer_numbers.pop(name, None)
    if number is not None and str(number) in u.progress["transferring"]:
        left = {key: one for key, one in u.progress["transferring"].items() if key != str(number)}
        count = max(len(left), u.progress["transferring_count"] - 1)
        u.progress = u.progress | {"transferring": left, "transferring_count": count}
        u.slow.add("progress")


def _status(event: events.FileTransferred) -> FileStatus:
    if event.found_later:
        return "found_later"
    return "already_there" if event.already_there else "transferred"


def on_file_failed(u: UploaderState, event: events.FileFailed, at: float) -> bool:
    join(u, event, at)
    error = clean.redact(event.error, known_paths=u.known_paths())
    name, account, stage = clean.file_name(event.name), clean.base_name(event.account), clean.whole(event.stage)
    failure: Failure = {"at": at, "name": name, "error": error, "account": account, "stage": stage}
    u.failures.add(failure)
    before = u.failure_kinds.files
    u.failure_kinds.add(failure)
    u.session["files_failed"] += u.failure_kinds.files - before
    u.files.add(FileEntry(at, "failed", name, 0, account, stage, error))
    u.counters.failures += 1
    u.dirty.update(("failures", "failure_kinds", "session"))
    u.failure_facts += 1
    return u.failure_facts <= FAILURE_FACTS_PER_STAGE
