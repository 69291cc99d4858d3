"""`ServiceManager`: tells systemd (`Type=notify`) what a service does. Speaks its protocol itself: a datagram of lines.

Nothing here ever waits or fails: a socket that is gone, full or no socket loses the message, and the service goes on.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Final

#: The longest time between two calls of `ticked` in a loop that works, in seconds.
LONGEST_TICK_SECONDS: Final = 30.0
#: Never more often than this, in seconds.
_PET_SECONDS: Final = 1.0
#: A longer status is cut off, in characters.
_STATUS_LENGTH: Final = 400
_SOCKET: Final = "NOTIFY_SOCKET"
_WATCHDOG: Final = ("WATCHDOG_USEC", "WATCHDOG_PID")


class ServiceManager:
    """Any thread may use it. Without `NOTIFY_SOCKET` in the environment it does nothing.

    environ: the variables are taken out of it, as rclone must not speak for us. clock: the monotonic one, in seconds.
    """

    def __init__(
        self, environ: MutableMapping[str, str] | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        environ = os.environ if environ is None else environ
        self._clock = clock
        self._address = _address(environ.pop(_SOCKET, ""))
        usec, pid = (environ.pop(name, "") for name in _WATCHDOG)
        self._watchdog_seconds = _watchdog_seconds(usec, pid)
        self._lock = threading.RLock()
        self._is_ready = False
        self._is_ending = False
        self._status = ""
        self._petted_at: float | None = None

    @property
    def listens(self) -> bool:
        """Whether anybody wants to know."""
        return self._address is not None

    def ticked(self, status: str) -> None:
        """The loop has looked: it is ready, alive, and this is what it does. Nobody but the loop may say so."""
        if self._address is None:
            return
        with self._lock:
            lines = []
            if not self._is_ready and not self._is_ending:
                lines.append("READY=1")
            shown = _one_line(status)
            if shown != self._status:
                lines.append(f"STATUS={shown}")
            now = self._clock()
            if self._must_pet(now):
                lines.append("WATCHDOG=1")
            if lines and self._send(lines):
                self._is_ready, self._status = True, shown
                if "WATCHDOG=1" in lines:
                    self._petted_at = now

    @contextmanager
    def reloading(self) -> Iterator[None]:
        """While inside, the configuration is read again."""
        with self._lock:
            tells = self._is_ready and not self._is_ending
            if tells:
                self._send(["RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}"])
        try:
            yield
        finally:
            with self._lock:
                # Lost, it is said again with the next tick.
                if tells and not self._is_ending:
                    self._is_ready = self._send(["READY=1"])

    def stopping(self) -> None:
        """The end has begun."""
        with self._lock:
            if not self._is_ending:
                self._is_ending = True
                self._send(["STOPPING=1", "STATUS=stopping on request"])

    def _must_pet(self, now: float) -> bool:
        """Whether half of the time would have passed with the next tick."""
        if self._watchdog_seconds is None:
            return False
        if self._petted_at is None:
            return True
        silent = now - self._petted_at
        return silent >= _PET_SECONDS and silent + LONGEST_TICK_SECONDS >= self._watchdog_seconds / 2

    def _send(self, lines: list[str]) -> bool:
        """Whether it was taken."""
        if self._address is None:
            return False
        with contextlib.suppress(OSError, ValueError):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                sender.sendto("\n".join(lines).encode("utf-8", "replace"), self._address)
            return True
        return False


def _address(named: str) -> bytes | None:
    """The address for the system; None for none, and for kinds that only virtual machines have."""
    if named.startswith("@"):
        return b"\0" + os.fsencode(named[1:])
    return os.fsencode(named) if named.startswith("/") else None


def _watchdog_seconds(usec: str, pid: str) -> float | None:
    """After how long without a word we are ended; None for never, or if another process is meant."""
    if pid and pid != str(os.getpid()):
        return None
    return int(usec) / 1e6 if usec.isascii() and usec.isdigit() and int(usec) else None


def _one_line(text: str) -> str:
    shown = "".join(char if char.isprintable() else " " for char in text)
    return shown if len(shown) <= _STATUS_LENGTH else shown[: _STATUS_LENGTH - 4] + " ..."
