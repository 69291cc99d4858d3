"""The state document: what `/api/state` answers and the stream patches, one TypedDict for each part.

The code that makes a part is checked against these types; `/api/openapi.json` and docs/api.md are made from them.

No value is ever null, so that a JSON Merge Patch (RFC 7396) can carry every change: an unknown time is 0, unknown
seconds are -1, an unknown text is "". Collections whose members change one by one are objects keyed by name or number,
so that a patch carries only the member that changed, and null for one that was dropped.
"""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from cloudplow.events import UploaderState
from cloudplow_dashboard.state.document_quota import Account, AccountsSummary, Capacity, Plan, Queue
from cloudplow_dashboard.state.document_session import (
    Eta,
    Failure,
    FailureKind,
    Figures,
    PastSession,
    Progress,
    Session,
)
from cloudplow_dashboard.state.document_words import EngineState, Phase, ProgramState
from cloudplow_dashboard.state.measures import Bytes, BytesPerSecond, EpochSeconds, Seconds, SecondsLeft


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
    figures: Figures
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


class ReceiverFailures(TypedDict):
    """Notifications that did not arrive at one receiver: how many, what the last fault was, and when."""

    failed: int
    error: str
    at: EpochSeconds


class Head(TypedDict):
    """What the document says about the whole program. utc_offset_seconds: of the times in its sentences."""

    boot: str
    refresh_interval: Seconds
    app_version: str
    utc_offset_seconds: int
    engine: EngineState
    program: ProgramState
    program_ended_at: EpochSeconds
    focus: str
    limit: BytesPerSecond
    recovered: bool
    notifications_failed: int
    notifications: dict[str, ReceiverFailures]


class StateDocument(Head):
    """Everything that the page shows.

    version: grows by one with each patch. boot: changes with every start of the program. ts: when this was made.
    refresh_interval: between two patches that only statistics changed. recovered: an interrupted session of an
    earlier process is shown. program_ended_at: 0 until then. focus: the uploader that is meant where none is named:
    the one that runs, or the one whose session is the latest; "" for none. limit: what somebody limited the speed of
    each uploader to, also while nothing is uploaded; 0 for none. notifications_failed: attempts to send one since the
    program started; notifications: the same by receiver, at most 64. uploaders: by name. facts: the last 100, by a
    growing number.
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
