"""`Board`: every uploader of the running instance, what is known of it, what is due, and what is told. No threads."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from cloudplow.dispatch.entry import ONCE, Entry, Phase
from cloudplow.dispatch.host import Host
from cloudplow.dispatch.remembered import Remembered
from cloudplow.dispatch.telling import Telling
from cloudplow.events import SessionFinished, SessionOutcome
from cloudplow.models import UploaderStatus
from cloudplow.scheduling.due import Decision, decide


class Board:
    """Every method may be called from any thread; `changed` guards the entries, and wakes whoever decides.

    regular: checks and uploads start by themselves; else only what is asked for. waits: an upload that ends for lack of
    quota goes on when that comes back. stop_requested: whether the whole program must end. wall: epoch seconds;
    quota_now: those of the book.
    """

    def __init__(
        self,
        host: Host,
        remembered: Remembered,
        telling: Telling,
        *,
        regular: bool,
        waits: bool,
        stop_requested: Callable[[], bool],
        wall: Callable[[], float],
        quota_now: Callable[[], float],
    ) -> None:
        self._host = host
        self._remembered = remembered
        self._telling = telling
        self._regular = regular
        self._waits = waits
        self._stop_requested = stop_requested
        self.wall = wall
        self._quota_now = quota_now
        self.changed = threading.Condition()
        self._poked = False
        self._numbers = itertools.count()
        self.entries: dict[str, Entry] = {}
        self.limit_bytes: int | None = None
        self.reconfigure()

    def poke(self) -> None:
        """Look now: something has changed."""
        with self.changed:
            self._poked = True
            self.changed.notify_all()

    def reconfigure(self) -> None:
        """Take over which uploaders there are, after the configuration was read."""
        with self.changed:
            names = self._host.names()
            for name in [name for name in self.entries if name not in names]:
                if not self.entries[name].is_busy:
                    self._telling.gone(self.entries.pop(name))
            for name in names:
                if name not in self.entries:
                    standing = self._remembered.standing(name)
                    run_id = standing.cooling.run_id if standing.cooling is not None else ""
                    self.entries[name] = Entry(name, standing, run_id=run_id)
                # Kept here: an uploader that is removed while it is busy has no configuration any more.
                self.entries[name].rules = self._host.rules(name)
                self.entries[name].fault = self._host.fault(name)
            self.poke()

    def ask(self, names: Sequence[str]) -> None:
        """Upload these as soon as possible, whatever interval, threshold and window say."""
        with self.changed:
            for name in names:
                entry = self.entries[name]
                if entry.phase is not Phase.UPLOADING and not entry.asked:
                    entry.asked = True
                    entry.ready_number = next(self._numbers)
                    # A run of its own: whoever asked must not take the end of an earlier session for that of his.
                    entry.run_id = os.urandom(6).hex()
            self.poke()

    def capacity_changed(self) -> None:
        """Accounts may have more quota left than they had: whoever waits for some looks again."""
        with self.changed:
            now = self._quota_now()
            for entry in self.entries.values():
                if entry.standing.cooling is not None:
                    entry.standing = replace(entry.standing, cooling=replace(entry.standing.cooling, until=now))
            self.poke()

    def status(self) -> Mapping[str, UploaderStatus]:
        """What every uploader is doing, and why."""
        with self.changed:
            return {name: self._status(entry) for name, entry in self.entries.items()}

    def is_uploading(self, name: str) -> bool:
        """Whether an upload of this uploader runs."""
        with self.changed:
            return name in self.entries and self.entries[name].phase is Phase.UPLOADING

    def silences(self) -> Mapping[str, float]:
        """For how long rclone has said nothing, in seconds, of each upload in which that has been noticed."""
        with self.changed:
            controls = {name: entry.controls for name, entry in self.entries.items()}
        found = {name: one.stalled_seconds() for name, one in controls.items() if one is not None}
        return {name: seconds for name, seconds in found.items() if seconds}

    def finished(self, names: Sequence[str]) -> list[SessionFinished]:
        """How the last upload of each ended, of those that had one. A wait for quota was interrupted, too."""
        with self.changed:
            stopped = self._stop_requested()
            found = [self.entries[name] for name in names if name in self.entries]
            return [
                replace(entry.finished, outcome=SessionOutcome.INTERRUPTED)
                if stopped and entry.standing.cooling is not None
                else entry.finished
                for entry in found
                if entry.finished is not None
            ]

    def keep(self, entry: Entry, *, now: bool = False) -> None:
        """Remember an entry's standing over a restart. now: it is on disk when this returns."""
        if self._remembered.keep(entry.name, entry.standing) and now:
            self._remembered.save()

    def _decision(self, entry: Entry) -> Decision | None:
        """What is due; None if nothing starts by itself."""
        now, quota_now = self.wall(), self._quota_now()
        if self._regular:
            return decide(entry.rules, entry.standing, now, quota_now=quota_now)
        if self._waits and entry.standing.cooling is not None:
            return decide(ONCE, entry.standing, now, quota_now=quota_now)
        return None

    def _status(self, entry: Entry) -> UploaderStatus:
        if entry.is_busy:
            return entry.busy_status()
        return entry.idle_status(self._decision(entry))

    def _tell(self) -> None:
        for entry in self.entries.values():
            # What an upload does that was asked for once is told by its session.
            if self._regular or entry.standing.cooling is not None:
                rules = entry.rules if self._regular else ONCE
                self._telling.status(entry, self._status(entry), rules, log_it=not entry.is_busy)

    def will_stop(self, entry: Entry) -> None:
        """Its upload is about to be stopped, which a session that was asked for once does not tell itself."""
        if not self._regular:
            self._telling.stopping(entry)
