"""The stages of a ledger: from the reservation, over what they spend, until each of their files is settled."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from cloudplow.accounts import entry as records
from cloudplow.accounts.book import RefusedError
from cloudplow.accounts.booked_stage import IN_DOUBT, UNCHARGED, FileState, Stage, StageFile
from cloudplow.accounts.ledger_reading import DEFAULT_QUOTA_BYTES, LedgerReading
from cloudplow.state.stage_journal import Fact, Kind, StageJournal


class LedgerStages(LedgerReading):
    """What changes stages, under the ledger's lock; see `cloudplow.accounts.ledger`."""

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

    def owe(self, stage: Stage, size_bytes: int, sent_of: Mapping[str, int]) -> None:
        """So much more was spent, perhaps by files in doubt: it counts once they are settled, at the latest.

        sent_of: what was sent of such a file besides, by name; if the file has arrived, that was spent as well.
        """
        if not stage.account:
            return
        with self._lock:
            owed = max(stage.owed_bytes, sum(charge.bytes for charge in stage.charges))
            stage.owed_bytes = owed + size_bytes
            places = ((stage.place(name), sent_bytes) for name, sent_bytes in sent_of.items())
            stage.sent_of = {place: sent_bytes for place, sent_bytes in places if place is not None}
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
                stage.owed_bytes += sum(stage.sent_of.values())
                stage.sent_of.clear()
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

    def forget_arrived(self, uploader: str, names: Collection[str]) -> None:
        """These have left the source, or have changed."""
        with self._lock:
            known = self._content.arrived.get(uploader, {})
            gone = [name for name in names if known.pop(name, None) is not None]
        if gone and self._saving is not None:
            self._saving.arrived_changed(uploader)

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
