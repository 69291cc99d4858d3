"""Tells what uploaders wait for: as events, and in the log when it changes."""

from __future__ import annotations

import logging
from collections.abc import Callable

from cloudplow.dispatch.entry import Entry
from cloudplow.events import (
    Event,
    UploaderChecked,
    UploaderResumed,
    UploaderState,
    UploaderStatusChanged,
    UploaderSuspended,
)
from cloudplow.models import UploaderStatus
from cloudplow.scheduling.due import Decision, Rules, of_threshold

log = logging.getLogger("cloudplow")


class Telling:
    """Used by the dispatcher, under its lock. publish: returns at once."""

    def __init__(self, publish: Callable[[Event], object]) -> None:
        self._publish = publish

    def status(self, entry: Entry, status: UploaderStatus, rules: Rules, *, log_it: bool) -> None:
        """What an uploader does now, if that is new."""
        known = entry.told
        if known == status:
            return
        entry.told = status
        if known is not None and known[:3] == status[:3] and entry.is_busy:
            return  # how much is left of a running upload is told file by file
        if log_it and status.why and entry.logged != status.why:
            entry.logged = status.why
            log.info("%s: %s", entry.name, status.why)
        self._publish(
            UploaderStatusChanged(
                uploader=entry.name,
                state=status.state,
                why=status.why,
                until=status.until,
                next_check_at=status.next_check_at,
                files_left=status.files_left,
                bytes_left=status.bytes_left,
                threshold_bytes=rules.threshold_bytes,
            )
        )

    def gone(self, entry: Entry) -> None:
        """It is no longer in the configuration: nobody says any more what it waits for."""
        self.resumed(entry)
        if entry.told is not None:
            entry.told = None
            self._publish(UploaderStatusChanged(uploader=entry.name, state=UploaderState.IDLE, why=""))

    def stopping(self, entry: Entry) -> None:
        """Somebody stops its upload: to be called before that, so that nothing comes after the session's end."""
        self.status(entry, UploaderStatus(UploaderState.STOPPING, "stopping on request"), entry.rules, log_it=False)

    def checked(self, entry: Entry, decision: Decision | None) -> None:
        """It was measured."""
        files, size = entry.left or (0, 0)
        self._publish(
            UploaderChecked(
                uploader=entry.name,
                files=files,
                bytes=size,
                threshold_bytes=entry.rules.threshold_bytes,
                due=entry.ready,
                why=of_threshold(size, entry.rules.threshold_bytes),
                next_check_at=None if entry.ready or decision is None else decision.next_at,
            )
        )

    def suspended(self, entry: Entry, reason: str, until: float | None) -> None:
        """Nothing of it is uploaded for now."""
        if entry.suspended is None or entry.suspended.reason != reason:
            entry.suspended = UploaderSuspended(uploader=entry.name, reason=reason, until=until)
            self._publish(entry.suspended)

    def resumed(self, entry: Entry) -> None:
        """That is over."""
        if entry.suspended is not None:
            told, entry.suspended = entry.suspended, None
            self._publish(UploaderResumed(uploader=entry.name, reason=told.reason, until=told.until))
