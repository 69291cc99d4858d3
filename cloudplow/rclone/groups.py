"""Process groups: whatever we start ends with us, even if we are killed.

Each process gets a group of its own, and the whole group ends with it, so that a wrapper script around rclone leaves
nothing behind. If we are killed, its output pipe has no reader any more, which ends an rclone that writes; one that
hangs writes nothing, so a guard ends the group: a shell that waits for the end of its own input, which only we hold.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from typing import Final

from cloudplow import signals

#: After the process itself has ended, how long to wait for output from others that hold its pipe, in seconds.
LINGER_SECONDS: Final = 1.0
#: How long the end of everything waits for a process that is being started, in seconds. That takes 3 ms.
STARTING_SECONDS: Final = 1.0
#: Lives as long as the group that it is named for, and ends it if its own input ends without a word.
_GUARD: Final = 'read -r word || { kill -s TERM -- "-$0" && sleep 1 && kill -s KILL -- "-$0"; }'


class Group:
    """The process group of a process that we started."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        self._popen = popen
        self._ended_at: float | None = None
        _running.add(self)
        self._guard = _start_guard(popen.pid)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group, unless its leader has been reaped: the number may be another group's."""
        if self._popen.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._popen.pid, number)

    def leader_has_ended(self) -> bool:
        """Whether the process itself has ended. It is not reaped yet, so that the group keeps its number."""
        if self._popen.returncode is not None:
            return True
        try:
            flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
            return os.waitid(os.P_PID, self._popen.pid, flags) is not None
        except ChildProcessError:
            return True

    def lingers(self) -> bool:
        """Whether the process ended a while ago, but others may still hold its pipe."""
        if not self.leader_has_ended():
            return False
        now = time.monotonic()
        if self._ended_at is None:
            self._ended_at = now
        return now - self._ended_at > LINGER_SECONDS

    def end(self) -> int:
        """Kill what is left of the group and return the exit status, negative for a signal."""
        self.signal(signal.SIGKILL)
        try:
            return self._popen.wait()
        finally:
            _running.discard(self)
            guard, self._guard = self._guard, None
            if guard is not None:
                _dismiss(guard)


def _start_guard(group: int) -> subprocess.Popen[bytes] | None:
    """A shell, in a group of its own, that kills the group once nobody holds its input any more."""
    try:
        return subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, str(group)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )
    except OSError:
        return None  # without a shell, or without room for another process, the pipe has to do


def _dismiss(guard: subprocess.Popen[bytes]) -> None:
    """The group has ended: the guard must not touch its number, which may soon be another's."""
    assert guard.stdin is not None
    with contextlib.suppress(OSError):
        guard.stdin.write(b"\n")
        guard.stdin.flush()
    with contextlib.suppress(OSError):
        guard.stdin.close()
    try:
        guard.wait(1.0)
    except subprocess.TimeoutExpired:
        guard.kill()
        guard.wait()


#: Every group that may still be there.
_running: Final[set[Group]] = set()
#: Held while a process is started, until its group is known.
starting: Final = threading.RLock()


def end_all() -> None:
    """Kill whatever we have started. From any thread, and without waiting long: for the end of our own process."""
    known = starting.acquire(timeout=STARTING_SECONDS)
    try:
        for group in tuple(_running):
            group.signal(signal.SIGKILL)
    finally:
        if known:
            starting.release()


signals.before_end.append(end_all)
