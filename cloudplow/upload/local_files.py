"""The source folder on the local disk: names as rclone lists them -> paths, open files, empty folders.

rclone replaces characters that its standard encoding does not allow: control characters by the symbols U+2400 to
U+241F and U+2421, a "/" or a lone dot from a remote by its full-width form; a literal such character is quoted with
U+201B. Source: https://rclone.org/overview/#restricted-characters, observed with 1.60.1 and 1.75.2.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
#: So many folders are looked into before rclone is asked instead: 1,000 take 5 ms on a local disk.
FOLDERS_LIMIT: Final = 1_000

_QUOTE: Final = "\u201b"
_ENCODED: Final = re.compile(f"{_QUOTE}(.)|([\u2401-\u241f\u2421])", re.DOTALL)


def local_path(folder: Path, name: str) -> Path:
    """The path of a listed file below the source folder."""
    return folder / _ENCODED.sub(_decode, name) if not name.isascii() else folder / name


def exists(folder: Path, name: str) -> bool:
    """Whether a listed file is still in the source folder. When that cannot be known, it is."""
    try:
        os.lstat(local_path(folder, name))
    except FileNotFoundError:
        return not is_plain(name)
    except NotADirectoryError:
        return False
    except (OSError, ValueError):
        return True
    return True


def inodes_below(folder: Path) -> frozenset[int]:
    """The numbers of all files below a folder on its disk, which stay the same when files are renamed."""
    found: set[int] = set()
    waiting = [str(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        found.add(entry.inode())
        except OSError:  # unreadable, or gone in the meantime
            continue
    return frozenset(found)


def holds_only_folders(folder: Path) -> bool:
    """Whether there is certainly no file below a folder, nor anything else that rclone might list or complain about.

    False also if it cannot be known quickly: then rclone must be asked.
    """
    waiting, looked = [str(folder)], 0
    while waiting:
        looked += 1
        if looked > FOLDERS_LIMIT:
            return False
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if not entry.is_dir(follow_symlinks=False):
                        return False
                    waiting.append(entry.path)
        except OSError:  # unreadable, or gone in the meantime
            return False
    return True


def is_plain(name: str) -> bool:
    """Whether the listed name contains nothing that rclone may have encoded, so that its path is certain."""
    return name.isascii() or _ENCODED.search(name) is None


def _decode(match: re.Match[str]) -> str:
    quoted, picture = match.groups()
    if quoted is not None:
        return str(quoted)
    return "\x7f" if picture == "\u2421" else chr(ord(picture) - 0x2400)


def open_files_below(folder: Path, *, except_containing: Sequence[str] = ()) -> frozenset[str]:
    """The absolute paths of files below the folder that any process on this machine holds open.

    except_containing: paths that contain one of these texts do not count. Processes that we may not inspect are
    ignored; root sees all.
    """
    prefix = str(folder.resolve()).rstrip("/") + "/"
    opened = (path for path in _open_files() if path.startswith(prefix))
    return frozenset(path for path in opened if not any(text in path for text in except_containing))


def _open_files() -> Iterator[str]:
    """Every open file on this machine, from the links in /proc. Source: proc(5), /proc/pid/fd.

    psutil gives the same, but reads a second file for each descriptor and takes several times as long.
    """
    for process in _names(PROC):
        if process.isdigit():
            for link in _names(PROC / process / "fd"):
                try:
                    yield os.readlink(f"{PROC}/{process}/fd/{link}")  # noqa: PTH115 - a Path would cost more than this
                except OSError:  # closed in the meantime
                    continue


def _names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries]
    except OSError:  # it has ended, or is another user's
        return []


def remove_empty_folders(root: Path, depth: int, spare: Collection[Path] = ()) -> int:
    """Remove empty folders at least `depth` levels below the root (1 = its direct children), deepest first.

    spare: real paths of folders that stay, with everything in them. Returns how many were removed. Folders that are in
    use or not ours are left alone. Symbolic links are not followed.
    """
    removed = 0
    base = len(root.parts)
    for folder, _, _ in os.walk(root, topdown=False):
        if len(Path(folder).parts) - base < max(1, depth):
            continue
        if spare and not {Path(folder).resolve(), *Path(folder).resolve().parents}.isdisjoint(spare):
            continue
        try:
            Path(folder).rmdir()
        except OSError:
            continue
        removed += 1
    return removed
