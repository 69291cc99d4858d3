"""The file of the book, `cloudplow.db`: what must survive, in one SQLite database. No meaning, only rows.

Only the holder of the state lock opens it, so that SQLite needs no locks of its own (they are unreliable on SMB, NFS
and FUSE) and no shared memory (WAL would). Nothing is read from it while the process lives. Others read a private copy
of the database and its journal: after a kill, the journal must be played back, which a read-only connection cannot do.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cloudplow.errors import StateError
from cloudplow.state.ownership import like_the_folder
from cloudplow.state.state_files import write_atomically

BOOK_FILE: Final = "cloudplow.db"
BACKUP_FILE: Final = "cloudplow.db.backup"

#: Rows by kind and key.
Rows = dict[tuple[str, str], bytes]

_LAYOUT: Final = 1


class DamagedError(Exception):
    """The file is no database, or not one of ours."""


class BookFile:
    """One open database. Every write is one transaction, safely on disk when it returns. Any thread may write."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / BOOK_FILE
        self._backup_path = folder / BACKUP_FILE
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is open: the caller then holds the state lock."""
        return self._connection is not None

    def open(self) -> Rows:
        """Open it, creating it if there is none; returns its rows. Raises StateError, DamagedError."""
        with self._lock:
            _keep_to_us(self.path)
            connection = _connect(self.path)
            try:
                rows = _read(connection)
                connection.execute("PRAGMA journal_mode=PERSIST")
                connection.execute("PRAGMA synchronous=FULL")
                if not rows:
                    _create(connection)
            except sqlite3.Error as error:
                connection.close()
                raise _fault(self.path, error) from error
            except (DamagedError, StateError):
                connection.close()
                raise
            self._connection = connection
        like_the_folder(self.path, _journal(self.path))
        return rows

    def close(self) -> None:
        """Close it. It can be opened again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def write(self, changes: Mapping[tuple[str, str], bytes | None]) -> None:
        """Change rows (None removes one) in one transaction. Raises StateError; then nothing has changed."""
        puts = [(kind, key, value) for (kind, key), value in changes.items() if value is not None]
        removals = [one for one, value in changes.items() if value is None]
        with self._lock:
            connection = self._connection
            if connection is None:
                raise StateError(f"{self.path} is not open")
            try:
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany("DELETE FROM rows WHERE kind = ? AND key = ?", removals)
                connection.executemany("INSERT OR REPLACE INTO rows (kind, key, value) VALUES (?, ?, ?)", puts)
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise _unwritable(self.path, error) from error

    def back_up(self) -> None:
        """Replace the backup copy by the current content. Raises StateError."""
        with self._lock:
            try:
                write_atomically(self._backup_path, self.path.read_bytes())
            except OSError as error:
                raise _unwritable(self._backup_path, error) from error


def read_copy(path: Path) -> Rows:
    """The rows of a database that may have been left in the middle of a transaction; the file itself is not touched.

    {} when there is none. Raises StateError, DamagedError.
    """
    if not path.exists():
        return {}
    try:
        with tempfile.TemporaryDirectory(prefix="cloudplow-") as folder:
            copy = Path(folder) / BOOK_FILE
            shutil.copyfile(path, copy)
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(_journal(path), _journal(copy))
            connection = _connect(copy)
            try:
                return _read(connection)
            finally:
                connection.close()
    except sqlite3.Error as error:
        raise _fault(path, error) from error
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror}; fix its permissions") from error


def peek(path: Path, row: tuple[str, str]) -> bytes | None:
    """One row of a database that nobody writes, such as the backup copy; None when it cannot be read."""
    if not path.is_file():
        return None
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
            found = connection.execute("SELECT value FROM rows WHERE kind = ? AND key = ?", row).fetchone()
            return None if found is None else bytes(found[0])
    except sqlite3.Error:
        return None


def set_aside(path: Path, name: str) -> str:
    """Rename a damaged database, with its journal; returns what was done, for a message."""
    try:
        _journal(path).unlink(missing_ok=True)
        path.rename(path.with_name(name))
    except OSError as error:
        return f"it cannot be renamed ({error.strerror})"
    return f"renamed to {name}"


def _journal(path: Path) -> Path:
    return path.with_name(f"{path.name}-journal")


def _keep_to_us(path: Path) -> None:
    """Only its owner may read it, and its journal, to which SQLite gives the same mode. As far as we may say so."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)


def _connect(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?vfs=unix-none"
    try:
        return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise _fault(path, error) from error


def _read(connection: sqlite3.Connection) -> Rows:
    """Raises sqlite3.Error, DamagedError."""
    layout = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not layout and not tables:
        return {}
    if layout > _LAYOUT:
        raise StateError("cloudplow.db was written by a newer version of cloudplow: update cloudplow")
    if "rows" not in tables:
        raise DamagedError("it is not cloudplow's book")
    said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if said != "ok":
        raise DamagedError(str(said))
    return {(str(kind), str(key)): bytes(value) for kind, key, value in connection.execute("SELECT * FROM rows")}


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS rows (kind TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, "
        "PRIMARY KEY (kind, key))"
    )
    connection.execute(f"PRAGMA user_version = {_LAYOUT}")
    connection.execute("COMMIT")


def _fault(path: Path, error: sqlite3.Error) -> Exception:
    """A damaged file, or one that the system does not let us use."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return DamagedError(str(error))
    return _unwritable(path, error)


def _unwritable(path: Path, error: Exception) -> StateError:
    why = getattr(error, "strerror", None) or error
    return StateError(
        f"{path} cannot be written: {why}; make the folder writable and free some space, "
        "or choose another folder with --cachefile"
    )
