"""Removes files from the source once they were uploaded, but only if they still are what rclone was given to send.

A file is the same if inode, modification time and size are as they were before rclone started. The change time does not
count: programs that give a file another owner or a second name change it, too.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import Final

from cloudplow.models import printable_name
from cloudplow.upload.aside import aside, give_back, is_there, opened, rename_back
from cloudplow.upload.listing import Seen
from cloudplow.upload.local_files import local_path

#: How the sentence about a file that was uploaded but cannot be removed begins.
STUCK: Final = "it arrived, but cannot be removed from the folder"
#: What no further try changes.
_LASTING: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


class Left(Enum):
    """What became of a file at the source.

    REMOVED: it was removed; GONE: it was not there any more; CHANGED: another one has its name, or it was written to,
    so it stays; STUCK: it cannot be removed, now or ever.
    """

    REMOVED = 0
    GONE = 1
    CHANGED = 2
    STUCK = 3


class Sources:
    """The files of one stage as they were before rclone started."""

    def __init__(self, folder: Path, seen: Iterable[Seen]) -> None:
        self._folder = folder
        self._base = str(folder)
        self._seen: Mapping[str, Seen] = {printable_name(one.file.name): one for one in seen}
        #: Why files could not be removed, by the names in rclone's log, and those of which that will stay so.
        self.faults: dict[str, str] = {}
        self.stuck_for_good: set[str] = set()
        self._left_folders: set[Path] = set()

    def look(self, name: str) -> Left | None:
        """What became of a file without our doing; None: it is as it was. name: as in rclone's log."""
        return self._compare(name, self._path(name))

    def _compare(self, name: str, path: str, folder: int | None = None) -> Left | None:
        """path: of what is to be that file, below `folder`."""
        try:
            found = os.stat(path, dir_fd=folder)
        except (FileNotFoundError, NotADirectoryError):
            return Left.CHANGED if is_there(folder, path) else Left.GONE
        except OSError as error:
            return self._stuck(name, error)
        seen = self._seen[name]
        as_seen = (found.st_ino, found.st_mtime_ns, found.st_size) == (seen.inode, seen.modified_ns, seen.found_bytes)
        return None if as_seen else Left.CHANGED

    def remove(self, name: str) -> Left:
        """Remove a file that was uploaded, if it is as it was. name: as in rclone's log.

        It is put aside, looked at once more and then removed, so that nothing is removed that took the name over
        between the look and the removal. Only where that cannot be done, a few microseconds are left.
        """
        left = self.look(name)
        if left is not None:
            return left
        parent, _, base = self._path(name).rpartition("/")
        try:
            with opened(parent) as folder:
                return self._remove(name, folder, base)
        except (FileNotFoundError, NotADirectoryError):
            return Left.GONE
        except OSError as error:
            return self._stuck(name, error)

    def _remove(self, name: str, folder: int, base: str) -> Left:
        set_aside = aside(base)
        if set_aside is None or is_there(folder, set_aside):
            return self._unlink(name, folder, base)
        try:
            os.rename(base, set_aside, src_dir_fd=folder, dst_dir_fd=folder)
        except FileNotFoundError:
            return Left.GONE
        except OSError:
            return self._unlink(name, folder, base)  # it says what is wrong, unless only renaming is
        left = self._compare(name, set_aside, folder) or self._unlink(name, folder, set_aside)
        if left not in (Left.CHANGED, Left.STUCK):
            return left
        with contextlib.suppress(OSError):
            (rename_back if left is Left.STUCK else give_back)(folder, set_aside, base)
        if left is Left.CHANGED and self._compare(name, base, folder) is None:
            return self._unlink(name, folder, base)  # here an inode number belongs to a name, not to a file
        return left

    def _unlink(self, name: str, folder: int, base: str) -> Left:
        try:
            os.unlink(base, dir_fd=folder)
        except FileNotFoundError:
            return Left.GONE
        except OSError as error:
            return self._stuck(name, error)
        return Left.REMOVED

    def found_bytes(self, name: str) -> int:
        """The size of a file before rclone started."""
        return self._seen[name].found_bytes

    def note_left(self, name: str) -> None:
        """A file has left: its folder may be empty now."""
        self._left_folders.add(local_path(self._folder, self._seen[name].file.name).parent)

    def remove_left_folders(self) -> None:
        """Remove the folders that files have left, and those above, if they are empty; as `--delete-empty-src-dirs`."""
        for folder in sorted(self._left_folders, key=lambda path: len(path.parts), reverse=True):
            while folder != self._folder and self._folder in folder.parents:
                try:
                    folder.rmdir()
                except FileNotFoundError:
                    pass
                except OSError:  # not empty, in use, or not ours
                    break
                folder = folder.parent
        self._left_folders.clear()

    def _path(self, name: str) -> str:
        listed = self._seen[name].file.name
        return f"{self._base}/{listed}" if listed.isascii() else str(local_path(self._folder, listed))

    def _stuck(self, name: str, error: OSError) -> Left:
        if error.errno in _LASTING:
            self.stuck_for_good.add(name)
        why = (error.strerror or str(error)).lower()
        folder = Path(self._path(name)).parent
        self.faults[name] = f"{STUCK}: {why}; let cloudplow's user write in {str(folder)!r}"
        return Left.STUCK
