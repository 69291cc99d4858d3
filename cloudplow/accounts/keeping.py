"""Who may use the book, and when: read by anybody, opened only by the holder of the state lock."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cloudplow.accounts.identity import Keys
from cloudplow.accounts.ledger import Ledger
from cloudplow.accounts.opening import Opening
from cloudplow.accounts.saving import Saving
from cloudplow.accounts.trusted_clock import TrustedClock
from cloudplow.errors import BusyError, StateError
from cloudplow.state.book_file import BOOK_FILE
from cloudplow.state.locks import FolderLocks
from cloudplow.state.state_files import LEDGER_FILE, StateFiles

log = logging.getLogger("cloudplow.ledger")


class BookKeeper:
    """Owns the book of one installation. book: its content; keys: what the key files say.

    other_folder: where else an older program may have left its files; old_cache: its `cache.db`.
    """

    def __init__(self, files: StateFiles, *, other_folder: Path, old_cache: Path) -> None:
        self._files = files
        self._lock_folder = files.folder / "stages"
        self.keys = Keys()
        self._saving = Saving(files)
        self.book = Ledger(clock=TrustedClock(), saving=self._saving)
        self._opening = Opening(files, self.keys, self.book.window, other_folders=[other_folder], old_cache=old_cache)

    def configure(self, windows_seconds: Mapping[str, float], quotas_bytes: Mapping[str, int]) -> None:
        """Each uploader's window and configured quota."""
        self.book.configure(windows_seconds, quotas_bytes)

    def read(self) -> None:
        """Read what the accounts have spent, without changing any file. Raises StateError."""
        locks = FolderLocks()
        running = False
        try:
            try:
                locks.acquire(self._lock_folder, "the cache folder", wait_seconds=0)
            except BusyError:
                running = True
            except StateError:
                pass  # there is no such folder yet
            self._take_read_only(running=running)
        finally:
            locks.release()

    def _take_read_only(self, *, running: bool) -> None:
        self.book.take(self._opening.read_only(running=running))
        self.book.catch_up(self._saving.journal)

    @contextmanager
    def owning(self, *, opens: bool) -> Iterator[None]:
        """While inside, this process alone spends quota. opens: whether it writes the book, or only reads it.

        Raises BusyError, StateError.
        """
        locks = FolderLocks()
        try:
            try:
                self._lock_folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StateError(
                    f"{self._lock_folder} cannot be created: {error.strerror}; make the folder writable, "
                    "or use --cachefile"
                ) from error
            locks.acquire(self._lock_folder, "the cache folder")
            if opens:
                rows, content, rewrite = self._opening.own(self._saving.book)
                self.book.take(content)
                self.book.catch_up(self._saving.journal)
                self._saving.opened(rows, content, rewrite=rewrite)
            else:
                self._take_read_only(running=False)
            yield
        finally:
            self._hand_over()
            locks.release()

    def save(self) -> None:
        """Have the book on disk now. Raises StateError."""
        self._saving.save_now()

    def _hand_over(self) -> None:
        """Save the book: the next owner of the lock must find the last charge and denial."""
        try:
            self._files.save_if_dirty(BOOK_FILE)
            self._files.save_if_dirty(LEDGER_FILE)
        except StateError as error:
            log.error("%s", error)
        self._saving.close()
