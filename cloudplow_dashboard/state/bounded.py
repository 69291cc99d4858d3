"""Collections that forget their oldest members: numbered ones for the state document, files and sessions for export."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from cloudplow_dashboard.state import clean

#: Files of one session that are kept for export, the latest ones.
FILES_LIMIT: Final = 10_000
#: Sessions kept for each uploader.
SESSIONS_LIMIT: Final = 50


class Numbered:
    """The newest members by their number, so that a merge patch carries one new member and a null for a dropped one."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._members: dict[str, Any] = {}
        self.last = 0

    def __len__(self) -> int:
        return len(self._members)

    def add(self, member: Any, number: int = 0) -> int:
        """Add a member, which is never changed afterwards; number: at least the one after the last. Returns it."""
        self.last = max(number, self.last + 1)
        self._members[str(self.last)] = member
        if len(self._members) > self._limit:
            del self._members[next(iter(self._members))]
        return self.last

    def next_number(self, number: int = 0) -> int:
        """The number that `add` would give."""
        return max(number, self.last + 1)

    def clear(self) -> None:
        """Forget the members; numbers go on."""
        self._members.clear()

    def document(self) -> dict[str, Any]:
        """The members by number, oldest first."""
        return dict(self._members)


class FileEntry(NamedTuple):
    """One file of a session. at: epoch seconds; size: bytes, 0 of a failed one; status: "transferred",
    "already_there" or "failed"; error: redacted."""

    at: float
    status: str
    name: str
    size: int
    account: str
    stage: int
    error: str


class SessionFiles:
    """The latest files of the present session, or of the last one, in the order in which they came."""

    def __init__(self) -> None:
        self.entries: deque[FileEntry] = deque(maxlen=FILES_LIMIT)
        self.total = 0

    def begin(self) -> None:
        """A new session."""
        self.entries.clear()
        self.total = 0

    def add(self, entry: FileEntry) -> None:
        """Add one; the oldest gives way."""
        self.entries.append(entry)
        self.total += 1

    @property
    def truncated(self) -> bool:
        """Whether files of the session were forgotten."""
        return self.total > len(self.entries)


#: What is kept of a session that is over, with the value for one of which nothing is known.
_PAST: Final[dict[str, Any]] = {
    "id": "",
    "started_at": 0,
    "ended_at": 0,
    "outcome": "",
    "reason": "",
    "dry_run": False,
    "folder": "",
    "remote": "",
    "stage": 0,
    "files_done": 0,
    "bytes_done": 0,
    "files_failed": 0,
    "files_left": 0,
    "bytes_left": 0,
    "next_capacity_at": 0,
}

_CLEANERS: Final[dict[type, Callable[[object], Any]]] = {
    bool: lambda value: value is True,
    int: clean.number,
    str: clean.redact,
}
_COUNT_LIMIT: Final = 1_000_000


class PastSessions:
    """Sessions that are over, oldest first."""

    def __init__(self) -> None:
        self._sessions: deque[dict[str, Any]] = deque(maxlen=SESSIONS_LIMIT)

    def add(self, session: Mapping[str, Any]) -> None:
        """Add one from its part of the state document; one that is there already (same beginning) is replaced."""
        past = {name: session.get(name, neutral) for name, neutral in _PAST.items()}
        past["accounts_used"] = len(session.get("accounts_used", ()))
        others = [one for one in self._sessions if one["started_at"] != past["started_at"]]
        self._sessions.clear()
        self._sessions.extend(sorted([*others, past], key=lambda one: float(one["started_at"])))

    def recover(self, stored: Mapping[Any, Any]) -> None:
        """Add one that a file holds, which anybody may have written."""
        session = {name: _CLEANERS[type(neutral)](stored.get(name)) for name, neutral in _PAST.items()}
        session["accounts_used"] = range(min(clean.whole(stored.get("accounts_used")), _COUNT_LIMIT))
        if session["started_at"]:
            self.add(session)

    def document(self) -> list[dict[str, Any]]:
        """The `sessions` part of the state document."""
        return list(self._sessions)
