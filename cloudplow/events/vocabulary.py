"""The codes in events, each list defined once. They are strings, and compare and serialize as such."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class AccountState(StrEnum):
    """What an account can do now. Decided in one place: `cloudplow.accounts.pool`."""

    READY = "ready"
    ACTIVE = "active"
    #: Nearly used up: what it has spent comes back over time.
    COOLING = "cooling"
    #: Google refuses its uploads for now.
    DENIED = "denied"
    #: Set aside for this session, for example because its key was revoked.
    FAILED = "failed"


class SessionOutcome(StrEnum):
    """How an upload of one uploader ended."""

    DONE = "done"
    QUOTA_USED = "quota_used"
    SUSPENDED = "suspended"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class StageOutcome(StrEnum):
    """How one run of rclone ended. Decided in one place: `cloudplow.rclone.verdict`."""

    DONE = "done"
    FILES_FAILED = "files_failed"
    DENIED = "denied"
    ACCOUNT_FAILED = "account_failed"
    DESTINATION_FULL = "destination_full"
    MISUSED = "misused"
    #: Not the fault of an account or a file: the network, the token service, a disk, the machine's clock.
    OFFLINE = "offline"
    #: Ended for its silence (`stall_minutes`).
    STALLED = "stalled"
    TRIGGERED = "triggered"
    LIMIT_REACHED = "limit_reached"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


#: How a stage of a dry run ends of which every file would go.
WENT_THROUGH: Final = frozenset({StageOutcome.DONE, StageOutcome.LIMIT_REACHED})


class SwitchReason(StrEnum):
    """Why another account takes over."""

    FIRST = "first"
    QUOTA_USED = "quota_used"
    DENIED = "denied"
    TRIGGER = "trigger"
    FAILED = "failed"


class UploaderState(StrEnum):
    """What an uploader is doing now, as `cloudplow status` shows it."""

    IDLE = "idle"
    UPLOADING = "uploading"
    SCANNING = "scanning"
    WAITING = "waiting"
    OUTSIDE_WINDOW = "outside_window"
    COOLING = "cooling"
    ASLEEP = "asleep"
    PAUSED = "paused"
    STOPPING = "stopping"
    STALLED = "stalled"
    OFFLINE = "offline"
    VETOED = "vetoed"
    FAILED = "failed"
