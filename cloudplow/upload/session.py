"""One session: uploads an uploader's queue through all its accounts, stage by stage, until nothing more can go."""

from __future__ import annotations

import contextlib
import logging
import math
import os
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Final

from cloudplow import events
from cloudplow.accounts.pool import AccountPool
from cloudplow.distribution import distribution_document
from cloudplow.errors import RcloneError, StateError, StoppedError
from cloudplow.events import Event, SessionFinished, SessionOutcome, StageOutcome, UploaderState
from cloudplow.events.sentences import count
from cloudplow.models import QueueFile
from cloudplow.planning.last_tries import Patience
from cloudplow.planning.planner import Plan, plan_document
from cloudplow.state.locks import FolderLocks
from cloudplow.units import format_bytes
from cloudplow.upload.context import Context
from cloudplow.upload.controls import SessionControls
from cloudplow.upload.listing import learn_queue
from cloudplow.upload.local_files import exists, remove_empty_folders
from cloudplow.upload.outage import Outage
from cloudplow.upload.queue_state import QueueState
from cloudplow.upload.reactions import React, Reaction, react
from cloudplow.upload.settling import Settler
from cloudplow.upload.stage import stage_list_path
from cloudplow.upload.stage_driver import StageDriver
from cloudplow.upload.stage_terms import StageResult
from cloudplow.upload.task import UploadTask, pool_of
from cloudplow.upload.task_plan import plan_task

log = logging.getLogger("cloudplow.upload")

#: A listing older than this is renewed before the next stage, in seconds.
LISTING_FRESH_SECONDS: Final = 30.0
#: How often a session that waits for a question to be answered looks, in seconds.
LOOK_SECONDS: Final = 0.25

STOPPED: Final = Reaction(React.END, "stopped on request", outcome=SessionOutcome.INTERRUPTED)


class Session:
    """Runs on the thread that calls `run`, which is the one that drives rclone."""

    def __init__(self, context: Context, task: UploadTask, controls: SessionControls) -> None:
        self._controls = controls
        self._book = context.book
        # A dry run charges what it would spend to a copy, so that it goes from account to account as an upload does.
        self._context = replace(context, book=context.book.rehearsal()) if task.job.dry_run else context
        self._task = task
        self._id = os.urandom(6).hex()
        self._queue = QueueState()
        self._pool: AccountPool | None = None
        self._dry_names: set[str] = set()
        self._listed_at = -math.inf
        self._announced: tuple[int, int] | None = None
        self._patience = Patience()
        self._outage = Outage(controls, self._emit, context.now, patient=context.wait_for_capacity)
        self._next_capacity_at: float | None = None
        self._locks = FolderLocks()
        self._list_path = stage_list_path(context.state_dir, task.name)
        self._dry_list_path = self._list_path.with_suffix(".dry_run")

    def run(self) -> SessionFinished:
        """Upload until the end; returns the last event.

        Raises RcloneError, BusyError and StateError when nothing could be started. Later faults end the session with
        the outcome "failed".
        """
        try:
            self._begin()
            driver, settler = self._make_driver()
            try:
                end = self._upload(driver, settler)
                if end.outcome is not SessionOutcome.INTERRUPTED:
                    settler.finish()
            except StoppedError:
                end = STOPPED
            except (RcloneError, StateError) as error:
                end = Reaction(React.END, str(error), outcome=SessionOutcome.FAILED)
            finally:
                settler.close()
            return self._finish(driver, end)
        finally:
            with contextlib.suppress(OSError):
                self._dry_list_path.unlink(missing_ok=True)
            self._locks.release()

    def _make_driver(self) -> tuple[StageDriver, Settler]:
        """Who runs the stages, and who finds out what became of those that were interrupted."""
        list_path = self._dry_list_path if self._task.job.dry_run else self._list_path
        driver: StageDriver
        settler = Settler(
            self._context,
            self._task,
            self._pool,
            tell=lambda file, account: driver.found_later(file, account),
            given_back=self._queue.note_skipped,
            list_path=self._list_path,
        )
        driver = StageDriver(
            self._context,
            self._task,
            self._pool,
            self._queue,
            self._locks,
            list_path,
            self._emit,
            self._controls,
            settler,
        )
        return driver, settler

    def _begin(self) -> None:
        task, context = self._task, self._context
        self._locks.acquire(task.folder, "the upload folder")
        self._pool = pool_of(task, context.book, context.keys)
        if self._pool is not None:
            self._pool.read()
            self._locks.acquire(self._pool.folder, "the account folder")
        self._emit(
            events.SessionStarted,
            upload_folder=str(task.folder),
            upload_remote=task.job.destination,
            accounts_total=len(self._pool.accounts) if self._pool else 0,
            dry_run=task.job.dry_run,
        )
        if self._pool is not None:
            self._emit(events.AccountsLearned, accounts=self._pool.quotas())

    def _finish(self, driver: StageDriver, end: Reaction) -> SessionFinished:
        task = self._task
        if self._pool is not None:
            self._pool.active = None
            self._pool.book = self._book
            self._emit(events.AccountsLearned, accounts=self._pool.quotas())
        if task.moving and not task.job.dry_run and task.remove_empty_dir_depth is not None:
            remove_empty_folders(task.folder, task.remove_empty_dir_depth)
        event = SessionFinished(
            session_id=self._id,
            uploader=task.name,
            outcome=end.outcome or SessionOutcome.FAILED,
            files=driver.files,
            bytes=driver.bytes,
            files_left=len(self._queue.files),
            bytes_left=self._queue.bytes,
            next_capacity_at=end.until or self._next_capacity_at,
            reason=end.why,
        )
        self._context.bus.publish(event)
        return event

    def _emit(self, event_type: type[Event], **fields: Any) -> None:
        self._context.bus.emit(event_type, session_id=self._id, uploader=self._task.name, **fields)

    def _upload(self, driver: StageDriver, settler: Settler) -> Reaction:
        if not self._task.job.dry_run:
            settler.take_over()
        while True:
            if self._controls.should_stop():
                return STOPPED
            if settler.step():
                self._listed_at = -math.inf  # what is left at the source may have changed
            if self._context.clock() - self._listed_at > LISTING_FRESH_SECONDS:
                self._learn()
                continue  # it may have taken long: check whether to stop
            made = self._plan(settler.names())
            if made.stages:
                result = driver.run(made)
                end = self._after_stage(driver, result)
            elif settler.is_busy:
                self._await(settler)
                continue
            else:
                end = self._end_of(made, settler)
                if (
                    end.outcome is SessionOutcome.QUOTA_USED
                    and self._context.wait_for_capacity
                    and not self._task.job.dry_run
                ):
                    self._sleep_until(end)
                    continue
            if end is not None:
                return end

    def _await(self, settler: Settler) -> None:
        """Nothing else can be done until it is known what arrived."""
        files = count(len(settler.names()), "file")
        why = f"finding out whether {files} of an interrupted stage arrived"
        self._controls.report(UploaderState.SCANNING, why, settler.until() or None)
        while not settler.step() and settler.is_busy:
            if self._controls.wait(LOOK_SECONDS):
                return
        self._listed_at = -math.inf

    def _learn(self) -> None:
        self._controls.report(UploaderState.SCANNING, f"listing {self._task.folder}")
        started = self._context.clock()
        listing = learn_queue(self._context, self._task, self._list_path, self._pool, self._controls)
        self._listed_at = self._context.clock()
        self._queue.listed(listing.files, files_stay=not self._task.moving)
        arrived = self._context.book.arrived(self._task.name)
        gone = [name for name in arrived if name not in self._queue.files and not exists(self._task.folder, name)]
        self._context.book.forget_arrived(self._task.name, gone)
        found = len(self._queue.files), self._queue.bytes
        if found == self._announced:
            return
        self._announced = found
        duration = self._listed_at - started
        document = distribution_document(
            [file.size for file in self._queue.files.values()],
            source=listing.source,
            upload_folder=self._task.folder.name,
            duration_seconds=duration,
            now=self._context.now(),
            confidence="exact",
            oldest_modified_at=listing.oldest_modified_at,
            oldest_file=listing.oldest_file,
        )
        self._emit(
            events.QueueLearned,
            files=found[0],
            bytes=found[1],
            distribution=document,
            source=listing.source,
            confidence="exact",
            duration_seconds=duration,
        )

    def _plan(self, in_doubt: set[str]) -> Plan:
        left_out = self._dry_names | in_doubt
        candidates = [file for file in self._queue.candidates() if file.name not in left_out]
        if self._pool is not None and self._pool.read():
            self._emit(events.AccountsLearned, accounts=self._pool.quotas())
        made = plan_task(self._context, self._task, self._pool, candidates, self._queue.failed_before())
        if not self._task.job.dry_run:
            self._context.waiting.note(self._task.name, made)
        self._next_capacity_at = made.next_capacity_at
        self._emit(events.PlanMade, plan=plan_document(made, self._pool.names() if self._pool else {}))
        return made

    def _end_of(self, made: Plan, settler: Settler) -> Reaction:
        """How the session ends when nothing can run now."""
        if settler.is_open:
            return Reaction(React.END, settler.fault, outcome=SessionOutcome.FAILED)
        if made.waiting_files and made.next_capacity is None:
            aside = next((one for one in self._pool.accounts if one.failed_why), None) if self._pool else None
            example = f"; {aside.name}: {aside.failed_why}" if aside else ""
            return Reaction(React.END, made.unplanned_why + example, outcome=SessionOutcome.FAILED)
        if made.next_capacity is not None:
            room = format_bytes(made.next_capacity.bytes)
            used_up = "would be used up" if self._task.job.dry_run else "is used up"
            waiting = f"{count(made.waiting_files, 'file')} {'waits' if made.waiting_files == 1 else 'wait'}"
            why = f"the quota of every account {used_up}; {waiting} until the first {room} come back"
            return Reaction(React.END, why, made.next_capacity.at, outcome=SessionOutcome.QUOTA_USED)
        given_up = self._queue.given_up()
        if given_up:
            name, error = next(iter(given_up.items()))
            why = f"{count(len(given_up), 'file')} could not be uploaded, for example {name!r}: {error}"
            return Reaction(React.END, why, outcome=SessionOutcome.FAILED)
        return Reaction(React.END, outcome=SessionOutcome.DONE)

    def _sleep_until(self, end: Reaction) -> None:
        """Wait for capacity, or until asked to stop. The time that passes counts, whatever the machine's clock says."""
        until = end.until or 0.0
        self._emit(events.UploaderSuspended, reason=end.why, until=until)
        self._controls.report(UploaderState.COOLING, end.why, until)
        while (left := until - self._context.now()) > 0:
            if self._controls.wait(min(left + 0.05, 60.0)):
                return
        self._emit(events.UploaderResumed, reason=end.why, until=until)
        self._listed_at = -math.inf

    def _after_stage(self, driver: StageDriver, result: StageResult | None) -> Reaction | None:
        """What follows from a stage (None: all its files had changed): the end of the session, or None to continue."""
        if result is None:
            self._listed_at = -math.inf
            return self._without_progress("the files keep changing before they can be uploaded")
        self._queue.note_failures(result.failed.items())
        if result.verdict.outcome in (StageOutcome.DONE, StageOutcome.FILES_FAILED):
            if self._task.job.dry_run:
                self._dry_names.update(driver.planned_names)
            else:
                self._note_untouched(result.untouched, result.doubtful)
        if result.failed or result.untouched:
            self._listed_at = -math.inf
        reaction = react(
            result.verdict,
            with_accounts=self._pool is not None,
            now=self._context.now(),
            window_seconds=self._task.window_seconds,
            fired=result.fired[1] if result.fired else None,
            transferred_files=result.files,
        )
        return self._apply(driver, reaction, result)

    def _note_untouched(self, untouched: Sequence[QueueFile], doubtful: Collection[str]) -> None:
        """Planned files that rclone did not mention: already there (a copy), vanished, or skipped."""
        for file in untouched:
            if file.name in doubtful:
                continue  # the destination is being asked
            if self._task.moving:
                self._queue.note_failure(file.name, "rclone skipped it (perhaps because of a flag in rclone_extras)")
            else:
                self._queue.forget(file)

    def _apply(self, driver: StageDriver, reaction: Reaction, result: StageResult) -> Reaction | None:
        match reaction.react:
            case React.END:
                return reaction
            case React.WAIT:
                self._listed_at = -math.inf
                gave_up = self._outage.wait(reaction.why)
                return Reaction(React.END, gave_up, outcome=SessionOutcome.FAILED) if gave_up else None
            case React.REST_ACCOUNT | React.SET_ACCOUNT_ASIDE:
                log.warning("%s: account %s: %s", self._task.name, driver.account.name, reaction.why)
                driver.account.leave(reaction)
                self._listed_at = -math.inf
                return None
        if result.files or result.verdict.outcome is StageOutcome.DONE:
            self._patience.renew()
            self._outage.over()
            return None
        return self._without_progress(reaction.why, len(result.failed))

    def _without_progress(self, why: str, failed_files: int = 0) -> Reaction | None:
        """A stage uploaded nothing: pause, or end the session if that happened too often."""
        pause = self._patience.next_pause(failed_files, others_first=self._queue.tried_unevenly())
        if pause is None:
            return Reaction(React.END, why, outcome=SessionOutcome.FAILED)
        if self._queue.candidates():
            self._controls.wait(pause)
        return None
