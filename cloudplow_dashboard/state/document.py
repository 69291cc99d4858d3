"""The state document: what `/api/state` answers and the stream patches, one TypedDict for each part.

The code that makes a part is checked against these types; `/api/openapi.json` and docs/api.md are made from them.

No value is ever null, so that a JSON Merge Patch (RFC 7396) can carry every change: an unknown time is 0, unknown
seconds are -1, an unknown text is "". Collections whose members change one by one are objects keyed by name or number,
so that a patch carries only the member that changed, and null for one that was dropped.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from typing_extensions import TypedDict

from cloudplow.events import AccountState, SessionOutcome, StageOutcome, SwitchReason, UploaderState
from cloudplow_dashboard.state.distribution import Distribution
from cloudplow_dashboard.state.measures import Bytes, BytesPerSecond, EpochSeconds, Nothing, Seconds, SecondsLeft


class Phase(StrEnum):
    """What an uploader does, in the dashboard's words."""

    IDLE = "idle"
    SCANNING = "scanning"
    UPLOADING = "uploading"
    SWITCHING = "switching"
    THROTTLED = "throttled"
    SUSPENDED = "suspended"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"


class EngineState(StrEnum):
    """What the program does. "stopped" is the last thing that a viewer hears. "stalled": it uploads, but nothing has
    been heard of it for a minute; only `/api/health` says so (see `silent_since` of the progress).
    """

    IDLE = "idle"
    UPLOADING = "uploading"
    STALLED = "stalled"
    STOPPED = "stopped"


class StageState(StrEnum):
    """How far a stage has got. "waiting": for quota."""

    DONE = "done"
    RUNNING = "running"
    NEXT = "next"
    WAITING = "waiting"


class UploaderStatus(TypedDict):
    """What an uploader does or waits for, in the words of `cloudplow status`.

    why: a sentence; "" if nobody has told one. until: how long that lasts; next_check_at: when it is looked at next.
    threshold_bytes: an upload is due from there on, 0 for from any file on or unknown. `waiting_*`: what was to be
    uploaded when that was counted last; checked_at: when the scheduler measured it, 0 for never.
    """

    state: UploaderState
    why: str
    until: EpochSeconds
    next_check_at: EpochSeconds
    threshold_bytes: Bytes
    waiting_files: int
    waiting_bytes: Bytes
    checked_at: EpochSeconds


class SessionBase(TypedDict):
    """What is known of a session at any time. run_id: the same for all that go on with one queue as quota comes back;
    "" if unknown.
    """

    id: str
    run_id: str
    started_at: EpochSeconds
    ended_at: EpochSeconds
    outcome: SessionOutcome | Nothing
    reason: str
    dry_run: bool
    folder: str
    remote: str
    stage: int
    files_done: int
    bytes_done: Bytes
    files_failed: int
    files_left: int
    bytes_left: Bytes
    next_capacity_at: EpochSeconds


class Session(SessionBase):
    """The session that runs, or the last one.

    folder: the last part of its path. stage: the current one, counted from 1. account_index: the 0-based place of
    account in the pool, -1 when unknown. accounts_used: by name, at most 1000. files_done, bytes_done: exactly what
    arrived. bytes_left allows for what has arrived of files that are being transferred, so it may be less than
    bytes_total - bytes_done. files_total, bytes_total: 0 also if an earlier process never knew them. recovered: an
    earlier process ran it.
    """

    stages_total: int
    account: str
    account_index: int
    accounts_total: int
    accounts_used: list[str]
    switch_reason: SwitchReason | Nothing
    files_total: int
    bytes_total: Bytes
    recovered: bool


class PastSession(SessionBase):
    """Finished sessions of one run together, or one session whose run is unknown.

    sessions: how many. id and started_at are those of the first, `*_done` and stage are sums, accounts_used is the
    largest number that one of them used; everything else is that of the last.
    """

    accounts_used: int
    sessions: int


class TransferringFile(TypedDict):
    """A file that is being transferred. bytes: how much of it has arrived; percentage: 0 to 100."""

    name: str
    size: Bytes
    bytes: Bytes
    speed: BytesPerSecond
    eta_seconds: SecondsLeft
    percentage: int


class Progress(TypedDict):
    """rclone's statistics of the running stage, as of `at`.

    bytes may count failed and repeated uploads too. transferring: by a number that a file keeps, at most 100 files,
    in rclone's order; transferring_count counts all of them. checking: names, at most 50. silent_since: when something
    was last heard of an upload that has said nothing for a minute, else 0.
    """

    at: EpochSeconds
    bytes: Bytes
    total_bytes: Bytes
    speed: BytesPerSecond
    eta_seconds: SecondsLeft
    files: int
    total_files: int
    errors: int
    transferring_count: int
    checking_count: int
    silent_since: EpochSeconds
    transferring: dict[str, TransferringFile]
    checking: list[str]


class Eta(TypedDict):
    """When the whole queue will be uploaded. Changes of less than 1 % of what is left are not shown.

    speed_at: if only the current speed mattered; quotas_at: with waits for quota.
    """

    speed_at: EpochSeconds
    quotas_at: EpochSeconds


class Queue(TypedDict):
    """What waits, as of the last listing. source: how it was learned; confidence: "exact" when every file was listed.

    available: there was a listing. duration_seconds: how long it took. distribution: {} before the first one.
    """

    available: bool
    files: int
    bytes: Bytes
    source: str
    confidence: str
    duration_seconds: Seconds
    learned_at: EpochSeconds
    distribution: Distribution


class Stage(TypedDict):
    """One run of rclone, done, running or planned.

    stage: its number, 0 when it has none yet. files, bytes: what it uploaded when it is done, else what is planned.
    starts_at: when a running one began, or a waiting one may begin. oversized: its one file exceeds a whole quota.
    """

    stage: int
    account: str
    files: int
    bytes: Bytes
    starts_at: EpochSeconds
    oversized: bool
    state: StageState
    outcome: StageOutcome | Nothing


class PlanSums(TypedDict):
    """What was still to come when a plan was made."""

    files: int
    bytes: Bytes
    waiting_files: int
    waiting_bytes: Bytes
    unplanned_files: int
    unplanned_bytes: Bytes
    unplanned_why: str
    next_capacity_at: EpochSeconds


class Plan(PlanSums):
    """How the queue is spread over accounts and stages.

    made_at and the sums are those of the current plan: what was still to come when it was made. `waiting_*`: all that
    does not fit now; `unplanned_*`: the part of it that is in no stage yet. stages: the last 50 that are done, the
    running one, then those that can run next; at most 100. later: those that wait for quota; at most 100. `*_total`
    count them all.
    """

    made_at: EpochSeconds
    stages: list[Stage]
    later: list[Stage]
    done_total: int
    next_total: int
    later_total: int


class Account(TypedDict):
    """One account. index: its 0-based place in the pool; why: a sentence for its state.

    used_bytes: what is charged. in_flight_bytes: what its running uploads have sent so far; unsettled_bytes: what
    interrupted ones may have sent, until the destination has been asked. Neither is in used_bytes, both count as spent.
    resets_at: when the first spent bytes come back, 0 when nothing is spent. until: when it is ready again, 0 when it
    is ready or when that is unknown.
    """

    index: int
    state: AccountState
    why: str
    used_bytes: Bytes
    in_flight_bytes: Bytes
    unsettled_bytes: Bytes
    limit_bytes: Bytes
    resets_at: EpochSeconds
    until: EpochSeconds


class AccountsSummary(TypedDict):
    """All accounts together, those included that the document leaves out. states: how many are in each state."""

    total: int
    used_bytes: Bytes
    in_flight_bytes: Bytes
    unsettled_bytes: Bytes
    limit_bytes: Bytes
    states: dict[AccountState, int]


class ReturnStrip(TypedDict):
    """What comes back to all accounts, and when."""

    next_return_at: EpochSeconds
    next_return_bytes: Bytes
    strip_from: EpochSeconds
    strip: list[Bytes]
    later_bytes: Bytes


class Capacity(ReturnStrip):
    """The quota of all accounts together.

    free_bytes: on accounts that are neither denied nor failed; what is on its way or unsettled is not free.
    `next_return_*`: the bytes that come back first. strip: 24 numbers, the bytes that come back in each hour from
    strip_from on (which is at most 10 minutes ago); later_bytes: what comes back after these.
    """

    free_bytes: Bytes
    used_bytes: Bytes
    in_flight_bytes: Bytes
    unsettled_bytes: Bytes
    limit_bytes: Bytes


class Throttle(TypedDict):
    """Whether the speed is limited. limit: 0 when it is not; streams: how many play."""

    active: bool
    limit: BytesPerSecond
    streams: int


class Suspension(TypedDict):
    """Whether uploads are suspended, why, and until when."""

    active: bool
    reason: str
    until: EpochSeconds


class Failure(TypedDict):
    """A file that could not be uploaded in a stage; it is still whole at the source."""

    at: EpochSeconds
    name: str
    error: str
    account: str
    stage: int


class FailureKind(Failure):
    """Files that could not be uploaded for the same reason: how many, and the last of them. error: "" for all reasons
    after the first 20.
    """

    count: int


class Uploader(TypedDict):
    """One uploader. active: a session runs.

    accounts: by name, at most 200, the active one and the most used first; `/api/service_accounts` has them all.
    failures: the last 50 by a growing number; session.files_failed counts them all. failure_kinds: by their reason, at
    most 21. sessions: the last 50 runs, of what
    is finished in them, newest last.
    """

    active: bool
    phase: Phase
    status: UploaderStatus
    session: Session
    progress: Progress
    eta: Eta
    queue: Queue
    plan: Plan
    accounts: dict[str, Account]
    accounts_summary: AccountsSummary
    capacity: Capacity
    throttle: Throttle
    suspension: Suspension
    failures: dict[str, Failure]
    failure_kinds: dict[str, FailureKind]
    sessions: list[PastSession]


class Fact(TypedDict):
    """Something that happened, as one sentence for people. kind: the name of its signal in `cloudplow.events`."""

    seq: int
    at: EpochSeconds
    uploader: str
    kind: str
    text: str


class Head(TypedDict):
    """What the document says about the whole program. utc_offset_seconds: of the times in its sentences."""

    boot: str
    refresh_interval: Seconds
    app_version: str
    utc_offset_seconds: int
    engine: EngineState
    recovered: bool
    notifications_failed: int


class StateDocument(Head):
    """Everything that the page shows.

    version: grows by one with each patch. boot: changes with every start of the program. ts: when this was made.
    refresh_interval: between two patches that only statistics changed. recovered: an interrupted session of an
    earlier process is shown. notifications_failed: attempts to send one since the program started. uploaders: by name.
    facts: the last 100, by a growing number.
    """

    version: int
    ts: EpochSeconds
    uploaders: dict[str, Uploader]
    facts: dict[str, Fact]


class Health(TypedDict):
    """How the dashboard and the engine are.

    status: always "healthy": it answers. uptime_seconds: of the dashboard. last_event_age_seconds: since something
    was last heard of an upload of this process. recovered: as in the state document.
    """

    status: Literal["healthy"]
    version: str
    uptime_seconds: Seconds
    engine: EngineState
    last_event_age_seconds: SecondsLeft
    recovered: bool
