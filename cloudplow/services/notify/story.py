"""Decides which events people are told of, and how often. Pure, apart from its memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cloudplow import events
from cloudplow.events import AccountState, Event, SessionOutcome, StageOutcome
from cloudplow.services.notify import texts
from cloudplow.services.notify.levels import Level, Message
from cloudplow.services.notify.memory import Memory
from cloudplow.services.notify.runs import Run, Runs

#: A shorter suspension is not worth a message, in seconds: a network that is gone for a moment comes back.
SHORT_SECONDS: Final = 600.0

_ENDED: Final = {
    SessionOutcome.DONE: Level.INFO,
    SessionOutcome.QUOTA_USED: Level.INFO,
    SessionOutcome.SUSPENDED: Level.INFO,
    SessionOutcome.FAILED: Level.ERROR,
    SessionOutcome.INTERRUPTED: Level.WARNING,
}
_USABLE: Final = (AccountState.READY, AccountState.ACTIVE)
_QUOTA: Final = "quota"
_SLEEP: Final = "suspended"
_FAILED: Final = "failed"


class Story:
    """Events in, messages out. For one thread.

    dry_run: of the whole program. Nobody is told anything of a dry run: whoever makes one is looking at it.
    """

    def __init__(self, memory: Memory, *, dry_run: bool = False) -> None:
        self.memory = memory
        self._dry_run = dry_run
        self._runs = Runs()
        #: By uploader and account.
        self._states: dict[str, dict[str, AccountState]] = {}

    def take(self, event: Event) -> list[Message]:
        """What people are told of an event."""
        return [] if self._dry_run else list(self._told(event))

    def close(self) -> list[Message]:
        """The program ends."""
        return [message for run in self._runs.waiting() if run.waits for message in self._run_ended(run, run.waits)]

    def _told(self, event: Event) -> Iterator[Message]:
        run = self._runs.of(event)
        if run is not None and run.dry_run and not isinstance(event, events.SessionFinished):
            return
        match event:
            case events.SessionStarted():
                self._runs.started(event)
            case events.QueueLearned() if run is not None:
                run.queue = event.files, event.bytes
            case events.StageStarted():
                yield from self._stage_started(run, event)
            case events.StageFinished():
                yield from self._stage_finished(run, event)
            case events.AccountsLearned():
                for one in event.accounts:
                    yield from self._account(event, one.account, one.state, one.why)
            case events.QuotaChanged():
                yield from self._account(event, event.account, event.state, event.why)
            case events.UploaderSuspended():
                yield from self._suspended(event)
            case events.UploaderResumed():
                yield from self._resumed(event)
            case events.SessionFinished():
                ended = self._runs.ended(event)
                if ended is None:
                    yield from self._quota_used(event.uploader, event.reason, event.next_capacity_at, event.at)
                elif not ended.dry_run:
                    yield from self._run_ended(ended, event)

    def _stage_started(self, run: Run | None, event: events.StageStarted) -> Iterator[Message]:
        """Only now something goes: files that wait for quota are listed at every regular start."""
        yield from self._capacity_back(event.uploader)
        yield from self._resumed(event)
        if run is not None and not run.told:
            run.told = True
            files, size = run.queue if run.queue[0] else (event.planned_files, event.planned_bytes)
            yield Message(Level.INFO, texts.began(run, files, size))

    def _stage_finished(self, run: Run | None, event: events.StageFinished) -> Iterator[Message]:
        if run is not None and event.account and event.files:
            run.accounts.add(event.account)
        if event.outcome is StageOutcome.TRIGGERED and self.memory.is_news(
            "trigger", event.uploader, event.at, event.reason
        ):
            yield Message(Level.WARNING, texts.triggered(event.uploader, event.account, event.reason))

    def _account(self, event: Event, account: str, state: AccountState, why: str) -> Iterator[Message]:
        states = self._states.setdefault(event.uploader, {})
        before, states[account] = states.get(account), state
        if state is not AccountState.FAILED or before is state:
            return
        if self.memory.is_news("account", event.uploader, event.at, f"{account}: {why}"):
            yield Message(Level.WARNING, texts.set_aside(event.uploader, account, why))

    def _is_for_quota(self, uploader: str) -> bool:
        states = self._states.get(uploader, {}).values()
        return bool(states) and not any(state in _USABLE for state in states)

    def _suspended(self, event: events.UploaderSuspended) -> Iterator[Message]:
        if self._is_for_quota(event.uploader):
            yield from self._quota_used(event.uploader, event.reason, event.until, event.at)
        elif event.until is not None and event.until - event.at < SHORT_SECONDS:
            return
        elif self.memory.is_news(_SLEEP, event.uploader, event.at):
            yield Message(Level.WARNING, texts.suspended(event.uploader, event.reason, event.until, event.at))

    def _resumed(self, event: Event) -> Iterator[Message]:
        if self.memory.was_told(_SLEEP, event.uploader):
            self.memory.forget(_SLEEP, event.uploader)
            yield Message(Level.INFO, texts.resumed(event.uploader))

    def _quota_used(self, uploader: str, why: str, until: float | None, at: float) -> Iterator[Message]:
        if self.memory.is_news(_QUOTA, uploader, at):
            self.memory.is_news(f"{_QUOTA} gone", uploader, at)
            yield Message(Level.INFO, texts.quota_used(uploader, why, until, at))

    def _capacity_back(self, uploader: str) -> Iterator[Message]:
        """Told once after each time that its end was told, which is once a day."""
        if self.memory.was_told(f"{_QUOTA} gone", uploader):
            self.memory.forget(f"{_QUOTA} gone", uploader)
            yield Message(Level.INFO, texts.capacity_back(uploader))

    def _run_ended(self, run: Run, event: events.SessionFinished) -> Iterator[Message]:
        uploader, outcome = run.uploader, event.outcome
        if outcome is SessionOutcome.FAILED:
            if not run.files and not self.memory.is_news(_FAILED, uploader, event.at, event.reason):
                return
        else:
            self.memory.forget(_FAILED, uploader)
        if outcome is SessionOutcome.QUOTA_USED:
            if not run.files:
                yield from self._quota_used(uploader, event.reason, event.next_capacity_at, event.at)
                return
            # The end says it, too.
            if self.memory.is_news(_QUOTA, uploader, event.at):
                self.memory.is_news(f"{_QUOTA} gone", uploader, event.at)
        elif outcome is SessionOutcome.SUSPENDED and not run.files:
            if self.memory.is_news(_SLEEP, uploader, event.at):
                yield Message(Level.WARNING, texts.suspended(uploader, event.reason, event.next_capacity_at, event.at))
            return
        elif outcome is SessionOutcome.DONE and not (run.files or run.told):
            return  # nothing was there to upload, as at most regular starts
        yield Message(_ENDED.get(outcome, Level.INFO), texts.ended(run, event))
