"""Parts of the state document about a session: what it did, what it is doing, when it will be done."""

from __future__ import annotations

from typing_extensions import TypedDict

from cloudplow.events import SessionOutcome, SwitchReason
from cloudplow_dashboard.state.measures import Bytes, BytesPerSecond, EpochSeconds, Nothing, SecondsLeft


class SessionBase(TypedDict):
    """What is known of a session at any time. run_id: the same for all that go on with one queue as quota comes back;
    "" if unknown. `would_go_*`: of a dry run, what its stages so far would have uploaded; else 0.
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
    would_go_files: int
    would_go_bytes: Bytes


class Session(SessionBase):
    """The session that runs, or the last one.

    folder: the last part of its path. stage: the current one, counted from 1. account_index: the 0-based place of
    account in the pool, -1 when unknown. accounts_used: by name, at most 1000. bytes_done: what has arrived, of which
    bytes_in_flight belongs to files that are still on their way, so that done and left are always the total, for files
    and for bytes. After the end nothing is on its way, and both are exactly what arrived. files_total, bytes_total: 0
    also if an earlier process never knew them. recovered: an earlier process ran it.
    """

    stages_total: int
    account: str
    account_index: int
    accounts_total: int
    accounts_used: list[str]
    switch_reason: SwitchReason | Nothing
    files_total: int
    bytes_total: Bytes
    bytes_in_flight: Bytes
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
    in rclone's order; transferring_count counts all of them. checking: names, at most 50, of others. silent_since: when
    something was last heard of an upload that has said nothing for a minute, else 0.
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


class Figures(TypedDict):
    """Numbers that follow from the other parts, computed nowhere else.

    percentage: of the bytes, or of the files if all of them are empty; 0 to 100, where 100 is only said when all is
    done; -1 when unknown. average_speed: since the session began, until the latest news or its end. finish_at: when
    everything is done, waits for quota included. quota_until: when what fits into the quota of now is done, 0 if all
    fits. `waiting_*`: of what is left, what does not fit. next_capacity_at: when more quota helps to go on, while that
    is to come. stale_since: since when an upload, which should be heard of every second, has said nothing, if that is
    longer than 5 seconds; all of its figures are as of then. Else 0.
    """

    percentage: float
    average_speed: BytesPerSecond
    finish_at: EpochSeconds
    quota_until: EpochSeconds
    waiting_files: int
    waiting_bytes: Bytes
    next_capacity_at: EpochSeconds
    stale_since: EpochSeconds


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
