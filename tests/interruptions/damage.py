"""What can happen to the books on disk between two starts: one file is replaced by an older copy, removed, or torn."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from tests.interruptions.scenario import Kind

#: The books, and what is kept beside them for older programs. Only one of them is ever damaged in a round.
BOOKS: Final = ("cloudplow.db", "cloudplow.db.backup", "sa_quota_cache.json")
#: What SQLite keeps beside a database.
_COMPANIONS: Final = ("-wal", "-shm", "-journal")


class Copies:
    """Older copies of every book, each with what belongs to it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)

    def take(self, state: Path) -> None:
        """Copy what there is; nothing may be running."""
        for old in self._folder.iterdir():
            old.unlink()
        for name in BOOKS:
            for path in _with_companions(state, name):
                shutil.copy2(path, self._folder / path.name)

    def damage(self, state: Path, kind: Kind, choice: float) -> str:
        """Damage one book that exists (for `BOOK_OLDER`: that there is a copy of); says what was done, "" if none does.

        choice: 0 to 1: which one and how.
        """
        first = int(choice * len(BOOKS))
        source = self._folder if kind is Kind.BOOK_OLDER else state
        there = [name for name in BOOKS[first:] + BOOKS[:first] if (source / name).exists() and (state / name).exists()]
        if not there:
            return ""
        name = there[0]
        part = choice * len(BOOKS) - first
        match kind:
            case Kind.BOOK_OLDER:
                # A database with the log of a newer one is none: both are replaced.
                _remove(state, name, with_companions=True)
                for path in _with_companions(self._folder, name):
                    shutil.copy2(path, state / path.name)
                return f"{name} is an older copy"
            case Kind.BOOK_REMOVED:
                _remove(state, name, with_companions=part < 0.5)
                return f"{name} was removed{' with its log' if part < 0.5 else ''}"
            case _:
                return f"{name} {_tear(state / name, part)}"


def _with_companions(folder: Path, name: str) -> list[Path]:
    paths = [folder / name, *(folder / f"{name}{ending}" for ending in _COMPANIONS)]
    return [path for path in paths if path.exists()]


def _remove(folder: Path, name: str, *, with_companions: bool) -> None:
    for path in _with_companions(folder, name) if with_companions else [folder / name]:
        path.unlink()


def _tear(path: Path, part: float) -> str:
    """Cut the file off, or (as after a power cut) leave zeros where data should be."""
    data = path.read_bytes()
    keep = int(len(data) * (part * 2 % 1))
    if part < 0.5:
        path.write_bytes(data[:keep])
        return f"was cut off after {keep} of {len(data)} bytes"
    path.write_bytes(data[:keep] + bytes(min(4096, len(data) - keep)) + data[keep + 4096 :])
    return f"has zeros from byte {keep} of {len(data)}"
