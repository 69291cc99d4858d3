"""Collections that forget their oldest members: numbered ones for the state document, files and sessions for export."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, Final, Generic, Literal, NamedTuple, TypeVar

from cloudplow.events import SessionOutcome
from cloudplow_dashboard.state import clean
from cloudplow_dashboard.state.document_session import PastSession, Session

#: Files of one session that are kept for export, the latest ones.
FILES_LIMIT: Final = 10_000
#: Runs shown of each uploader; and sessions kept, of which one run that waits for quota may have many.
SESSIONS_LIMIT: Final = 50
SESSIONS_KEPT: Final = 300


T = TypeVar("T")
FileStatus = Literal["transferred", "already_there", "found_later", "failed"]


class Numbered(Generic[T]):
    """The newest members by their number, so that a merge patch carries one new member and a null for a dropped one."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._members: dict[str, T] = {}
        self.last = 0

    def add(self, member: T, number: int = 0) -> int:
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
        """Forget the members; the numbers continue."""
        self._members.clear()

    def document(self) -> dict[str, T]:
        """The members by number, oldest first."""
        return dict(self._members)


class FileEntry(NamedTuple):
    """One file of a session. at: epoch seconds; size: bytes, 0 of a failed one; error: redacted.

    stage: 0 of one that was found later, which an earlier stage had sent.
    """

    at: float
    status: FileStatus
    name: str
    size: int
    account: str
    stage: int
    error: str


class SessionFiles:
    """The latest files of the current session, or of the last one, in order."""

    def __init__(self) -> None:
        self.entries: deque[FileEntry] = deque(maxlen=FILES_LIMIT)
        self.total = 0

    def begin(self) -> None:
        """A new session."""
        self.entries.clear()
        self.total = 0

    def add(self, entry: FileEntry) -> None:
        """Add one, dropping the oldest if there are too many."""
        self.entries.append(entry)
        self.total += 1

    @property
    def truncated(self) -> bool:
        """Whether files of the session were forgotten."""
        return self.total > len(self.entries)


_COUNT_LIMIT: Final = 1_000_000


class PastSessions:
    """Finished sessions, oldest first; those of one run are shown as one."""

    def __init__(self) -> None:
        self._sessions: deque[PastSession] = deque(maxlen=SESSIONS_KEPT)

    def add(self, session: Session, *, replace: bool = True) -> None:
        """Add one; one that is there already (same beginning) is replaced, or, if not `replace`, stays."""
        past: PastSession = {
            "id": session["id"],
            "run_id": session["run_id"],
            "started_at": session["started_at"],
            "ended_at": session["ended_at"],
            "outcome": session["outcome"],
            "reason": session["reason"],
            "dry_run": session["dry_run"],
            "folder": session["folder"],
            "remote": session["remote"],
            "stage": session["stage"],
            "files_done": session["files_done"],
            "bytes_done": session["bytes_done"],
            "files_failed": session["files_failed"],
            "files_left": session["files_left"],
            "bytes_left": session["bytes_left"],
            "next_capacity_at": session["next_capacity_at"],
            "would_go_files": session["would_go_files"],
            "would_go_bytes": session["would_go_bytes"],
            "accounts_used": len(session["accounts_used"]),
            "sessions": 1,
        }
        self._put(past, replace=replace)

    def files_failed(self, started_at: float) -> int:
        """How many files failed of the session that began then, in epoch seconds; 0 for an unknown one."""
        return next((one["files_failed"] for one in self._sessions if one["started_at"] == started_at), 0)

    def recover(self, stored: Mapping[Any, Any]) -> None:
        """Add one from the dashboard's file, which anyone may have edited."""
        past: PastSession = {
            "id": clean.redact(stored.get("id")),
            "run_id": clean.redact(stored.get("run_id")),
            "started_at": clean.number(stored.get("started_at")),
            "ended_at": clean.number(stored.get("ended_at")),
            "outcome": clean.word(stored.get("outcome"), SessionOutcome),
            "reason": clean.redact(stored.get("reason")),
            "dry_run": stored.get("dry_run") is True,
            "folder": clean.redact(stored.get("folder")),
            "remote": clean.redact(stored.get("remote")),
            "stage": clean.whole(stored.get("stage")),
            "files_done": clean.whole(stored.get("files_done")),
            "bytes_done": clean.whole(stored.get("bytes_done")),
            "files_failed": clean.whole(stored.get("files_failed")),
            "files_left": clean.whole(stored.get("files_left")),
            "bytes_left": clean.whole(stored.get("bytes_left")),
            "next_capacity_at": clean.number(stored.get("next_capacity_at")),
            "would_go_files": clean.whole(stored.get("would_go_files")),
            "would_go_bytes": clean.whole(stored.get("would_go_bytes")),
            "accounts_used": min(clean.whole(stored.get("accounts_used")), _COUNT_LIMIT),
            "sessions": 1,
        }
        if past["started_at"]:
            self._put(past, replace=True)

    def _put(self, past: PastSession, *, replace: bool) -> None:
        others = [one for one in self._sessions if one["started_at"] != past["started_at"]]
        if len(others) < len(self._sessions):
            if not replace:
                return
            # What an older program left for the next start does not say to which run it belongs.
            known = next(one for one in self._sessions if one["started_at"] == past["started_at"])
            past["run_id"] = past["run_id"] or known["run_id"]
        self._sessions.clear()
        self._sessions.extend(sorted([*others, past], key=lambda one: one["started_at"]))

    def kept(self) -> list[PastSession]:
        """Each session, for the file."""
        return list(self._sessions)

    def document(self) -> list[PastSession]:
        """The `sessions` part of the state document: runs, in the order in which they ended."""
        runs: dict[str, PastSession] = {}
        for number, session in enumerate(self._sessions):
            key = session["run_id"] or f" {number}"
            earlier = runs.pop(key, None)
            runs[key] = session if earlier is None else _together(earlier, session)
        return list(runs.values())[-SESSIONS_LIMIT:]


def _together(run: PastSession, last: PastSession) -> PastSession:
    """A run with one session more."""
    return last | {
        "id": run["id"],
        "started_at": run["started_at"],
        "stage": run["stage"] + last["stage"],
        "files_done": run["files_done"] + last["files_done"],
        "bytes_done": run["bytes_done"] + last["bytes_done"],
        "accounts_used": max(run["accounts_used"], last["accounts_used"]),
        "sessions": run["sessions"] + last["sessions"],
    }
