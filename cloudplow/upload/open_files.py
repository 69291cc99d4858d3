"""Which files below a folder somebody holds open."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")


def open_files_below(folder: Path, *, except_containing: Sequence[str] = ()) -> frozenset[str]:
    """The absolute paths of files below the folder that any process of this machine holds open.

    except_containing: a path that contains one of these texts does not count. Processes that may not be looked into
    are passed over; as root all are seen.
    """
    prefix = str(folder.resolve()).rstrip("/") + "/"
    everything = open_files_of_linux() if (PROC / "self" / "fd").is_dir() else open_files_of_psutil()
    return frozenset(
        path for path in everything if path.startswith(prefix) and not any(text in path for text in except_containing)
    )


def open_files_of_linux() -> Iterator[str]:
    """What is open on this machine, as /proc links to it. Source: proc(5), /proc/pid/fd.

    psutil says the same, but reads a second file for each descriptor, and takes several times as long.
    """
    for process in _names(PROC):
        if process.isdigit():
            for link in _names(PROC / process / "fd"):
                try:
                    yield os.readlink(f"{PROC}/{process}/fd/{link}")  # noqa: PTH115 - a Path for each costs more than this
                except OSError:  # closed meanwhile
                    continue


def _names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries]
    except OSError:  # it has ended, or is another user's
        return []


def open_files_of_psutil() -> Iterator[str]:
    """The same where there is no /proc."""
    import psutil  # costs 20 ms: only for those who need it

    for process in psutil.process_iter():
        try:
            yield from (opened.path for opened in process.open_files())
        except (psutil.Error, OSError):
            continue
