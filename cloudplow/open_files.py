"""Which files below a folder somebody holds open."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def open_files_below(folder: Path, *, except_containing: Sequence[str] = ()) -> frozenset[str]:
    """The absolute paths of files below the folder that any process of this machine holds open.

    except_containing: a path that contains one of these texts does not count. Processes that may not be looked into
    are passed over; as root all are seen.
    """
    import psutil  # costs 20 ms: only for those who ask for it

    prefix = str(folder.resolve()).rstrip("/") + "/"
    found: set[str] = set()
    for process in psutil.process_iter():
        try:
            paths = [opened.path for opened in process.open_files()]
        except (psutil.Error, OSError):
            continue
        found.update(
            path for path in paths if path.startswith(prefix) and not any(text in path for text in except_containing)
        )
    return frozenset(found)
