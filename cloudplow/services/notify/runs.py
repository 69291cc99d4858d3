"""Sessions that belong together are one run: those of one wait for quota share a `run_id`. Pure."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Final

from cloudplow.events import Event, SessionFinished, SessionOutcome, SessionStarted

#: Runs that never end (their events got lost) are forgotten beyond this number, oldest first.
RUNS_LIMIT: Final = 200
_NAMESPACE: Final = uuid.UUID("6ee1cf1c-4b5e-4fd4-9d66-3b4b55cf3a0e")


@dataclass(slots=True)
class Run:
    """What has come of a run so far. started_at: epoch seconds; accounts: those that transferred something.

    queue: files and bytes that wait. told: its beginning was told. waits: its last session ended for want of quota, and
    another one may follow.
    """

    key: str
    uploader: str
    started_at: float
    dry_run: bool = False
    files: int = 0
    bytes: int = 0
    accounts: set[str] = field(default_factory=set)
    accounts_total: int = 0
    queue: tuple[int, int] = (0, 0)
    told: bool = False
    waits: SessionFinished | None = None

    @property
    def id(self) -> str:
        """The same UUID for the beginning and the end."""
        return str(uuid.uuid5(_NAMESPACE, self.key))


def _run_id(event: Event) -> str:
    return str(getattr(event, "run_id", None) or "")


class Runs:
    """The runs under way."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._keys: dict[str, str] = {}

    def started(self, event: SessionStarted) -> Run | None:
        """A session starts; the run that starts with it, None if the run was there before."""
        key = _run_id(event) or event.session_id or event.uploader
        self._keys[event.session_id] = key
        run = self._runs.get(key)
        if run is not None:
            run.waits = None
            return None
        run = Run(key, event.uploader, event.at, dry_run=event.dry_run, accounts_total=event.accounts_total)
        self._runs[key] = run
        while len(self._keys) > RUNS_LIMIT:
            self._runs.pop(self._keys.pop(next(iter(self._keys))), None)
        return run

    def of(self, event: Event) -> Run | None:
        """The run that an event belongs to."""
        return self._runs.get(self._keys.get(event.session_id, ""))

    def ended(self, event: SessionFinished) -> Run | None:
        """A session ends; the run that ends with it, None if it goes on when quota comes back."""
        run = self.of(event)
        if run is None:
            # It could not begin.
            run = Run(_run_id(event) or event.session_id or event.uploader, event.uploader, event.at)
        self._keys.pop(event.session_id, None)
        run.files += event.files
        run.bytes += event.bytes
        if _run_id(event) and event.outcome is SessionOutcome.QUOTA_USED:
            self._runs[run.key] = run
            run.waits = event
            return None
        self._runs.pop(run.key, None)
        return run

    def waiting(self) -> list[Run]:
        """The program ends: the runs that end with it, because nothing follows their last session."""
        return [run for run in self._runs.values() if run.waits is not None]
