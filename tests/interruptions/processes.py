"""The processes of an upload: cloudplow, and whatever it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

_WORDS = frozenset((b"move", b"copy"))


class Upload:
    """A running `cloudplow upload`."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.stages_begun = 0
        self._stages: set[int] = set()
        self._others: set[int] = set()

    @property
    def running(self) -> bool:
        """Whether cloudplow itself has not ended."""
        return self._process.poll() is None

    def wait(self, seconds: float) -> int | None:
        """Its exit status (negative: died by that signal); None when it is still running after so long."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to cloudplow alone."""
        if self.running:
            self._process.send_signal(number)

    def rclones(self) -> list[int]:
        """Process ids of what it started."""
        return list(_descendants(self._process.pid)) if self.running else []

    def kill_all(self) -> None:
        """kill -9 of cloudplow and of whatever it started."""
        rclones = self.rclones()
        self.send(signal.SIGKILL)
        send_all(rclones, signal.SIGKILL)
        self._process.wait()

    def look(self) -> None:
        """Notice stages that have begun or ended since the last look."""
        alive = set(_children(self._process.pid))
        for pid in alive - self._stages - self._others:
            words = _words(pid)
            if _WORDS & set(words[:4]) and b"--dry-run" not in words:
                self._stages.add(pid)
                self.stages_begun += 1
            elif any(word.endswith(b"/rclone") for word in words):
                self._others.add(pid)
        self._stages &= alive
        self._others &= alive

    @property
    def stages_ended(self) -> int:
        """How many rclones that upload have ended, as of the last look."""
        return self.stages_begun - len(self._stages)


def send_all(pids: list[int], number: signal.Signals) -> None:
    """Send a signal to each process that still exists."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def find_users(path: Path) -> list[int]:
    """Process ids of every living process that has this path in its command line."""
    wanted = os.fsencode(path)
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            pid = int(entry.name)
            if any(wanted in word for word in _words(pid)):
                found.append(pid)
    return found


def _descendants(pid: int) -> Iterator[int]:
    for child in _children(pid):
        yield child
        yield from _descendants(child)


def _children(pid: int) -> list[int]:
    """Process ids of the direct children that live, whichever thread started them."""
    found: list[int] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 - many times a second
    except OSError:
        return found
    for thread in threads:
        with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{thread}/children", "rb") as file:  # noqa: PTH123
            found += [int(word) for word in file.read().split()]
    return found


def _words(pid: int) -> list[bytes]:
    """A process's command line; [] of one that has ended, also when nobody has waited for it."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123 - many times a second
            words = file.read().split(b"\0")[:-1]
    except OSError:
        return []
    # Asked about its flags only.
    return [] if b":memory:cloudplow-from" in words else words
