"""The answers that say everything about an uploader on one line: `/api/uploaders` and `/api/summary`."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from cloudplow.events import SessionOutcome, UploaderState
from cloudplow_dashboard.state.document_words import EngineState, Phase, ProgramState
from cloudplow_dashboard.state.measures import Bytes, BytesPerSecond, EpochSeconds, Nothing, Seconds, SecondsLeft


class UploaderLine(TypedDict):
    """One uploader, with the figures that fit on one line. The keys mean what they mean in the state document.

    eta_seconds: until finish_at, 0 when unknown. byte_percentage: `percentage` of the figures, 0 when unknown.
    `queue_*`: what is left of the queue. `quota_waiting_*`: of what is left, what does not fit into the quota of now.
    quota_spent_bytes: used, on its way and unsettled together.
    """

    active: bool
    phase: Phase
    state: UploaderState
    why: str
    until: EpochSeconds
    next_check_at: EpochSeconds
    threshold_bytes: Bytes
    waiting_files: int
    waiting_bytes: Bytes
    checked_at: EpochSeconds
    outcome: SessionOutcome | Nothing
    reason: str
    folder: str
    remote: str
    account: str
    stage: int
    stages_total: int
    started_at: EpochSeconds
    ended_at: EpochSeconds
    files_done: int
    files_total: int
    files_left: int
    files_failed: int
    bytes_done: Bytes
    bytes_total: Bytes
    bytes_left: Bytes
    bytes_in_flight: Bytes
    byte_percentage: float
    speed: BytesPerSecond
    average_speed: BytesPerSecond
    eta_seconds: Seconds
    finish_at: EpochSeconds
    quota_until: EpochSeconds
    quota_waiting_files: int
    quota_waiting_bytes: Bytes
    queue_files: int
    queue_bytes: Bytes
    dry_run: bool
    would_go_files: int
    would_go_bytes: Bytes
    stale_since: EpochSeconds
    next_capacity_at: EpochSeconds
    suspended_until: EpochSeconds
    throttle_limit: BytesPerSecond
    recovered: bool
    accounts_total: int
    quota_used_bytes: Bytes
    quota_in_flight_bytes: Bytes
    quota_unsettled_bytes: Bytes
    quota_spent_bytes: Bytes
    quota_free_bytes: Bytes
    quota_limit_bytes: Bytes


class Totals(TypedDict):
    """The sessions that run, together. active: how many. byte_percentage: 0 when unknown. finish_at: when the last of
    them is done, 0 if that is unknown of one. stale: whether one of them has not been heard of lately.
    """

    active: int
    files_done: int
    files_total: int
    files_left: int
    bytes_done: Bytes
    bytes_total: Bytes
    bytes_left: Bytes
    bytes_in_flight: Bytes
    byte_percentage: float
    speed: BytesPerSecond
    finish_at: EpochSeconds
    stale: bool


class UploaderLines(TypedDict):
    """Every uploader by its name, and the sums of those that upload."""

    uploaders: dict[str, UploaderLine]
    totals: Totals


class Summary(UploaderLine):
    """One flat object: the uploader that runs, or the last one, and the program. `_human` is for people.

    quota_used_human: of all that is spent.
    """

    status: Literal["healthy"]
    version: str
    engine: EngineState
    program: ProgramState
    program_ended_at: EpochSeconds
    limit: BytesPerSecond
    notifications_failed: int
    uptime_seconds: Seconds
    last_event_age_seconds: SecondsLeft
    uploader: str
    bytes_done_human: str
    bytes_total_human: str
    bytes_left_human: str
    speed_human: str
    eta_human: str
    quota_used_human: str
    quota_limit_human: str
    accounts_ready: int
    accounts_active: int
    accounts_cooling: int
    accounts_denied: int
    accounts_failed: int
