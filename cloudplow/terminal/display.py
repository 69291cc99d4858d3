"""What the command line shows during an upload: log lines, or a live view on a terminal. Event receivers only."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable
from typing import Any, Final

from cloudplow import events
from cloudplow.events import Event, SessionOutcome, StageOutcome
from cloudplow.events.sentences import local_time, sentence
from cloudplow.redaction import without_secrets
from cloudplow.units import format_bytes

log = logging.getLogger("cloudplow.upload")

#: The shortest time between two log lines of progress, in seconds.
PROGRESS_SECONDS: Final = 30.0
#: Fields of events that hold words of rclone, or of ours.
_SENTENCES: Final = ("reason", "error", "why", "what")


def _level(event: Event) -> int:
    match event:
        case events.SessionFinished(outcome=SessionOutcome.FAILED):
            return logging.ERROR
        case events.FileFailed() | events.NotificationFailed():
            return logging.WARNING
        case events.StageFinished(outcome=StageOutcome.FAILED | StageOutcome.FILES_FAILED):
            return logging.WARNING
        case _:
            return logging.INFO


class LineDisplay:
    """Log lines for facts, and now and then one for progress."""

    #: Events not shown here; a receiver that is not connected costs nothing per file.
    #: Whether it needs what happened before it was there: lines of that would only confuse.
    shows_past = False
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
        event = _clean(event)
        text = sentence(event)
        if text:
            said = f"{event.uploader}: {text}" if event.uploader else text
            log.log(_level(event), "%s", said, extra={"event": event})

    def _progress(self, event: events.TransferProgress) -> None:
        now = self._clock()
        due = self._next_progress.setdefault(event.uploader, now + PROGRESS_SECONDS)
        if now < due:
            return
        self._next_progress[event.uploader] = now + PROGRESS_SECONDS
        text = f"{format_bytes(event.bytes)} of {format_bytes(event.total_bytes)} in this stage"
        text += f", {format_bytes(event.speed)}/s; {format_bytes(event.bytes_left)} left in all"
        log.info("%s: %s%s", event.uploader, text, _finish(event), extra={"event": event})


def _clean(event: Event) -> Event:
    """The event without secrets in its sentences; names stay as they are."""
    texts = {name: getattr(event, name, "") for name in _SENTENCES}
    cleaned: dict[str, Any] = {
        name: without_secrets(text) for name, text in texts.items() if isinstance(text, str) and text
    }
    return dataclasses.replace(event, **cleaned) if cleaned else event


def _finish(event: events.TransferProgress) -> str:
    """When everything will be done; "" when unknown."""
    done_at, with_quotas_at = (local_time(at, event.at) for at in (event.done_at, event.done_with_quotas_at))
    if not done_at or done_at == with_quotas_at or not with_quotas_at:
        return f", done about {done_at}" if done_at else ""
    return f", done about {with_quotas_at} because of quotas ({done_at} without them)"
