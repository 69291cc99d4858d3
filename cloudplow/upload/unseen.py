"""Whose open files cannot be seen: a file that such a program still writes would be uploaded half.

Linux shows the open files of other users' programs to root alone; a container sees only its own programs, and so does
a service with ProtectProc= or a machine whose /proc is mounted with hidepid=.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Final, NamedTuple

from cloudplow.events.sentences import count
from cloudplow.upload.task import UploadTask

log = logging.getLogger("cloudplow.upload")

PROC: Final = Path("/proc")
#: The number of the machine's own process namespace; that of a container is another one. Source: Linux, proc_ns.h.
_FIRST_PID_NAMESPACE: Final = 0xEFFFFFFC


class Unseen(NamedTuple):
    """others: programs of other users whose files are hidden; contained: we are in a container.

    hidden: /proc does not show the programs of others at all.
    """

    others: int = 0
    contained: bool = False
    hidden: bool = False

    def sentence(self) -> str:
        """What follows and what to do; "" when everything can be seen."""
        cure = 'set rclone_extras {"--min-age": "15m"}, so that files rest before they go'
        if self.contained:
            return (
                "open files of programs outside this container cannot be seen, so a file that is still written may go; "
                f'{cure}, or run the container with "pid: host"'
            )
        if self.hidden:
            return (
                "this system hides other users' programs (hidepid or ProtectProc), so their open files cannot be seen "
                f"and may go while they are written; {cure}, or remove that setting"
            )
        if self.others:
            return (
                f"open files of {count(self.others, 'program')} of other users cannot be seen, so a file that is still "
                f"written may go; {cure}, or run cloudplow as the user who writes the files, or as root"
            )
        return ""


def look_for_unseen(proc: Path = PROC, user: int | None = None) -> Unseen:
    """Look once. user: who we are."""
    user = os.geteuid() if user is None else user
    if _number_of_namespace(proc) not in (None, _FIRST_PID_NAMESPACE):
        return Unseen(contained=True)
    if user == 0:
        return Unseen(hidden=False)
    if _is_hidden(proc):
        return Unseen(hidden=True)
    try:
        numbers = [one for one in proc.iterdir() if one.name.isdigit()]
    except OSError:  # no Linux
        return Unseen()
    return Unseen(others=sum(1 for one in numbers if _is_unseen(one, user)))


def _number_of_namespace(proc: Path) -> int | None:
    try:
        return (proc / "self" / "ns" / "pid").stat().st_ino
    except OSError:
        return None


def _is_hidden(proc: Path) -> bool:
    try:
        mounts = (proc / "self" / "mounts").read_text("utf-8", "replace").splitlines()
    except OSError:
        return False
    options = [line.split(" ")[3].split(",") for line in mounts if line.split(" ")[1:3] == [str(PROC), "proc"]]
    return any(
        option in ("hidepid=1", "hidepid=2", "hidepid=4", "hidepid=noaccess", "hidepid=invisible", "hidepid=ptraceable")
        for one in options[-1:]
        for option in one
    )


def _is_unseen(process: Path, user: int) -> bool:
    """Another user's program with files; the kernel's own threads have none."""
    try:
        if process.stat().st_uid == user:
            return False
        if not (process / "cmdline").read_bytes():
            return False
        next(iter(os.scandir(process / "fd")), None)
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def matters(task: UploadTask) -> bool:
    """Whether open files that cannot be seen could go half-written. With --min-age they rest first."""
    return task.exclude_open_files and "--min-age" not in task.job.extras


def say_unseen(task: UploadTask) -> None:
    """Say so in the log, once for each session."""
    if matters(task) and (said := look_for_unseen().sentence()):
        log.info("%s: %s", task.name, said)
