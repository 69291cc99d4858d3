"""One blinker signal per kind of event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from blinker import NamedSignal, Namespace

from cloudplow.events import facts, waiting

_namespace = Namespace()


def _signal(event_type: type[facts.Event]) -> NamedSignal:
    return _namespace.signal(event_type.signal_name, doc=event_type.__doc__)


session_started: Final = _signal(facts.SessionStarted)
queue_learned: Final = _signal(facts.QueueLearned)
accounts_learned: Final = _signal(facts.AccountsLearned)
plan_made: Final = _signal(facts.PlanMade)
stage_started: Final = _signal(facts.StageStarted)
sa_switched: Final = _signal(facts.SaSwitched)
transfer_progress: Final = _signal(facts.TransferProgress)
file_transferred: Final = _signal(facts.FileTransferred)
file_failed: Final = _signal(facts.FileFailed)
quota_changed: Final = _signal(facts.QuotaChanged)
stage_finished: Final = _signal(facts.StageFinished)
uploader_suspended: Final = _signal(facts.UploaderSuspended)
uploader_resumed: Final = _signal(facts.UploaderResumed)
uploader_checked: Final = _signal(waiting.UploaderChecked)
uploader_status: Final = _signal(waiting.UploaderStatusChanged)
throttle_changed: Final = _signal(facts.ThrottleChanged)
control_used: Final = _signal(facts.ControlUsed)
notification_failed: Final = _signal(facts.NotificationFailed)
session_finished: Final = _signal(facts.SessionFinished)

#: Every signal by its name.
SIGNALS: Final[Mapping[str, NamedSignal]] = dict(_namespace)
