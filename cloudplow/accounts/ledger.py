"""The book of this host (`cloudplow.accounts.book.Book`): memory is the truth, the database is for the next process.

The window is rolling: bytes come back `account_quota_hours` after they were spent. An account that several uploaders
share has one budget: everything they spend on it counts.

Everything a stage plans is reserved, safely on disk, before rclone starts; charges follow within about a second; the
stage stays in the book until each of its files is settled. So an error can only ever mean "less quota left".

`ledger_reading` holds the content and reads it, `ledger_stages` changes stages, this module everything else.
"""

from __future__ import annotations

import copy
import logging
from typing import Any

from cloudplow.accounts import entry as records
from cloudplow.accounts.contents import Contents
from cloudplow.accounts.entry import Charge
from cloudplow.accounts.identity import BY_NAME, identity_by_name
from cloudplow.accounts.ledger_reading import DEFAULT_QUOTA_BYTES, DEFAULT_WINDOW_SECONDS
from cloudplow.accounts.ledger_stages import LedgerStages
from cloudplow.accounts.saving import Saving
from cloudplow.accounts.trusted_clock import TrustedClock

__all__ = ["DEFAULT_QUOTA_BYTES", "DEFAULT_WINDOW_SECONDS", "Ledger"]

log = logging.getLogger("cloudplow.ledger")


class Ledger(LedgerStages):
    """Changed by the thread that drives rclone; any thread may read it. saving: None keeps nothing."""

    def __init__(self, *, clock: TrustedClock, saving: Saving | None = None) -> None:
        super().__init__(clock=clock, saving=saving)
        self._warned_of_future = False
        if saving is not None:
            clock.on_adopted = self._on_clock_adopted
            saving.serve(self)

    def take(self, content: Contents) -> None:
        """Replace the content: at the start, and when the book is opened."""
        with self._lock:
            self._content = content
            self._stages_of, self._entries_of = {}, {}
            for stage in content.stages.values():
                self._stages_of.setdefault(stage.account, []).append(stage)
            from_future = False
            for (uploader, account), entry in content.entries.items():
                self._entries_of.setdefault(account, []).append((uploader, entry))
            self.clock.resume(content.anchor)
            now = self.clock.now()  # it may move what the content says
            for stage in content.stages.values():
                # Its process is gone, and so is its rclone: whoever reads this holds the lock, or changes nothing.
                stage.ended_at = min(stage.ended_at or now, now)
            for (uploader, _), entry in content.entries.items():
                from_future |= records.notice(entry, now, self.window(uploader))
            for uploader in {stage.uploader for stage in content.stages.values()} - self._windows.keys():
                self._give_up(uploader)
        if from_future and not self._warned_of_future:
            self._warned_of_future = True
            log.warning("The books contain uploads in the future (was the clock set back?): they count as spent now")

    def _give_up(self, uploader: str) -> None:
        """Nobody will settle the stages of an uploader that is not configured any more: they count as spent."""
        for stage in [one for one in self._content.stages.values() if one.uploader == uploader]:
            self.give_up(stage)

    def rehearsal(self) -> Ledger:
        """A copy for a dry run: it knows what is spent, what happens in it is never saved."""
        made = Ledger(clock=self.clock)
        with self._lock:
            # The lists of stages, which may be long, are never changed.
            content = Contents(
                entries=copy.deepcopy(self._content.entries),
                stages={number: copy.copy(stage) for number, stage in self._content.stages.items()},
                arrived={uploader: dict(files) for uploader, files in self._content.arrived.items()},
                last_stage=self._content.last_stage,
            )
            made._windows, made._quotas, made._keys = self._windows, self._quotas, dict(self._keys)
        made._content = content
        for stage in content.stages.values():
            stage.states, stage.charges = bytearray(stage.states), copy.deepcopy(stage.charges)
            made._stages_of.setdefault(stage.account, []).append(stage)
        for (uploader, account), entry in content.entries.items():
            made._entries_of.setdefault(account, []).append((uploader, entry))
        return made

    def know(self, uploader: str, account: str, key: str) -> None:
        """An account of the pool, and the path of its key file, which is only a label.

        What was written under the file's name alone, when it could not be read, now counts for the account.
        """
        with self._lock:
            self._keys[uploader, account] = key
            entry = self._content.entries.get((uploader, account))
            if entry is not None and entry.key != key:
                entry.key = key
                self._changed(uploader, account)
            by_name = identity_by_name(key)
            if not account.startswith(BY_NAME):
                self._move_stages(uploader, by_name, account)
                if (uploader, by_name) in self._content.entries:
                    self._move_entry(uploader, by_name, account)

    def _move_stages(self, uploader: str, before: str, account: str) -> None:
        stages = self._stages_of.get(before, [])
        self._stages_of[before] = [stage for stage in stages if stage.uploader != uploader]
        for stage in stages:
            if stage.uploader == uploader:
                stage.account = account
                self._stages_of.setdefault(account, []).append(stage)
                self._stage_changed(stage)

    def _move_entry(self, uploader: str, before: str, account: str) -> None:
        moved = self._content.entries.pop((uploader, before))
        self._entries_of[before] = [one for one in self._entries_of[before] if one[1] is not moved]
        entry = self._entry(uploader, account)
        records.join(entry.charges, moved.charges)
        entry.total_bytes += moved.total_bytes
        if moved.denied_until > entry.denied_until:
            entry.denied_until, entry.denied_why = moved.denied_until, moved.denied_why
            entry.denied_at, entry.denied_seconds = moved.denied_at, moved.denied_seconds
        self._changed(uploader, before)
        self._changed(uploader, account)

    def deny(self, uploader: str, account: str, until: float, why: str) -> None:
        """Google refuses this account until then."""
        with self._lock:
            now = self.now()
            records.deny(self._entry(uploader, account), until, why, now)
        self._changed(uploader, account)
        if self._saving is not None:
            self._saving.save_if_free()  # nobody can be asked for it

    def learn_limit(self, uploader: str, account: str, limit_bytes: int, configured_bytes: int) -> None:
        """The account was refused at less than the configured quota."""
        with self._lock:
            entry = self._entry(uploader, account)
            entry.learned_limit_bytes, entry.learned_for_limit_bytes = limit_bytes, configured_bytes
        self._changed(uploader, account)

    def correct(self, uploader: str, account: str, used_bytes: int) -> None:
        """Somebody knows better: from now on this is what the account has spent, as if just now; no denial stands.

        Its unsettled stages count as settled with that. Raises StateError.
        """
        with self._lock:
            now = self.now()
            for _, entry in self._entries_of.get(account, []):
                entry.charges.clear()
                entry.denied_until = 0.0
            entry = self._entry(uploader, account)
            if used_bytes:
                entry.charges.append(Charge(now, now, used_bytes))
            for stage in list(self._stages_of.get(account, [])):
                stage.charges.clear()
                stage.owed_bytes = 0
                stage.sent_of.clear()
                self._stage_changed(stage)
                if stage.ended_at is not None:
                    stage.free_all_but(())
                    self.give_up(stage)
            for name, _ in self._entries_of.get(account, []):
                self._changed(name, account)
        self._save_now()

    def set_fact(self, name: str, value: Any) -> None:
        """Keep a value; it is on disk within about a second."""
        with self._lock:
            self._content.facts[name] = value
        if self._saving is not None:
            self._saving.fact_changed(name)

    def _on_clock_adopted(self, since: float, seconds: float) -> None:
        with self._lock:
            now = self.clock.now()
            for (uploader, account), entry in self._content.entries.items():
                records.shift(entry, since, seconds)
                records.notice(entry, now, self.window(uploader))
                self._changed(uploader, account)
            for stage in self._content.stages.values():
                if stage.ended_at is not None:
                    moved = stage.ended_at + seconds if stage.ended_at >= since else stage.ended_at
                    stage.ended_at = min(moved, now)
                records.shift_charges(stage.charges, since, seconds)
                self._stage_changed(stage)
            if self._saving is not None:
                # Before the next boot, which would not know any more that all this was dated by another clock.
                self._saving.save_if_free()
