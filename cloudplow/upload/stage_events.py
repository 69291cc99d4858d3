"""Turns what happens in a stage into ledger charges and events. Runs on the thread that drives rclone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from cloudplow import events
from cloudplow.events import Event
from cloudplow.models import QueueFile, printable_name
from cloudplow.rclone.log import Stats

#: The shortest time between two `quota_changed` of the running account, in seconds.
QUOTA_EVENT_SECONDS: Final = 1.0

Emit = Callable[..., None]


class StageReporter:
    """The listener of one stage.

    emit: publishes an event of the session; charge: charges bytes to the stage's account; quota_changed: publishes the
    account's state; both do nothing without accounts. forget: called for each file that is done, with whether it was
    already there. outlook: the fields of `transfer_progress` about the whole queue.
    """

    def __init__(
        self,
        *,
        stage: int,
        account: str,
        emit: Emit,
        charge: Callable[[int], None],
        quota_changed: Callable[[], None],
        forget: Callable[[QueueFile, bool], None],
        outlook: Callable[[Stats], dict[str, Any]],
        clock: Callable[[], float],
    ) -> None:
        self._stage = stage
        self._account = account
        self._emit = emit
        self._charge = charge
        self._quota_changed = quota_changed
        self._forget = forget
        self._outlook = outlook
        self._clock = clock
        self._next_quota_event = clock() + QUOTA_EVENT_SECONDS

    def on_uploaded(self, file: QueueFile) -> None:
        self._charge(file.size)
        if self._clock() >= self._next_quota_event:
            self._next_quota_event = self._clock() + QUOTA_EVENT_SECONDS
            self._quota_changed()

    def on_skipped(self, file: QueueFile) -> None:
        self._charge(file.size)

    def on_transferred(self, file: QueueFile, *, already_there: bool) -> None:
        self._forget(file, already_there)
        self._send(events.FileTransferred, name=printable_name(file.name), size=file.size, already_there=already_there)

    def on_failed(self, name: str, error: str) -> None:
        self._send(events.FileFailed, name=name, error=error)

    def on_progress(self, stats: Stats) -> None:
        self._emit(events.TransferProgress, **stats.fields(), **self._outlook(stats))

    def _send(self, event_type: type[Event], **fields: Any) -> None:
        self._emit(event_type, account=self._account, stage=self._stage, **fields)
