"""Every sentence that a notification consists of. Pure.

Short: they are read on a telephone. Names of files appear in none.
"""

from __future__ import annotations

import re
from typing import Final

from cloudplow.events import SessionFinished, SessionOutcome, amount, count, local_time
from cloudplow.redaction import redact
from cloudplow.services.notify.runs import Run
from cloudplow.units import format_bytes, format_duration

#: The longest text and the longest reason in one, in characters.
TEXT_LIMIT: Final = 900
REASON_LIMIT: Final = 300
_BREAKS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")

_ENDED: Final = {
    SessionOutcome.DONE: "done",
    SessionOutcome.QUOTA_USED: "stopped, all quota is used",
    SessionOutcome.SUSPENDED: "suspended",
    SessionOutcome.FAILED: "failed",
    SessionOutcome.INTERRUPTED: "interrupted",
}

TEST: Final = "This is a test: notifications of cloudplow arrive."
ALIVE: Final = "cloudplow runs"


def shortened(text: str, limit: int = TEXT_LIMIT) -> str:
    """At most `limit` characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def reason(text: str) -> str:
    """A reason as one short line, fit for everybody."""
    return shortened(_BREAKS.sub(" ", redact(text)).strip(), REASON_LIMIT)


def began(run: Run, files: int, size_bytes: int) -> str:
    """An upload starts. size_bytes: of the whole queue."""
    pool = f" with {count(run.accounts_total, 'account')}" if run.accounts_total else ""
    return f"{run.uploader}: upload began: {amount(files, size_bytes)}{pool}"


def ended(run: Run, event: SessionFinished) -> str:
    """An upload ended: what was done, how, what is left and why. event: that of its last session."""
    text = f"{run.uploader}: {_ENDED.get(event.outcome, 'ended')}: {amount(run.files, run.bytes)} uploaded"
    if run.accounts:
        text += f" with {count(len(run.accounts), 'account')}"
    seconds = event.at - run.started_at
    if run.files and seconds >= 1:
        text += f" in {format_duration(seconds)} ({format_bytes(run.bytes / seconds)}/s)"
    if event.files_left:
        text += f"\nLeft: {amount(event.files_left, event.bytes_left)}"
    more = local_time(event.next_capacity_at, event.at)
    if more:
        text += f"\nMore quota at {more}"
    why = reason(event.reason)
    return shortened(f"{text}\n{why}" if why else text)


def quota_used(uploader: str, why: str, until: float | None, at: float) -> str:
    """No account has anything left."""
    when = local_time(until, at)
    more = f"; the first of it is back at {when}" if when else ""
    said = f"\n{reason(why)}" if why else ""
    return shortened(f"{uploader}: the quota of every account is used{more}{said}")


def capacity_back(uploader: str) -> str:
    """After `quota_used`."""
    return f"{uploader}: there is quota again, and the upload goes on"


def suspended(uploader: str, why: str, until: float | None, at: float) -> str:
    """Nothing is uploaded for a while."""
    when = local_time(until, at)
    said = f": {reason(why)}" if why else ""
    return shortened(f"{uploader}: uploads are suspended{f' until {when}' if when else ''}{said}")


def resumed(uploader: str) -> str:
    """After `suspended`."""
    return f"{uploader}: uploads go on"


def triggered(uploader: str, account: str, why: str) -> str:
    """A text of `rclone_sleeps` was seen."""
    who = f" of {account}" if account else ""
    return shortened(f"{uploader}: a trigger stopped the run{who}: {reason(why)}")


def set_aside(uploader: str, account: str, why: str) -> str:
    """An account is not used any more."""
    return shortened(f"{uploader}: account {account} is set aside{f': {reason(why)}' if why else ''}")


def check(run: Run, event: SessionFinished | None) -> str:
    """For a monitor: no reasons, because words in them can change what it makes of a ping."""
    if event is None:
        return f"{run.uploader}: began"
    left = f", {amount(event.files_left, event.bytes_left)} left" if event.files_left else ""
    return f"{run.uploader}: {event.outcome}: {amount(run.files, run.bytes)}{left}"
