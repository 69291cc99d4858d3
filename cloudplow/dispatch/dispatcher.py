"""`Dispatcher`: decides which uploader is checked or uploads now, and starts that on a thread of its own.

The thread that calls `serve` decides; it never lists, uploads or waits for rclone. Whatever changes from outside (a
control, a thread that ends, a configuration read again) wakes it. It looks at least every 30 seconds, so that a clock
that leaps, or a machine that slept, costs no more than that.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from cloudplow.dispatch.board import Board
from cloudplow.dispatch.entry import Entry, Phase
from cloudplow.dispatch.host import Ended, Host, Measured, Resources
from cloudplow.dispatch.remembered import Remembered
from cloudplow.dispatch.telling import Telling
from cloudplow.errors import CloudplowError, StoppedError, disk_sentence
from cloudplow.events import UploaderState
from cloudplow.scheduling.due import VETO_SECONDS, Step, as_of
from cloudplow.upload.controls import SessionControls

log = logging.getLogger("cloudplow")

#: The longest time between two looks, in seconds.
LOOK_SECONDS: Final = 30.0
#: While this is so, nothing starts by itself, even if it was due before.
_NOT_NOW: Final = (UploaderState.OUTSIDE_WINDOW, UploaderState.ASLEEP, UploaderState.PAUSED)


def _spawn(name: str, work: Callable[[], None]) -> None:
    threading.Thread(target=work, name=name).start()


class Dispatcher(Board):
    """One for each running instance; every method may be called from any thread.

    max_parallel: how many may upload at the same time. spawn: does work on a thread of that name. The others are those
    of `Board`; if nothing starts by itself, `serve` ends after what was asked for.
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
        max_parallel: Callable[[], int] = lambda: 1,
        wall: Callable[[], float] = time.time,
        quota_now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        spawn: Callable[[str, Callable[[], None]], None] = _spawn,
    ) -> None:
        super().__init__(
            host,
            remembered,
            telling,
            regular=regular,
            waits=waits,
            stop_requested=stop_requested,
            wall=wall,
            quota_now=quota_now,
        )
        self._max_parallel = max_parallel
        self._clock = clock
        self._spawn = spawn
        self._crash: BaseException | None = None
        self.ticked_at = clock()

    def tick_age_seconds(self) -> float:
        """How long ago the loop last looked."""
        return self._clock() - self.ticked_at

    # The loop.

    def serve(self, ticked: Callable[[], float] = lambda: LOOK_SECONDS) -> None:
        """Decide and start until the program must stop or nothing is left to do. ticked: called after every look;
        returns in how many seconds it wants to be called again at the latest.

        Raises what a thread raised that it must not raise.
        """
        try:
            while (seconds := self.step()) is not None:
                seconds = min(seconds, ticked())
                with self.changed:
                    if not self._poked:
                        self.changed.wait(seconds)
        except BaseException:
            self._end_all()
            raise
        if self._crash is not None:
            raise self._crash

    def _end_all(self) -> None:
        """Nobody decides any more, and no upload may go on without its book. Interrupted again, rclone is killed."""
        now = False
        while True:
            try:
                with self.changed:
                    busy = [entry for entry in self.entries.values() if entry.controls is not None]
                    if not busy:
                        return
                    for entry in busy:
                        assert entry.controls is not None
                        entry.controls.stop(now=now)
                    self.changed.wait(1.0)
            except KeyboardInterrupt:
                now = True

    def step(self) -> float | None:
        """Look, and begin what is due; returns how long nothing needs a look, in seconds; None if all is over."""
        with self.changed:
            self._poked = False
        candidates = self._look()
        if candidates is None:
            return None
        for name in candidates:
            self._try_to_begin(name)
        with self.changed:
            return None if self._is_over() else self._seconds_to_wait()

    def _look(self) -> list[str] | None:
        """Take note of the time, start checks that are due; returns who wants to upload, None if all is over."""
        marks = {name: self._host.accounts_mark(name) for name in self._cooling()}
        with self.changed:
            self.ticked_at = self._clock()
            if self._is_over():
                return None
            for entry in self.entries.values():
                self._advance(entry, marks.get(entry.name, 0))
            self._tell()
            if self._stop_requested():
                return []
            waiting = [entry for entry in self.entries.values() if entry.wants_upload and not self._is_vetoed(entry)]
            return [entry.name for entry in sorted(waiting, key=lambda entry: entry.ready_number)]

    def _is_vetoed(self, entry: Entry) -> bool:
        """Whether a plugin has objected so recently that it is not asked again."""
        vetoed = entry.standing.vetoed
        return vetoed is not None and self.wall() < vetoed[0] + VETO_SECONDS

    def _cooling(self) -> list[str]:
        with self.changed:
            return [name for name, entry in self.entries.items() if entry.standing.cooling is not None]

    def _is_over(self) -> bool:
        entries = self.entries.values()
        if any(entry.is_busy for entry in entries):
            return False
        if self._stop_requested() or self._crash is not None:
            return True
        if self._regular:
            return False
        return not any(entry.wants_upload or (self._waits and entry.standing.cooling is not None) for entry in entries)

    def _advance(self, entry: Entry, mark: int) -> None:
        now = self.wall()
        entry.standing = as_of(entry.standing, now)
        if entry.is_busy or entry.fault or self._stop_requested():
            return
        cooling = entry.standing.cooling
        if cooling is not None and mark != entry.mark:
            entry.standing = replace(entry.standing, cooling=replace(cooling, until=self._quota_now()))
        decision = self._decision(entry)
        if entry.ready and decision is not None and decision.state in _NOT_NOW:
            entry.ready = False  # it waited for a place until its hours had ended: it is measured again
        if decision is None or entry.wants_upload:
            return
        if decision.step is Step.CHECK:
            self._begin(entry, Phase.CHECKING)
        elif decision.step is Step.START:
            entry.ready, entry.ready_number = True, next(self._numbers)

    def _seconds_to_wait(self) -> float:
        now = self.wall()
        seconds = LOOK_SECONDS
        for entry in self.entries.values():
            if entry.is_busy or entry.fault:
                continue  # what ends elsewhere wakes us
            if entry.wants_upload:
                if entry.standing.vetoed is not None:
                    seconds = min(seconds, entry.standing.vetoed[0] + VETO_SECONDS - now + 0.01)
                continue
            decision = self._decision(entry)
            for at in (decision.until, decision.next_at) if decision is not None else ():
                if at is not None:
                    seconds = min(seconds, at - now + 0.01)
        return max(0.01, seconds)

    # Starting and ending.

    def _try_to_begin(self, name: str) -> None:
        """Start an upload if there is a place for it and no plugin objects."""
        with self.changed:
            if name not in self.entries or not self.entries[name].wants_upload:
                return
            uploading = [entry.name for entry in self.entries.values() if entry.phase is Phase.UPLOADING]
        blocked = self._what_blocks(name, uploading)
        veto = "" if blocked else self._host.veto(name)
        with self.changed:
            entry = self.entries.get(name)
            if entry is None or not entry.wants_upload or self._stop_requested():
                return
            entry.blocked = blocked
            if blocked:
                self._tell()
                return
            if veto:
                self._vetoed(entry, veto)
                return
            entry.standing = replace(entry.standing, vetoed=None)
            self._telling.resumed(entry)
            entry.run_id = entry.run_id or os.urandom(6).hex()
            self._begin(entry, Phase.UPLOADING)

    def _what_blocks(self, name: str, uploading: Sequence[str]) -> str:
        limit = self._max_parallel()
        if len(uploading) >= limit:
            return f"waits until {uploading[0]} has finished (core.max_parallel_uploads is {limit})"
        mine: Resources | None = self._host.resources(name) if uploading else None
        for other in uploading:
            shared = mine.shared_with(self._host.resources(other)) if mine is not None else ""
            if shared:
                return f"waits until {other} has finished: both use {shared}"
        return ""

    def _vetoed(self, entry: Entry, reason: str) -> None:
        log.info("%s: not uploading now: %s", entry.name, reason)
        self._telling.suspended(entry, reason, None)
        if self._regular:
            entry.asked = False  # what is due stays so, and the plugin is asked again before anything is measured
            entry.standing = replace(entry.standing, vetoed=(self.wall(), reason))
        else:
            entry.end_wait(self.wall())
            entry.finished = self._host.not_started(entry.name, reason, vetoed=True)
        self._tell()

    def _begin(self, entry: Entry, phase: Phase) -> None:
        controls = SessionControls(changed=self.poke)
        if self.limit_bytes is not None:
            controls.limit(self.limit_bytes)
        entry.phase, entry.controls, entry.blocked = phase, controls, ""
        if phase is Phase.UPLOADING:
            entry.asked = entry.ready = False
        name = f"cloudplow-{phase}-{entry.name}"
        try:
            self._spawn(name, lambda: self._work(entry, controls, phase))
        except RuntimeError as error:  # no more threads: nothing of it runs, and the next check tries again
            entry.phase, entry.controls = Phase.IDLE, None
            entry.not_measured(f"it cannot be started: {error}", self.wall())

    def _work(self, entry: Entry, controls: SessionControls, phase: Phase) -> None:
        """On a thread of its own."""
        result: Measured | Ended | BaseException
        try:
            if phase is Phase.CHECKING:
                result = self._host.measure(entry.name, controls)
            else:
                result = self._host.upload(entry.name, entry.run_id, controls)
        except BaseException as error:  # noqa: BLE001 - `_take` tells or raises it
            result = error
        with self.changed:
            entry.phase, entry.controls = Phase.IDLE, None
            self._take(entry, result)
            if not self._regular:
                entry.told = None  # its session has told the end
            self.keep(entry)
            if entry.name not in self._host.names() and self.entries.pop(entry.name, None) is not None:
                self._telling.gone(entry)
            self.poke()

    def _take(self, entry: Entry, result: Measured | Ended | BaseException) -> None:
        now = self.wall()
        if isinstance(result, Ended):
            entry.mark = self._host.accounts_mark(entry.name)
            entry.upload_ended(result, now, waits=self._waits)
            if entry.standing.cooling is not None:
                until = entry.standing.cooling.until
                self._telling.suspended(entry, self._status(entry).why or result.event.reason, until)
        elif isinstance(result, Measured):
            entry.ready = entry.checked(result, now)
            entry.ready_number = next(self._numbers)
            self._telling.checked(entry, self._decision(entry))
        elif isinstance(result, StoppedError):
            entry.standing = replace(entry.standing, last_end=now)
        elif isinstance(result, CloudplowError | OSError):
            why = disk_sentence(result) if isinstance(result, OSError) else str(result)
            entry.not_measured(why, now)
            log.error("%s: %s", entry.name, why)
        else:
            self._take_crash(entry, result, now)

    def _take_crash(self, entry: Entry, error: BaseException, now: float) -> None:
        """A fault of ours. A service goes on with the others; whoever asked for one upload must see it."""
        entry.not_measured(f"an error in cloudplow itself: {type(error).__name__}: {error}", now)
        if self._regular and isinstance(error, Exception):
            log.error("%s: this is a bug in cloudplow", entry.name, exc_info=error)
        else:
            self._crash = self._crash or error
