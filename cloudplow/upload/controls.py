"""How a running session is controlled, and what it reports. Any thread may use everything here.

Each session gets a `SessionControls`, which it checks between steps and passes to everything that may take long. Those
of all sessions, and of uploaders that wait, are steered by `cloudplow.dispatch.controls`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from cloudplow.events import UploaderState
from cloudplow.models import UploaderStatus


class SessionControls:
    """One running session: what it was asked to do, and what it is doing.

    changed: called, on the session's thread, whenever it reports something else.
    """

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self._changed = changed
        self._left: Callable[[], tuple[int, int]] | None = None
        #: Set once the session must end; every wait ends with it.
        self.stopping = threading.Event()
        self._killing = threading.Event()
        self._lock = threading.Lock()
        self._reported = UploaderStatus(UploaderState.SCANNING, "getting ready")
        self._reported_at = time.monotonic()

    def stop(self, *, now: bool = False) -> None:
        """End the session: rclone is asked to stop. now: kill it instead."""
        if now:
            self._killing.set()
        self.stopping.set()

    def finish(self) -> str:
        """End the session after the files that are being uploaded."""
        self.stop()
        return "stage"

    def limit(self, bytes_per_second: int | None) -> None:
        """Upload no faster; None for no limit."""

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
            self._reported_at = time.monotonic()
        self._changed()

    def stalled_seconds(self) -> float:
        """How long ago it was reported that nothing happens; 0 if something does."""
        with self._lock:
            stalled = self._reported.state is UploaderState.STALLED
            return time.monotonic() - self._reported_at if stalled else 0.0

    def count_left_by(self, left: Callable[[], tuple[int, int]]) -> None:
        """left: counts the files and bytes that are still to be uploaded, on any thread."""
        self._left = left

    def left(self) -> tuple[int, int] | None:
        """How many files and bytes are still to be uploaded; None while that is not known."""
        return None if self._left is None else self._left()

    def status(self) -> UploaderStatus:
        """What the session is doing now."""
        with self._lock:
            last = self._reported
        if not self.stopping.is_set():
            return last
        return UploaderStatus(UploaderState.STOPPING, f"stopping on request; before that: {last.why or last.state}")
