"""The facts of an upload: one blinker signal and one frozen dataclass for each.

    from cloudplow import events

    def on_switch(sender, *, event, **extra):
        print(event.uploader, event.previous, "->", event.current, event.reason)

    events.sa_switched.connect(on_switch)                    # every uploader
    events.sa_switched.connect(on_switch, sender="google")   # one uploader

blinker keeps weak references, so keep the receiver alive (a module-level function, or a bound method of a live
object; a bare lambda vanishes). Receivers run on delivery threads (`cloudplow.delivery`), in order, one event at a
time for each receiver, never on the thread that drives rclone. Always accept `**extra`: later versions may add to it.

`sentence(event)` puts an event into words; `amount`, `count` and `local_time` are what sentences are made of. The codes
in events are enumerations: `SwitchReason`, `SessionOutcome` ...
"""

from cloudplow.events.facts import (
    AccountQuota,
    AccountsLearned,
    ControlUsed,
    Event,
    FileFailed,
    FileTransferred,
    NotificationFailed,
    PlanMade,
    QueueLearned,
    QuotaChanged,
    SaSwitched,
    SessionFinished,
    SessionStarted,
    StageFinished,
    StageStarted,
    ThrottleChanged,
    TransferProgress,
    Transferring,
    UploaderResumed,
    UploaderSuspended,
)
from cloudplow.events.recovered import (
    ProgramEnded,
    ProgramFollowed,
    SessionJoined,
    SessionRecovered,
    TransfersRecovered,
)
from cloudplow.events.sentences import (
    amount,
    count,
    local_time,
    sentence,
)
from cloudplow.events.signals import (
    SIGNALS,
    accounts_learned,
    control_used,
    file_failed,
    file_transferred,
    notification_failed,
    plan_made,
    queue_learned,
    quota_changed,
    sa_switched,
    session_finished,
    session_started,
    stage_finished,
    stage_started,
    throttle_changed,
    transfer_progress,
    uploader_checked,
    uploader_resumed,
    uploader_status,
    uploader_suspended,
)
from cloudplow.events.vocabulary import (
    WENT_THROUGH,
    AccountState,
    SessionOutcome,
    StageOutcome,
    SwitchReason,
    UploaderState,
)
from cloudplow.events.waiting import (
    UploaderChecked,
    UploaderStatusChanged,
)

__all__ = [
    "SIGNALS",
    "WENT_THROUGH",
    "AccountQuota",
    "AccountState",
    "AccountsLearned",
    "ControlUsed",
    "Event",
    "FileFailed",
    "FileTransferred",
    "NotificationFailed",
    "PlanMade",
    "ProgramEnded",
    "ProgramFollowed",
    "QueueLearned",
    "QuotaChanged",
    "SaSwitched",
    "SessionFinished",
    "SessionJoined",
    "SessionOutcome",
    "SessionRecovered",
    "SessionStarted",
    "StageFinished",
    "StageOutcome",
    "StageStarted",
    "SwitchReason",
    "ThrottleChanged",
    "TransferProgress",
    "Transferring",
    "TransfersRecovered",
    "UploaderChecked",
    "UploaderResumed",
    "UploaderState",
    "UploaderStatusChanged",
    "UploaderSuspended",
    "accounts_learned",
    "amount",
    "control_used",
    "count",
    "file_failed",
    "file_transferred",
    "local_time",
    "notification_failed",
    "plan_made",
    "queue_learned",
    "quota_changed",
    "sa_switched",
    "sentence",
    "session_finished",
    "session_started",
    "stage_finished",
    "stage_started",
    "throttle_changed",
    "transfer_progress",
    "uploader_checked",
    "uploader_resumed",
    "uploader_status",
    "uploader_suspended",
]
