"""What somebody must know of the sessions of this process who comes when they run already. Pure.

Bounded: of each kind of event the latest, and the latest few of those that add up.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Final

from cloudplow import events
from cloudplow.events import Event, SessionFinished, SessionJoined, SessionOutcome

#: Events of each of these kinds that are kept for every uploader, the latest ones.
FILES_KEPT: Final = 100
FAILURES_KEPT: Final = 50
STAGES_KEPT: Final = 100
#: Names of failed files that are kept to count each once; of further ones those of the stage with the most count.
FAILED_NAMES_LIMIT: Final = 10_000
#: Accounts remembered as used in one session.
ACCOUNTS_USED_LIMIT: Final = 1000

#: Events of which only the latest matters, by what it replaces.
_LATEST: Final[Mapping[type[Event], str]] = {
    events.SessionStarted: "session_started",
    events.QueueLearned: "queue_learned",
    events.AccountsLearned: "accounts_learned",
    events.PlanMade: "plan_made",
    events.SaSwitched: "sa_switched",
    events.TransferProgress: "transfer_progress",
    events.UploaderSuspended: "suspension",
    events.UploaderResumed: "suspension",
    events.ThrottleChanged: "throttle_changed",
    events.UploaderChecked: "uploader_checked",
    events.UploaderStatusChanged: "uploader_status",
    events.SessionFinished: "session_finished",
}
#: Of these the latest outlives its session: they are about the uploader.
_OUTLIVING: Final = ("throttle_changed", "uploader_checked", "uploader_status", "limit")


class SessionDigest:
    """One session of one uploader, the running one or the last."""

    def __init__(self, uploader: str) -> None:
        self.uploader = uploader
        self.last = Event()
        self.session_id = ""
        self._latest: dict[str, Event] = {}
        self._quotas: dict[str, events.QuotaChanged] = {}
        self._stages: deque[Event] = deque(maxlen=STAGES_KEPT)
        self._files: deque[Event] = deque(maxlen=FILES_KEPT)
        self._failures: deque[Event] = deque(maxlen=FAILURES_KEPT)
        self._failed_names: set[str] = set()
        #: Beyond the limit: of the present stage, its number, and the most of one stage.
        self._failed_beyond = self._failed_stage = self._failed_most = 0
        self._accounts_used: dict[str, None] = {}
        self.started_at = 0.0
        self.files = self.bytes = self.files_total = self.bytes_total = self.files_failed = 0

    @property
    def is_running(self) -> bool:
        """Whether the session has begun and not ended."""
        return self.started_at > 0 and "session_finished" not in self._latest

    def outliving(self) -> list[Event]:
        """What is not over with the session, in the order of publication."""
        kept = [self._latest[kind] for kind in _OUTLIVING if kind in self._latest]
        return sorted(kept, key=lambda event: event.seq)

    def take(self, event: Event) -> None:
        """Take in one event, in their order."""
        self.last = event
        # What is told beside a session names none.
        self.session_id = event.session_id or self.session_id
        kind = _LATEST.get(type(event))
        if kind is not None:
            self._latest[kind] = event
        match event:
            case events.ControlUsed(action="limit"):
                self._latest["limit"] = event
            case events.SessionStarted():
                self.started_at = event.at
            case events.QueueLearned():
                # The listing holds what still waits; what this session has done comes on top.
                self.files_total, self.bytes_total = self.files + event.files, self.bytes + event.bytes
            case events.AccountsLearned():
                self._quotas.clear()
            case events.QuotaChanged():
                self._quotas[event.account] = event
            case events.SaSwitched():
                self._use(event.current)
            case events.StageStarted() | events.StageFinished():
                self._stages.append(event)
                self._latest.pop("transfer_progress", None)
                self._use(event.account)
            case events.FileTransferred():
                self._take_file(event)
            case events.FileFailed():
                self._take_failure(event)
            case SessionJoined():
                self._join(event)
            case _:
                pass

    def _use(self, account: str) -> None:
        if account and len(self._accounts_used) < ACCOUNTS_USED_LIMIT:
            self._accounts_used[account] = None

    def _take_file(self, event: events.FileTransferred) -> None:
        self._files.append(event)
        self.files += 1
        self.bytes += event.size
        if event.found_later:
            # It is at the destination, so it was not in the queue: what is left stays.
            self.files_total += 1
            self.bytes_total += event.size
        self.files_total, self.bytes_total = max(self.files_total, self.files), max(self.bytes_total, self.bytes)
        if event.name in self._failed_names:
            self._failed_names.discard(event.name)
            self.files_failed -= 1

    def _take_failure(self, event: events.FileFailed) -> None:
        self._failures.append(event)
        if event.name in self._failed_names:
            return
        # Once files were counted without their names it is not known which of them fail again.
        if len(self._failed_names) < FAILED_NAMES_LIMIT and not self._failed_most:
            self._failed_names.add(event.name)
            self.files_failed += 1
            return
        if event.stage != self._failed_stage:
            self._failed_stage, self._failed_beyond = event.stage, 0
        self._failed_beyond += 1
        if self._failed_beyond > self._failed_most:
            self._failed_most += 1
            self.files_failed += 1

    def _join(self, event: SessionJoined) -> None:
        self.started_at = event.started_at
        self.files, self.bytes = event.files, event.bytes
        self.files_total, self.bytes_total = event.files_total, event.bytes_total
        self.files_failed = event.files_failed
        self._accounts_used = dict.fromkeys(event.accounts_used)

    def events(self) -> Iterator[Event]:
        """What is kept, in the order of publication, and then how far the session is."""
        kept = itertools.chain(self._latest.values(), self._quotas.values(), self._stages, self._files, self._failures)
        past = sorted(kept, key=lambda event: event.seq)
        ended = self._latest.get("session_finished")
        last_seq = self.last.seq if ended is None else ended.seq
        yield from (event for event in past if event.seq <= last_seq and event is not ended)
        if self.started_at:
            yield self.joined()
        if ended is not None:
            yield ended
        yield from (event for event in past if event.seq > last_seq)

    def joined(self) -> SessionJoined:
        """How far the session is."""
        return SessionJoined(
            seq=self.last.seq,
            at=self.last.at,
            session_id=self.session_id,
            uploader=self.uploader,
            started_at=self.started_at,
            files=self.files,
            bytes=self.bytes,
            files_total=self.files_total,
            bytes_total=self.bytes_total,
            files_failed=self.files_failed,
            accounts_used=tuple(self._accounts_used),
        )

    def interrupted(self, at: float) -> SessionFinished:
        """The end of a session whose process has ended without a word. at: epoch seconds."""
        return SessionFinished(
            seq=self.last.seq + 1,
            at=at,
            session_id=self.session_id,
            uploader=self.uploader,
            outcome=SessionOutcome.INTERRUPTED,
            files=self.files,
            bytes=self.bytes,
            files_left=self.files_total - self.files,
            bytes_left=self.bytes_total - self.bytes,
            next_capacity_at=None,
            reason="cloudplow ended before the upload did",
        )


class Digest:
    """The sessions of one process. Not thread-safe."""

    def __init__(self) -> None:
        self._sessions: dict[str, SessionDigest] = {}

    def take(self, event: Event) -> None:
        """Take in one event, in their order."""
        session = self._sessions.get(event.uploader)
        if session is None or isinstance(event, events.SessionStarted):
            outliving = [] if session is None else session.outliving()
            session = self._sessions[event.uploader] = SessionDigest(event.uploader)
            for one in outliving:
                session.take(one)
        session.take(event)

    def events(self) -> list[Event]:
        """What a newcomer must know."""
        return [event for session in self._sessions.values() for event in session.events()]

    def interrupted(self, at: float) -> list[SessionFinished]:
        """The ends of all sessions that have not ended. at: epoch seconds."""
        return [session.interrupted(at) for session in self._sessions.values() if session.is_running]
