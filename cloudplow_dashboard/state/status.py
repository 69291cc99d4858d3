"""What an uploader does or waits for, as the scheduler tells it. Not thread-safe: the state's lock guards it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cloudplow import events
from cloudplow.events import SessionOutcome, UploaderState
from cloudplow_dashboard.state import clean
from cloudplow_dashboard.state.document import UploaderStatus
from cloudplow_dashboard.state.document_session import Session
from cloudplow_dashboard.state.document_words import Phase

#: What an uploader does while a session of it runs; the latter say more than the phase of the session.
_BUSY: Final = frozenset({UploaderState.UPLOADING, UploaderState.SCANNING})
_TROUBLED: Final = frozenset({UploaderState.STALLED, UploaderState.OFFLINE, UploaderState.STOPPING})


class Status:
    """What was told last. silent: nothing has been heard of its upload for a while."""

    def __init__(self) -> None:
        self.silent = False
        self._told = UploaderState.IDLE
        self._why = ""
        self._until: float = 0
        self._next_check_at: float = 0
        self._threshold_bytes = 0
        self._waiting = (0, 0)
        self._checked_at: float = 0
        #: Whether what it waits for follows from a look of the scheduler, and nobody has said more.
        self._by_look = False

    def tell(self, event: events.UploaderStatusChanged, known_paths: Sequence[str]) -> None:
        """It does, or waits for, something else. known_paths: see `clean.redact`."""
        self._by_look = False
        self._told = clean.word(event.state, UploaderState) or UploaderState.IDLE
        self._why = clean.redact(event.why, known_paths=known_paths)
        self._until, self._next_check_at = clean.number(event.until), clean.number(event.next_check_at)
        self._threshold_bytes = clean.whole(event.threshold_bytes)
        if event.files_left is not None and event.bytes_left is not None:
            self._waiting = clean.whole(event.files_left), clean.whole(event.bytes_left)

    def check(self, event: events.UploaderChecked, at: float) -> None:
        """It was measured what it would upload. at: epoch seconds."""
        self._threshold_bytes, self._checked_at = clean.whole(event.threshold_bytes), at
        self._next_check_at = clean.number(event.next_check_at)
        self._waiting = clean.whole(event.files), clean.whole(event.bytes)

    def wait(self, event: events.UploaderChecked, known_paths: Sequence[str]) -> None:
        """Nothing runs, and the scheduler has looked: then it waits for the next look, unless somebody says more."""
        if self._why and not self._by_look:
            return
        if event.due:
            self.forget()
            return
        self._by_look, self._told = True, UploaderState.WAITING
        self._why = clean.redact(event.why, known_paths=known_paths) or "waiting for the next check"
        self._until = self._next_check_at

    def begin(self) -> None:
        """A session has begun: what it waited for is over."""
        if self._told not in _BUSY | _TROUBLED:
            self.forget()

    def end(self, left: tuple[int, int] | None) -> None:
        """A session has ended: what was told of it no longer holds. left: files and bytes; None if nobody counted."""
        self._waiting = left or self._waiting
        if self._told in _BUSY | _TROUBLED:
            self.forget()

    def forget(self) -> None:
        """Nobody says any more what it waits for, and until when."""
        self._told, self._why, self._until, self._next_check_at = UploaderState.IDLE, "", 0, 0
        self._by_look = False

    def document(self, *, active: bool, phase: Phase, session: Session) -> UploaderStatus:
        """The `status` part of the state document."""
        return {
            "state": self._state(active, phase, session),
            "why": self._why,
            "until": self._until,
            "next_check_at": self._next_check_at,
            "threshold_bytes": self._threshold_bytes,
            "waiting_files": self._waiting[0],
            "waiting_bytes": self._waiting[1],
            "checked_at": self._checked_at,
        }

    def _state(self, active: bool, phase: Phase, session: Session) -> UploaderState:
        """What was told; without that, what follows from the session."""
        if self._why and (self._told in _TROUBLED or not active):
            return self._told
        if active:
            if phase == Phase.SCANNING:
                return UploaderState.SCANNING
            return UploaderState.STALLED if self.silent else UploaderState.UPLOADING
        return UploaderState.FAILED if session["outcome"] == SessionOutcome.FAILED else UploaderState.IDLE
