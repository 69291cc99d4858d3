"""One uploader, as the dispatcher keeps it: what is known of it, and what it is doing. No threads."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from cloudplow.dispatch.host import Ended, Measured
from cloudplow.events import SessionFinished, SessionOutcome, UploaderState, UploaderSuspended, sentence
from cloudplow.models import UploaderStatus
from cloudplow.scheduling.due import Cooling, Decision, Rules, Sleep, Standing, of_threshold, vetoed_sentence
from cloudplow.upload.controls import SessionControls

#: Rules of an upload that somebody asked for once: whatever waits, waits only for quota.
ONCE: Final = Rules(interval_seconds=float("inf"), threshold_bytes=0)


class Phase(StrEnum):
    """What an uploader's thread does."""

    IDLE = "idle"
    CHECKING = "check"
    UPLOADING = "upload"


@dataclass(slots=True)
class Entry:
    """Owned by the dispatcher, and used under its lock.

    asked: somebody wants an upload now. ready: one is due, and waits for a free place in the order
    of `ready_number`. blocked: why it waits. run_id: of the sessions that belong together. mark: of the key files.
    suspended: the suspension that was told and is not over.
    """

    name: str
    standing: Standing = field(default_factory=Standing)
    rules: Rules = ONCE
    phase: Phase = Phase.IDLE
    controls: SessionControls | None = None
    asked: bool = False
    ready: bool = False
    ready_number: int = 0
    blocked: str = ""
    run_id: str = ""
    mark: int = 0
    fault: str = ""
    suspended: UploaderSuspended | None = None
    left: tuple[int, int] | None = None
    finished: SessionFinished | None = None
    told: UploaderStatus | None = None
    logged: str = ""

    @property
    def is_busy(self) -> bool:
        """Whether a thread works for it."""
        return self.phase is not Phase.IDLE

    @property
    def wants_upload(self) -> bool:
        """Whether an upload is to start as soon as it can."""
        return not self.is_busy and not self.fault and (self.asked or self.ready)

    def checked(self, measured: Measured, now: float) -> bool:
        """It was measured; returns whether an upload is due."""
        self.left = measured.files, measured.bytes
        due = measured.files > 0 and measured.bytes >= self.rules.threshold_bytes
        if due:
            self.standing = replace(self.standing, measured_bytes=measured.bytes, last="")
        else:
            self.standing = replace(self.standing, last_end=now, measured_bytes=measured.bytes, last="")
        return due

    def not_measured(self, why: str, now: float) -> None:
        """It could not be measured: the next check tries again."""
        self.standing = replace(self.standing, last_end=now, measured_bytes=None, last=why)

    def upload_ended(self, ended: Ended, now: float, *, waits: bool) -> None:
        """An upload ended. waits: whether the next one starts by itself when quota comes back."""
        event = ended.event
        self.finished = event
        if ended.counted:
            self.left = event.files_left, event.bytes_left
        failed = event.outcome is SessionOutcome.FAILED
        standing = replace(
            self.standing,
            last_end=now,
            measured_bytes=event.bytes_left if ended.counted else self.standing.measured_bytes,
            last=f"last upload failed: {event.reason or 'see the log'}" if failed else "",
            cooling=None,
        )
        if event.outcome is SessionOutcome.SUSPENDED and event.next_capacity_at:
            standing = replace(standing, sleep=Sleep(now, event.next_capacity_at, event.reason))
        elif waits and ended.help is not None:
            cooling = Cooling(ended.help.at, ended.help.bytes, ended.accounts, self.run_id)
            standing = replace(standing, cooling=cooling)
        self.standing = standing
        if standing.cooling is None:
            self.run_id = ""

    def end_wait(self, now: float) -> bool:
        """Nothing of this run goes on by itself; returns whether anything would have."""
        waited = self.asked or self.ready or self.standing.cooling is not None
        self.asked = self.ready = False
        if waited:
            self.standing = replace(self.standing, cooling=None, last_end=now)
            self.run_id = ""
        return waited

    def idle_status(self, decision: Decision | None) -> UploaderStatus:
        """What is told of it while no thread works for it. decision: None if nothing starts by itself."""
        files, size = self.left if self.left is not None else (None, None)
        if self.fault:
            status = UploaderStatus(UploaderState.FAILED, f"left out: {self.fault}", left_out=True)
        elif self.wants_upload and self.standing.vetoed is not None:
            status = UploaderStatus(UploaderState.VETOED, vetoed_sentence(self.standing.vetoed[1]))
        elif self.wants_upload:
            why = self.blocked or "about to start"
            if self.ready and not self.asked and self.standing.cooling is None and size:
                why = f"{of_threshold(size, self.rules.threshold_bytes)}: {why}"
            status = UploaderStatus(UploaderState.WAITING, why)
        elif decision is not None and decision.why:
            status = UploaderStatus(decision.state, decision.why, decision.until, decision.next_at)
        elif decision is not None:
            status = UploaderStatus(UploaderState.WAITING, "about to be checked", None, decision.next_at)
        else:
            status = _last(self.finished)
        return status._replace(files_left=files, bytes_left=size)

    def busy_status(self) -> UploaderStatus:
        """The same while a thread does."""
        assert self.controls is not None
        if self.phase is Phase.CHECKING:
            stopping = self.controls.should_stop()
            why = "stopping on request" if stopping else "measuring what is to be uploaded"
            return UploaderStatus(UploaderState.STOPPING if stopping else UploaderState.SCANNING, why)
        status = self.controls.status()
        left = self.controls.left()
        return status if left is None else status._replace(files_left=left[0], bytes_left=left[1])


def _last(finished: SessionFinished | None) -> UploaderStatus:
    if finished is None:
        return UploaderStatus(UploaderState.IDLE, "no upload has run yet")
    failed = finished.outcome is SessionOutcome.FAILED
    state = UploaderState.FAILED if failed else UploaderState.IDLE
    return UploaderStatus(state, f"last upload: {sentence(finished)}")
