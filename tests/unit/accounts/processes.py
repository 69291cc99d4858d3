"""Processes that follow each other on one state folder, as far as the book is concerned: start, save, end, kill."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from cloudplow.accounts.identity import Keys
from cloudplow.accounts.ledger import Ledger
from cloudplow.accounts.opening import Opening
from cloudplow.accounts.saving import Saving
from cloudplow.state.book_file import BOOK_FILE, Rows, read_copy
from cloudplow.state.state_files import LEDGER_FILE, StateFiles
from tests.unit.helpers import DAY, NOON, FakeClock

QUOTA: Final = 1000


class _Unsynced(sqlite3.Connection):
    """A database that does not wait for the disk."""

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        return super().execute(sql.replace("synchronous=FULL", "synchronous=OFF"), *parameters)


@contextmanager
def fast_disk() -> Iterator[None]:
    """What is on the disk matters here, not that it is synced."""
    connect = sqlite3.connect
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _fd: None)
        patch.setattr(sqlite3, "connect", lambda *args, **more: connect(*args, factory=_Unsynced, **more))
        yield


class Process:
    """One process. Its saver thread is not started: `save` does what that would do within a second."""

    def __init__(
        self,
        folder: Path,
        clock: FakeClock,
        windows_seconds: Mapping[str, float] | None = None,
        *,
        other_folders: Iterable[Path] = (),
        old_cache: Path | None = None,
    ) -> None:
        windows = windows_seconds or {"google": DAY}
        self.folder = folder
        self.files = StateFiles(folder)
        self.saving = Saving(self.files, clock=lambda: clock.since_boot)
        self.ledger = Ledger(clock=clock.trusted(), saving=self.saving)
        self.ledger.configure(windows, dict.fromkeys(windows, QUOTA))
        self.opening = Opening(
            self.files, Keys(), self.ledger.window, other_folders=other_folders, old_cache=old_cache, now=clock
        )

    def own(self) -> Ledger:
        """Open the book, as `upload` does."""
        rows, content, rewrite = self.opening.own(self.saving.book)
        self.ledger.take(content)
        self.ledger.catch_up(self.saving.journal)
        self.saving.opened(rows, content, rewrite=rewrite)
        return self.ledger

    def look(self, *, running: bool = False) -> Ledger:
        """Read the book without changing a file, as `plan` does."""
        self.ledger.take(self.opening.read_only(running=running))
        self.ledger.catch_up(self.saving.journal)
        return self.ledger

    def save(self) -> None:
        """What the saver thread does within about a second."""
        self.files.save_if_dirty(BOOK_FILE)

    def export(self) -> dict[str, Any]:
        """What the saver thread does at the end of a stage, and every minute; returns what the file says then."""
        self.files.save_now(LEDGER_FILE)
        return exported(self.folder)

    def end(self) -> None:
        """Save everything and close the book."""
        self.files.save_if_dirty(BOOK_FILE)
        self.files.save_if_dirty(LEDGER_FILE)
        self.saving.close()

    def kill(self) -> None:
        """Only what is on the disk is left."""
        self.saving.book.close()


def exported(folder: Path) -> dict[str, Any]:
    """What `sa_quota_cache.json` says."""
    found: dict[str, Any] = json.loads((folder / LEDGER_FILE).read_bytes())
    return found


def write_export(folder: Path, document: Any, at: float = NOON) -> None:
    """What an older program left, written at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / LEDGER_FILE).write_text(json.dumps(document))
    os.utime(folder / LEDGER_FILE, (at, at))


def rows_in(folder: Path) -> Rows:
    """What is in the database on the disk."""
    return read_copy(folder / BOOK_FILE)
