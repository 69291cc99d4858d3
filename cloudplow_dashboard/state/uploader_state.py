"""What is known about one uploader, in the parts of the state document. No logic of events here."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, cast

from cloudplow.distribution import SizeSample
from cloudplow_dashboard.state import figures
from cloudplow_dashboard.state.account_table import AccountTable
from cloudplow_dashboard.state.blanks import new_eta, new_progress, new_queue, new_session, new_suspension
from cloudplow_dashboard.state.bounded import Numbered, PastSessions, SessionFiles
from cloudplow_dashboard.state.clean import base_name
from cloudplow_dashboard.state.counters import Counters
from cloudplow_dashboard.state.distribution import Distribution
from cloudplow_dashboard.state.document import Throttle, Uploader, UploaderStatus
from cloudplow_dashboard.state.document_quota import Queue
from cloudplow_dashboard.state.document_session import Failure, Figures, Session
from cloudplow_dashboard.state.document_words import Phase
from cloudplow_dashboard.state.failure_kinds import FailureKinds
from cloudplow_dashboard.state.heard import Heard
from cloudplow_dashboard.state.stages import StageBoard
from cloudplow_dashboard.state.status import Status

#: Failed files kept for each uploader, newest last.
FAILURES_LIMIT: Final = 50
#: Files and names of one progress report that are kept.
TRANSFERRING_LIMIT: Final = 100
CHECKING_LIMIT: Final = 50
#: Names of files that have arrived in a stage, remembered because rclone may still report them as on their way.
ARRIVED_LIMIT: Final = 1000
#: Accounts listed as used in one session.
ACCOUNTS_USED_LIMIT: Final = 1000

#: After so many seconds without an event a speed is no longer shown, and all figures are said to be stale.
STALE_SECONDS: Final = 5.0
#: After so many seconds without an event an upload counts as stalled.
SILENT_SECONDS: Final = 60.0
#: The parts of an uploader in the state document; each is built and compared as a whole.
PARTS: Final = tuple(Uploader.__annotations__)
#: The parts that follow from the accounts.
ACCOUNT_PARTS: Final = ("accounts", "accounts_summary", "capacity", "figures")
#: The parts that follow from others, which change with them.
FOLLOWING: Final = {
    "session": ("figures", "queue"),
    "eta": ("figures",),
    "plan": ("figures",),
    "status": ("figures",),
    "active": ("session", "figures", "queue"),
    "progress": ("session", "figures", "queue"),
}


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
        self.quota_until: float = 0
        #: The finish by which the times of the plan were made last.
        self.plan_finish_at: float = 0
        self.stale_since: float = 0
        self._next_shown = self._averaged_at = 0.0
        #: What has arrived of files that are on their way, in bytes, by name; and who has arrived in this stage.
        self.under_way: dict[str, int] = {}
        self.arrived_names: deque[str] = deque(maxlen=ARRIVED_LIMIT)
        #: What is left of the queue while no session runs.
        self.queue_left = (0, 0)
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
        self.failure_facts = 0
        self.found_facts = 0
        self.history = SizeSample()
        self.history_files = 0
        self.earlier_history: Distribution = {}
        self._history_document: tuple[int, Distribution] = (0, {})
        self.plan: dict[str, Any] = {}
        self.stage_params: dict[str, Any] = {}
        self.heard = Heard()
        self.last_arrival_at = 0.0
        self.dirty: set[str] = set(PARTS)
        self.slow: set[str] = set()

    def part(self, name: str, now: float) -> Any:
        """A part of the state document, detached from the live values. now: epoch seconds."""
        makers: dict[str, Callable[[], Any]] = {
            "session": self.session_document,
            "figures": lambda: self.figures(now),
            "queue": self.queue_document,
            "capacity": lambda: self.accounts.capacity(now),
            "accounts": self.accounts.shown,
            "accounts_summary": self.accounts.summary,
            "plan": lambda: self.stages.document(self.eta["speed_at"], self.session_document(), self.heard_at),
            "failures": self.failures.document,
            "failure_kinds": self.failure_kinds.document,
            "sessions": self.sessions.document,
            "status": self.status_document,
        }
        if name in makers:
            return makers[name]()
        value = getattr(self, name)
        return dict(value) if isinstance(value, dict) else value

    def session_document(self) -> Session:
        """The `session` part."""
        under_way = len(self.under_way), sum(self.under_way.values())
        return figures.amounts(self.session, self.progress, under_way, active=self.active)

    def status_document(self) -> UploaderStatus:
        """The `status` part."""
        return self.status.document(active=self.active, phase=self.phase, session=self.session)

    def queue_document(self) -> Queue:
        """The `queue` part."""
        files, size = self.queue_left
        session = self.session_document()
        if self.active and self.queue["available"] and session["files_total"]:
            files, size = session["files_left"], session["bytes_left"]
        return self.queue | {"files": files, "bytes": size}

    def waiting(self, session: Session) -> tuple[int, int]:
        """Files and bytes that do not fit into the quota of now. session: as it is shown."""
        free = self.accounts.known_free
        return figures.waiting(session, self.stages.sums, self.stages.made_at, free, active=self.active)

    def figures(self, now: float) -> Figures:
        """The `figures` part. now: epoch seconds."""
        session = self.session_document()
        waits = self.waiting(session)
        found = figures.figures(
            session,
            self.status_document(),
            self.eta,
            waits,
            active=self.active,
            quota_until=self.quota_until,
            plan_next_at=self.stages.sums["next_capacity_at"] if waits[1] else 0,
            heard_at=self.heard_at,
            stale_since=self.stale_since,
            now=now,
        )
        self._next_shown, self._averaged_at = found["next_capacity_at"], self.heard_at
        return found

    @property
    def heard_at(self) -> float:
        """When something was heard of an upload last, in epoch seconds."""
        return self.heard.at

    def changed_parts(self) -> None:
        """Note the parts that follow from those that have changed."""
        if self.active and self._averaged_at != self.heard_at:
            self.slow.add("figures")  # an average is as of what was heard last
        for changed in (self.dirty, self.slow):
            for name in tuple(changed):
                changed.update(FOLLOWING.get(name, ()))

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
            told = self.progress
            self.progress = told | {"speed": 0, "eta_seconds": -1, "transferring": {}, "transferring_count": 0}
            self.progress |= {"checking": [], "checking_count": 0}
        self.under_way = {}
        self.dirty.add("progress")

    def age(self, now: float) -> bool:
        """What rclone said of its speed is no longer true once it is silent: it reports every second.

        A longer silence is told. True when something changed.
        """
        before = len(self.dirty)
        earlier = self.heard.follow_clock(now)
        if earlier and self.progress["at"]:
            self.progress = self.progress | {"at": max(0.0, self.progress["at"] - earlier)}
            self.dirty.update(("progress", "figures"))
        self._age(now)
        return len(self.dirty) > before

    def _age(self, now: float) -> None:
        silent_since = self.heard.at if self.is_silent(now) else 0
        if self.progress["silent_since"] != silent_since:
            self.progress = self.progress | {"silent_since": silent_since}
            self.status.silent = silent_since > 0
            self.dirty.update(("progress", "status"))
        # Other events do not make rclone's statistics any newer.
        reported_at = self.progress["at"] or self.heard.at
        old = now - reported_at > STALE_SECONDS
        stale_since = reported_at if old and self.is_working else 0
        if self.stale_since != stale_since:
            self.stale_since = stale_since
            self.dirty.add("figures")
        if 0 < self._next_shown <= now:
            self.dirty.add("figures")
        told = self.progress
        moving = told["speed"] or self.eta["speed_at"] or any(one["speed"] for one in told["transferring"].values())
        if not moving or not old:
            return
        transferring = {number: one | {"speed": 0, "eta_seconds": -1} for number, one in told["transferring"].items()}
        self.progress = told | {"speed": 0, "eta_seconds": -1, "transferring": transferring}
        self.eta, self.quota_until = new_eta(), 0
        self.dirty.update(("progress", "eta"))

    @property
    def is_working(self) -> bool:
        """Whether files are being transferred."""
        return self.active and self.phase in (Phase.UPLOADING, Phase.THROTTLED)

    def is_silent(self, now: float) -> bool:
        """Whether files are being transferred, but nothing has been heard for a while."""
        return self.is_working and now - self.heard.at > SILENT_SECONDS

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


def focus_of(uploaders: Iterable[UploaderState]) -> str:
    """The name of the one that is meant where none is named; "" for none."""
    return figures.chosen((u.name, u.active, u.heard.at, u.session["started_at"]) for u in uploaders)
