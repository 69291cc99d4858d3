"""One sentence for users about each event worth reporting. Pure.

The terminal, the log, the page and notifications use the same ones. File names, account names and reasons are inserted
unchanged: the code that shows a sentence must escape it, and clean the event first if strangers can see it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from cloudplow.events import facts
from cloudplow.events.vocabulary import SessionOutcome, StageOutcome, SwitchReason
from cloudplow.units import format_bytes, format_duration

_SWITCHED: Final[Mapping[str, str]] = {
    SwitchReason.QUOTA_USED: "its quota is used up",
    SwitchReason.DENIED: "Google denied its uploads",
    SwitchReason.TRIGGER: "a trigger of rclone_sleeps fired",
    SwitchReason.FAILED: "it failed",
}
_STAGE_ENDED: Final[Mapping[str, str]] = {
    StageOutcome.DONE: "finished",
    StageOutcome.FILES_FAILED: "finished, but some files failed",
    StageOutcome.DENIED: "stopped: uploads denied",
    StageOutcome.ACCOUNT_FAILED: "stopped: the account failed",
    StageOutcome.DESTINATION_FULL: "stopped: the destination is full",
    StageOutcome.MISUSED: "could not start",
    StageOutcome.OFFLINE: "stopped: no account is to blame",
    StageOutcome.STALLED: "ended, because nothing moved any more",
    StageOutcome.TRIGGERED: "stopped by a trigger",
    StageOutcome.LIMIT_REACHED: "stopped at a limit",
    StageOutcome.FAILED: "failed",
    StageOutcome.INTERRUPTED: "interrupted",
}
_SESSION_ENDED: Final[Mapping[str, str]] = {
    SessionOutcome.DONE: "Done",
    SessionOutcome.QUOTA_USED: "Stopped, all quota used",
    SessionOutcome.SUSPENDED: "Suspended",
    SessionOutcome.FAILED: "Failed",
    SessionOutcome.INTERRUPTED: "Interrupted",
}


def count(number: int, one: str, many: str = "") -> str:
    """ "1 file", "3,000 files". many: the plural if it is not one + "s"."""
    return f"1 {one}" if number == 1 else f"{number:,} {many or one + 's'}"


def amount(files: int, size_bytes: float) -> str:
    """ "1 file, 4.2 GB"."""
    return f"{count(files, 'file')}, {format_bytes(size_bytes)}"


def local_time(at: float | None, now: float) -> str:
    """Epoch seconds as local time: "14:05", or "Tue 2026-01-31 14:05" if not today; "" for None and invalid values.

    now: the current time in epoch seconds, which defines "today".
    """
    if not at or at < 0:
        return ""
    try:
        when = datetime.fromtimestamp(at).astimezone()
        today = when.date() == datetime.fromtimestamp(now).astimezone().date()
    except (OverflowError, OSError, ValueError):
        return ""
    return when.strftime("%H:%M" if today else "%a %Y-%m-%d %H:%M")


def sentence(event: facts.Event) -> str:
    """What happened, as one line for users; "" for events that need none."""
    match event:
        case facts.SessionStarted():
            return _session_started(event)
        case facts.QueueLearned():
            return f"{amount(event.files, event.bytes)} to upload" if event.files else "Nothing to upload"
        case facts.SaSwitched():
            return _sa_switched(event)
        case facts.StageStarted():
            planned = amount(event.planned_files, event.planned_bytes)
            return f"Stage {event.stage} started{_with(event.account)}: {planned}"
        case facts.StageFinished():
            return _stage_finished(event)
        case facts.FileTransferred(found_later=True):
            paid = f"{format_bytes(event.size)}{_with(event.account)}"
            return f"{event.name} arrived after all (found at the destination): {paid}"
        case facts.FileFailed():
            return f"Could not upload {event.name}{_with(event.account)}: {event.error or 'rclone gave no reason'}"
        case facts.UploaderSuspended():
            until = local_time(event.until, event.at)
            return f"Uploads are suspended{f' until {until}' if until else ''}{_because(event.reason)}"
        case facts.UploaderResumed():
            return "Uploads resumed"
        case facts.ThrottleChanged():
            return _throttle_changed(event)
        case facts.ControlUsed():
            return f"{event.what} (asked for by {event.who or event.by})" if event.what else ""
        case facts.NotificationFailed():
            again = "; it is tried once more" if event.will_retry else ""
            return f'The notification for "{event.receiver}" failed: {event.error}{again}'
        case facts.SessionFinished():
            return session_finished(event)
        case _:
            return ""


def _with(account: str) -> str:
    return f" with {account}" if account else ""


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def _session_started(event: facts.SessionStarted) -> str:
    verb = "Dry run (nothing is uploaded): " if event.dry_run else "Uploading "
    pool = f" with {count(event.accounts_total, 'account')}" if event.accounts_total else ""
    return f"{verb}{event.upload_folder} to {event.upload_remote}{pool}"


def _sa_switched(event: facts.SaSwitched) -> str:
    place = f"({event.account_index + 1} of {event.accounts_total})"
    if not event.previous:
        return f"Starting with account {event.current} {place}"
    why = _SWITCHED.get(event.reason, "")
    return f"Switched from account {event.previous} to {event.current} {place}{_because(why)}"


def _stage_finished(event: facts.StageFinished) -> str:
    text = f"Stage {event.stage} {_STAGE_ENDED.get(event.outcome, 'ended')}: {amount(event.files, event.bytes)}"
    if event.duration_seconds >= 1:
        speed = format_bytes(event.bytes / event.duration_seconds)
        text += f" in {format_duration(event.duration_seconds)} ({speed}/s)"
    return f"{text}; {event.reason}" if event.reason else text


def _throttle_changed(event: facts.ThrottleChanged) -> str:
    if event.limit is None:
        return "Full speed again"
    playing = f" while {count(event.streams, 'stream')} play{'s' if event.streams == 1 else ''}"
    return f"Limited to {format_bytes(event.limit)}/s{playing if event.streams else ''}"


def session_finished(event: facts.SessionFinished) -> str:
    """How a session ended."""
    how = _SESSION_ENDED.get(event.outcome, "Ended")
    if event.dry_run:
        end = "Dry run" if event.outcome == SessionOutcome.DONE else f"Dry run, {how[0].lower()}{how[1:]}"
        text = f"{end}: nothing was uploaded; {amount(event.files_left, event.bytes_left)} to upload"
    else:
        text = f"{how}: {amount(event.files, event.bytes)} uploaded"
    if event.files_left and not event.dry_run:
        text += f"; {amount(event.files_left, event.bytes_left)} left"
    next_at = local_time(event.next_capacity_at, event.at)
    if next_at:
        text += f"; more quota at {next_at}"
    return f"{text}; {event.reason}" if event.reason else text
