"""The upload folder as it was when the session began. Another one in its place must not be taken for an empty queue.

A folder is known by its device and inode. It changes when a disk is unmounted (also lazily, while it is in use), or
when the folder is renamed and another one takes its name.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final, NamedTuple

from cloudplow.errors import StateError

MOUNTS: Final = Path("/proc/self/mountinfo")
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")


class FolderLostError(StateError):
    """The upload folder, or a disk in it, is not the one that the session began with."""


class _Identity(NamedTuple):
    device: int
    inode: int


class SourceFolder:
    """Owned by one session, which holds a lock on the folder: its inode cannot become another's meanwhile."""

    def __init__(self, folder: Path, mounts: Path = MOUNTS) -> None:
        """Look at the folder. Raises FolderLostError when it cannot be read."""
        self._folder = folder
        try:
            self._identity = _identity(folder)
        except OSError as error:
            raise FolderLostError(f"the upload folder {folder} cannot be read: {error.strerror}") from error
        self._mounted = {path: _identity_or_none(path) for path in _mounts_below(folder, mounts)}

    def check(self) -> None:
        """Raise FolderLostError unless it is still the same folder, with the same disks in it."""
        lost = "what was in it may be waiting elsewhere"
        try:
            now = _identity(self._folder)
        except OSError as error:
            raise FolderLostError(
                f"the upload folder {self._folder} cannot be read any more: {error.strerror}; {lost}"
            ) from error
        if now != self._identity:
            raise FolderLostError(
                f"the upload folder {self._folder} has become another folder while it was uploaded "
                f"(a disk unmounted, or the folder renamed); {lost}"
            )
        for path, before in self._mounted.items():
            if _identity_or_none(path) != before and not _is_mounted(path):
                raise FolderLostError(f"the disk at {path} in the upload folder is not mounted any more; {lost}")


def _identity(folder: Path) -> _Identity:
    # It must be listed, too: of a folder that is not readable any more, nothing is known.
    with os.scandir(folder):
        pass
    found = os.stat(folder)  # noqa: PTH116 - as in all other modules that compare files
    return _Identity(found.st_dev, found.st_ino)


def _identity_or_none(path: Path) -> _Identity | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return _Identity(found.st_dev, found.st_ino)


def _is_mounted(path: Path) -> bool:
    """Whether another disk than its parent's is there now. Looking mounts what mounts itself."""
    here, parent = _identity_or_none(path), _identity_or_none(path.parent)
    return here is not None and parent is not None and here.device != parent.device


def _mounts_below(folder: Path, mounts: Path) -> list[Path]:
    """Where disks are mounted below a folder. Source: proc(5), /proc/pid/mountinfo."""
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return []
    prefix = str(folder.resolve()).rstrip("/") + "/"
    points = (_ESCAPED.sub(_unescape, line.split(" ")[4]) for line in lines if line.count(" ") > 4)
    return [Path(point) for point in points if point.startswith(prefix)]


def _unescape(match: re.Match[str]) -> str:
    return chr(int(match[1], 8))
