"""How running sessions are controlled, and what they report. Any thread may use everything here.

The app owns `Controls`: signals, plugins, and later the control socket and the page use it. Each session gets
a `SessionControls`, which it checks between steps and passes to everything that may take long.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from cloudplow.events import SessionOutcome, UploaderState, sentence
from cloudplow.events.facts import SessionFinished
from cloudplow.models import UploaderStatus


class SessionControls:
    """One running session: what it was asked to do, and what it is doing."""

    def __init__(self) -> None:
        #: Set once the session must end; every wait ends with it.
        self.stopping = threading.Event()
        self._killing = threading.Event()
        self._lock = threading.Lock()
        self._reported = UploaderStatus(UploaderState.SCANNING, "getting ready")

    def stop(self, *, now: bool = False) -> None:
        """End the session: rclone is asked to stop. now: kill it instead."""
        if now:
            self._killing.set()
        self.stopping.set()

    def should_stop(self) -> bool:
        """Whether the session must end."""
        return self.stopping.is_set()

    def should_kill(self) -> bool:
        """Whether it must end immediately."""
        return self._killing.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait; returns True as soon as the session must end."""
        return self.stopping.wait(seconds)

    def report(self, state: UploaderState, why: str = "", until: float | None = None) -> None:
        """Report what the session is doing now. until: epoch seconds, None when unknown."""
        with self._lock:
            self._reported = UploaderStatus(state, why, until)

    def status(self) -> UploaderStatus:
        """What the session is doing now."""
        with self._lock:
            last = self._reported
        if not self.stopping.is_set():
            return last
        return UploaderStatus(UploaderState.STOPPING, f"stopping on request; before that: {last.why or last.state}")


class Controls:
    """All sessions of this process. uploaders: every uploader name in the configuration."""

    def __init__(self, uploaders: Iterable[str]) -> None:
        #: When the program started, in epoch seconds.
        self.started_at = time.time()
        self._lock = threading.Lock()
        self._running: dict[str, SessionControls] = {}
        self._idle = {name: UploaderStatus(UploaderState.IDLE, "no upload has run yet") for name in uploaders}
        #: Set once the whole program must end.
        self.program_stops = threading.Event()

    def request_stop(self) -> None:
        """End the whole program: every session is asked to stop, and none starts. A second call kills rclone."""
        with self._lock:
            again = self.program_stops.is_set()
            self.program_stops.set()
            running = list(self._running.values())
        for session in running:
            session.stop(now=again)

    def stop_requested(self) -> bool:
        """Whether the whole program must end."""
        return self.program_stops.is_set()

    def wait_for_stop(self, timeout_seconds: float | None = None) -> bool:
        """Wait until the whole program must end; False on timeout."""
        return self.program_stops.wait(timeout_seconds)

    def stop(self, uploader: str | None = None, *, now: bool = False) -> list[str]:
        """Stop the named uploader's session, or all of them; others may still start. now: kill rclone.

        Returns the uploaders that were running.
        """
        with self._lock:
            asked = {name: one for name, one in self._running.items() if uploader in (None, name)}
        for session in asked.values():
            session.stop(now=now)
        return list(asked)

    def status(self) -> Mapping[str, UploaderStatus]:
        """What every uploader is doing, and why."""
        with self._lock:
            return self._idle | {name: session.status() for name, session in self._running.items()}

    @contextmanager
    def session(self, uploader: str) -> Iterator[SessionControls]:
        """Register a session for as long as it runs."""
        session = SessionControls()
        with self._lock:
            self._running[uploader] = session
            stopping = self.program_stops.is_set()
        if stopping:
            session.stop()
        try:
            yield session
        finally:
            with self._lock:
                del self._running[uploader]

    def note_end(self, event: SessionFinished) -> None:
        """Remember how an uploader's last session ended: its status while it is idle."""
        state = UploaderState.FAILED if event.outcome is SessionOutcome.FAILED else UploaderState.IDLE
        with self._lock:
            self._idle[event.uploader] = UploaderStatus(state, f"last upload: {sentence(event)}")
