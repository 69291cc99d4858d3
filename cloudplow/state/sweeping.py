"""Removes what killed processes left in the state folder: unfinished writes, lists of comparisons, passwords."""

from __future__ import annotations

import contextlib
import os
import re
import time
from pathlib import Path
from typing import Final

#: `.NAME.PID.THREAD.tmp` of an atomic write, `.NAME.PID.tmp` of older versions, `NAME.PID.compare` of a listing,
#: `NAME.PID.htpasswd` of a session's remote control.
_OF_PROCESS: Final = re.compile(
    r"\.(?P<name>.+?)\.(?P<pid>\d{1,10})(?:\.\d+)?\.tmp|[^.].*\.(?P<other>\d{1,10})\.(?:compare|(?P<password>htpasswd))"
)
#: `.NAME.previous.tmp`, which is a second name of a file for a moment.
_PREVIOUS: Final = re.compile(r"\..+\.previous\.tmp")
#: A process with the number of another one (in a container they are always the same) may be ours: then the age decides.
OLD_SECONDS: Final = 3600.0
#: Nobody is between two steps of a write for so long.
_MOMENT_SECONDS: Final = 60.0
#: The folder for passwords of remote controls, below the state folder.
RC_FOLDER: Final = "rc"


def sweep(folder: Path) -> None:
    """Remove unfinished files of processes that are gone, from a state folder and those below. Raises nothing."""
    for place in (folder, folder / "stages", folder / RC_FOLDER):
        with contextlib.suppress(OSError):
            for entry in list(os.scandir(place)):
                with contextlib.suppress(OSError):
                    if entry.is_file(follow_symlinks=False) and _is_left(entry):
                        os.unlink(entry.path)  # noqa: PTH108 - an entry of scandir


def _is_left(entry: os.DirEntry[str]) -> bool:
    match = _OF_PROCESS.fullmatch(entry.name)
    if match is None and not _PREVIOUS.fullmatch(entry.name):
        return False
    age = time.time() - entry.stat(follow_symlinks=False).st_mtime
    if match is None:
        return age > _MOMENT_SECONDS
    pid = int(match["pid"] or match["other"])
    # It has only just started: what bears its own number is another's.
    # A password is used for as long as its session takes.
    is_old = age > OLD_SECONDS and match["password"] is None
    return pid == os.getpid() or not _is_alive(pid) or is_old


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True
