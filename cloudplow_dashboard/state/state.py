"""Everything that the dashboard shows: fed by events, read by requests and by the stream. One lock, no Flask.

`apply` changes live values and notes which parts are dirty. `publish` turns dirty parts into the next version of the
document, with one merge patch into the ring. All bounds are named constants here and in the modules it uses.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

from cloudplow.events import Event
from cloudplow_dashboard.state import clean
from cloudplow_dashboard.state.document import Head, Health, StateDocument, Uploader
from cloudplow_dashboard.state.facts import Facts
from cloudplow_dashboard.state.patches import Ring, difference, encode_json, frame
from cloudplow_dashboard.state.program import OF_PROGRAM, Program, health_of
from cloudplow_dashboard.state.reduce_recovered import RECOVERED, still_counts, told_after_start
from cloudplow_dashboard.state.reducer import BESIDE, HANDLERS, OF_ALL
from cloudplow_dashboard.state.returns import strip_start
from cloudplow_dashboard.state.sessions import is_gone
from cloudplow_dashboard.state.uploader_state import PARTS, Uploaders, UploaderState

log = logging.getLogger("cloudplow.dashboard")

#: Uploaders kept; events of further ones are ignored with one warning.
UPLOADERS_LIMIT: Final = 64

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole document at one version. body: JSON in UTF-8, with the time at which it was made in `ts`."""

    version: int
    body: bytes


class DashboardState:
    """The one owner of what is shown. Every method may be called from any thread.

    clock: epoch seconds. boot: an id of this process, so that a viewer notices a restart. alone: see `Program`.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        boot: str = "",
        app_version: str = "",
        refresh_interval: float = 3.0,
        ring: Ring | None = None,
        alone: bool = False,
    ) -> None:
        self.clock = clock
        self.boot = boot or secrets.token_hex(4)
        self.app_version = app_version
        self.refresh_interval = refresh_interval
        self._program = Program(boot=self.boot, app_version=app_version, refresh_interval=refresh_interval, alone=alone)
        self.ring = ring or Ring()
        self.started_at = clock()
        self._lock = threading.RLock()
        self._uploaders: dict[str, UploaderState] = {}
        self._facts = Facts()
        self._strip_start = strip_start(clock())
        self._last_event_at = 0.0
        self._turned_away: set[str] = set()
        self._listener: Callable[[bool], None] | None = None
        # Patched part by part, so mypy cannot follow it; a test holds it against `StateDocument`.
        self._published: dict[str, Any] = {**self.head(), "uploaders": {}, "facts": {}}
        self._version = 1
        self._rest: tuple[int, bytes] | None = None

    # --- feeding -----------------------------------------------------------------------------------------------

    def receive(self, sender: object, *, event: Event, **_extra: object) -> None:
        """Receiver for every signal. Never raises: a fault is logged, the upload and the dashboard continue."""
        try:
            self.apply(event, sender if isinstance(sender, str) else "")
        except Exception:  # whatever is wrong with an event, the next one must still be shown
            name = getattr(event, "signal_name", "an event")
            log.exception("The dashboard could not process %s and leaves it out", name)

    def apply(self, event: Event, sender: str = "") -> None:
        """Change the state by one event; unknown kinds are ignored. sender: its uploader when the event names none."""
        name = getattr(event, "signal_name", "")
        if name in OF_PROGRAM:
            with self._lock:
                self._program.take(event, float(clean.number(event.at) or self.clock()))
                self._notify(None)
        if name not in HANDLERS and name not in RECOVERED:
            return
        with self._lock:
            at = float(clean.number(event.at) or self.clock())
            if name in OF_ALL and not event.uploader:
                self._facts.take(event, at, None)
                self._notify(None)
                return
            uploader = self._uploader(event.uploader or sender)
            if uploader is None or uploader.heard.again(event) or uploader.heard.is_late(event, uploader.session):
                return
            if told_after_start(event):
                if still_counts(uploader, event):
                    RECOVERED[name](uploader, event)
            else:
                # What the scheduler tells, or somebody asks for, is no sign of life of an upload; nor are old figures.
                silent = clean.number(getattr(event, "silent_seconds", 0))
                if name not in BESIDE and not silent:
                    uploader.heard.at = self._last_event_at = at
                if HANDLERS[name](uploader, event, at - silent):
                    self._facts.take(event, at, uploader)
            if not uploader.active:
                uploader.accounts.rest()
            self._notify(uploader)

    def _uploader(self, name: str) -> UploaderState | None:
        name = clean.text(name, clean.NAME_LIMIT) or "default"
        known = self._uploaders.get(name)
        if known is not None:
            return known
        if len(self._uploaders) >= UPLOADERS_LIMIT:
            if not self._turned_away:
                log.warning(
                    "The dashboard shows at most %d uploaders; %s and any further ones are left out",
                    UPLOADERS_LIMIT,
                    name,
                )
                self._turned_away.add(name)
            return None
        self._uploaders[name] = UploaderState(name)
        return self._uploaders[name]

    def _notify(self, uploader: UploaderState | None) -> None:
        if self._listener is not None:
            if uploader is None or self._facts.dirty or uploader.dirty:
                self._listener(True)
            if uploader is not None and uploader.slow:
                self._listener(False)

    def edit(self, uploader: str, change: Callable[[UploaderState], None]) -> None:
        """Change one uploader by something other than an event: the dashboard's own file, at the start."""
        with self._lock:
            state = self._uploader(uploader)
            if state is not None:
                change(state)
                self._notify(state)

    def expire(self, now: float) -> None:
        """What comes with time: accounts are ready again, hours move on, figures are stale. now: epoch seconds."""
        with self._lock:
            start = strip_start(now)
            moved, self._strip_start = start != self._strip_start, start
            for name in [one.name for one in self._uploaders.values() if is_gone(one, now)]:
                self._uploaders[name] = UploaderState(name)
                self._notify(self._uploaders[name])
            for uploader in self._uploaders.values():
                if moved and uploader.accounts.rows:
                    uploader.slow.add("capacity")
                    self._notify(uploader)
                if uploader.accounts.expire(now):
                    uploader.accounts_changed()
                    self._notify(uploader)
                if uploader.age(now):
                    self._notify(uploader)

    def nobody_waits(self) -> None:
        """The program that told what uploaders wait for has ended: nothing of that holds any more."""
        with self._lock:
            for uploader in self._uploaders.values():
                uploader.status.forget()
                uploader.dirty.add("status")
                self._notify(uploader)

    def stop(self) -> None:
        """The program ends: the engine is shown as stopped, and nothing goes on by itself any more."""
        with self._lock:
            self._program.stop(self.clock())
            self.nobody_waits()
            if self._listener is not None:
                self._listener(True)

    def listen(self, listener: Callable[[bool], None] | None) -> None:
        """Have `listener(urgent)` called under the lock after each change; False: only statistics changed."""
        with self._lock:
            self._listener = listener

    # --- publishing --------------------------------------------------------------------------------------------

    @property
    def version(self) -> int:
        """The latest published version."""
        return self._version

    def publish(self, *, slow: bool = True) -> int:
        """Make what changed the next version of the document; slow: also what only statistics changed.

        Returns the version, which is the old one when nothing changed.
        """
        with self._lock:
            self.expire(self.clock())  # what is asked for is what is so now, whoever else has looked meanwhile
            patch = self._take_changes(slow)
            if patch:
                self._version += 1
                patch |= {"version": self._version, "ts": round(self.clock(), 3)}
                self.ring.append(self._version, frame("patch", self.boot, self._version, encode_json(patch)))
            return self._version

    def _take_changes(self, slow: bool) -> dict[str, Any]:
        """The merge patch of all dirty parts, which become the published ones."""
        head = self.head()
        patch = difference({key: self._published[key] for key in head}, head)
        self._published.update(head)
        if self._facts.dirty:
            self._facts.dirty = False
            facts = self._facts.document()
            patch["facts"] = difference(self._published["facts"], facts)
            self._published["facts"] = facts
        uploaders = {}
        for uploader in self._uploaders.values():
            changed = self._take_parts(uploader, slow)
            if changed:
                uploaders[uploader.name] = changed
        if uploaders:
            patch["uploaders"] = uploaders
        return patch

    def _take_parts(self, uploader: UploaderState, slow: bool) -> dict[str, Any]:
        uploader.changed_parts()
        names = uploader.dirty | uploader.slow if slow else set(uploader.dirty)
        if not names:
            return {}
        published = self._published["uploaders"].setdefault(uploader.name, {})
        before: dict[str, Any] = {name: published[name] for name in names if name in published}
        at = self.clock()
        now: dict[str, Any] = {name: uploader.part(name, at) for name in PARTS if name in names}
        published |= now
        uploader.dirty.clear()
        uploader.slow -= names
        return difference(before, now)

    def head(self) -> Head:
        """What the document says about the whole program."""
        with self._lock:
            return self._program.head(self._uploaders)

    # --- reading -----------------------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """The document of this moment as bytes; the costly rest of it is made once for each version."""
        with self._lock:
            version = self.publish()
            if self._rest is None or self._rest[0] != version:
                self._rest = version, encode_json(self._published)
            rest = self._rest[1]
            return Snapshot(version, b'{"version":%d,"ts":%.3f,' % (version, self.clock()) + rest[1:])

    def document(self) -> StateDocument:
        """The document of this moment; not to be changed."""
        with self._lock:
            version = self.publish()
            uploaders: dict[str, Uploader] = {
                name: cast(Uploader, dict(parts)) for name, parts in self._published["uploaders"].items()
            }
            return {
                "version": version,
                "ts": self.clock(),
                **self.head(),
                "uploaders": uploaders,
                "facts": self._published["facts"],
            }

    def read(self, reader: Callable[[Uploaders], T]) -> T:
        """Let `reader` look at the live values under the lock; it must neither keep nor change them.

        They are published before: whoever reads the same version reads the same.
        """
        return self.read_at(reader)[1]

    def read_at(self, reader: Callable[[Uploaders], T]) -> tuple[int, T]:
        """The same, and which version it was."""
        with self._lock:
            version = self.publish()
            return version, reader(self._uploaders)

    def health(self) -> Health:
        """The answer of `/api/health`."""
        now = self.clock()
        with self._lock:
            head = self.head()
            silent = any(u.is_silent(now) for u in self._uploaders.values())
            heard_at = self._last_event_at
        return health_of(head, now, self.started_at, heard_at, silent=silent)
