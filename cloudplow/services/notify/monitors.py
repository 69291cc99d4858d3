"""What monitors get: Healthchecks pings for each beginning and end, Uptime Kuma beats while the program lives. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from cloudplow import events
from cloudplow.events import Event, SessionOutcome
from cloudplow.services.notify import texts
from cloudplow.services.notify.runs import Run, Runs

#: Uptime Kuma expects a beat every 60 s unless told otherwise; a beat that is late by some seconds must not alarm.
BEAT_SECONDS: Final = 45.0

#: What each end is for Healthchecks. An interrupted upload is only noted: if none follows, the check is late by itself.
_ACTIONS: Final[Mapping[SessionOutcome, str]] = {
    SessionOutcome.DONE: "",
    SessionOutcome.QUOTA_USED: "",
    SessionOutcome.SUSPENDED: "",
    SessionOutcome.FAILED: "fail",
    SessionOutcome.INTERRUPTED: "log",
}


class Ping(NamedTuple):
    """One for Healthchecks. action: "start", "fail", "log", or "" for success; rid: the same for start and end."""

    action: str
    rid: str
    text: str


class Monitors:
    """Events in, pings out; knows whether all is well. For one thread, except for `down_because`."""

    def __init__(self, *, dry_run: bool = False) -> None:
        self._dry_run = dry_run
        self._runs = Runs()
        self._failed: dict[str, str] = {}

    def take(self, event: Event) -> list[Ping]:
        """The pings for an event. A dry run is none of a monitor's business."""
        if self._dry_run:
            return []
        if isinstance(event, events.SessionStarted):
            run = self._runs.started(event)
            return [] if run is None or run.dry_run else [Ping("start", run.id, texts.check(run, None))]
        if isinstance(event, events.SessionFinished):
            run = self._runs.ended(event)
            return [] if run is None or run.dry_run else [self._ended(run, event)]
        return []

    def close(self) -> list[Ping]:
        """The program ends."""
        return [self._ended(run, run.waits) for run in self._runs.waiting() if run.waits is not None]

    def _ended(self, run: Run, event: events.SessionFinished) -> Ping:
        failed = {name: why for name, why in self._failed.items() if name != run.uploader}
        if event.outcome is SessionOutcome.FAILED:
            failed[run.uploader] = texts.check(run, event)
        self._failed = failed
        return Ping(_ACTIONS.get(event.outcome, "log"), run.id, texts.check(run, event))

    def down_because(self) -> str:
        """What is wrong: the last upload of an uploader failed; "" if nothing is. From any thread."""
        return "; ".join(self._failed.values())
