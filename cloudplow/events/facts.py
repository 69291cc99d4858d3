"""The facts of an upload: one frozen dataclass for each kind. Sizes are in bytes, times in epoch seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from cloudplow.events.vocabulary import AccountState, SessionOutcome, StageOutcome, SwitchReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event carries.

    seq: 1, 2, 3 ... without gaps, per process, in order of publication; 0 before publication.
    at: epoch seconds of publication; session_id: one per uploader and run.
    """

    signal_name: ClassVar[str] = ""

    seq: int = 0
    at: float = 0.0
    session_id: str = ""
    uploader: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStarted(Event):
    """`session_started`: an upload of one uploader starts. accounts_total is 0 when it uses no accounts.

    run_id: the same for all sessions that go on with one queue as quota comes back; "" from older versions.
    """

    signal_name: ClassVar[str] = "session_started"

    upload_folder: str
    upload_remote: str
    accounts_total: int
    dry_run: bool
    run_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLearned(Event):
    """`queue_learned`: the files to upload are known. Published again when a later listing differs.

    files, bytes: the whole queue now. distribution: the document of `cloudplow.distribution`.
    source: how it was learned ("lsf", "dry_run"); confidence: "exact" when every file was listed.
    learned_at: None for now; a time if an earlier process learned it (`PluginApp.recovered()`).
    """

    signal_name: ClassVar[str] = "queue_learned"

    files: int
    bytes: int
    distribution: Mapping[str, Any]
    source: str
    confidence: str
    duration_seconds: float
    learned_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStarted(Event):
    """`stage_started`: a run of rclone starts. stage counts from 1, account_index from 0.

    account: base name of the key file, "" without accounts (then account_index is -1 and
    quota_remaining_bytes is None). quota_remaining_bytes: what the account has left before the stage.
    """

    signal_name: ClassVar[str] = "stage_started"

    stage: int
    account: str
    account_index: int
    accounts_total: int
    planned_files: int
    planned_bytes: int
    quota_remaining_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SaSwitched(Event):
    """`sa_switched`: another service account takes over. previous: "" for the first one."""

    signal_name: ClassVar[str] = "sa_switched"

    previous: str
    current: str
    account_index: int
    accounts_total: int
    reason: SwitchReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Transferring:
    """A file being uploaded. size, bytes: bytes; speed: bytes per second; eta: seconds, None when unknown."""

    name: str
    size: int
    bytes: int
    speed: float
    eta: float | None
    percentage: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferProgress(Event):
    """`transfer_progress`: rclone's own statistics of the running stage, about once a second.

    bytes is rclone's figure and may include failed and repeated uploads: never sum it; sum `file_transferred`.
    checking: names only.
    bytes_left: of the whole queue. done_at: when it would be done at the current speed; done_with_quotas_at: when it
    will be done, given the quotas and when they come back (both epoch seconds, None when unknown).
    silent_seconds: rclone has said nothing for so long: the last figures again, without a speed; 0: they are new.
    """

    signal_name: ClassVar[str] = "transfer_progress"

    bytes: int
    total_bytes: int
    speed: float
    eta: float | None
    files: int
    total_files: int
    errors: int
    transferring: tuple[Transferring, ...] = ()
    checking: tuple[str, ...] = ()
    bytes_left: int = 0
    done_at: float | None = None
    done_with_quotas_at: float | None = None
    silent_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTransferred(Event):
    """`file_transferred`: a file arrived (and, for a move, left the source). size in bytes.

    account: base name of the key file, "" without accounts.
    already_there: the destination already had it, so nothing was uploaded and no quota was spent.
    found_later: a look at the destination showed that a file of an interrupted stage had arrived. It counts in the
    totals of the session that looked; account is the one that paid, stage is 0.
    """

    signal_name: ClassVar[str] = "file_transferred"

    name: str
    size: int
    account: str
    stage: int
    already_there: bool = False
    found_later: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFailed(Event):
    """`file_failed`: a file could not be uploaded in this stage; it is still intact at the source."""

    signal_name: ClassVar[str] = "file_failed"

    name: str
    error: str
    account: str
    stage: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaChanged(Event):
    """`quota_changed`: what an account has spent within its window.

    resets_at: epoch seconds at which the first spent bytes come back; None when nothing is spent.
    why: a sentence for users, "" when there is nothing to say.
    until: epoch seconds at which it is ready again, None when it is ready or when unknown.
    returns: what comes back when, (epoch seconds, bytes) in order of time; the first one exactly, later ones summed by
    the hour, at most 24.
    in_flight_bytes: what its running uploads have sent so far; unsettled_bytes: what interrupted uploads may have sent,
    until the destination has been asked. Both count as spent, but are not in used_bytes.
    """

    signal_name: ClassVar[str] = "quota_changed"

    account: str
    used_bytes: int
    limit_bytes: int
    resets_at: float | None
    state: AccountState = AccountState.READY
    why: str = ""
    until: float | None = None
    returns: tuple[tuple[float, int], ...] = ()
    in_flight_bytes: int = 0
    unsettled_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountQuota:
    """One account of a pool; the fields are those of `QuotaChanged`."""

    account: str
    used_bytes: int
    limit_bytes: int
    resets_at: float | None
    state: AccountState
    why: str
    until: float | None
    returns: tuple[tuple[float, int], ...] = ()
    in_flight_bytes: int = 0
    unsettled_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountsLearned(Event):
    """`accounts_learned`: the whole pool in natural order: when a session starts or ends, and when key files change."""

    signal_name: ClassVar[str] = "accounts_learned"

    accounts: tuple[AccountQuota, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMade(Event):
    """`plan_made`: how the queue is distributed over accounts and stages.

    plan: the document of `/api/plan` for one uploader (`cloudplow.planning.planner.plan_document`).
    """

    signal_name: ClassVar[str] = "plan_made"

    plan: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFinished(Event):
    """`stage_finished`: a run of rclone ended. files, bytes: what was transferred (including what was already there).

    reason: a sentence for users, "" when there is nothing to say.
    """

    signal_name: ClassVar[str] = "stage_finished"

    stage: int
    account: str
    outcome: StageOutcome
    files: int
    bytes: int
    duration_seconds: float
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploaderSuspended(Event):
    """`uploader_suspended`: nothing is uploaded until a time (epoch seconds; None when unknown)."""

    signal_name: ClassVar[str] = "uploader_suspended"

    reason: str
    until: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UploaderResumed(Event):
    """`uploader_resumed`: the suspension is over. reason, until: those of the suspension."""

    signal_name: ClassVar[str] = "uploader_resumed"

    reason: str
    until: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottleChanged(Event):
    """`throttle_changed`: limit in bytes per second, None for none but the user's own (`--bwlimit`); streams: how many
    are playing; source: who set it, "control" for a person, else for example "plex".
    """

    signal_name: ClassVar[str] = "throttle_changed"

    limit: float | None
    streams: int
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlUsed(Event):
    """`control_used`: somebody steered the program. action: for example "correct"; by: "cli", "api" ...; who: a user's
    name, "" when unknown. what: a sentence for users, "" when there is nothing to say. limit_bytes: of "limit", what
    stands from now on, in bytes per second; None for no limit, and for other actions.
    """

    signal_name: ClassVar[str] = "control_used"

    action: str
    by: str
    who: str = ""
    what: str = ""
    limit_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationFailed(Event):
    """`notification_failed`: a notification did not arrive. receiver: its name in the configuration; error: a few words
    without addresses. will_retry: it is tried once more. It is of no uploader.
    """

    signal_name: ClassVar[str] = "notification_failed"

    receiver: str
    error: str
    will_retry: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFinished(Event):
    """`session_finished`: an upload of one uploader ended.

    files, bytes: exactly the sum of the session's `file_transferred`. files_left, bytes_left: what remains to be
    uploaded. next_capacity_at: epoch seconds at which the first quota comes back, None if nothing waits for it.
    reason: a sentence for users, "" when there is nothing to say. run_id, dry_run: as in `SessionStarted`.
    """

    signal_name: ClassVar[str] = "session_finished"

    outcome: SessionOutcome
    files: int
    bytes: int
    files_left: int
    bytes_left: int
    next_capacity_at: float | None
    reason: str = ""
    run_id: str = ""
    dry_run: bool = False
