"""A state folder in which every step of every write can be the last one, fail, or be undone later."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from cloudplow.state import book_file
from cloudplow.state.book_file import BACKUP_FILE, BOOK_FILE
from cloudplow.state.state_files import LEDGER_FILE

#: The files that may be replaced, removed or torn between two starts.
FILES: Final = (BOOK_FILE, BACKUP_FILE, LEDGER_FILE)
#: How many older versions of the files are kept.
_KEPT: Final = 8


class KilledError(BaseException):
    """The process ended at this step."""


class FakeDisk:
    """kill_in: how many more steps are done before the process is killed; full_in: before a write fails; None: never.

    After a kill, `folder` is a copy of what lay on the disk at that moment; the old one is left to whoever has it open.
    """

    def __init__(self) -> None:
        self._root = tempfile.TemporaryDirectory()
        self._number = 0
        self.folder = Path(self._root.name) / "0"
        self.folder.mkdir()
        self.kill_in: int | None = None
        self.full_in: int | None = None
        self.killed = False
        #: Called with the name of one of the files when it has been written.
        self.on_written: Callable[[str], None] = lambda _name: None
        self._older: dict[str, list[bytes]] = {name: [] for name in FILES}
        self._connections: list[sqlite3.Connection] = []
        self._patch = pytest.MonkeyPatch()
        self._install()

    def _install(self) -> None:
        connect = book_file._connect

        def connected(path: Path) -> Any:
            if path.parent != self.folder:
                return connect(path)
            real = connect(path)
            self._connections.append(real)
            # Small pages and no cache: pages reach the file before the transaction ends.
            with contextlib.suppress(sqlite3.Error):  # it may be damaged
                for setting in ("page_size", "cache_spill", "cache_size"):
                    real.execute(f"PRAGMA {setting}={512 if setting == 'page_size' else 1}")
            return _Connection(real, self)

        self._patch.setattr(book_file, "_connect", connected)
        self._patch.setattr(os, "fsync", lambda _fd: self._before(writes=True))
        for name in ("replace", "rename"):
            self._wrap(Path, name)
        self._wrap(os, "link")

    def _wrap(self, owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def step(path: Path, target: Path) -> Any:
            if Path(path).parent != self.folder:
                return real(path, target)
            self._before(writes=name == "link")
            made = real(path, target)
            if Path(target).name in FILES:
                self.on_written(Path(target).name)
            self._before()
            return made

        self._patch.setattr(owner, name, step)

    def _before(self, *, writes: bool = False) -> None:
        """A step is about to be done."""
        if self.killed:
            raise KilledError
        if self.kill_in is not None:
            self.kill_in -= 1
            if self.kill_in < 0:
                self.kill()
                raise KilledError
        if writes and self.full_in is not None:
            self.full_in -= 1
            if self.full_in < 0:
                raise OSError(errno.ENOSPC, "No space left on device")

    def kill(self) -> None:
        """The process is gone: go on with what is on the disk now."""
        self._number += 1
        fresh = Path(self._root.name) / str(self._number)
        shutil.copytree(self.folder, fresh)
        self.folder = fresh
        self.kill_in = self.full_in = None
        self.killed = True

    def begin(self) -> None:
        """A new process starts."""
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        self.killed = False

    def content(self) -> dict[str, bytes]:
        """Every file."""
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}

    def remember(self) -> None:
        """Keep the files as they are now, as an older version for later; no write is under way."""
        for name, kept in self._older.items():
            path = self.folder / name
            if path.exists():
                data = path.read_bytes()
                if not kept or kept[-1] != data:
                    kept.append(data)
                    del kept[:-_KEPT]

    def damage(self, name: str, how: str, place: int) -> bool:
        """Replace a file by an older version, remove it or tear it; False when it is not possible."""
        path = self.folder / name
        if not path.exists():
            return False
        match how:
            case "older":
                kept = self._older[name]
                if not kept:
                    return False
                path.write_bytes(kept[-1 - place % len(kept)])
            case "removed":
                path.unlink()
            case "torn":
                path.write_bytes(path.read_bytes()[: path.stat().st_size * (place % 10) // 10])
            case "zeroed":
                size = path.stat().st_size
                kept_bytes = size * (place % 10) // 10
                path.write_bytes(path.read_bytes()[:kept_bytes] + b"\0" * (size - kept_bytes))
        return True

    def close(self) -> None:
        """The end of the test."""
        self.begin()
        self._patch.undo()
        self._root.cleanup()


class _Connection:
    """A connection whose statements are steps; what it leaves behind when it is killed is a real half-done write."""

    def __init__(self, real: sqlite3.Connection, disk: FakeDisk) -> None:
        self._real = real
        self._disk = disk

    def _step(self, sql: str, *, after: bool = False) -> None:
        if self._disk.killed:
            raise KilledError
        if sql.startswith(("PRAGMA", "SELECT", "ROLLBACK")):
            return
        try:
            self._disk._before(writes=not after and not sql.startswith("BEGIN"))
        except OSError as error:
            raise sqlite3.OperationalError("database or disk is full") from error

    def execute(self, sql: str) -> Any:
        """As sqlite3's, without waiting for the disk."""
        self._step(sql)
        done = self._real.execute(sql.replace("synchronous=FULL", "synchronous=OFF"))
        if sql == "COMMIT":
            self._disk.on_written(BOOK_FILE)
        self._step(sql, after=True)
        return done

    def executemany(self, sql: str, rows: Any) -> Any:
        """As sqlite3's."""
        self._step(sql)
        done = self._real.executemany(sql, rows)
        self._step(sql, after=True)
        return done

    def close(self) -> None:
        """As sqlite3's, but a killed process closes nothing."""
        if not self._disk.killed:
            self._real.close()
