"""How a running session is controlled, and what it reports. Any thread may use everything here.

Each session gets a `SessionControls`, which it checks between steps and passes to everything that may take long. Those
of all sessions, and of uploaders that wait, are steered by `cloudplow.dispatch.controls`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Final, Protocol

from cloudplow.errors import StoppedError
from cloudplow.events import UploaderState
from cloudplow.models import UploaderStatus
from cloudplow.rclone.steering import LOWEST_BYTES_PER_SECOND

#: How often a session looks at what changes by itself while it waits, in seconds.
LOOK_SECONDS: Final = 1.0


class Reach(StrEnum):
    """How far a wish reaches. RC: the running rclone is asked. STAGE: the running stage goes on as it is, without that
    wish. NOW: nothing is being uploaded, so nothing has to be asked.
    """

    RC = "rc"
    STAGE = "stage"
    NOW = "now"


class Steered(Protocol):
    """A running stage; see `cloudplow.rclone.steering.Steering`."""

    @property
    def can_steer(self) -> bool:
        """Whether its rclone can be asked for anything."""

    def finish(self) -> bool:
        """Begin no more files. Returns whether rclone will be asked."""

    def limit(self, limit_bytes: int | None) -> bool:
        """Limit the speed, in bytes per second. Returns whether rclone will be asked."""


class SessionControls:
    """One running session: what it was asked to do, and what it is doing.

    changed: called, on the session's thread, whenever it reports something else.
    """

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self._changed = changed
        self._left: Callable[[], tuple[int, int]] | None = None
        #: Called about once a second while the session waits, on its thread.
        self.meanwhile: Callable[[], None] = lambda: None
        #: Set once the session must end; every wait ends with it.
        self.stopping = threading.Event()
        self._stop_asked = threading.Event()
        self._finishing = threading.Event()
        self._killing = threading.Event()
        self._lock = threading.Lock()
        self._stage: Steered | None = None
        self._limit_bytes: int | None = None
        self._reported = UploaderStatus(UploaderState.SCANNING, "getting ready")
        self._reported_at = time.monotonic()

    def stop(self, *, now: bool = False) -> None:
        """End the session: rclone is asked to stop. now: kill it instead. Stronger than `finish`."""
        if now:
            self._killing.set()
        self._stop_asked.set()
        self.stopping.set()

    def finish(self) -> Reach:
        """End the session after the files that are being uploaded have arrived; at once if there are none.

        Returns what it waits for: RC for these files, STAGE for all files of the running stage, NOW for nothing.
        """
        with self._lock:
            self._finishing.set()
            stage = self._stage
            if stage is None:
                self.stopping.set()
                return Reach.NOW
        return Reach.RC if stage.finish() else Reach.STAGE

    def should_finish(self) -> bool:
        """Whether the session must end after the files that are being uploaded."""
        return self._finishing.is_set()

    def ends_gently(self) -> bool:
        """Whether the session ends because of `finish`, and nobody wanted more."""
        return self._finishing.is_set() and not self._stop_asked.is_set()

    def limit(self, bytes_per_second: int | None) -> Reach:
        """Limit the speed of this session, in total; None: as the user set it. Not below `LOWEST_BYTES_PER_SECOND`.

        Returns from when on: RC for at once, STAGE for the next stage, NOW if no stage runs.
        """
        wanted = None if bytes_per_second is None else max(LOWEST_BYTES_PER_SECOND, bytes_per_second)
        with self._lock:
            self._limit_bytes = wanted
            stage = self._stage
        if stage is None:
            return Reach.NOW
        return Reach.RC if stage.limit(wanted) else Reach.STAGE

    def limit_bytes(self) -> int | None:
        """The speed limit for the session's next stage, in bytes per second; None for the user's own."""
        with self._lock:
            return self._limit_bytes

    @contextmanager
    def uploading(self, stage: Steered) -> Iterator[None]:
        """While inside, a stage runs. Raises StoppedError if none may begin any more."""
        with self._lock:
            if self._finishing.is_set() or self.stopping.is_set():
                raise StoppedError
            self._stage = stage
            limit_bytes = self._limit_bytes
        stage.limit(limit_bytes)  # it may have changed since the stage was made
        try:
            yield
        finally:
            with self._lock:
                self._stage = None
                if self._finishing.is_set():
                    self.stopping.set()

    def should_stop(self) -> bool:
        """Whether the session must end."""
        return self.stopping.is_set()

    def should_kill(self) -> bool:
        """Whether it must end immediately."""
        return self._killing.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait; returns True as soon as the session must end. What is shown must not stand still meanwhile."""
        left = seconds
        while left > 0 and not self.stopping.wait(min(left, LOOK_SECONDS)):
            left -= LOOK_SECONDS
            self.meanwhile()
        return self.stopping.is_set()

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
            last, stage = self._reported, self._stage
        if not self.stopping.is_set() and not self._finishing.is_set():
            return last
        before = f"before that: {last.why or last.state}"
        if self.stopping.is_set() or stage is None:
            return UploaderStatus(UploaderState.STOPPING, f"stopping on request; {before}")
        after = "the files that are being uploaded" if stage.can_steer else "the running stage"
        return UploaderStatus(UploaderState.STOPPING, f"stopping on request, after {after}; {before}")
