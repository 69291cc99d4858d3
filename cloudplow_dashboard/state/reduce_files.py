"""Events about files that are being transferred, have arrived or have failed: the frequent ones. See `reducer`."""

from __future__ import annotations

from typing import Final

from cloudplow import events
from cloudplow_dashboard.state import clean
from cloudplow_dashboard.state.bounded import FileEntry, FileStatus
from cloudplow_dashboard.state.document import Eta, Failure, Phase, TransferringFile
from cloudplow_dashboard.state.sessions import join, update_left
from cloudplow_dashboard.state.uploader_state import (
    CHECKING_LIMIT,
    FAILED_NAMES_LIMIT,
    TRANSFERRING_LIMIT,
    UploaderState,
)

#: Failures of one stage that become sentences; the list of failures has more.
FAILURE_FACTS_PER_STAGE: Final = 10
#: Files of one session, found later at the destination, that become sentences; the export has them all.
FOUND_FACTS_PER_SESSION: Final = 10
#: A time of completion is shown anew when it moves by more than this: seconds, and share of the time left.
ETA_TOLERANCE_SECONDS: Final = 2.0
ETA_TOLERANCE_SHARE: Final = 0.01
#: A file that arrives so long after the one before is published at once, in seconds.
RARE_SECONDS: Final = 1.0


def _transferring(u: UploaderState, event: events.TransferProgress) -> dict[str, TransferringFile]:
    """By number: names would make up most of each message."""
    number, whole = clean.number, clean.whole
    before, u.transfer_numbers = u.transfer_numbers, {}
    found: dict[str, TransferringFile] = {}
    for file in event.transferring[:TRANSFERRING_LIMIT]:
        name = clean.file_name(file.name)
        own = before.get(name)
        if own is None:
            own = u.last_transfer_number = u.last_transfer_number + 1
        u.transfer_numbers[name] = own
        found[str(own)] = {
            "name": name,
            "size": whole(file.size),
            "bytes": whole(file.bytes),
            "speed": round(number(file.speed)),
            "eta_seconds": round(clean.seconds_or_unknown(file.eta)),
            "percentage": min(100, whole(file.percentage)),
        }
    return found


def on_transfer_progress(u: UploaderState, event: events.TransferProgress, at: float) -> bool:
    join(u, event, at)
    if not u.active:
        return False
    u.progress = {
        "at": round(at, 1),
        "bytes": clean.whole(event.bytes),
        "total_bytes": clean.whole(event.total_bytes),
        "speed": round(clean.number(event.speed)),
        "eta_seconds": round(clean.seconds_or_unknown(event.eta)),
        "files": clean.whole(event.files),
        "total_files": clean.whole(event.total_files),
        "errors": clean.whole(event.errors),
        "transferring_count": len(event.transferring),
        "checking_count": len(event.checking),
        "silent_since": 0,
        "transferring": _transferring(u, event),
        "checking": [clean.file_name(name) for name in event.checking[:CHECKING_LIMIT]],
    }
    u.slow.add("progress")
    _on_outlook(u, event, at)
    if u.phase in (Phase.SCANNING, Phase.SWITCHING):
        u.set_working()
    return False


def _on_outlook(u: UploaderState, event: events.TransferProgress, at: float) -> None:
    """What is left of the whole queue, and when it will be uploaded."""
    eta: Eta = {
        "speed_at": _steady(u.eta["speed_at"], clean.number(event.done_at), at),
        "quotas_at": _steady(u.eta["quotas_at"], clean.number(event.done_with_quotas_at), at),
    }
    if eta != u.eta:
        u.eta = eta
        u.slow.add("eta")
    if event.bytes_left or event.done_at is not None:
        # What has arrived of files that are being transferred is no longer left.
        left = min(clean.whole(event.bytes_left), u.session["bytes_total"] - u.session["bytes_done"])
        if left != u.session["bytes_left"]:
            u.session["bytes_left"] = left
            u.slow.add("session")


def _steady(shown: float, told: float, at: float) -> float:
    """A time of completion in whole seconds that stays still: small changes are not shown."""
    if not told:
        return 0
    tolerance = max(ETA_TOLERANCE_SECONDS, ETA_TOLERANCE_SHARE * (told - at))
    return shown if shown and abs(told - shown) <= tolerance else round(told)


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
    if u.failed_names and event.name in u.failed_names:
        u.failed_names.discard(event.name)
        session["files_failed"] -= 1
        u.failure_kinds.settle(clean.file_name(event.name))
        u.dirty.add("failure_kinds")
    in_flight = session["bytes_left"]
    update_left(session)
    session["bytes_left"] = min(session["bytes_left"], in_flight)
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
    u.failure_kinds.add(failure)
    u.files.add(FileEntry(at, "failed", name, 0, account, stage, error))
    u.counters.failures += 1
    if event.name not in u.failed_names:
        u.session["files_failed"] += 1
        if len(u.failed_names) < FAILED_NAMES_LIMIT:
            u.failed_names.add(event.name)
    u.dirty.update(("failures", "failure_kinds", "session"))
    u.failure_facts += 1
    return u.failure_facts <= FAILURE_FACTS_PER_STAGE
