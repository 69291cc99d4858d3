"""A file that is to be removed is put aside first: what was taken can then be looked at, and be given back.

Between a look at a name and the removal of that name another file may take the name over, and would be removed in its
place. Renaming is one step: whatever had the name is now in our hands, and nobody else finds it there.

Folders are named by descriptors, because they may be renamed at any time, too.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from cloudplow.upload.local_files import local_path

#: What a file is called while it is removed: ".NAME.cloudplow-removing", in its own folder.
SUFFIX: Final = ".cloudplow-removing"
#: Of Linux, in bytes.
_LONGEST_NAME: Final = 255


@contextlib.contextmanager
def opened(folder: str) -> Iterator[int]:
    """A descriptor of a folder, which need not be readable. Raises OSError."""
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def aside(name: str) -> str | None:
    """What a file is called while it is removed; None if that name would be too long. name: without its folder."""
    set_aside = f".{name}{SUFFIX}"
    return set_aside if len(os.fsencode(set_aside)) <= _LONGEST_NAME else None


def is_there(folder: int | None, name: str) -> bool:
    """Whether anything has this name in a folder (None: it is a path). When that cannot be known, something has."""
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def give_back(folder: int, set_aside: str, name: str) -> None:
    """Give a file its name back, unless another one has it: then both stay as they are. Raises OSError."""
    try:
        os.link(set_aside, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        both = (os.stat(one, dir_fd=folder, follow_symlinks=False) for one in (name, set_aside))
        if os.path.samestat(*both):  # killed between the two steps
            os.unlink(set_aside, dir_fd=folder)
    except OSError:  # a file system without second names
        rename_back(folder, set_aside, name)
    else:
        os.unlink(set_aside, dir_fd=folder)


def rename_back(folder: int, set_aside: str, name: str) -> None:
    """The same where there are no second names, or nothing can be removed: with a few microseconds left.

    Raises OSError.
    """
    if not is_there(folder, name):
        os.rename(set_aside, name, src_dir_fd=folder, dst_dir_fd=folder)


def give_all_back(source: Path, names: Iterable[str]) -> None:
    """Files of an upload that was killed while it removed one. names: as listed.

    What cannot be given back stays under its other name, which the next listing finds.
    """
    for listed in names:
        path = local_path(source, listed)
        set_aside = aside(path.name)
        if set_aside is not None and os.path.lexists(path.parent / set_aside):
            with contextlib.suppress(OSError), opened(str(path.parent)) as folder:
                give_back(folder, set_aside, path.name)
