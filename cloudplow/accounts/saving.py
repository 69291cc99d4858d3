"""Writes what changed in the book: when a stage opens at once, otherwise on the saver thread within about a second."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

from cloudplow.accounts.contents import (
    ANCHOR,
    GENERATION,
    Changes,
    Contents,
    arrived_row,
    entry_key,
    entry_row,
    fact_row,
    stage_rows,
    written_keys,
)
from cloudplow.accounts.exports import EXPORTED, baseline, export_document, place_of, read_records
from cloudplow.accounts.trusted_clock import TrustedClock
from cloudplow.errors import StateError
from cloudplow.state.book_file import BOOK_FILE, BookFile, Rows
from cloudplow.state.stage_journal import StageJournal
from cloudplow.state.state_files import LEDGER_FILE, StateFiles

log = logging.getLogger("cloudplow.ledger")

#: The longest time between two exports while something changes, in seconds.
EXPORT_SECONDS: Final = 60.0


class Kept(Protocol):
    """What is written: a ledger."""

    clock: TrustedClock

    @property
    def lock(self) -> threading.RLock:
        """Held while the content is read."""

    @property
    def content(self) -> Contents:
        """What is to be written."""

    def now(self) -> float:
        """Epoch seconds."""

    def window(self, uploader: str) -> float:
        """How long an uploader's bytes stay spent, in seconds."""

    def limit_bytes(self, uploader: str) -> int:
        """What an account of an uploader may spend, in bytes; 0 when unknown."""


def _differing_entries(rows: Rows, content: Contents) -> set[tuple[str, str]]:
    """The entries that the database has differently, or that only one of both has."""
    entries, _ = written_keys(rows)
    differing = entries - content.entries.keys()
    return differing | {one for one, entry in content.entries.items() if rows.get(entry_key(*one)) != entry_row(entry)}


def _differing_facts(rows: Rows, content: Contents) -> set[str]:
    """The same for facts."""
    differing = {key for kind, key in rows if kind == "fact"} - content.facts.keys()
    return differing | {name for name, value in content.facts.items() if rows.get(("fact", name)) != fact_row(value)}


class Saving:
    """Owns the database and the exports. Nothing is written before `open`, which needs the state lock."""

    def __init__(self, files: StateFiles, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.files = files
        self.book = BookFile(files.folder)
        self.journal = StageJournal(files.folder)
        self._clock = clock
        self._lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._entries: set[tuple[str, str]] = set()
        self._stages: set[int] = set()
        self._stored_lists: set[int] = set()
        self._arrived: set[str] = set()
        self._facts: set[str] = set()
        self._ledger: Kept | None = None
        self._exported_at = 0.0
        self._backup_due = False
        files.register_writer(BOOK_FILE, self._save_later)
        files.register(LEDGER_FILE, self._export)

    def serve(self, ledger: Kept) -> None:
        """Whose content is written."""
        self._ledger = ledger

    def opened(self, rows: Rows, content: Contents, *, rewrite: bool) -> None:
        """The book is open and was read. rewrite: its content came from elsewhere, so all of it is written.

        Raises StateError.
        """
        lost = {int(key) for kind, key in rows if kind == "stage" and key.isdecimal()} - content.stages.keys()
        with self._lock:
            # Besides what has changed since it was read.
            self._stages |= content.stages.keys() | lost
            self._entries |= _differing_entries(rows, content)
            self._facts |= {EXPORTED, "last_stage"} | _differing_facts(rows, content)
            self._stored_lists = set() if rewrite else {int(key) for kind, key in rows if kind == "files"}
            if rewrite:
                self._arrived |= content.arrived.keys() | written_keys(rows)[1]
        self.save_now()

    def close(self) -> None:
        """Close the book: another process may open it now. Everything has been saved."""
        with self._write_lock:
            self.book.close()

    def entry_changed(self, uploader: str, account: str) -> None:
        """An entry is to be written."""
        with self._lock:
            self._entries.add((uploader, account))
        self._soon()

    def stage_changed(self, number: int) -> None:
        """A stage is to be written, or removed."""
        if number not in self._stages:
            with self._lock:
                self._stages.add(number)
            self._soon()

    def stage_ended(self) -> None:
        """A stage has ended or is settled: export that."""
        self._backup_due = True
        if self.book.is_open:
            self.files.mark_dirty(LEDGER_FILE)

    def arrived_changed(self, uploader: str) -> None:
        """The list of an uploader's files that arrived and are still at the source is to be written."""
        with self._lock:
            self._arrived.add(uploader)
        self._soon()

    def fact_changed(self, name: str) -> None:
        """A fact is to be written."""
        with self._lock:
            self._facts.add(name)
        self._soon()

    def _soon(self) -> None:
        if self.book.is_open:
            self.files.mark_dirty(BOOK_FILE)

    def save_now(self) -> None:
        """Write what changed, and the backup copy; returns once all is safely on disk. Raises StateError."""
        if self.book.is_open:
            self._write_both()

    def _save_later(self) -> None:
        """On the saver thread."""
        if self.book.is_open:
            if self._backup_due:
                self._write_both()
            else:
                self._write()
            if self._clock() - self._exported_at >= EXPORT_SECONDS:
                self.files.mark_dirty(LEDGER_FILE)

    def _write_both(self) -> None:
        """The book and its backup copy, which stays due if that fails."""
        self._backup_due = False
        try:
            self._write()
            self.book.back_up()
        except BaseException:
            self._backup_due = True
            raise

    def save_if_free(self) -> None:
        """Write what changed, unless a write is running, which takes it along. A failure is left to the next write.

        For the caller who holds the ledger's lock, and so must not wait for a write that waits for it.
        """
        if self._write_lock.acquire(blocking=False):
            try:
                self._write_changes()
            except StateError as error:
                log.error("%s", error)
            finally:
                self._write_lock.release()

    def _write(self) -> None:
        with self._write_lock:
            self._write_changes()

    def _write_changes(self) -> None:
        """For the holder of the write lock."""
        ledger = self._ledger
        if ledger is not None and self.book.is_open:
            # A stage's end and what its account was charged are in one transaction, and so are the time of a clock that
            # was set and what that moved.
            with ledger.lock:
                ledger.now()
                with self._lock:
                    entries, stages = set(self._entries), set(self._stages)
                    arrived, facts = set(self._arrived), set(self._facts)
                changes, lists = self._changes(ledger, entries, stages, arrived, facts)
                with self._lock:
                    self._entries -= entries
                    self._stages -= stages
                    self._arrived -= arrived
                    self._facts -= facts
            try:
                self.book.write(changes)
            except BaseException:
                with self._lock:
                    self._entries |= entries
                    self._stages |= stages
                    self._arrived |= arrived
                    self._facts |= facts
                raise
            self._stored_lists = (self._stored_lists | lists) & ledger.content.stages.keys()
            if any(number not in ledger.content.stages for number in stages):
                self.journal.keep_only({stage.journal_name for stage in list(ledger.content.stages.values())})

    def _changes(
        self,
        ledger: Kept,
        entries: set[tuple[str, str]],
        stages: set[int],
        arrived: set[str],
        facts: set[str],
    ) -> tuple[Changes, set[int]]:
        """The rows to write, and the stages whose lists are among them."""
        content = ledger.content
        content.facts[GENERATION] = content.generation + 1
        content.facts[ANCHOR] = ledger.clock.anchor()._asdict()
        content.facts["last_stage"] = content.last_stage
        changes: Changes = {}
        for uploader, account in entries:
            entry = content.entries.get((uploader, account))
            changes[entry_key(uploader, account)] = None if entry is None else entry_row(entry)
        lists = {number for number in stages if number in content.stages} - self._stored_lists
        for number in stages:
            changes |= stage_rows(number, content.stages.get(number), with_files=number in lists)
        for uploader in arrived:
            changes["arrived", uploader] = arrived_row(content.arrived.get(uploader, {}))
        for name in facts | {GENERATION, ANCHOR, "last_stage"}:
            changes["fact", name] = fact_row(content.facts.get(name))
        return changes, lists

    def _export(self) -> dict[str, Any]:
        """The content of `sa_quota_cache.json`; what it says is remembered, to see later what others add to it."""
        ledger = self._ledger
        if ledger is None:
            return {}
        now = ledger.now()
        with ledger.lock:
            document = export_document(ledger.content, now=now, window_of=ledger.window, limit_of=ledger.limit_bytes)
            records = read_records(document, lambda _key: "", ledger.window, now=now)
            known = ledger.content.facts.setdefault(EXPORTED, {})
            known[place_of(self.files.folder)] = baseline(records, now)
        self._exported_at = self._clock()
        with self._lock:
            self._facts.add(EXPORTED)
        # Known before it can be seen: what the file says beyond this was added by others.
        self._write()
        return document
