"""What the document says about the whole program, beside its uploaders. Not thread-safe: the state's lock guards it."""

from __future__ import annotations

import time
from typing import Final

from cloudplow.events import ControlUsed, Event, NotificationFailed, ProgramEnded, ProgramFollowed
from cloudplow_dashboard.state import clean
from cloudplow_dashboard.state.document import Head, Health, ReceiverFailures
from cloudplow_dashboard.state.document_words import EngineState, Phase, ProgramState
from cloudplow_dashboard.state.uploader_state import Uploaders, focus_of

#: Events that say something about the program as a whole.
OF_PROGRAM: Final = frozenset({"notification_failed", "control_used", "program_followed", "program_ended"})
#: Receivers of notifications that are told apart; failures of further ones only count in the sum.
RECEIVERS_LIMIT: Final = 64


class Program:
    """It runs from the beginning, unless this is a dashboard alone. refresh_interval: seconds."""

    def __init__(self, *, boot: str, app_version: str, refresh_interval: float, alone: bool = False) -> None:
        self.boot = boot
        self.app_version = app_version
        self.refresh_interval = refresh_interval
        self._stopped = False
        self._state = ProgramState.NONE if alone else ProgramState.RUNNING
        self._ended_at = 0.0
        self._limit: float = 0
        self._failed = 0
        self._receivers: dict[str, ReceiverFailures] = {}

    def take(self, event: Event, at: float) -> None:
        """Note what an event says about the program. at: epoch seconds."""
        match event:
            case NotificationFailed():
                self._failed += 1
                self._note_receiver(event, at)
            case ControlUsed(action="limit"):
                self._limit = clean.number(event.limit_bytes)
            case ProgramFollowed():
                self._state, self._ended_at = ProgramState.RUNNING, 0
            case ProgramEnded():
                self._state, self._ended_at, self._limit = ProgramState.ENDED, at, 0

    def _note_receiver(self, event: NotificationFailed, at: float) -> None:
        name = clean.text(event.receiver, clean.NAME_LIMIT)
        before = self._receivers.get(name)
        if before is None and len(self._receivers) >= RECEIVERS_LIMIT:
            return
        failed = before["failed"] + 1 if before is not None else 1
        self._receivers[name] = {"failed": failed, "error": clean.redact(event.error), "at": at}

    def stop(self, at: float) -> None:
        """This process ends. at: epoch seconds."""
        self._stopped = True
        if self._state is ProgramState.RUNNING:
            self._state, self._ended_at = ProgramState.ENDED, at

    def head(self, uploaders: Uploaders) -> Head:
        """The members of the document that are about the whole program."""
        known = uploaders.values()
        idle_or_not = EngineState.UPLOADING if any(u.active for u in known) else EngineState.IDLE
        return {
            "boot": self.boot,
            "refresh_interval": self.refresh_interval,
            "app_version": self.app_version,
            "utc_offset_seconds": time.localtime().tm_gmtoff,
            "engine": EngineState.STOPPED if self._stopped else idle_or_not,
            "program": self._state,
            "program_ended_at": self._ended_at,
            "focus": focus_of(known),
            "limit": self._limit,
            "recovered": any(u.session["recovered"] and u.phase == Phase.INTERRUPTED for u in known),
            "notifications_failed": self._failed,
            "notifications": dict(self._receivers),
        }


def health_of(head: Head, now: float, started_at: float, heard_at: float, *, silent: bool) -> Health:
    """The answer of `/api/health`. Times are epoch seconds: heard_at, when an upload of this process was heard of last,
    0 for never. silent: whether one that runs has said nothing for long.
    """
    stalled = silent and head["engine"] is EngineState.UPLOADING
    return {
        "status": "healthy",
        "version": head["app_version"],
        "uptime_seconds": round(max(0.0, now - started_at), 3),
        "engine": EngineState.STALLED if stalled else head["engine"],
        "last_event_age_seconds": round(max(0.0, now - heard_at), 3) if heard_at else -1,
        "recovered": head["recovered"],
    }
