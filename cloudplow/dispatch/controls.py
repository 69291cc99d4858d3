"""`Controls`: how the running program is steered, whoever asks: signals, the control socket, the page, plugins, Python.

One object for each process. While something can be steered, a `Dispatcher` is attached to it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from cloudplow.dispatch import steering
from cloudplow.dispatch.dispatcher import Dispatcher
from cloudplow.errors import NotRunningError
from cloudplow.events import ControlUsed, Event, UploaderState
from cloudplow.models import UploaderStatus

_NOTHING_RUNS = "nothing is running in this process that could be steered"


class Controls:
    """Any thread may use everything here. uploaders: every name in the configuration. publish: of events."""

    def __init__(self, uploaders: Iterable[str], publish: Callable[[Event], object] = lambda _event: None) -> None:
        #: When the program started, in epoch seconds.
        self.started_at = time.time()
        #: Set once the whole program must end.
        self.program_stops = threading.Event()
        self._publish = publish
        self._lock = threading.Lock()
        self._dispatcher: Dispatcher | None = None
        self._last: Mapping[str, UploaderStatus] = {
            name: UploaderStatus(UploaderState.IDLE, "no upload has run yet") for name in uploaders
        }

    @contextmanager
    def attached(self, dispatcher: Dispatcher) -> Iterator[None]:
        """While inside, this is what is steered."""
        with self._lock:
            self._dispatcher = dispatcher
        try:
            yield
        finally:
            last = dispatcher.status()
            with self._lock:
                self._dispatcher, self._last = None, last

    def request_stop(self) -> None:
        """End the whole program: every session is asked to stop, and none starts. A second call kills rclone."""
        with self._lock:
            again = self.program_stops.is_set()
            self.program_stops.set()
            dispatcher = self._dispatcher
        if dispatcher is not None:
            steering.stop_all(dispatcher, now=again)

    def stop_requested(self) -> bool:
        """Whether the whole program must end."""
        return self.program_stops.is_set()

    def wait_for_stop(self, timeout_seconds: float | None = None) -> bool:
        """Wait until the whole program must end; False on timeout."""
        return self.program_stops.wait(timeout_seconds)

    def status(self) -> Mapping[str, UploaderStatus]:
        """What every uploader is doing, and why."""
        with self._lock:
            dispatcher, last = self._dispatcher, self._last
        return last if dispatcher is None else dispatcher.status()

    # Each returns, by uploader, a sentence that says what is now so.

    def start(self, uploader: str, *, by: str = "api", who: str = "", unless_paused: bool = False) -> Mapping[str, str]:
        """Upload as soon as possible, whatever interval, threshold and window say; ends a pause.

        unless_paused: refuse instead of ending a pause. Raises NotRunningError, SteeringError.
        """
        said = steering.start(self._steered(), [uploader], unless_paused=unless_paused)
        return self._used("start", by, who, said)

    def start_all(self, uploaders: Sequence[str]) -> Mapping[str, str]:
        """The same for several, asked for on the command line: it is not told as a control."""
        return steering.start(self._steered(), uploaders)

    def stop(
        self, uploader: str | None = None, *, now: bool = False, by: str = "api", who: str = ""
    ) -> Mapping[str, str]:
        """End the named uploader's upload, or all of them; others may still start.

        Files that are being uploaded are finished first. now: cut them off. Nothing happens while nothing runs.
        """
        with self._lock:
            dispatcher = self._dispatcher
        if dispatcher is None:
            return {}
        return self._used("stop", by, who, steering.stop(dispatcher, uploader, now=now))

    def pause(
        self, uploader: str | None = None, *, seconds: float | None = None, by: str = "api", who: str = ""
    ) -> Mapping[str, str]:
        """Stop, and start nothing until `resume` or `start`, or for so many seconds. It survives a restart.

        Raises NotRunningError.
        """
        return self._used("pause", by, who, steering.pause(self._steered(), uploader, seconds=seconds, by=who or by))

    def resume(self, uploader: str | None = None, *, by: str = "api", who: str = "") -> Mapping[str, str]:
        """End a pause. Raises NotRunningError."""
        return self._used("resume", by, who, steering.resume(self._steered(), uploader))

    def limit(self, bytes_per_second: int | None, *, by: str = "api", who: str = "") -> Mapping[str, str]:
        """Upload no faster than that, each uploader; None for no limit of ours. Raises NotRunningError."""
        return self._used("limit", by, who, steering.limit(self._steered(), bytes_per_second))

    def limit_bytes(self) -> int | None:
        """The limit that stands, in bytes per second; None for none."""
        with self._lock:
            return None if self._dispatcher is None else self._dispatcher.limit_bytes

    def tick_age_seconds(self) -> float | None:
        """How long ago the dispatcher last looked; None while there is none."""
        with self._lock:
            dispatcher = self._dispatcher
        return None if dispatcher is None else dispatcher.tick_age_seconds()

    def reconfigure(self) -> None:
        """The configuration was read again."""
        with self._lock:
            dispatcher = self._dispatcher
        if dispatcher is not None:
            dispatcher.reconfigure()

    def run_ids(self, uploaders: Iterable[str]) -> Mapping[str, str]:
        """By which the sessions that an uploader begins now, or has begun, can be told from others."""
        steered = self._steered()
        with steered.changed:
            return {name: steered.entries[name].run_id for name in uploaders}

    def silences(self) -> Mapping[str, float]:
        """For how long rclone has said nothing, in seconds, of each upload in which that has been noticed."""
        with self._lock:
            dispatcher = self._dispatcher
        return {} if dispatcher is None else dispatcher.silences()

    def capacity_changed(self) -> None:
        """Accounts may have more quota left than they had."""
        with self._lock:
            dispatcher = self._dispatcher
        if dispatcher is not None:
            dispatcher.capacity_changed()

    def names(self) -> Sequence[str]:
        """Every uploader there is."""
        return list(self.status())

    def _steered(self) -> Dispatcher:
        with self._lock:
            if self._dispatcher is None:
                raise NotRunningError(_NOTHING_RUNS)
            return self._dispatcher

    def _used(self, action: str, by: str, who: str, said: Mapping[str, str]) -> Mapping[str, str]:
        limit = self.limit_bytes() if action == "limit" else None
        for uploader, what in said.items():
            self._publish(ControlUsed(uploader=uploader, action=action, by=by, who=who, what=what, limit_bytes=limit))
        return said
