"""The one place that reads and writes cache files.

Files are JSON, next to `config.json` (or next to `--cachefile`). A write is atomic: temporary file in the same folder,
fsync, rename, fsync of the folder. They are read only at start. A file that cannot be read is renamed to
`NAME.corrupt-TIME` with one warning, and its previous copy (`NAME.previous`) takes its place. The book, a database, is
written by `cloudplow.state.book_file`.

Owners of state register a function that makes the current document; the saver thread writes what is dirty at most
once a second, so that the thread that drives rclone never waits for a disk.
"""

from __future__ import annotations

import contextlib
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
from cloudplow.state.ownership import like_the_folder
from cloudplow.state.sweeping import sweep

log = logging.getLogger("cloudplow.state")

LEDGER_FILE: Final = "sa_quota_cache.json"
LEARNED_FILE: Final = "learned_sizes_cache.json"
SESSION_FILE: Final = "dashboard_session_state.json"

#: What a system says that can write files but not sync their folder.
_NOT_FOR_FOLDERS: Final = frozenset(
    {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF, errno.ENOTTY, errno.EPERM, errno.EACCES}
)
#: The shortest time between two writes by the saver, in seconds.
SAVE_INTERVAL_SECONDS: Final = 1.0


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file so that a reader, or a start after a power cut, sees either the old or the new content.

    Raises OSError.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        with open(temporary, "wb", opener=_for_us_alone) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        like_the_folder(temporary)
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    _sync_folder(path.parent)


def _for_us_alone(path: str, flags: int) -> int:
    """Opens a file that only its owner may read: names of files are nobody else's business."""
    return os.open(path, flags, 0o600)


def _sync_folder(path: Path) -> None:
    """Raises OSError. Some network and FUSE file systems sync files but not folders, or let nobody open them."""
    folder = None
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(folder)
    except OSError as error:
        if error.errno not in _NOT_FOR_FOLDERS:
            raise
    finally:
        if folder is not None:
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


def _set_aside(path: Path) -> str:
    aside = path.with_name(f"{path.name}.corrupt-{int(time.time())}")
    try:
        path.rename(aside)
    except OSError as error:
        return f"it cannot be renamed ({error.strerror})"
    return f"renamed to {aside.name}"


def _why(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


class StateFiles:
    """The cache files of one installation; owns the saver thread (`start`, `stop`)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._makers: dict[str, Callable[[], Any]] = {}
        self._writers: dict[str, Callable[[], None]] = {}
        self._dirty: set[str] = set()
        self._condition = threading.Condition()
        self._write_lock = threading.Lock()
        self._stop_event = threading.Event()
        self._thread: threading.Thread | None = None
        self._failing: set[str] = set()
        self._told: set[Path] = set()

    def read(self, name: str, *, keep: bool = False, folder: Path | None = None) -> dict[str, Any] | None:
        """The content of a cache file; None when it does not exist.

        One that cannot be read, or has been removed while its previous copy is there, is replaced by that copy for
        good, with one warning; a damaged one is kept under another name. The bare tokens NaN and Infinity of old
        files, and numbers that are too large, are read as 0. keep: change no file. folder: where, if not in the usual
        folder.
        """
        path = (folder or self.folder) / name
        try:
            return _load(path)
        except FileNotFoundError:
            if not _previous(path).exists():
                return None
            return self._recover(path, "it is missing", keep=keep)
        except (OSError, ValueError, RecursionError) as error:
            return self._recover(path, f"it cannot be read ({_why(error)})", keep=keep)

    def _recover(self, path: Path, fault: str, *, keep: bool) -> dict[str, Any] | None:
        done = fault if keep or not path.exists() else f"{fault}: {_set_aside(path)}"
        document = None
        with contextlib.suppress(OSError, ValueError, RecursionError):
            document = _load(_previous(path))
        if path not in self._told:
            self._told.add(path)
            found = "there is no previous copy" if document is None else "its previous copy is used"
            log.warning("%s: %s; %s", path, done, found)
        if document is not None and not keep:
            # For good: the next process must see the same.
            with contextlib.suppress(OSError):
                write_atomically(path, _previous(path).read_bytes())
        return document

    def register(self, name: str, make_document: Callable[[], Any]) -> None:
        """Own a file: make_document returns its current JSON-ready content; it is called from any thread."""
        self._makers[name] = make_document

    def register_writer(self, name: str, write: Callable[[], None]) -> None:
        """Own a file that is no JSON document: write brings it up to date, on the saver thread.

        It raises StateError.
        """
        self._writers[name] = write

    def mark_dirty(self, name: str) -> None:
        """Have the file written within about a second. Returns immediately."""
        with self._condition:
            if name not in self._dirty:
                self._dirty.add(name)
                self._condition.notify()

    def save_if_dirty(self, name: str) -> None:
        """Write the file now if it is dirty; a write that the saver has begun has ended then. Raises StateError."""
        with self._write_lock:
            with self._condition:
                dirty = name in self._dirty
            if dirty:
                self._save(name)

    def save_now(self, name: str) -> None:
        """Write the file; returns once it is safely on disk.

        Raises StateError when it cannot be written.
        """
        with self._write_lock:
            self._save(name)

    def _save(self, name: str) -> None:
        with self._condition:
            self._dirty.discard(name)
        try:
            if name in self._writers:
                self._writers[name]()
                return
            data = json.dumps(self._makers[name](), allow_nan=False, indent=1).encode()
            _keep_previous(self.folder / name)
            write_atomically(self.folder / name, data)
        except BaseException as error:
            with self._condition:
                self._dirty.add(name)
            if isinstance(error, (OSError, ValueError, TypeError, RecursionError)):
                raise StateError(
                    f"{self.folder / name} cannot be written: {_why(error)}; "
                    "make the folder writable, or choose another one with --cachefile"
                ) from error
            raise

    def start(self) -> None:
        """Create the folder if it does not exist, and start the saver thread. Raises StateError."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StateError(
                f"the folder for the cache files, {self.folder}, cannot be created: {_why(error)}; "
                "choose another one with --cachefile"
            ) from error
        sweep(self.folder)
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
                self.save_if_dirty(name)
                self._failing.discard(name)
            except StateError as error:
                if name not in self._failing:
                    self._failing.add(name)
                    log.error("%s", error)
