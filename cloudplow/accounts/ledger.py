"""What each account has spent of its quota, and when it comes back. The owner of `sa_quota_cache.json`.

The window is rolling: bytes come back `account_quota_hours` after they were spent. An account that several uploaders
share has one budget: everything they spend on it counts, through any of its key files
(`cloudplow.accounts.same_account`).

Power cuts and kills: everything a stage plans is recorded as reserved, safely on disk, before rclone starts; charges
follow within about a second. So an error can only ever mean "less quota left".
After a stop on request, what may have been sent since rclone's last statistics counts as used
(`cloudplow.upload.unseen`). `cloudplow.upload.open_stages` turns the reservation of a stage that never ended into
charges, once it is known which of its files are gone.

Old files (one fixed window from the first upload) are read; a superset of them is written.
"""

from __future__ import annotations

import copy
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cloudplow.accounts.ledger_entry import Entry, book, expire, give_up_stage, read_charges, read_entry, write_entry
from cloudplow.accounts.same_account import SameAccounts
from cloudplow.models import Return
from cloudplow.state.state_files import LEDGER_FILE, StateFiles

log = logging.getLogger("cloudplow.ledger")


class Ledger:
    """Charges by uploader and key file. Used by the thread that drives rclone; the saver thread makes documents.

    files: None keeps nothing.
    """

    def __init__(self, files: StateFiles | None, *, now: Callable[[], float]) -> None:
        self._files = files
        self._now = now
        self._lock = threading.Lock()
        self._entries: dict[str, dict[str, Entry]] = {}
        self._same = SameAccounts()
        self._windows: dict[str, float] = {}
        self._quotas: dict[str, int] = {}
        self._warned_of_future = False
        if files is not None:
            files.register(LEDGER_FILE, self.document)

    def load(self, windows_seconds: Mapping[str, float], quotas_bytes: Mapping[str, int] | None = None) -> None:
        """Read the file: at start, and again once no other process writes it.

        windows_seconds, quotas_bytes: each uploader's window and configured quota. The quotas are only recorded,
        for programs that show the file.
        """
        self._windows = dict(windows_seconds)
        self._quotas = dict(quotas_bytes or {})
        stored = self._files.read(LEDGER_FILE) if self._files is not None else None
        now = self._now()
        entries, from_future = dict[str, dict[str, Entry]](), False
        for uploader, accounts in stored.items() if isinstance(stored, dict) else ():
            window = self._window(uploader)
            for key, record in accounts.items() if isinstance(accounts, dict) else ():
                if isinstance(record, dict):
                    charges = read_charges(record, window)
                    from_future = from_future or any(at > now for at, _ in charges)
                    entry = entries.setdefault(uploader, {})[key] = read_entry(record, charges, now, window)
                    if uploader not in windows_seconds:
                        give_up_stage(entry, now, window)
        same = SameAccounts()
        for accounts in entries.values():
            for key, entry in accounts.items():
                same.spent(key, entry.account_ids)
        with self._lock:
            self._entries = entries
            self._same = same
        if from_future and not self._warned_of_future:
            self._warned_of_future = True
            log.warning(
                "sa_quota_cache.json contains uploads in the future (was the clock set back?): they count as spent now"
            )

    def rehearsal(self) -> Ledger:
        """A copy for a dry run: it knows what is spent, but what is charged in it is never saved."""
        made = Ledger(None, now=self._now)
        with self._lock:
            made._entries = copy.deepcopy(self._entries)
            made._windows = dict(self._windows)
            made._same = copy.deepcopy(self._same)
        return made

    def _save_soon(self) -> None:
        if self._files is not None:
            self._files.mark_dirty(LEDGER_FILE)

    def _window(self, uploader: str) -> float:
        return self._windows.get(uploader, 86_400.0)

    def _entry(self, uploader: str, key: str) -> Entry:
        entry = self._entries.setdefault(uploader, {}).setdefault(key, Entry())
        known = self._same.account_id(key)
        if known:
            entry.account_ids.add(known)
        self._same.spent(key)
        return entry

    def _sharing(self, key: str) -> Iterable[tuple[str, Entry]]:
        keys = self._same.keys_like(key)
        return [(name, accounts[one]) for name, accounts in self._entries.items() for one in keys & accounts.keys()]

    def account(self, key: str) -> str:
        """An identifier shared by all key files of one account: links, copies, additional keys."""
        with self._lock:
            return self._same.account(key)

    def used_bytes(self, key: str, *, with_reserved: bool = False) -> int:
        """What all uploaders have spent on the key file within their windows; optionally with what is reserved."""
        now = self._now()
        with self._lock:
            return sum(
                (entry.reserved_bytes if with_reserved else 0)
                + sum(c.bytes for c in expire(entry, now, self._window(uploader)))
                for uploader, entry in self._sharing(key)
            )

    def returns(self, key: str, *, with_reserved: bool = True) -> tuple[Return, ...]:
        """What comes back when, in order of time. with_reserved: include reserved bytes as if they were spent now."""
        now = self._now()
        found: list[Return] = []
        with self._lock:
            for uploader, entry in self._sharing(key):
                window = self._window(uploader)
                found += [Return(c.at + window, c.bytes) for c in expire(entry, now, window)]
                if with_reserved and entry.reserved_bytes:
                    found.append(Return(now + window, entry.reserved_bytes))
        return tuple(sorted(found, key=lambda back: back.at))

    def usage_rank(self, key: str) -> tuple[int, int]:
        """For choosing the least used account: bytes in the window, then total bytes, both over all uploaders."""
        with self._lock:
            ever = sum(entry.total_bytes for _, entry in self._sharing(key))
        return self.used_bytes(key), ever

    def charge(self, uploader: str, key: str, size_bytes: int, *, of_stage: bool = True) -> None:
        """Charge bytes that were spent. of_stage: they come out of the reservation of the account's running stage."""
        now = self._now()
        with self._lock:
            entry = self._entry(uploader, key)
            book(entry, now, size_bytes, self._window(uploader))
            if of_stage and entry.open_stage is not None:
                entry.reserved_bytes = max(0, entry.reserved_bytes - size_bytes)
                entry.open_stage["charged_bytes"] += size_bytes
        self._save_soon()

    def open_stage(self, uploader: str, key: str, planned_bytes: int) -> None:
        """Reserve what a stage plans; returns once that is safely on disk. Raises StateError."""
        with self._lock:
            entry = self._entry(uploader, key)
            entry.reserved_bytes = planned_bytes
            entry.open_stage = {"planned_bytes": planned_bytes, "charged_bytes": 0}
            for other in self._entries[uploader].values():
                other.aborted = False
            entry.last_used = self._now()
        if self._files is not None:
            self._files.save_now(LEDGER_FILE)

    def charge_late(self, uploader: str, key: str, size_bytes: int) -> None:
        """Charge a file that an interrupted stage turned out to have uploaded, less what was charged in advance."""
        with self._lock:
            entry = self._entry(uploader, key)
            ahead_bytes = min(entry.ahead_bytes, size_bytes)
            entry.ahead_bytes -= ahead_bytes
        self.charge(uploader, key, size_bytes - ahead_bytes, of_stage=False)

    def close_stage(
        self, uploader: str, key: str, lost_bytes: int = 0, *, aborted: bool = False, ahead_bytes: int = 0
    ) -> None:
        """End a stage's reservation. lost_bytes: what failed or aborted uploads may have cost.

        aborted: some of its files may have arrived unreported; `aborted_stages` lists it until the next stage.
        ahead_bytes: the part of lost_bytes that `charge_late` must not charge again.
        """
        with self._lock:
            entry = self._entry(uploader, key)
            entry.reserved_bytes = 0
            entry.open_stage = None
            entry.aborted = aborted
            if aborted:
                entry.ahead_bytes = ahead_bytes
            if lost_bytes > 0:
                book(entry, self._now(), lost_bytes, self._window(uploader))
        self._save_soon()

    def aborted_stages(self, uploader: str) -> list[str]:
        """Key files whose last stage was interrupted, in this run or an earlier one."""
        with self._lock:
            return [key for key, entry in self._entries.get(uploader, {}).items() if entry.aborted]

    def open_stages(self, uploader: str) -> list[tuple[str, int]]:
        """Stages that never ended (a kill): (key file, bytes charged in it)."""
        with self._lock:
            return [
                (key, int(entry.open_stage["charged_bytes"]))
                for key, entry in self._entries.get(uploader, {}).items()
                if entry.open_stage is not None
            ]

    def deny(self, uploader: str, key: str, until: float, why: str) -> None:
        """Remember that Google refused this account. until: epoch seconds."""
        with self._lock:
            entry = self._entry(uploader, key)
            entry.denied_until = max(entry.denied_until, until)
            entry.denied_why = why
        self._save_soon()

    def denied_within(self, key: str, seconds: float) -> bool:
        """Whether the account is refused now, or was within the last `seconds`."""
        with self._lock:
            return any(entry.denied_until > self._now() - seconds for _, entry in self._sharing(key))

    def denied(self, key: str) -> tuple[float, str] | None:
        """Until when (epoch seconds) and why the account is refused; None if it is not."""
        now = self._now()
        with self._lock:
            denials = [(entry.denied_until, entry.denied_why) for _, entry in self._sharing(key)]
        latest = max(denials, default=(0.0, ""))
        return latest if latest[0] > now else None

    def learn_limit(self, uploader: str, key: str, limit_bytes: int, configured_bytes: int) -> None:
        """Remember that the account was refused at less than the configured quota."""
        with self._lock:
            entry = self._entry(uploader, key)
            entry.learned_limit_bytes = limit_bytes
            entry.learned_for_limit_bytes = configured_bytes
        self._save_soon()

    def learned_limit(self, uploader: str, configured_bytes: int) -> int | None:
        """The smallest limit that any account of the uploader was refused at, for this configured quota."""
        with self._lock:
            return self._learned_limit(uploader, configured_bytes)

    def _learned_limit(self, uploader: str, configured_bytes: int) -> int | None:
        learned = [
            entry.learned_limit_bytes
            for entry in self._entries.get(uploader, {}).values()
            if entry.learned_limit_bytes > 0 and entry.learned_for_limit_bytes == configured_bytes
        ]
        return min(learned, default=None)

    def _limit(self, uploader: str) -> dict[str, int]:
        """The limit used for planning, for the records of an uploader; {} for one that is not configured."""
        configured = self._quotas.get(uploader)
        if configured is None:
            return {}
        return {"limit_bytes": min(configured, self._learned_limit(uploader, configured) or configured)}

    def document(self) -> dict[str, Any]:
        """The content of the cache file: a superset of the old format."""
        now = self._now()
        with self._lock:
            return {
                uploader: {
                    key: write_entry(entry, now, self._window(uploader)) | limit for key, entry in accounts.items()
                }
                for uploader, accounts in self._entries.items()
                for limit in (self._limit(uploader),)
            }
