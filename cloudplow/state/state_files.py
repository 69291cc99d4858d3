"""The one place that reads and writes cache files.

Files are JSON, next to `config.json` (or next to `--cachefile`). A write is atomic: temporary file in the same folder,
fsync, rename, fsync of the folder. They are read only at start. A file that cannot be read is renamed to
`NAME.corrupt-TIME` with one warning, and its previous copy (`NAME.previous`) is read instead.

Owners of state register a function that makes the current document; the saver thread writes what is dirty at most
once a second, so that the thread that drives rclone never waits for a disk.
"""

from __future__ import annotations

import contextlib
import copy
import errno
import json
import logging
import math
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from cloudplow.errors import StateError

log = logging.getLogger("cloudplow.state")

LEDGER_FILE: Final = "sa_quota_cache.json"
LEARNED_FILE: Final = "learned_sizes_cache.json"
SESSION_FILE: Final = "dashboard_session_state.json"

#: The shortest time between two writes by the saver, in seconds.
SAVE_INTERVAL_SECONDS: Final = 1.0


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file so that a reader, or a start after a power cut, sees either the old or the new content.

    Raises OSError.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    except OSError as error:
        # Some network and FUSE file systems sync files but not folders.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS):
            raise
    finally:
        os.close(folder)


def _previous(path: Path) -> Path:
    """The path of the previous copy."""
    return path.with_name(f"{path.name}.previous")


def _keep_previous(path: Path) -> None:
    """Keep the current file as the previous copy, if the file system supports it."""
    temporary = path.with_name(f".{path.name}.previous.tmp")
    with contextlib.suppress(OSError):
        temporary.unlink(missing_ok=True)
        os.link(path, temporary)
        temporary.replace(_previous(path))
        temporary.unlink(missing_ok=True)


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else 0.0


def _load(path: Path) -> dict[str, Any]:
    """Raises OSError, ValueError, RecursionError."""
    document = json.loads(path.read_bytes(), parse_constant=lambda _token: 0, parse_float=_finite)
    if not isinstance(document, dict):
        raise ValueError("it is not a JSON object")
    return document


def _why(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


class StateFiles:
    """The cache files of one installation; owns the saver thread (`start`, `stop`)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._makers: dict[str, Callable[[], Any]] = {}
        self._dirty: set[str] = set()
        self._condition = threading.Condition()
        self._write_lock = threading.Lock()
        self._stop_event = threading.Event()
        self._thread: threading.Thread | None = None
        self._failing: set[str] = set()
        self._recovered: dict[str, dict[str, Any]] = {}

    def read(self, name: str) -> dict[str, Any] | None:
        """The content of a cache file; None when it does not exist.

        One that cannot be read is set aside, and its previous copy is read instead. The bare tokens NaN and Infinity of
        old files, and numbers that are too large, are read as 0.
        """
        path = self.folder / name
        try:
            return _load(path)
        except FileNotFoundError:
            return copy.deepcopy(self._recovered.get(name))
        except (OSError, ValueError, RecursionError) as error:
            return self._recover(path, error)

    def _recover(self, path: Path, error: Exception) -> dict[str, Any] | None:
        aside = path.with_name(f"{path.name}.corrupt-{int(time.time())}")
        try:
            path.rename(aside)
            done = f"renamed to {aside.name}"
        except OSError as rename_error:
            done = f"it cannot be renamed ({rename_error.strerror})"
        try:
            document = self._recovered[path.name] = _load(_previous(path))
        except (OSError, ValueError, RecursionError):
            log.warning("%s cannot be read (%s): %s; there is no previous copy", path, _why(error), done)
            return None
        log.warning("%s cannot be read (%s): %s; using the previous copy", path, _why(error), done)
        return copy.deepcopy(document)

    def register(self, name: str, make_document: Callable[[], Any]) -> None:
        """Own a file: make_document returns its current JSON-ready content; it is called from any thread."""
        self._makers[name] = make_document

    def mark_dirty(self, name: str) -> None:
        """Have the file written within about a second. Returns immediately."""
        with self._condition:
            if name not in self._dirty:
                self._dirty.add(name)
                self._condition.notify()

    def save_if_dirty(self, name: str) -> None:
        """Write the file now if it is dirty. Raises StateError."""
        with self._condition:
            dirty = name in self._dirty
        if dirty:
            self.save_now(name)

    def save_now(self, name: str) -> None:
        """Write the file; returns once it is safely on disk.

        Raises StateError when it cannot be written.
        """
        with self._condition:
            self._dirty.discard(name)
        with self._write_lock:
            try:
                data = json.dumps(self._makers[name](), allow_nan=False, indent=1).encode()
                _keep_previous(self.folder / name)
                write_atomically(self.folder / name, data)
            except (OSError, ValueError, TypeError, RecursionError) as error:
                raise StateError(
                    f"{self.folder / name} cannot be written: {_why(error)}; "
                    "make the folder writable, or choose another one with --cachefile"
                ) from error

    def start(self) -> None:
        """Create the folder if it does not exist, and start the saver thread. Raises StateError."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StateError(
                f"the folder for the cache files, {self.folder}, cannot be created: {_why(error)}; "
                "choose another one with --cachefile"
            ) from error
        self._thread = threading.Thread(target=self._run, name="cloudplow-saver", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the saver thread, then write what is still dirty."""
        self._stop_event.set()
        with self._condition:
            self._condition.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._save_dirty()

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._dirty and not self._stop_event.is_set():
                    self._condition.wait()
            if self._stop_event.is_set():
                return
            self._save_dirty()
            self._stop_event.wait(SAVE_INTERVAL_SECONDS)

    def _save_dirty(self) -> None:
        with self._condition:
            names = sorted(self._dirty)
        for name in names:
            try:
                self.save_now(name)
                self._failing.discard(name)
            except StateError as error:
                with self._condition:
                    self._dirty.add(name)
                if name not in self._failing:
                    self._failing.add(name)
                    log.error("%s", error)
