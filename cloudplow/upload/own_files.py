"""Which files of an upload folder are cloudplow's own: they are never part of a queue, never uploaded, never removed.

Configuration, cache files, keys and logs may lie inside the upload folder, also by way of links. They are known by
their real paths and, where a link or a bind mount leads to them, by device and inode.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from cloudplow.events.sentences import count
from cloudplow.models import QueueFile
from cloudplow.state.book_file import BOOK_FILE
from cloudplow.state.state_files import LEARNED_FILE, LEDGER_FILE, SESSION_FILE
from cloudplow.upload.local_files import local_path

#: What lies in the folder of the cache files; plugins keep theirs there, too. Also "NAME.backup", ".NAME.1.tmp" ...
STATE_NAMES: Final = (
    BOOK_FILE,
    LEDGER_FILE,
    LEARNED_FILE,
    SESSION_FILE,
    "control.sock",
    "cache.db",
    "dashboard_history.json",
    "dashboard_auth.json",
    "notifications_cache.json",
)
STAGES_FOLDER: Final = "stages"


class OwnFiles:
    """Where cloudplow's own files are. files: configuration, logs; with each, copies of it ("NAME.1", ".NAME.2.tmp").

    folders: of cache files and keys, everything in which is ours if they lie inside an upload folder.
    """

    def __init__(self, *, files: Iterable[Path] = (), state_dir: Path | None = None, keys: Iterable[Path] = ()) -> None:
        self._state_dir = state_dir
        self._keys = tuple(keys)
        self._files = [*files]
        if state_dir is not None:
            self._files += (state_dir / name for name in STATE_NAMES)

    def fault(self, folder: Path) -> str:
        """Why an upload folder cannot be used: one of our folders is that very folder. "" if it can."""
        root = _real(folder)
        if self._state_dir is not None and _real(self._state_dir) == root:
            return (
                f'"{folder}" is also the folder of the cache files, which must never be uploaded; choose another '
                "upload folder, or keep the cache files elsewhere with --cachefile"
            )
        if any(_real(keys) == root for keys in self._keys):
            return (
                f'"{folder}" is also a folder of service account keys, which must never be uploaded; choose another '
                "upload folder, or move the keys"
            )
        return ""

    def below(self, folder: Path) -> OwnBelow:
        """What is ours in an upload folder, as it is now."""
        root = _real(folder)
        folders = [*self._keys, *([] if self._state_dir is None else [self._state_dir])]
        if self._state_dir is not None:
            folders.append(self._state_dir / STAGES_FOLDER)
        # With its links resolved, and under the name by which it is reached.
        inside = (path for one in folders for path in _names_of(one) if root in path.parents)
        files = (path for one in self._files for path in _names_of(one))
        return OwnBelow(root, inside, files, self._everywhere())

    def _everywhere(self) -> Iterator[Path]:
        """Every file of ours that exists."""
        beside = {parent: _listed(parent) for parent in {file.parent for file in self._files}}
        for file in self._files:
            yield from (one for one in beside[file.parent] if _is_copy(one.name, file.name))
        for keys in self._keys:
            yield from (one for one in _listed(keys) if one.suffix == ".json")
        if self._state_dir is not None:
            yield from _listed(self._state_dir / STAGES_FOLDER)


class OwnBelow:
    """Answers for one upload folder. It looks at the disk only for files that have the name or size of one of ours."""

    def __init__(self, root: Path, folders: Iterable[Path], files: Iterable[Path], everywhere: Iterable[Path]) -> None:
        self._root = root
        #: Our folders inside, real paths.
        self.folders = frozenset(folders)
        self._prefixes = tuple(f"{folder.relative_to(root)}/" for folder in self.folders)
        self._copies: dict[str, set[str]] = {}
        for file in files:
            if root in file.parents:
                self._copies.setdefault(_text(file.parent.relative_to(root)), set()).add(file.name)
        self._identities: set[tuple[int, int]] = set()
        self._sizes: set[int] = set()
        self._names: set[str] = set()
        for one in everywhere:
            try:
                found = one.stat()
            except OSError:
                continue
            self._identities.add((found.st_dev, found.st_ino))
            self._sizes.add(found.st_size)
            self._names.add(one.name)

    def __contains__(self, file: QueueFile) -> bool:
        name = file.name if file.name.isascii() else str(local_path(Path(), file.name))
        if self._prefixes and name.startswith(self._prefixes):
            return True
        folder, _, base = name.rpartition("/")
        if folder in self._copies and any(_is_copy(base, own) for own in self._copies[folder]):
            return True
        if file.size not in self._sizes and base not in self._names:
            return False
        try:
            found = (self._root / name).stat()
        except (OSError, ValueError):
            return False
        return (found.st_dev, found.st_ino) in self._identities

    def holds(self, name: str) -> bool:
        """Whether an entry, which may be a folder, is ours."""
        return QueueFile(name, -1) in self or f"{name}/".startswith(self._prefixes or ("\0",))


def rclone_config_paths(configured: str | None, environ: Mapping[str, str]) -> list[Path]:
    """Where rclone's configuration may be. Source: https://rclone.org/docs/#config-config-file"""
    home = environ.get("HOME") or "~"
    base = environ.get("XDG_CONFIG_HOME") or f"{home}/.config"
    named = [configured, environ.get("RCLONE_CONFIG"), f"{base}/rclone/rclone.conf", f"{home}/.rclone.conf"]
    return [Path(one).expanduser() for one in named if one]


def own_sentence(own_files: int) -> str:
    """That files of cloudplow itself are no part of the queue."""
    files = count(own_files, "file")
    verb = "is" if own_files == 1 else "are"
    return f"{files} in the upload folder {verb} cloudplow's own (configuration, cache, keys, logs) and will stay there"


def _is_copy(name: str, own: str) -> bool:
    """Whether a name is that of a file of ours, or of a copy or a temporary file of it."""
    return name == own or name.startswith((f"{own}.", f"{own}-", f".{own}."))


def _listed(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [Path(entry.path) for entry in entries]
    except OSError:
        return []


def _text(folder: Path) -> str:
    return "" if folder == Path() else str(folder)


def _names_of(path: Path) -> tuple[Path, Path]:
    return _real(path), _real(path.parent) / path.name


def _real(path: Path) -> Path:
    # Also what is not there yet; a loop of links is no path of ours.
    return Path(os.path.realpath(path))
