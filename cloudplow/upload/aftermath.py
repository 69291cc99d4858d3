"""What follows from a stage that has ended: what its files are now, and whether the session goes on."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Sequence
from typing import Final

from cloudplow.events import SessionOutcome, StageOutcome, UploaderState
from cloudplow.models import QueueFile
from cloudplow.planning.last_tries import Patience
from cloudplow.planning.planner import Plan
from cloudplow.upload.context import Context
from cloudplow.upload.controls import SessionControls
from cloudplow.upload.ending import keeping_flag
from cloudplow.upload.local_files import exists
from cloudplow.upload.outage import Outage
from cloudplow.upload.queue_learner import QueueLearner
from cloudplow.upload.queue_state import QueueState
from cloudplow.upload.reactions import React, Reaction, react
from cloudplow.upload.stage_driver import StageDriver
from cloudplow.upload.stage_terms import StageResult
from cloudplow.upload.task import UploadTask

log = logging.getLogger("cloudplow.upload")

#: How long to wait before listing again when everything planned has vanished, in seconds.
VANISHED_SECONDS: Final = 0.2
#: An account that rests for less than this has not really been left, in seconds.
SHORT_REST_SECONDS: Final = 60.0


class Aftermath:
    """Owned by one session, on its thread.

    keeping_flag: the flag by which rclone leaves files at the source; dry_names: what a dry run went through.
    """

    def __init__(
        self,
        context: Context,
        task: UploadTask,
        queue: QueueState,
        learner: QueueLearner,
        controls: SessionControls,
        outage: Outage,
    ) -> None:
        self._context = context
        self._task = task
        self._queue = queue
        self._learner = learner
        self._controls = controls
        self._patience = Patience()
        self._outage = outage
        self.keeping_flag = keeping_flag(task.job.extras, os.environ)
        self.dry_names: set[str] = set()

    def of(self, driver: StageDriver, made: Plan, result: StageResult | None) -> Reaction | None:
        """What follows from a stage (None: all its files had changed): the end of the session, or None to continue."""
        if result is None:
            self._learner.renew()
            if not any(exists(self._task.folder, file.name) for file in made.stages[0].files):
                self._controls.wait(VANISHED_SECONDS)  # all of them are gone, which is no fault
                return None
            return self._without_progress("the files keep changing before they can be uploaded")
        self._queue.note_failures(result.failed.items(), result.stuck)
        for file in result.changed:
            log.info("%s: %r changed while it was uploaded, so it stays and goes again", self._task.name, file.name)
            self._queue.note_changed(file.name)
        if result.verdict.outcome in (StageOutcome.DONE, StageOutcome.FILES_FAILED):
            if self._task.job.dry_run:
                self.dry_names.update(driver.planned_names)
            else:
                self._note_untouched(result.untouched, result.doubtful)
        if result.failed or result.untouched or result.changed:
            self._learner.renew()
        reaction = react(
            result.verdict,
            with_accounts=self._task.accounts_folder is not None,
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
            if self._task.moving and self.keeping_flag and exists(self._task.folder, file.name):
                self._queue.note_kept(file)
            elif self._task.moving:
                self._queue.note_failure(file.name, "rclone skipped it (perhaps because of a flag in rclone_extras)")
            else:
                self._queue.forget(file)

    def _apply(self, driver: StageDriver, reaction: Reaction, result: StageResult) -> Reaction | None:
        match reaction.react:
            case React.END:
                return reaction
            case React.WAIT:
                return self.wait_out(reaction.why)
            case React.REST_ACCOUNT | React.SET_ACCOUNT_ASIDE:
                log.warning("%s: account %s: %s", self._task.name, driver.account.name, reaction.why)
                driver.account.leave(reaction)
                self._learner.renew()
                rests = reaction.until is None or reaction.until - self._context.now() >= SHORT_REST_SECONDS
                return None if rests or result.files else self._without_progress(reaction.why)
        if result.files or result.verdict.outcome is StageOutcome.DONE:
            self._patience.renew()
            self._outage.over()
            return None
        return self._without_progress(reaction.why, len(result.failed))

    def wait_out(self, why: str) -> Reaction | None:
        """Wait while something does not work that nobody is to blame for; the end if that has taken too long."""
        self._learner.renew()
        gave_up = self._outage.wait(why)
        return Reaction(React.END, gave_up, outcome=SessionOutcome.FAILED) if gave_up else None

    def _without_progress(self, why: str, failed_files: int = 0) -> Reaction | None:
        """A stage uploaded nothing: pause, or end the session if that happened too often."""
        pause = self._patience.next_pause(failed_files, others_first=self._queue.tried_unevenly())
        if pause is None:
            return Reaction(React.END, why, outcome=SessionOutcome.FAILED)
        if self._queue.candidates():
            self._controls.report(UploaderState.SCANNING, f"trying again in {pause:.0f} s: {why}")
            self._controls.wait(pause)
        return None
