"""Runs one function on its own short-lived thread while the caller continues."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from cloudplow.errors import StoppedError

T = TypeVar("T")

#: How often a caller that waits for a result checks whether to stop, in seconds.
STOP_POLL_SECONDS: Final = 0.1


class Background(Generic[T]):
    """Starts immediately; `get` waits for the result. A daemon thread: it never keeps the process alive."""

    def __init__(self, function: Callable[[], T], name: str) -> None:
        self._function = function
        self._results: list[T] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._results.append(self._function())
        except BaseException as error:  # noqa: BLE001 - raised again by `get`
            self._error = error

    def is_done(self) -> bool:
        """Whether the result is there, or an error."""
        return not self._thread.is_alive()

    def wait(self, timeout_seconds: float | None = None) -> None:
        """Wait for the end, whatever the result."""
        self._thread.join(timeout_seconds)

    def get(self, stop: threading.Event | None = None) -> T:
        """The result of the function; raises what it raised, and StoppedError once `stop` is set."""
        while stop is not None and self._thread.is_alive():
            if stop.is_set():
                raise StoppedError
            self._thread.join(STOP_POLL_SECONDS)
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._results[0]
