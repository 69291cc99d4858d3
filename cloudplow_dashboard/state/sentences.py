"""One sentence for people about each fact worth showing. Pure. File names in them are data: the page escapes them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from cloudplow import events
from cloudplow.units import format_bytes, format_duration
from cloudplow_dashboard.state import clean

_SWITCH_REASONS: Final = {
    "first": "it is the first one",
    "quota_used": "its quota is used up",
    "denied": "uploads were denied",
    "trigger": "a trigger of the configuration was hit",
    "failed": "it failed",
}
_OUTCOMES: Final = {
    "done": "everything is uploaded",
    "quota_used": "the quota of every account is used up",
    "suspended": "uploads are suspended",
    "failed": "it failed",
    "interrupted": "it was interrupted",
}


def local_time(at: float) -> str:
    """Epoch seconds as local time, "2026-01-31 14:05:00"; "" for 0 and for what no calendar holds."""
    if at <= 0:
        return ""
    try:
        return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, OSError, ValueError):
        return ""


def files(count: object) -> str:
    """ "1 file", "3,000 files"."""
    amount = clean.whole(count)
    return "1 file" if amount == 1 else f"{amount:,} files"


def _amount(count: object, size_bytes: object) -> str:
    return f"{files(count)}, {format_bytes(clean.number(size_bytes))}"


def _until(until: object) -> str:
    moment = local_time(clean.number(until))
    return f" until {moment}" if moment else ""


def session_started(event: events.SessionStarted) -> str:
    """What an upload goes from and to."""
    accounts = clean.whole(event.accounts_total)
    pool = f", with {accounts} account{'s' if accounts != 1 else ''}" if accounts else ""
    dry = " as a dry run" if event.dry_run else ""
    return f"Upload of {clean.base_name(event.upload_folder)} to {clean.remote(event.upload_remote)} began{dry}{pool}"


def queue_learned(event: events.QueueLearned) -> str:
    """How much waits."""
    return f"{_amount(event.files, event.bytes)} to upload"


def stage_started(event: events.StageStarted) -> str:
    """What a stage is to do, and with which account."""
    account = clean.base_name(event.account)
    on_account = f" on {account}" if account else ""
    planned = _amount(event.planned_files, event.planned_bytes)
    return f"Stage {clean.whole(event.stage)} began{on_account}: {planned}"


def sa_switched(event: events.SaSwitched) -> str:
    """Which account takes over, and why."""
    current, previous = clean.base_name(event.current), clean.base_name(event.previous)
    place = f" ({clean.whole(event.account_index) + 1} of {clean.whole(event.accounts_total)})"
    if not previous:
        return f"{current} begins{place}"
    why = _SWITCH_REASONS.get(event.reason, clean.redact(event.reason))
    return f"{current} takes over from {previous}{place}" + (f": {why}" if why else "")


def file_failed(event: events.FileFailed, error: str) -> str:
    """Which file failed. error: the text, redacted."""
    account = clean.base_name(event.account)
    on_account = f" on {account}" if account else ""
    return clean.text(f"{clean.file_name(event.name)} failed{on_account}: {error or 'no reason given'}", 500)


def stage_finished(event: events.StageFinished, reason: str) -> str:
    """What a stage did. reason: the text, redacted."""
    moved = _amount(event.files, event.bytes)
    duration = format_duration(clean.number(event.duration_seconds))
    ended = f"Stage {clean.whole(event.stage)} ended ({clean.redact(event.outcome)})"
    return f"{ended}: {moved}" + (f" in {duration}" if duration != "-" else "") + (f". {reason}" if reason else "")


def suspended(reason: str, until: object) -> str:
    """Why nothing is uploaded, and until when."""
    return f"Uploads are suspended{_until(until)}" + (f": {reason}" if reason else "")


def resumed(reason: str) -> str:
    """That uploads go on. reason: that of the suspension."""
    return "Uploads go on" + (f" after: {reason}" if reason else "")


def throttle_changed(event: events.ThrottleChanged) -> str:
    """How fast an upload may be."""
    if event.limit is None:
        return "Full speed again"
    streams = clean.whole(event.streams)
    watching = f" while {streams} stream{'s' if streams != 1 else ''} play{'' if streams != 1 else 's'}"
    return f"Limited to {format_bytes(clean.number(event.limit))}/s" + (watching if streams else "")


def session_finished(event: events.SessionFinished, reason: str) -> str:
    """How an upload ended. reason: the text, redacted."""
    why = reason or _OUTCOMES.get(event.outcome, clean.redact(event.outcome))
    left = f"; {_amount(event.files_left, event.bytes_left)} left" if clean.whole(event.files_left) else ""
    return f"Upload ended: {why} ({_amount(event.files, event.bytes)} uploaded{left})"
