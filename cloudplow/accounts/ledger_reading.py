"""What a ledger holds, and what it says of accounts: what is spent, reserved, denied, and when it comes back."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator, Mapping
from typing import Any, Final

from cloudplow.accounts import entry as records
from cloudplow.accounts.book import Standing
from cloudplow.accounts.booked_stage import Stage, StageFile, waiting_document
from cloudplow.accounts.contents import Contents
from cloudplow.accounts.entry import Entry, returning
from cloudplow.accounts.saving import Saving
from cloudplow.accounts.trusted_clock import TrustedClock
from cloudplow.models import Return

DEFAULT_WINDOW_SECONDS: Final = 86_400.0
DEFAULT_QUOTA_BYTES: Final = 750 << 30


class LedgerReading:
    """The content and its indexes, under one lock; see `cloudplow.accounts.ledger`."""

    def __init__(self, *, clock: TrustedClock, saving: Saving | None = None) -> None:
        self.clock = clock
        self._saving = saving
        self._lock = threading.RLock()
        self._content = Contents()
        self._stages_of: dict[str, list[Stage]] = {}
        self._entries_of: dict[str, list[tuple[str, Entry]]] = {}
        self._keys: dict[tuple[str, str], str] = {}
        self._windows: dict[str, float] = {}
        self._quotas: dict[str, int] = {}
        self._tidied_at = 0.0

    @property
    def lock(self) -> threading.RLock:
        """Held by whoever reads `content`."""
        return self._lock

    @property
    def content(self) -> Contents:
        """Everything in the book; see `lock`."""
        return self._content

    def configure(self, windows_seconds: Mapping[str, float], quotas_bytes: Mapping[str, int]) -> None:
        """Each uploader's window and configured quota."""
        self._windows, self._quotas = dict(windows_seconds), dict(quotas_bytes)
        self.clock.window_seconds = max([*self._windows.values()], default=DEFAULT_WINDOW_SECONDS)

    def window(self, uploader: str) -> float:
        """How long an uploader's bytes stay spent, in seconds."""
        return self._windows.get(uploader, DEFAULT_WINDOW_SECONDS)

    def limit_bytes(self, uploader: str) -> int:
        """What an account of an uploader may spend as far as is known, in bytes; 0 for one that is not configured."""
        configured = self._quotas.get(uploader, 0)
        return min(configured, self.learned_limit(uploader, configured) or configured)

    def now(self) -> float:
        """Epoch seconds."""
        # When the clock adopts another time, dates move with it: nobody may see the one without the other.
        with self._lock:
            return self.clock.now()

    def _entry(self, uploader: str, account: str) -> Entry:
        entry = self._content.entries.get((uploader, account))
        if entry is None:
            entry = self._content.entries[uploader, account] = Entry(key=self._keys.get((uploader, account), ""))
            self._entries_of.setdefault(account, []).append((uploader, entry))
        return entry

    def _changed(self, uploader: str, account: str) -> None:
        if self._saving is not None:
            self._saving.entry_changed(uploader, account)

    def _stage_changed(self, stage: Stage) -> None:
        if self._saving is not None:
            self._saving.stage_changed(stage.number)

    def _save_now(self) -> None:
        if self._saving is not None:
            self._saving.save_now()

    def standing(self, account: str) -> Standing:
        """All about an account, at one moment."""
        now = self.now()
        with self._lock:
            spent = tuple(sorted(self._spent(account, now)))
            reserved = list(self._reserved(account, now))
            stages = self._stages_of.get(account, ())
            return Standing(
                spent,
                tuple(sorted([*spent, *reserved])) if reserved else spent,
                sum(entry.total_bytes for _, entry in self._entries_of.get(account, ())),
                self._denied(account, now),
                sum(one.in_flight_bytes for one in stages),
                self._unsettled(account, now),
            )

    def _spent(self, account: str, now: float) -> Iterator[Return]:
        """Every charge that counts, and when it comes back."""
        for uploader, entry in self._entries_of.get(account, ()):
            yield from returning(entry.charges, now, self.window(uploader))
        for stage in self._stages_of.get(account, ()):
            yield from returning(stage.charges, now, self.window(stage.uploader))

    def _reserved(self, account: str, now: float) -> Iterator[Return]:
        """What stages may still spend or may have spent, and when that would come back."""
        for stage in self._stages_of.get(account, ()):
            back_at = stage.arrived_by(now) + self.window(stage.uploader)
            outstanding = stage.outstanding_bytes()
            if outstanding and back_at > now:
                yield Return(back_at, outstanding)

    def used_bytes(self, account: str, *, with_reserved: bool = False) -> int:
        """What all uploaders have spent on an account within their windows; optionally with what is reserved."""
        with self._lock:
            now = self.now()
            spent = sum(back.bytes for back in self._spent(account, now))
            return spent + (sum(one.bytes for one in self._reserved(account, now)) if with_reserved else 0)

    def owed_bytes(self, account: str) -> int:
        """What stages have spent on an account beyond their charges, without knowing by which files."""
        with self._lock:
            return sum(stage.owed_beyond_charges() for stage in self._stages_of.get(account, ()))

    def _unsettled(self, account: str, now: float) -> int:
        ended = (one for one in self._stages_of.get(account, ()) if one.ended_at is not None)
        return sum(one.outstanding_bytes() for one in ended if one.arrived_by(now) + self.window(one.uploader) > now)

    def returns(self, account: str, *, with_reserved: bool = True) -> tuple[Return, ...]:
        """What comes back when, in order of time. with_reserved: reserved bytes too, as if they were spent now."""
        with self._lock:
            now = self.now()
            found = [*self._spent(account, now), *(self._reserved(account, now) if with_reserved else ())]
        return tuple(sorted(found))

    def denied(self, account: str) -> tuple[float, str] | None:
        """Until when and why the account is refused; None if it is not."""
        with self._lock:
            now = self.now()
            return self._denied(account, now)

    def _denied(self, account: str, now: float) -> tuple[float, str] | None:
        denials = [
            (records.denied_until(entry, now), entry.denied_why)
            for _, entry in self._entries_of.get(account, ())
            if entry.denied_until
        ]
        latest = max(denials, default=(0.0, ""))
        return latest if latest[0] > now else None

    def denied_within(self, account: str, seconds: float) -> bool:
        """Whether the account is refused now, or was within the last `seconds`."""
        with self._lock:
            now = self.now()
            ends = [records.denied_until(entry, now) for _, entry in self._entries_of.get(account, ())]
        return max(ends, default=0.0) > now - seconds

    def learned_limit(self, uploader: str, configured_bytes: int) -> int | None:
        """The smallest limit at which any account of the uploader was refused, for this configured quota."""
        with self._lock:
            learned = [
                entry.learned_limit_bytes
                for (name, _), entry in self._content.entries.items()
                if name == uploader
                and entry.learned_limit_bytes > 0
                and entry.learned_for_limit_bytes == configured_bytes
            ]
        return min(learned, default=None)

    def stages_document(self, account: str) -> list[dict[str, Any]]:
        """Unsettled stages of an account, JSON-ready."""
        with self._lock:
            return [waiting_document(one) for one in self._stages_of.get(account, ()) if one.ended_at is not None]

    def arrived(self, uploader: str) -> Mapping[str, StageFile]:
        """Files that are still at the source, though an earlier stage has uploaded them; by name."""
        with self._lock:
            return dict(self._content.arrived.get(uploader, {}))

    def fact(self, name: str) -> Any:
        """A value that another part of the program keeps in the book, JSON-ready; None when there is none."""
        with self._lock:
            return copy.deepcopy(self._content.facts.get(name))
