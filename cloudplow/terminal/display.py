"""What the command line shows while it uploads: log lines, or a live view on a terminal. Event receivers only."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from cloudplow import events
from cloudplow.events import Event
from cloudplow.units import format_bytes, format_duration

log = logging.getLogger("cloudplow.upload")

#: Plain log lines of progress come at most this often, in seconds.
PROGRESS_SECONDS: Final = 30.0


def local_time(at: float | None) -> str:
    """An epoch time for people: "at 14:05", with the date when it is not today; "at an unknown time" for None."""
    if not at:
        return "at an unknown time"
    when = datetime.fromtimestamp(at).astimezone()
    same_day = when.date() == datetime.now().astimezone().date()
    return when.strftime("at %H:%M" if same_day else "on %a %Y-%m-%d at %H:%M")


def sentence(event: Event) -> str | None:
    """One line for people about a fact; None for those that need none."""
    match event:
        case events.SessionStarted():
            pool = f" with {event.accounts_total} accounts" if event.accounts_total else ""
            dry = " (dry run: nothing is uploaded)" if event.dry_run else ""
            return f"uploading {event.upload_folder} to {event.upload_remote}{pool}{dry}"
        case events.QueueLearned():
            return f"{event.files} files, {format_bytes(event.bytes)} to upload"
        case events.SaSwitched():
            what = "first account" if event.reason == "first" else f"switched account ({event.reason})"
            return f"{what}: {event.current} ({event.account_index + 1} of {event.accounts_total})"
        case events.StageStarted():
            return f"stage {event.stage}: {event.planned_files} files, {format_bytes(event.planned_bytes)}"
        case events.StageFinished():
            speed = event.bytes / event.duration_seconds if event.duration_seconds > 0 else 0
            why = f": {event.reason}" if event.reason else ""
            return (
                f"stage {event.stage} {event.outcome}: {event.files} files, {format_bytes(event.bytes)} "
                f"in {format_duration(event.duration_seconds)} ({format_bytes(speed)}/s){why}"
            )
        case events.FileFailed():
            return f"failed: {event.name}: {event.error}"
        case events.UploaderSuspended():
            return f"suspended, to go on {local_time(event.until)}: {event.reason}"
        case events.UploaderResumed():
            return "resumed"
        case events.SessionFinished():
            return finished_sentence(event)
        case _:
            return None


def finished_sentence(event: events.SessionFinished) -> str:
    """How a session ended, for people."""
    text = f"{event.outcome}: {event.files} files, {format_bytes(event.bytes)} uploaded"
    if event.files_left:
        text += f"; {event.files_left} files, {format_bytes(event.bytes_left)} left"
    if event.next_capacity_at:
        text += f"; capacity returns {local_time(event.next_capacity_at)}"
    return f"{text}; {event.reason}" if event.reason else text


def _level(event: Event) -> int:
    if isinstance(event, events.SessionFinished) and event.outcome == "failed":
        return logging.ERROR
    return logging.WARNING if isinstance(event, events.FileFailed) else logging.INFO


class LineDisplay:
    """Log lines for facts, and one of progress now and then."""

    #: What is of no interest here; a receiver that is not connected costs nothing per file.
    unseen: frozenset[str] = frozenset({"file_transferred", "quota_changed", "accounts_learned", "plan_made"})

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next_progress: dict[str, float] = {}

    def start(self) -> None:
        """Connect to the events that are shown."""
        for name, signal in events.SIGNALS.items():
            if name not in self.unseen:
                signal.connect(self.on_event)

    def stop(self) -> None:
        """Disconnect."""
        for signal in events.SIGNALS.values():
            signal.disconnect(self.on_event)

    def on_event(self, _sender: str, *, event: Event, **_extra: Any) -> None:
        """Receive one event, on the delivery thread."""
        if isinstance(event, events.TransferProgress):
            self._progress(event)
            return
        text = sentence(event)
        if text is not None:
            log.log(_level(event), "%s: %s", event.uploader, text)

    def _progress(self, event: events.TransferProgress) -> None:
        now = self._clock()
        due = self._next_progress.setdefault(event.uploader, now + PROGRESS_SECONDS)
        if now < due:
            return
        self._next_progress[event.uploader] = now + PROGRESS_SECONDS
        log.info(
            "%s: %s of %s in this stage, %s/s; %s left in all, done %s, with quota waits %s",
            event.uploader,
            format_bytes(event.bytes),
            format_bytes(event.total_bytes),
            format_bytes(event.speed),
            format_bytes(event.bytes_left),
            local_time(event.done_at),
            local_time(event.done_with_quotas_at),
        )
