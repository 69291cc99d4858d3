"""Runs planned stages: switches accounts, reserves quota, starts rclone, charges what was uploaded."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cloudplow import events
from cloudplow.accounts.pool import AccountPool
from cloudplow.errors import RcloneError
from cloudplow.events import StageOutcome, SwitchReason, UploaderState
from cloudplow.events.sentences import amount
from cloudplow.models import QueueFile, Suspect, printable_name
from cloudplow.planning.finish_times import finish_times
from cloudplow.planning.planner import Plan
from cloudplow.rclone.command import transfer_command
from cloudplow.rclone.environment import rclone_environment
from cloudplow.rclone.log import Stats
from cloudplow.state.locks import FolderLocks
from cloudplow.upload.context import Context
from cloudplow.upload.controls import SessionControls
from cloudplow.upload.listing import unchanged, write_list
from cloudplow.upload.open_stages import write_stage_sizes
from cloudplow.upload.queue_state import QueueState
from cloudplow.upload.reactions import React, Reaction
from cloudplow.upload.stage import StageRequest, StageResult, StageRun
from cloudplow.upload.stage_events import StageReporter
from cloudplow.upload.task import UploadTask
from cloudplow.upload.unseen import transfers, unseen_bytes


class StageDriver:
    """Owned by one session, on its thread. files, bytes: transferred so far in the session.

    context: for a dry run, one with a ledger that is never saved.
    """

    def __init__(
        self,
        context: Context,
        task: UploadTask,
        pool: AccountPool | None,
        queue: QueueState,
        locks: FolderLocks,
        list_path: Path,
        emit: Callable[..., None],
        controls: SessionControls,
    ) -> None:
        self._controls = controls
        self._context = context
        self._task = task
        self._pool = pool
        self._queue = queue
        self._locks = locks
        self._list_path = list_path
        self._emit = emit
        self._stage = 0
        self._switch_reason = SwitchReason.FIRST
        self._previous_name = ""
        self._destination = context.destination(task.job.destination)
        self.files = 0
        self.bytes = 0
        self.planned_names: list[str] = []
        self._suspects: dict[str, Suspect] = {}
        self._plan = Plan()

    @property
    def account_name(self) -> str:
        """The base name of the active account's key file; "" without one."""
        return Path(self._pool.active).name if self._pool is not None and self._pool.active else ""

    def suspect(self, suspects: Mapping[str, Suspect]) -> None:
        """Files that an earlier, interrupted run may have uploaded already."""
        self._suspects.update(suspects)

    def run(self, made: Plan) -> StageResult | None:
        """Run the first stage of a plan to its end; None when all of its files have changed since they were listed.

        Raises RcloneError, StateError when it cannot be started.
        """
        self._plan = made
        planned = made.stages[0]
        files = distinct_in_log(self._still_as_listed(planned.files))
        if not files:
            return None
        self.planned_names = [file.name for file in files]
        self._switch_to(planned.account)
        self._stage += 1
        self._write_lists(files)
        self._announce(files)
        self._controls.report(UploaderState.UPLOADING, self._what_goes(files))
        started = self._context.clock()
        charged = self._pool is not None
        if charged:
            reserved = sum(self._cost(file.size) for file in files)
            self._context.ledger.open_stage(self._task.name, planned.account, reserved)
        result = self._run(planned.account, files, charged=charged, retry=planned.retry)
        if charged:
            self._close_stage(planned.account, result)
        self.files += result.files
        self.bytes += result.bytes
        self._emit(
            events.StageFinished,
            stage=self._stage,
            account=self.account_name,
            outcome=result.verdict.outcome,
            files=result.files,
            bytes=result.bytes,
            duration_seconds=self._context.clock() - started,
            reason=result.verdict.reason,
        )
        self._quota_changed()
        return result

    def _what_goes(self, files: Sequence[QueueFile]) -> str:
        with_account = f" with {self.account_name}" if self.account_name else ""
        return f"uploading stage {self._stage}{with_account}: {amount(len(files), sum(file.size for file in files))}"

    def _run(self, account: str, files: Sequence[QueueFile], *, charged: bool, retry: bool) -> StageResult:
        task, context = self._task, self._context
        environment = rclone_environment(os.environ, filters=False)
        if self._pool is not None:
            environment = self._destination.with_account(environment, account)
        defaults = self._destination.default_flags(task.job.extras, os.environ)
        request = StageRequest(
            command=transfer_command(context.rclone, task.job, self._list_path, defaults=defaults),
            environment=environment,
            files=files,
            folder=task.folder,
            moving=task.moving,
            pass_fds=self._locks.fds,
            sleeps=task.sleeps,
            retry=retry,
        )
        reporter = StageReporter(
            stage=self._stage,
            account=self.account_name,
            emit=self._emit,
            charge=(lambda size: context.ledger.charge(task.name, account, self._cost(size)))
            if charged
            else (lambda _size: None),
            quota_changed=self._quota_changed,
            forget=self._forget,
            outlook=self._outlook,
            clock=context.clock,
        )
        return StageRun(request, reporter).run(self._controls.should_stop, self._controls.should_kill)

    def _close_stage(self, account: str, result: StageResult) -> None:
        unseen, ahead = self._charged_ahead(result)
        lost = result.lost_bytes + unseen
        self._context.ledger.close_stage(self._task.name, account, lost, aborted=result.cut_off, ahead_bytes=ahead)
        if result.cut_off:
            for name in [*result.failed, *(printable_name(file.name) for file in result.untouched)]:
                self._suspects[name] = Suspect(account, result.in_flight.get(name, 0))

    def _charged_ahead(self, result: StageResult) -> tuple[int, int]:
        """What may have been sent unreported when the session was asked to stop; and that plus what was in progress.

        It counts as used: only the next run can see which files arrived, and must not plan with too much until then.
        """
        if result.verdict.outcome is not StageOutcome.INTERRUPTED:
            return 0, 0
        seen = result.in_flight
        missing = (self._cost(file.size) - seen.get(printable_name(file.name), 0) for file in result.untouched)
        unseen = unseen_bytes(missing, transfers(self._task.job.extras, os.environ))
        return unseen, unseen + sum(seen.values())

    def _forget(self, file: QueueFile, already_there: bool) -> None:
        """A file is done. If an interrupted stage had already uploaded it, it is charged to that stage's account."""
        self._queue.forget(file)
        suspect = self._suspects.pop(printable_name(file.name), None) if self._suspects else None
        if suspect is not None and already_there and not self._task.job.dry_run:
            owed = self._cost(file.size) - suspect.charged_bytes
            if owed > 0:
                self._context.ledger.charge_late(self._task.name, suspect.account, owed)

    def _outlook(self, stats: Stats) -> dict[str, Any]:
        """What is left of the whole queue, and both finish times."""
        in_flight = sum(one.bytes for one in stats.transferring)
        bytes_left = max(0, self._queue.bytes - in_flight)
        now = self._context.now()
        times = finish_times(self._plan, bytes_left=bytes_left, speed=stats.speed, now=now)
        return {"bytes_left": bytes_left, "done_at": times.at_speed, "done_with_quotas_at": times.with_quotas}

    def _cost(self, size_bytes: int) -> int:
        """What a file of that size takes of an account's quota, in bytes."""
        return self._destination.stored_bytes(size_bytes)

    def _still_as_listed(self, files: Sequence[QueueFile]) -> list[QueueFile]:
        kept = unchanged(files, self._task.folder)
        if len(kept) == len(files):
            return kept
        names = {file.name for file in kept}
        again = self._queue.still_doubtful(file for file in files if file.name not in names)
        return [file for file in files if file.name in names or file.name in again]

    def _switch_to(self, account: str) -> None:
        if self._pool is None or account == self._pool.active:
            return
        left, self._pool.active = self._pool.active, account
        self._emit(
            events.SaSwitched,
            previous=self._previous_name,
            current=self.account_name,
            account_index=self._pool.index(account),
            accounts_total=len(self._pool.accounts),
            reason=self._switch_reason,
        )
        self._previous_name = self.account_name
        self._switch_reason = SwitchReason.QUOTA_USED
        if left is not None:
            # It is no longer the active one: whether it is ready or cooling now is decided here and nowhere else.
            self._emit_quota(left)

    def leave_account(self, reaction: Reaction) -> None:
        """Stop using the active account for now (denied, trigger) or for the rest of the session (failed)."""
        if self._pool is None or self._pool.active is None:
            return
        account = self._pool.active
        if reaction.react is React.REST_ACCOUNT and reaction.until is not None:
            until = reaction.until
            if reaction.switch_reason is SwitchReason.DENIED:
                until = self._pool.learn_from_denial(account, self._task.window_seconds) or until
            self._context.ledger.deny(self._task.name, account, until, reaction.why)
        else:
            self._pool.set_aside(account, reaction.why)
        self._switch_reason = reaction.switch_reason
        self._pool.active = None
        self._emit_quota(account)

    def _write_lists(self, files: Sequence[QueueFile]) -> None:
        try:
            write_list(self._list_path, files)
            if self._pool is not None and not self._task.job.dry_run:
                write_stage_sizes(self._list_path, files)
        except OSError as error:
            raise RcloneError(f"{self._list_path} cannot be written: {error.strerror}") from error

    def _announce(self, files: Sequence[QueueFile]) -> None:
        pool = self._pool
        quota = pool.quota(pool.active) if pool is not None and pool.active else None
        self._emit(
            events.StageStarted,
            stage=self._stage,
            account=self.account_name,
            account_index=pool.index(pool.active) if pool is not None and pool.active else -1,
            accounts_total=len(pool.accounts) if pool is not None else 0,
            planned_files=len(files),
            planned_bytes=sum(file.size for file in files),
            quota_remaining_bytes=max(0, quota.limit_bytes - quota.used_bytes) if quota else None,
        )

    def _quota_changed(self) -> None:
        if self._pool is not None and self._pool.active is not None:
            self._emit_quota(self._pool.active)

    def _emit_quota(self, account: str) -> None:
        # A dry run spends no quota.
        if self._pool is not None and self._pool.index(account) >= 0 and not self._task.job.dry_run:
            self._emit(events.QuotaChanged, **asdict(self._pool.quota(account)))


def distinct_in_log(files: Sequence[QueueFile]) -> list[QueueFile]:
    """Leave out files whose names look the same in the log (bytes that are not UTF-8): they go in a later stage."""
    if all(file.name.isascii() for file in files):
        return list(files)
    by_shown: dict[str, QueueFile] = {}
    for file in files:
        by_shown.setdefault(printable_name(file.name), file)
    return list(by_shown.values())
