"""Locks that end with their owners: `flock` on folders, inherited by the rclone that works in them.

After a kill -9 the lock is held until the orphaned rclone has ended too (within a second, as nothing reads its output),
so that no second upload works on the same files or accounts in the meantime.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from pathlib import Path
from typing import Final

from cloudplow.errors import BusyError, StateError

#: How long to wait for a killed run's rclone to end, in seconds.
WAIT_SECONDS: Final = 3.0


class FolderLocks:
    """Holds locks on folders until `release`."""

    def __init__(self) -> None:
        self._fds: dict[Path, int] = {}

    @property
    def fds(self) -> tuple[int, ...]:
        """Descriptors for child processes to inherit."""
        return tuple(self._fds.values())

    def acquire(self, folder: Path, purpose: str, *, wait_seconds: float = WAIT_SECONDS) -> None:
        """Lock a folder. purpose: what it is, for messages ("the upload folder"); wait_seconds: for another owner.

        Raises BusyError when another process holds the lock, StateError when the folder cannot be opened. On a file
        system without locks, no lock is taken.
        """
        real = folder.resolve()
        if real in self._fds:
            return
        try:
            fd = os.open(real, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise StateError(f"{purpose} {folder} cannot be opened: {error.strerror}") from error
        deadline = time.monotonic() + wait_seconds
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                    break
                if time.monotonic() > deadline:
                    os.close(fd)
                    raise BusyError(
                        f"another upload is using {purpose} {folder}: wait until it ends, or stop it"
                    ) from error
                time.sleep(0.05)
        self._fds[real] = fd

    def release(self) -> None:
        """Release all locks."""
        for fd in self._fds.values():
            # A child of rclone that outlives it still holds the descriptor: closing ours would not unlock.
            with contextlib.suppress(OSError):
                fcntl.flock(fd, fcntl.LOCK_UN)
            with contextlib.suppress(OSError):
                os.close(fd)
        self._fds.clear()
