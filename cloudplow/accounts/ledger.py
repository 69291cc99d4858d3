"""The book of this host (`cloudplow.accounts.book.Book`): memory is the truth, the database is for the next process.

The window is rolling: bytes come back `account_quota_hours` after they were spent. An account that several uploaders
share has one budget: everything they spend on it counts.

Everything a stage plans is reserved, safely on disk, before rclone starts; charges follow within about a second; the
stage stays in the book until each of its files is settled. So an error can only ever mean "less quota left".
"""

from __future__ import annotations

import copy
import logging
import math
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from cloudplow.accounts import entry as records
from cloudplow.accounts.book import RefusedError, Standing
from cloudplow.accounts.booked_stage import IN_DOUBT, UNCHARGED, FileState, Stage, StageFile, waiting_document
from cloudplow.accounts.contents import Contents
from cloudplow.accounts.entry import Charge, Entry, returning
from cloudplow.accounts.identity import BY_NAME, identity_by_name
from cloudplow.accounts.saving import Saving
from cloudplow.accounts.trusted_clock import TrustedClock
from cloudplow.models import Return
from cloudplow.state.stage_journal import Fact, Kind, StageJournal

DEFAULT_WINDOW_SECONDS = 86_400.0
DEFAULT_QUOTA_BYTES = 750 << 30

log = logging.getLogger("cloudplow.ledger")


class Ledger:
    """Changed by the thread that drives rclone; any thread may read it. saving: None keeps nothing."""

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
        self._warned_of_future = False
        self._tidied_at = 0.0
        if saving is not None:
            clock.on_adopted = self._on_clock_adopted
            saving.serve(self)

    # ------------------------------------------------------------------ content

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

    def catch_up(self, journal: StageJournal) -> None:
        """Take what happened in killed stages after the book was last written."""
        with self._lock:
            now = self.now()
            for stage in self._content.stages.values():
                for fact in journal.read(stage.journal_name):
                    self._take_fact(stage, fact, now)
            for stage in list(self._content.stages.values()):
                self._close_if_settled(stage)

    def _take_fact(self, stage: Stage, fact: Fact, now: float) -> None:
        spent = 0
        if fact.kind is Kind.ENDED:
            stage.ended_at, stage.landing_seconds = min(fact.at, now), float(fact.place)
        elif fact.kind is Kind.WASTED:
            spent = max(0, fact.bytes - stage.wasted_bytes)
            stage.wasted_bytes += spent
        elif fact.place < len(stage.files):
            state = FileState.SENT if fact.kind is Kind.SENT else FileState.DONE
            if stage.states[fact.place] in (FileState.DONE, state):
                return
            before = stage.set_state(stage.files[fact.place].name, state)
            spent = fact.bytes if fact.kind is Kind.SENT and before in UNCHARGED else 0
        if stage.account and spent:
            records.spend(stage.charges, spent, fact.at, self.window(stage.uploader))

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

    def _entry(self, uploader: str, account: str) -> Entry:
        entry = self._content.entries.get((uploader, account))
        if entry is None:
            entry = self._content.entries[uploader, account] = Entry(key=self._keys.get((uploader, account), ""))
            self._entries_of.setdefault(account, []).append((uploader, entry))
        return entry

    def window(self, uploader: str) -> float:
        """How long an uploader's bytes stay spent, in seconds."""
        return self._windows.get(uploader, DEFAULT_WINDOW_SECONDS)

    def limit_bytes(self, uploader: str) -> int:
        """What an account of an uploader may spend as far as is known, in bytes; 0 for one that is not configured."""
        configured = self._quotas.get(uploader, 0)
        return min(configured, self.learned_limit(uploader, configured) or configured)

    def _changed(self, uploader: str, account: str) -> None:
        if self._saving is not None:
            self._saving.entry_changed(uploader, account)

    def _stage_changed(self, stage: Stage) -> None:
        if self._saving is not None:
            self._saving.stage_changed(stage.number)

    def _save_now(self) -> None:
        if self._saving is not None:
            self._saving.save_now()

    def now(self) -> float:
        """Epoch seconds."""
        # When the clock adopts another time, dates move with it: nobody may see the one without the other.
        with self._lock:
            return self.clock.now()

    # ------------------------------------------------------------------ reading

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

    def unsettled_bytes(self, account: str) -> int:
        """What stages that have ended may have spent, until the destination has been asked."""
        with self._lock:
            return self._unsettled(account, self.now())

    def _unsettled(self, account: str, now: float) -> int:
        ended = (one for one in self._stages_of.get(account, ()) if one.ended_at is not None)
        return sum(one.outstanding_bytes() for one in ended if one.arrived_by(now) + self.window(one.uploader) > now)

    def in_flight_bytes(self, account: str) -> int:
        """What running stages have sent of files that have not arrived."""
        with self._lock:
            return sum(one.in_flight_bytes for one in self._stages_of.get(account, ()))

    def returns(self, account: str, *, with_reserved: bool = True) -> tuple[Return, ...]:
        """What comes back when, in order of time. with_reserved: reserved bytes too, as if they were spent now."""
        with self._lock:
            now = self.now()
            found = [*self._spent(account, now), *(self._reserved(account, now) if with_reserved else ())]
        return tuple(sorted(found))

    def usage_rank(self, account: str) -> tuple[int, int]:
        """For choosing the least used account: bytes in the window, then bytes ever."""
        with self._lock:
            ever = sum(entry.total_bytes for _, entry in self._entries_of.get(account, ()))
        return self.used_bytes(account), ever

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

    # ------------------------------------------------------------------ accounts

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
                self._stage_changed(stage)
                if stage.ended_at is not None:
                    stage.free_all_but(())
                    self.give_up(stage)
            for name, _ in self._entries_of.get(account, []):
                self._changed(name, account)
        self._save_now()

    # ------------------------------------------------------------------ stages

    def open_stage(
        self,
        uploader: str,
        account: str,
        files: Sequence[StageFile],
        *,
        account_name: str,
        destination: str,
        folder: str,
        moving: bool,
        landing_seconds: float = 0.0,
        limit_bytes: int | None = None,
    ) -> Stage:
        """Reserve what a stage plans; its list and reservation are safely on disk when this returns.

        landing_seconds: how long what it has sent may take to appear, until that is known better.
        limit_bytes: what the account may spend in all; None for any. Raises RefusedError, StateError.
        """
        with self._lock:
            now = self.now()
            content = self._content
            used = self.used_bytes(account, with_reserved=True) if account else 0
            planned = sum(file.cost for file in files)
            if limit_bytes is not None and used and used + planned > limit_bytes:
                raise RefusedError(f"the account has spent {used} of {limit_bytes} bytes, {planned} more do not fit")
            content.last_stage += 1
            stage = Stage(
                number=content.last_stage,
                uploader=uploader,
                account=account,
                account_name=account_name,
                destination=destination,
                folder=folder,
                moving=moving,
                files=files,
                opened_at=now,
                seen_at=now,
                landing_seconds=landing_seconds,
            )
            content.stages[stage.number] = stage
            self._stages_of.setdefault(account, []).append(stage)
            if account:
                self._entry(uploader, account).last_used = now
                self._changed(uploader, account)
            self._stage_changed(stage)
        try:
            self._save_now()
        except BaseException:
            with self._lock:
                self._remove(stage)
            raise
        if self._saving is not None:
            self._saving.journal.begin(stage.journal_name)
        return stage

    def sent(self, stage: Stage, name: str, size_bytes: int) -> None:
        """A file of a stage was uploaded and took so much of the quota."""
        now = self.now()
        with self._lock:
            before = stage.set_state(name, FileState.SENT)
            if stage.account and before in UNCHARGED:
                records.spend(stage.charges, size_bytes, now, self.window(stage.uploader))
        self._stage_changed(stage)
        self._note(stage, Kind.SENT, name, size_bytes, now)

    def done(self, stage: Stage, name: str) -> None:
        """It was told that a file of a stage is done."""
        with self._lock:
            stage.set_state(name, FileState.DONE)
        self._stage_changed(stage)
        self._note(stage, Kind.DONE, name, 0, 0.0)

    def _note(self, stage: Stage, kind: Kind, name: str, size_bytes: int, at: float) -> None:
        place = stage.place(name)
        if self._saving is not None and place is not None:
            self._saving.journal.note(stage.journal_name, kind, place, size_bytes, at)

    def wasted(self, stage: Stage, size_bytes: int) -> None:
        """An upload took quota, but no file came of it."""
        if not stage.account or not size_bytes:
            return
        now = self.now()
        with self._lock:
            records.spend(stage.charges, size_bytes, now, self.window(stage.uploader))
            stage.wasted_bytes += size_bytes
        self._stage_changed(stage)
        if self._saving is not None:
            self._saving.journal.note(stage.journal_name, Kind.WASTED, 0, stage.wasted_bytes, now)

    def owe(self, stage: Stage, size_bytes: int) -> None:
        """So much more was spent, perhaps by files in doubt: it counts once they are settled, at the latest."""
        if not stage.account:
            return
        with self._lock:
            owed = max(stage.owed_bytes, sum(charge.bytes for charge in stage.charges))
            stage.owed_bytes = owed + size_bytes
        self._stage_changed(stage)

    def give_back(self, uploader: str, account: str, size_bytes: int) -> None:
        """Uploads of a settled stage took so much less than was charged for them."""
        with self._lock:
            charges = self._entry(uploader, account).charges
            for charge in reversed(charges):
                less = min(size_bytes, charge.bytes)
                charge.bytes -= less
                size_bytes -= less
            charges[:] = [charge for charge in charges if charge.bytes]
        self._changed(uploader, account)

    def note_progress(self, stage: Stage, in_flight_bytes: int, landing_seconds: float) -> None:
        """A stage runs: so much is on its way, and what it has sent may take so long to appear."""
        now = self.now()
        with self._lock:
            longer = landing_seconds > stage.landing_seconds
            stage.in_flight_bytes, stage.landing_seconds, stage.seen_at = in_flight_bytes, landing_seconds, now
        if longer:
            self._stage_changed(stage)  # after a kill, it is waited for so long

    def end_stage(self, stage: Stage, doubtful: Collection[str], landing_seconds: float) -> None:
        """rclone has ended. doubtful: names of files that may have been uploaded; the other waiting ones were not."""
        with self._lock:
            stage.ended_at = stage.seen_at = self.now()
            if self._saving is not None:
                self._saving.journal.note(stage.journal_name, Kind.ENDED, math.ceil(landing_seconds), 0, stage.ended_at)
            stage.landing_seconds, stage.in_flight_bytes = landing_seconds, 0
            stage.free_all_but(doubtful)
            self._note_arrived(stage)
            self._close_if_settled(stage)
        if self._saving is not None:
            self._saving.stage_ended()

    def settle(self, stage: Stage, found: Mapping[str, int], free: Collection[str], told: Collection[str]) -> None:
        """The destination was asked. found: what each file that had arrived took, by name; free: not uploaded.

        told: the files of `found` that are done; the others are still at the source. If this gets lost in a power cut,
        the destination is asked again.
        """
        window = self.window(stage.uploader)
        with self._lock:
            now = self.now()
            for name, size_bytes in found.items():
                before = stage.set_state(name, FileState.DONE if name in told else FileState.SENT)
                if before in IN_DOUBT and stage.account and size_bytes:
                    # It arrived while rclone ran, or shortly after: dated as late as can be.
                    at = stage.arrived_by(now)
                    records.spend(stage.charges, size_bytes, at, window)
                    self._note(stage, Kind.SENT, name, size_bytes, at)
                if name in told:
                    self._note(stage, Kind.DONE, name, 0, 0.0)
            for name in free:
                stage.set_state(name, FileState.FREE)
            self._note_arrived(stage)
            self._close_if_settled(stage)

    def renamed(self, stage: Stage, names: Collection[str]) -> None:
        """These are in the folder under other names: unless they arrived, they were not uploaded."""
        with self._lock:
            for name in names:
                stage.set_state(name, FileState.RENAMED)
        self._stage_changed(stage)

    def give_up(self, stage: Stage) -> None:
        """Nobody can be asked: what is in doubt counts as spent as late as it can have arrived."""
        now = self.now()
        with self._lock:
            if stage.account and stage.waiting_bytes:
                at = stage.arrived_by(now)
                records.spend(stage.charges, stage.waiting_bytes, at, self.window(stage.uploader))
            stage.free_all_but(())
            self._note_arrived(stage)
            self._close_if_settled(stage)

    def _note_arrived(self, stage: Stage) -> None:
        """What was uploaded and is still at the source must not be charged again if it is planned again."""
        left = list(stage.in_state(FileState.SENT))
        for file in left:
            stage.set_state(file.name, FileState.DONE)
            if stage.moving:
                self._content.arrived.setdefault(stage.uploader, {})[file.name] = file._replace(cost=0)
        if left and stage.moving and self._saving is not None:
            self._saving.arrived_changed(stage.uploader)

    def _close_if_settled(self, stage: Stage) -> None:
        if self._content.stages.get(stage.number) is not stage:
            return  # it is closed already, and its charges are in the entry
        self._stage_changed(stage)
        if stage.ended_at is None or not stage.is_settled():
            return
        if stage.account:
            now, window = self.now(), self.window(stage.uploader)
            if owed := stage.outstanding_bytes():
                records.spend(stage.charges, owed, stage.arrived_by(now), window)
            entry = self._entry(stage.uploader, stage.account)
            entry.total_bytes += sum(charge.bytes for charge in stage.charges)
            entry.last_used = max(entry.last_used, stage.ended_at)
            records.join(entry.charges, stage.charges)
            stage.charges = []
            quota = self._quotas.get(stage.uploader, DEFAULT_QUOTA_BYTES)
            records.prune(entry.charges, now, window, quota)
            self._changed(stage.uploader, stage.account)
            self._tidy(now)
        self._remove(stage)
        if self._saving is not None:
            self._saving.stage_ended()

    def _tidy(self, now: float) -> None:
        """Once in a window: what came back long ago is kept less exactly, so that the book stays small."""
        if now - self._tidied_at < self.clock.window_seconds:
            return
        self._tidied_at = now
        for (uploader, account), entry in self._content.entries.items():
            if records.coarsen(entry.charges, now, self.window(uploader)):
                self._changed(uploader, account)

    def _remove(self, stage: Stage) -> None:
        self._content.stages.pop(stage.number, None)
        self._stages_of[stage.account] = [one for one in self._stages_of[stage.account] if one is not stage]
        self._stage_changed(stage)

    def unsettled(self, uploader: str) -> list[Stage]:
        """An uploader's stages that have ended and are not settled, the oldest first."""
        with self._lock:
            now = self.now()
            found = [one for one in self._content.stages.values() if one.uploader == uploader and one.ended_at]
            for stage in found:
                if stage.arrived_by(now) + self.window(uploader) <= now:
                    self.give_up(stage)  # what it may have spent has come back
            return sorted((one for one in found if one.number in self._content.stages), key=lambda one: one.number)

    def arrived(self, uploader: str) -> Mapping[str, StageFile]:
        """Files that are still at the source, though an earlier stage has uploaded them; by name."""
        with self._lock:
            return dict(self._content.arrived.get(uploader, {}))

    def forget_arrived(self, uploader: str, names: Collection[str]) -> None:
        """These have left the source, or have changed."""
        with self._lock:
            known = self._content.arrived.get(uploader, {})
            gone = [name for name in names if known.pop(name, None) is not None]
        if gone and self._saving is not None:
            self._saving.arrived_changed(uploader)

    # ------------------------------------------------------------------ facts

    def fact(self, name: str) -> Any:
        """A value that another part of the program keeps in the book, JSON-ready; None when there is none."""
        with self._lock:
            return copy.deepcopy(self._content.facts.get(name))

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

    def key_name(self, uploader: str, account: str) -> str:
        """The base name of an account's key file, for people."""
        entry = self._content.entries.get((uploader, account))
        return PurePath(self._keys.get((uploader, account), entry.key if entry else "")).name
