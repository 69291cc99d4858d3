"""What was heard of one uploader last, and when. Not thread-safe: the state's lock guards it."""

from __future__ import annotations

from collections import deque
from typing import Final

from cloudplow.events import Event, SessionStarted
from cloudplow_dashboard.state import clean
from cloudplow_dashboard.state.document_session import Session

#: What was heard so far in the future was heard before the clock was set back, in seconds.
AHEAD_SECONDS: Final = 5.0
#: Events remembered because they may come twice: the latest ones.
REMEMBERED_LIMIT: Final = 64
#: Sessions remembered that another one has followed.
SESSIONS_LIMIT: Final = 16


class Heard:
    """at: when something was heard of an upload last, in epoch seconds; 0 for never."""

    def __init__(self) -> None:
        self.at = 0.0
        self._seconds_ago = 0.0
        self._latest: dict[int, Event] = {}
        self._followed: deque[str] = deque(maxlen=SESSIONS_LIMIT)

    def again(self, event: Event) -> bool:
        """Whether this very event has come before; one without a number is always new."""
        if event.seq <= 0:
            return False
        if self._latest.get(event.seq) == event:
            return True
        self._latest.pop(event.seq, None)
        self._latest[event.seq] = event
        if len(self._latest) > REMEMBERED_LIMIT:
            del self._latest[next(iter(self._latest))]
        return False

    def begin(self, session_id: str, before: str) -> None:
        """Another session follows the one before; both by their ids."""
        if session_id in self._followed:
            self._followed.remove(session_id)
        if before not in ("", session_id):
            self._followed.append(before)

    def is_late(self, event: Event, session: Session) -> bool:
        """Whether an event is of a session that another one has followed. session: the one that is shown."""
        session_id = clean.text(event.session_id)
        if session_id == session["id"] or session_id not in self._followed:
            return False
        return not isinstance(event, SessionStarted) or clean.number(event.at) < session["started_at"]

    def follow_clock(self, now: float) -> float:
        """After the clock was set back something is as old as it was. now: epoch seconds; to be called every second.

        Returns by how many seconds earlier that is dated from now on; 0, most of the time.
        """
        earlier = 0.0
        if self.at - now > AHEAD_SECONDS:
            earlier, self.at = self.at - (now - self._seconds_ago), now - self._seconds_ago
        self._seconds_ago = max(0.0, now - self.at)
        return earlier
