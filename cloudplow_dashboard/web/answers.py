"""The answers beside the state document: those of the first dashboard, and those that look at every uploader."""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import TypedDict

from cloudplow.events import AccountState, SessionOutcome
from cloudplow_dashboard.state.distribution import Distribution
from cloudplow_dashboard.state.document_words import Phase
from cloudplow_dashboard.state.measures import Bytes, BytesPerSecond, EpochSeconds, Nothing, Seconds


class ErrorDetail(TypedDict):
    """code: for programs; message: one sentence for people."""

    code: str
    message: str


class Error(TypedDict):
    """The body of every answer that reports a fault."""

    error: ErrorDetail


class StreamEvent(TypedDict):
    """One event of the stream. id: "BOOT:VERSION"; data: one line of JSON, a StateDocument or a patch of it."""

    id: str
    event: Literal["snapshot", "patch"]
    data: str


class Status(TypedDict):
    """Whether an upload runs, and where it is. session_start: local time, as text; sa_index: 0-based."""

    active: bool
    message: str
    uploader: str
    current_sa: str
    sa_index: int
    total_sas: int
    stage: int
    total_stages: int
    session_start: str
    upload_folder: str
    phase: Phase
    outcome: SessionOutcome | Nothing
    upload_remote: str
    recovered: bool


class SessionFigures(TypedDict):
    """Totals of the session, as in the state document; `_human` says the same for people. Percentages: 0 to 100.

    transferred_bytes: with in_flight_bytes, which have arrived of files on their way. Transferred and remaining are the
    total. eta_seconds: until finish_at, when everything is done, waits for quota included; 0 when unknown.
    """

    total_files: int
    transferred_files: int
    remaining_files: int
    file_percentage: float
    total_bytes: Bytes
    total_bytes_human: str
    transferred_bytes: Bytes
    transferred_bytes_human: str
    in_flight_bytes: Bytes
    remaining_bytes: Bytes
    remaining_bytes_human: str
    byte_percentage: float
    duration_seconds: Seconds
    duration_human: str
    avg_speed: BytesPerSecond
    avg_speed_human: str
    eta_seconds: Seconds
    eta_human: str
    finish_at: EpochSeconds
    stale_since: EpochSeconds
    session_start: str
    sas_used: list[str]
    failed_files: int
    uploader: str


class SessionStats(TypedDict):
    """available: there was a session."""

    available: bool
    data: SessionFigures


class AccountRow(TypedDict):
    """One account. status: "complete" from 95 % of its quota on. reset_in: for people.

    percentage: of its quota that is used, on its way or unsettled; used_gb: of used_bytes.
    The other keys are those of the state document.
    """

    sa_file: str
    status: Literal["active", "complete", "ready"]
    used_bytes: Bytes
    in_flight_bytes: Bytes
    unsettled_bytes: Bytes
    free_bytes: Bytes
    quota_bytes: Bytes
    used_gb: float
    quota_gb: float
    percentage: float
    reset_time: EpochSeconds
    reset_in: str
    uploader: str
    index: int
    state: AccountState
    why: str
    until: EpochSeconds


class SpeedAndEta(TypedDict):
    """eta: 0 when unknown."""

    speed: BytesPerSecond
    speed_human: str
    eta: Seconds
    eta_human: str


class FileRow(SpeedAndEta):
    """A file that is being transferred."""

    name: str
    size: Bytes
    size_human: str
    bytes: Bytes
    bytes_human: str
    percentage: int


class RcloneFigures(SpeedAndEta):
    """rclone's own statistics of the running stage. transfers: files; checking: names."""

    bytes: Bytes
    bytes_human: str
    transfers: int
    errors: int
    checking: list[str]
    transferring: list[FileRow]
    total_bytes: Bytes
    total_transfers: int
    uploader: str


class RcloneStats(TypedDict):
    """available: a stage runs."""

    available: bool
    data: RcloneFigures


class Distributions(TypedDict):
    """data: by uploader, or of the uploader that was asked for. available: there is any."""

    available: bool
    data: dict[str, Distribution] | Distribution


class Plans(TypedDict):
    """data: the documents of `cloudplow plan --json` by uploader, or the one that was asked for.

    speed, done_at and done_with_quotas_at: as of now, 0 when unknown; the rest is as of when the plan was made.
    """

    available: bool
    data: dict[str, Any]


class QueueStats(TypedDict):
    """listed: files that the last listing found; left, left_bytes: what is left. The others are rclone's figures."""

    listed: int
    left: int
    left_bytes: Bytes
    checks: int
    totalChecks: int
    totalTransfers: int
    checking: list[str]
    checking_count: int
    transferring_count: int


class QueueFigures(TypedDict):
    """stage_params: with what the running stage was started; an older version may have left further keys."""

    stage_params: dict[str, Any]
    queue_stats: QueueStats


class QueueStatus(TypedDict):
    """available: a session runs."""

    available: bool
    data: QueueFigures
