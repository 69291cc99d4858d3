"""Reads the book at the start: from the database, its backup copy, the exports, or what an older program left.

The newest of database and backup counts; what the exports know beyond it is added, the larger sum wins. What another
program wrote into the exports since is added, dated as late as it can be.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from cloudplow.accounts.contents import GENERATION, Contents, read_rows, spend_whole, warn
from cloudplow.accounts.entry import Charge, Entry, deny, join, larger, shortfall_bytes
from cloudplow.accounts.exports import (
    EXPORTED,
    Foreign,
    Record,
    baseline,
    foreign_changes,
    place_of,
    read_records,
)
from cloudplow.accounts.identity import Keys, identity_by_name
from cloudplow.accounts.old_cache import OldBan, read_bans
from cloudplow.state.book_file import BACKUP_FILE, BOOK_FILE, BookFile, DamagedError, Rows, peek, read_copy, set_aside
from cloudplow.state.loose import mapping, whole
from cloudplow.state.state_files import LEDGER_FILE, StateFiles
from cloudplow.units import format_bytes

log = logging.getLogger("cloudplow.ledger")

#: A book that was last written longer ago than this is mentioned with its age, in seconds.
AGE_WORTH_A_WORD_SECONDS: Final = 26 * 3600.0
#: Times in the book are rounded to this, in seconds.
BOOK_SECONDS: Final = 0.001


class Opening:
    """Reads the content of the book once.

    other_folders: where else an older program may have left its files (beside the configuration); old_cache: its
    `cache.db`; window_of: an uploader's window in seconds; now: epoch seconds by the machine's clock.
    """

    def __init__(
        self,
        files: StateFiles,
        keys: Keys,
        window_of: Callable[[str], float],
        *,
        other_folders: Iterable[Path] = (),
        old_cache: Path | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._files = files
        self._keys = keys
        self._window_of = window_of
        self._others = [folder for folder in other_folders if folder.resolve() != files.folder.resolve()]
        self._old_cache = old_cache
        self._now = now
        self._told: set[str] = set()

    def _say(self, message: str) -> None:
        """Warn, once: a process reads the book when it starts, and again when it owns it."""
        if message not in self._told:
            self._told.add(message)
            warn(message)

    def read_only(self, *, running: bool) -> Contents:
        """The content, without changing a file. running: another process has the book open: the exports say it."""
        content = Contents()
        if not running:
            content = self._copy_of(BOOK_FILE)
            if self._generation_of_backup() > content.generation:
                content = self._copy_of(BACKUP_FILE)
        # Stages that run have lost no list: they count whole without a word.
        self._add_exports(content, keep=True, say=(lambda _message: None) if running else self._say)
        return content

    def own(self, book: BookFile) -> tuple[Rows, Contents, bool]:
        """Open the book, for the holder of the state lock: its rows, its content, and whether all must be rewritten.

        Raises StateError.
        """
        lost = ""
        try:
            rows = book.open()
            content = read_rows(rows, self._say, self._backup_rows)
        except DamagedError as error:
            done = set_aside(book.path, f"{BOOK_FILE}.corrupt-{int(self._now())}")
            lost = f"{book.path} is damaged ({error}): {done}"
            rows, content = book.open(), Contents()
        generation = content.generation
        if self._generation_of_backup() > generation:
            lost = lost or f"{book.path} is {'an older copy' if generation else 'missing'}"
            content = self._copy_of(BACKUP_FILE)
        newer = self._add_exports(content, keep=False, say=self._say)
        if newer and not lost:
            lost = f"{book.path} is {'an older copy' if generation else 'missing'}"
        if lost:
            log.warning("%s; rebuilt from the backup copy and sa_quota_cache.json, as far as they know more", lost)
        elif anchor := content.anchor:
            age = self._now() - anchor.at
            if age > AGE_WORTH_A_WORD_SECONDS:
                log.info("The book was last written %.0f hours ago", age / 3600)
        return rows, content, bool(lost) or not generation

    def _copy_of(self, name: str) -> Contents:
        try:
            spare = self._backup_rows if name == BOOK_FILE else dict
            return read_rows(read_copy(self._files.folder / name), self._say, spare)
        except DamagedError:
            return Contents()

    def _backup_rows(self) -> Rows:
        try:
            return read_copy(self._files.folder / BACKUP_FILE)
        except DamagedError:
            return {}

    def _generation_of_backup(self) -> int:
        try:
            return whole(json.loads(peek(self._files.folder / BACKUP_FILE, ("fact", GENERATION)) or "0"))
        except ValueError:
            return 0

    def _identity_of(self, key: str) -> str:
        return self._keys.read(key).identity or identity_by_name(key)

    def _add_exports(self, content: Contents, *, keep: bool, say: Callable[[str], None]) -> bool:
        """Add what the files say beyond the book; returns whether one of ours was newer than the book.

        keep: change no file. say: warns.
        """
        generation = content.generation
        newer = False
        exported = content.facts.setdefault(EXPORTED, {})
        for folder in [self._files.folder, *self._others]:
            place = place_of(folder)
            document = self._files.read(LEDGER_FILE, keep=keep, folder=folder)
            if document is None and not mapping(exported).get(place):
                continue
            records = list(read_records(document, self._identity_of, self._window_of, now=self._now()))
            ours = folder == self._files.folder
            is_newer = ours and any(one.generation > generation for one in records)
            if is_newer or not generation:
                newer = newer or is_newer
                _catch_up(content, records, generation, self._now(), say)
                foreign = foreign_changes([one for one in records if one.generation], {})
            else:
                foreign = foreign_changes(records, mapping(mapping(exported).get(place)))
            _add_foreign(content, foreign, self._written_at(folder), folder / LEDGER_FILE, say)
            exported[place] = baseline(iter(records), self._now())
        if "old_bans" not in content.facts and self._old_cache is not None:
            self._take_bans(content, read_bans(self._old_cache, say))
            content.facts["old_bans"] = True
        return newer

    def _written_at(self, folder: Path) -> float:
        """The latest time at which a file can have been written."""
        try:
            return min(self._now(), (folder / LEDGER_FILE).stat().st_mtime)
        except OSError:
            return self._now()

    def _take_bans(self, content: Contents, bans: Iterable[OldBan]) -> None:
        now = self._now()
        for ban in bans:
            if ban.until <= now:
                continue
            if not ban.key:
                content.facts.setdefault("sleeps", {})[ban.name] = ban.until
                continue
            entry = content.entries.setdefault((ban.name, self._identity_of(ban.key)), Entry(key=ban.key))
            deny(entry, ban.until, "banned by an earlier version of cloudplow", now)


def _take_larger(content: Contents, record: Record, account: str) -> None:
    known = content.entries.setdefault((record.uploader, account), Entry(key=record.key))
    known.charges = larger(known.charges, record.entry.charges)
    _take_rest(known, record)


def _take_rest(known: Entry, record: Record) -> None:
    known.total_bytes = max(known.total_bytes, record.entry.total_bytes)
    known.last_used = max(known.last_used, record.entry.last_used)
    if record.entry.denied_until > known.denied_until:
        known.denied_until, known.denied_why = record.entry.denied_until, record.entry.denied_why
        known.denied_at, known.denied_seconds = record.entry.denied_at, record.entry.denied_seconds
    if record.entry.learned_limit_bytes and not known.learned_limit_bytes:
        known.learned_limit_bytes = record.entry.learned_limit_bytes
        known.learned_for_limit_bytes = record.entry.learned_for_limit_bytes


def _catch_up(
    content: Contents, records: list[Record], generation: int, now: float, say: Callable[[str], None]
) -> None:
    """Take over what the exports know beyond the book: they are newer, or there was no book. The larger sum wins.

    A stage that the exports do not know any more was settled since, and is in their charges. One that only they know
    has lost its list, so all that it reserved counts as spent. generation: of the book.
    """
    for record in records:
        for account in record.accounts:
            if record.generation <= generation:
                # Not one of ours that is newer: it says nothing about stages.
                _take_larger(content, record, account)
                continue
            mine = {
                number
                for number, stage in content.stages.items()
                if (stage.uploader, stage.account) == (record.uploader, account)
            }
            if mine and mine == record.open_stages.keys():
                _take_shortfall(content, record, account)
                continue
            for number in mine - record.open_stages.keys():
                del content.stages[number]
            for number in mine & record.open_stages.keys():
                content.stages[number].charges.clear()  # they are among those of the record
            _take_larger(content, record, account)
            for number in record.open_stages.keys() - mine:
                lost = {"uploader": record.uploader, "account": account, "account_name": Path(record.key).name}
                at = max(now, record.entry.last_used)
                spend_whole(content, {**lost, "seen_at": at, "waiting_bytes": record.open_stages[number]}, say)
            content.last_stage = max([content.last_stage, *record.open_stages])
        content.facts[GENERATION] = max(content.generation, record.generation)


def _take_shortfall(content: Contents, record: Record, account: str) -> None:
    """The same stages are open: what they have spent since is still in what they reserve here.

    Of which of their files that is, the exports do not say; so they owe it, whatever the destination says.
    """
    entry = content.entries.setdefault((record.uploader, account), Entry(key=record.key))
    stages = [content.stages[number] for number in record.open_stages]
    known, theirs = list(entry.charges), list(record.entry.charges)
    for stage in stages:
        known += stage.charges
    # The same charge is dated exactly there, and may be dated a moment earlier here.
    known = [Charge(one.since, one.at + BOOK_SECONDS, one.bytes) for one in known]
    last = max([charge.at for charge in [*known, *theirs]], default=0.0)
    reserved = [Charge(last, last, stage.outstanding_bytes()) for stage in stages]
    theirs_reserved = [Charge(last, last, size) for size in record.open_stages.values()]
    beside = Charge(last, last, shortfall_bytes([*known, *reserved], [*theirs, *theirs_reserved]))
    join(entry.charges, [beside])
    owed = shortfall_bytes([*known, beside], theirs)
    for stage in stages:
        more = min(owed, stage.outstanding_bytes())
        if more:
            stage.owed_bytes = sum(charge.bytes for charge in stage.charges) + more
        owed -= more
    _take_rest(entry, record)


def _add_foreign(content: Contents, foreign: Foreign, at: float, path: Path, say: Callable[[str], None]) -> None:
    for record, more in foreign.added:
        say(
            f"{record.uploader}: another program recorded {format_bytes(more)} more for account "
            f"{Path(record.key).name} in {path.name}: they count as used"
        )
        for account in record.accounts:
            entry = content.entries.setdefault((record.uploader, account), Entry(key=record.key))
            join(entry.charges, [Charge(at, at, more)])
            entry.total_bytes += more
    if foreign.shrunk:
        uploader, key = foreign.shrunk[0]
        name = Path(key).name
        say(
            f"{path.name} says less than before (for example for account {name} of {uploader}): that changes nothing; "
            f"`cloudplow accounts correct {uploader} {name} --forget` does"
        )
