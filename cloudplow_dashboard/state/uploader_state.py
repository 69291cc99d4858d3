"""What is known about one uploader, in the parts of the state document. No logic of events here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from cloudplow.distribution import SizeSample
from cloudplow_dashboard.state.account_table import AccountTable
from cloudplow_dashboard.state.bounded import Numbered, PastSessions, SessionFiles
from cloudplow_dashboard.state.clean import base_name
from cloudplow_dashboard.state.counters import Counters
from cloudplow_dashboard.state.distribution import Distribution
from cloudplow_dashboard.state.document import (
    Eta,
    Failure,
    Phase,
    Progress,
    Queue,
    Session,
    Suspension,
    Throttle,
    Uploader,
)
from cloudplow_dashboard.state.failure_kinds import FailureKinds
from cloudplow_dashboard.state.stages import StageBoard
from cloudplow_dashboard.state.status import Status

#: Failed files kept for each uploader, newest last.
FAILURES_LIMIT: Final = 50
#: Files and names of one progress report that are kept.
TRANSFERRING_LIMIT: Final = 100
CHECKING_LIMIT: Final = 50
#: Names remembered to count failed files once each; beyond it every failure counts.
FAILED_NAMES_LIMIT: Final = 10_000
#: Accounts listed as used in one session.
ACCOUNTS_USED_LIMIT: Final = 1000

#: After so many seconds without an event a speed is no longer shown.
STALE_SECONDS: Final = 6.0
#: After so many seconds without an event an upload counts as stalled.
SILENT_SECONDS: Final = 60.0
#: The parts of an uploader in the state document; each is built and compared as a whole.
PARTS: Final = tuple(Uploader.__annotations__)
#: The parts that follow from the accounts.
ACCOUNT_PARTS: Final = ("accounts", "accounts_summary", "capacity")


def new_session() -> Session:
    """The session part before any session."""
    return {
        "id": "",
        "run_id": "",
        "started_at": 0,
        "ended_at": 0,
        "outcome": "",
        "reason": "",
        "dry_run": False,
        "folder": "",
        "remote": "",
        "stage": 0,
        "stages_total": 0,
        "account": "",
        "account_index": -1,
        "accounts_total": 0,
        "accounts_used": [],
        "switch_reason": "",
        "files_done": 0,
        "bytes_done": 0,
        "files_total": 0,
        "bytes_total": 0,
        "files_failed": 0,
        "files_left": 0,
        "bytes_left": 0,
        "next_capacity_at": 0,
        "recovered": False,
    }


def new_progress() -> Progress:
    """The progress part when nothing is being transferred."""
    return {
        "at": 0,
        "bytes": 0,
        "total_bytes": 0,
        "speed": 0,
        "eta_seconds": -1,
        "files": 0,
        "total_files": 0,
        "errors": 0,
        "transferring_count": 0,
        "checking_count": 0,
        "silent_since": 0,
        "transferring": {},
        "checking": [],
    }


def new_eta() -> Eta:
    """The eta part when nothing is known."""
    return {"speed_at": 0, "quotas_at": 0}


def new_queue() -> Queue:
    """The queue part before a listing."""
    return {
        "available": False,
        "files": 0,
        "bytes": 0,
        "source": "",
        "confidence": "",
        "duration_seconds": 0,
        "learned_at": 0,
        "distribution": {},
    }


def new_suspension() -> Suspension:
    """The suspension part when nothing is suspended."""
    return {"active": False, "reason": "", "until": 0}


class UploaderState:
    """The live values; `dirty` and `slow` name the parts that changed since the last publication.

    slow: parts that only rclone's statistics changed, which may wait for the refresh interval.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.active = False
        self.phase = Phase.IDLE
        self.status = Status()
        self.session = new_session()
        self.progress = new_progress()
        self.queue = new_queue()
        self.accounts = AccountTable()
        self.throttle: Throttle = {"active": False, "limit": 0, "streams": 0}
        self.suspension = new_suspension()
        self.eta = new_eta()
        self.stages = StageBoard()
        self.failures: Numbered[Failure] = Numbered(FAILURES_LIMIT)
        self.failure_kinds = FailureKinds()
        self.sessions = PastSessions()
        self.files = SessionFiles()
        self.counters = Counters()
        # Never shown: the whole path, to recognise a change of folder and to take it out of error texts.
        self.folder_path = ""
        self.queue_folder_path = ""
        self.history_folder_path = ""
        #: Of files that are being transferred, by name: a file keeps its number, and a number is never used again.
        self.transfer_numbers: dict[str, int] = {}
        self.last_transfer_number = 0
        self.failed_names: set[str] = set()
        self.failure_facts = 0
        self.found_facts = 0
        self.history = SizeSample()
        self.history_files = 0
        self.earlier_history: Distribution = {}
        self._history_document: tuple[int, Distribution] = (0, {})
        self.plan: dict[str, Any] = {}
        self.stage_params: dict[str, Any] = {}
        self.last_event_at = 0.0
        self.last_arrival_at = 0.0
        self.dirty: set[str] = set(PARTS)
        self.slow: set[str] = set()

    def part(self, name: str, now: float) -> Any:
        """A part of the state document, detached from the live values. now: epoch seconds."""
        if name == "session":
            return self.session_document()
        if name == "capacity":
            return self.accounts.capacity(now)
        makers: dict[str, Callable[[], Any]] = {
            "accounts": self.accounts.shown,
            "accounts_summary": self.accounts.summary,
            "plan": self.stages.document,
            "failures": self.failures.document,
            "failure_kinds": self.failure_kinds.document,
            "sessions": self.sessions.document,
            "status": lambda: self.status.document(active=self.active, phase=self.phase, session=self.session),
        }
        if name in makers:
            return makers[name]()
        value = getattr(self, name)
        return dict(value) if isinstance(value, dict) else value

    def session_document(self) -> Session:
        """The `session` part."""
        return self.session | {"accounts_used": list(self.session["accounts_used"])}

    @property
    def begun(self) -> bool:
        """Whether a session of this process is shown: what an earlier one left no longer matters."""
        return self.session["started_at"] > 0 and not self.session["recovered"]

    def accounts_changed(self, *, slow: bool = False) -> None:
        """Publish the accounts again; slow: with the next statistics."""
        (self.slow if slow else self.dirty).update(ACCOUNT_PARTS)

    def set_phase(self, phase: Phase) -> None:
        """Change the phase."""
        if phase != self.phase:
            self.phase = phase
            self.dirty.update(("phase", "status"))

    def set_active(self, active: bool) -> None:
        """Set whether a session is running."""
        if active != self.active:
            self.active = active
            self.dirty.update(("active", "status"))

    def set_working(self) -> None:
        """Files are being transferred: "uploading", or "throttled" while the speed is limited."""
        self.set_phase(Phase.THROTTLED if self.throttle["active"] else Phase.UPLOADING)

    def clear_progress(self) -> None:
        """Nothing is being transferred any more; published at once, not with the next statistics."""
        if self.progress["transferring"] or self.progress["speed"] or self.progress["checking"]:
            self.progress = self.progress | {
                "speed": 0,
                "eta_seconds": -1,
                "transferring_count": 0,
                "checking_count": 0,
                "transferring": {},
                "checking": [],
            }
        self.dirty.add("progress")

    def age(self, now: float) -> None:
        """What rclone said of its speed is no longer true once it is silent: it reports every second.

        A longer silence is told.
        """
        silent_since = self.last_event_at if self.is_silent(now) else 0
        if self.progress["silent_since"] != silent_since:
            self.progress = self.progress | {"silent_since": silent_since}
            self.status.silent = silent_since > 0
            self.dirty.update(("progress", "status"))
        told = self.progress
        moving = told["speed"] or self.eta["speed_at"] or any(one["speed"] for one in told["transferring"].values())
        if not moving or now - self.last_event_at <= STALE_SECONDS:
            return
        transferring = {number: one | {"speed": 0, "eta_seconds": -1} for number, one in told["transferring"].items()}
        self.progress = told | {"speed": 0, "eta_seconds": -1, "transferring": transferring}
        self.eta = new_eta()
        self.dirty.update(("progress", "eta"))

    def is_silent(self, now: float) -> bool:
        """Whether files are being transferred, but nothing has been heard for a while."""
        working = self.active and self.phase in (Phase.UPLOADING, Phase.THROTTLED)
        return working and now - self.last_event_at > SILENT_SECONDS

    def begin_history(self, now: float) -> None:
        """A new session: what was transferred before is shown until the first file arrives. now: epoch seconds."""
        earlier = self.history_document(now)
        self.forget_history()
        self.earlier_history = earlier

    def forget_history(self) -> None:
        """Another folder: what was learned from transfers does not apply to it."""
        self.history = SizeSample()
        self.history_files = 0
        self.earlier_history = {}
        self._history_document = (0, {})

    def history_document(self, now: float) -> Distribution:
        """The distribution of what was transferred; until something new arrives, what an earlier run left.

        now: epoch seconds. Made anew only when files came in since the last call.
        """
        if not self.history_files:
            return self.earlier_history
        if self._history_document[0] != self.history_files:
            folder = base_name(self.folder_path)
            document = self.history.document(upload_folder=folder, now=now)
            self._history_document = self.history_files, cast(Distribution, document)
        return self._history_document[1]

    def known_paths(self) -> tuple[str, ...]:
        """Folders of this machine that texts may mention."""
        return (self.folder_path,) if self.folder_path else ()


#: Every uploader by its name.
Uploaders = Mapping[str, UploaderState]
