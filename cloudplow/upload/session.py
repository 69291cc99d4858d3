"""One session: uploads an uploader's queue through all its accounts, stage by stage, until nothing more can go."""

from __future__ import annotations

import contextlib
import logging
import os
from dataclasses import replace
from typing import Any, Final

from cloudplow import events
from cloudplow.accounts.pool import AccountPool
from cloudplow.errors import CloudplowError, OutageError, RcloneError, StateError, StoppedError, disk_sentence
from cloudplow.events import Event, SessionFinished, SessionOutcome, UploaderState
from cloudplow.events.sentences import count
from cloudplow.planning.planner import Plan, plan_document
from cloudplow.scheduling.capacity import Help, when_it_helps
from cloudplow.state.locks import FolderLocks
from cloudplow.upload.aftermath import Aftermath
from cloudplow.upload.context import Context
from cloudplow.upload.controls import SessionControls
from cloudplow.upload.ending import ROUNDS_LIMIT, end_of, too_many_rounds
from cloudplow.upload.local_files import remove_empty_folders
from cloudplow.upload.outage import Outage
from cloudplow.upload.queue_learner import QueueLearner
from cloudplow.upload.queue_state import QueueState
from cloudplow.upload.reactions import React, Reaction
from cloudplow.upload.settling import Settler
from cloudplow.upload.source_folder import FolderLostError, SourceFolder
from cloudplow.upload.stage_driver import StageDriver
from cloudplow.upload.stage_maker import stage_list_path
from cloudplow.upload.task import UploadTask, pool_of
from cloudplow.upload.task_plan import plan_task, without_opened
from cloudplow.upload.unseen import say_unseen

log = logging.getLogger("cloudplow.upload")

#: How often a session that waits for a question to be answered looks, in seconds.
LOOK_SECONDS: Final = 0.25

STOPPED: Final = Reaction(React.END, "stopped on request", outcome=SessionOutcome.INTERRUPTED)
#: The files under way have arrived, or there were none.
FINISHED: Final = Reaction(React.END, "stopped on request", outcome=SessionOutcome.SUSPENDED)


class Session:
    """Runs on the thread that calls `run`, which is the one that drives rclone."""

    def __init__(self, context: Context, task: UploadTask, controls: SessionControls, run_id: str = "") -> None:
        self._controls = controls
        self._book = context.book
        # A dry run charges what it would spend to a copy, so that it goes from account to account as an upload does.
        self._context = replace(context, book=context.book.rehearsal()) if task.job.dry_run else context
        self._task = task
        self.id = os.urandom(6).hex()
        self._run_id = run_id
        #: When quota comes back, if the session ends for lack of it.
        self.help: Help | None = None
        self._queue = QueueState()
        self._pool: AccountPool | None = None
        self._next_capacity_at: float | None = None
        self._locks = FolderLocks()
        self._list_path = stage_list_path(context.state_dir, task.name)
        self._dry_list_path = self._list_path.with_suffix(".dry_run")
        self._source: SourceFolder
        self._learner: QueueLearner
        self._aftermath: Aftermath

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
                    self._look_once_more(end)
            except StoppedError:
                end = STOPPED
            except (RcloneError, StateError) as error:
                end = Reaction(React.END, str(error), outcome=SessionOutcome.FAILED)
            except OSError as error:
                log.debug("%s: the session ends", self._task.name, exc_info=True)
                end = Reaction(React.END, disk_sentence(error), outcome=SessionOutcome.FAILED)
            finally:
                driver.close()
                settler.close()
            if end.outcome is SessionOutcome.INTERRUPTED and self._controls.ends_gently():
                end = FINISHED
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
        self._source = SourceFolder(task.folder)
        self._pool = pool_of(task, context.book, context.keys)
        if self._pool is not None:
            self._pool.read()
            self._locks.acquire(self._pool.folder, "the account folder")
        self._learner = QueueLearner(
            context, task, self._queue, self._pool, self._source, self._list_path, self._emit, self._controls
        )
        outage = Outage(self._controls, self._emit, context.now, patient=context.patient)
        self._aftermath = Aftermath(context, task, self._queue, self._learner, self._controls, outage)
        self._emit(
            events.SessionStarted,
            upload_folder=str(task.folder),
            upload_remote=task.job.destination,
            accounts_total=len(self._pool.accounts) if self._pool else 0,
            dry_run=task.job.dry_run,
            run_id=self._run_id,
        )
        if self._pool is not None:
            self._emit(events.AccountsLearned, accounts=self._pool.quotas())
        say_unseen(task)

    def _finish(self, driver: StageDriver, end: Reaction) -> SessionFinished:
        task = self._task
        if self._pool is not None:
            self._pool.active = None
            self._pool.book = self._book
            self._emit(events.AccountsLearned, accounts=self._pool.quotas())
        if task.moving and not task.job.dry_run and task.remove_empty_dir_depth is not None:
            self._remove_empty_folders(task.remove_empty_dir_depth)
        event = SessionFinished(
            session_id=self.id,
            uploader=task.name,
            outcome=end.outcome or SessionOutcome.FAILED,
            files=driver.files,
            bytes=driver.bytes,
            files_left=len(self._queue.files),
            bytes_left=self._queue.bytes,
            next_capacity_at=end.until or self._next_capacity_at,
            reason=self._learner.last_words(end, self._aftermath.keeping_flag),
            run_id=self._run_id,
            dry_run=task.job.dry_run,
        )
        self._context.bus.publish(event)
        return event

    def _remove_empty_folders(self, depth: int) -> None:
        with contextlib.suppress(FolderLostError):
            self._source.check()
            folder = self._task.folder
            remove_empty_folders(folder, depth, spare=self._context.own.below(folder).folders)

    def _look_once_more(self, end: Reaction) -> None:
        """After a fault, too, what is left is what is there. Files of a copy would have to be compared again."""
        if self._learner.is_final or not self._task.moving or self._controls.should_stop():
            return
        try:
            self._learner.learn()
        except FolderLostError:
            raise
        except (CloudplowError, StoppedError) as error:
            log.debug("%s: not listed once more (%s): %s", self._task.name, end.why, error)

    def _emit(self, event_type: type[Event], **fields: Any) -> None:
        self._context.bus.emit(event_type, session_id=self.id, uploader=self._task.name, **fields)

    def _upload(self, driver: StageDriver, settler: Settler) -> Reaction:
        self._controls.meanwhile = driver.account.others_changed
        if not self._task.job.dry_run:
            settler.take_over()
        while True:
            if self._controls.should_stop():
                return STOPPED
            self._source.check()
            if settler.step():
                self._learner.renew()  # what is left at the source may have changed
            driver.account.others_changed()
            if self._learner.is_due:
                if (end := self._learn(driver)) is not None:
                    return end
                continue  # it may have taken long: check whether to stop
            made = self._plan(settler.names())
            if made.stages and self._learner.rounds > ROUNDS_LIMIT:
                return too_many_rounds(self._queue)
            if made.stages:
                made = without_opened(made, self._task)
                end = self._aftermath.of(driver, made, driver.run(made))
                self._learner.note_stage()
            elif settler.is_busy:
                self._await(settler)
                continue
            elif not self._learner.is_final:
                self._learner.renew()
                continue
            else:
                end = self._end_of(made, settler)
                if end.outcome is SessionOutcome.QUOTA_USED and not self._task.job.dry_run:
                    self.help = self._when_it_helps(made)
            if end is not None:
                return end

    def _learn(self, driver: StageDriver) -> Reaction | None:
        """List the folder; for a copy, compare it with the destination, which may be out of reach for a while."""
        try:
            self._learner.learn(driver.account.others_changed)
        except OutageError as error:
            return self._aftermath.wait_out(str(error))
        return None

    def _await(self, settler: Settler) -> None:
        """Nothing else can be done until it is known what arrived."""
        files = count(len(settler.names()), "file")
        why = f"finding out whether {files} of an interrupted stage arrived"
        until = settler.until() or None
        self._controls.report(UploaderState.SCANNING, why, until)
        self._emit(events.UploaderStatusChanged, state=UploaderState.SCANNING, why=why, until=until)
        try:
            while not settler.step() and settler.is_busy:
                if self._controls.wait(LOOK_SECONDS):
                    return
            self._learner.renew()
        finally:
            # Told by the session itself: also one that was asked for once says what it waits for, and no longer.
            self._emit(events.UploaderStatusChanged, state=UploaderState.UPLOADING, why="")

    def _plan(self, in_doubt: set[str]) -> Plan:
        left_out = self._aftermath.dry_names | in_doubt
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
        return end_of(made, self._pool, self._queue, self._learner.last, dry_run=self._task.job.dry_run)

    @property
    def accounts(self) -> int:
        """How many accounts the session has, those of a pool only."""
        return len(self._pool.accounts) if self._pool is not None else 0

    def _when_it_helps(self, made: Plan) -> Help | None:
        """When what waits in a plan can go on, of which nothing can go now."""
        if self._pool is None:
            return None
        capacities = self._pool.capacities()
        if made.reserved is not None:
            capacities = made.reserved.open(capacities)
        destination, now = self._context.destination(self._task.job.destination), self._context.now()
        waiting = [file for stage in made.later for file in stage.files] + list(made.unplanned)
        found = when_it_helps(
            (destination.stored_bytes(file.size) for file in waiting),
            capacities,
            now=now,
            since=now,
            window_seconds=self._task.window_seconds,
        )
        # Files may wait for others though they fit: until something comes back the next plan would be the same.
        return found and found._replace(at=max(found.at, made.next_capacity_at or 0))
