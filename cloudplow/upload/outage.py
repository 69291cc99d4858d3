"""Waits, with growing pauses, while something does not work that no account and no file is to blame for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cloudplow import events
from cloudplow.events import UploaderState
from cloudplow.events.sentences import local_time
from cloudplow.upload.controls import SessionControls

#: Pauses before the next tries, in seconds; the last one is repeated.
PAUSES_SECONDS: Final = (5.0, 15.0, 60.0, 120.0, 240.0, 480.0, 600.0)
#: How long an upload waits in all, in seconds, unless it was told to wait.
LIMIT_SECONDS: Final = 2 * 3600.0


class Outage:
    """Owned by one session. now: epoch seconds. emit: publishes an event of the session. patient: wait for ever."""

    def __init__(
        self,
        controls: SessionControls,
        emit: Callable[..., None],
        now: Callable[[], float],
        *,
        patient: bool,
    ) -> None:
        self._controls = controls
        self._emit = emit
        self._now = now
        self._patient = patient
        self._tries = 0
        self._waited = 0.0
        self._since = 0.0

    def over(self) -> None:
        """It works again."""
        self._tries, self._waited = 0, 0.0

    def wait(self, why: str) -> str:
        """Wait until the next try, or until asked to stop; returns why to give up, "" to try again."""
        now = self._now()
        if not self._tries:
            self._since = now
        since = local_time(self._since, now)
        if not self._patient and self._waited >= LIMIT_SECONDS:
            return f"{why} (since {since})"
        pause = PAUSES_SECONDS[min(self._tries, len(PAUSES_SECONDS) - 1)]
        self._tries += 1
        self._waited += pause
        until = now + pause
        reason = f"{why} (since {since}, next try {local_time(until, now)})"
        self._emit(events.UploaderSuspended, reason=reason, until=until)
        self._controls.report(UploaderState.OFFLINE, reason, until)
        self._emit(events.UploaderStatusChanged, state=UploaderState.OFFLINE, why=reason, until=until)
        stopped = self._controls.wait(pause)
        self._emit(events.UploaderStatusChanged, state=UploaderState.UPLOADING, why="")
        if not stopped:
            self._emit(events.UploaderResumed, reason=reason, until=until)
        return ""
