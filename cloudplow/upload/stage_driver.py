"""Runs planned stages: switches accounts, reserves quota, starts rclone, charges what was uploaded."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from cloudplow import events
from cloudplow.accounts.book import RefusedError
from cloudplow.accounts.booked_stage import Stage, StageFile
from cloudplow.accounts.pool import AccountPool
from cloudplow.errors import RcloneError
from cloudplow.events import Event, UploaderState
from cloudplow.events.sentences import amount
from cloudplow.models import QueueFile, printable_name
from cloudplow.planning.finish_times import finish_times
from cloudplow.planning.planner import Plan, PlannedStage
from cloudplow.rclone.log import Stats
from cloudplow.rclone.steering import Steering
from cloudplow.state.locks import FolderLocks
from cloudplow.units import format_duration
from cloudplow.upload.active_account import ActiveAccount
from cloudplow.upload.context import Context
from cloudplow.upload.controls import SessionControls
from cloudplow.upload.doubts import landing_seconds, least_landing_seconds
from cloudplow.upload.listing import Seen, as_it_is, unchanged
from cloudplow.upload.queue_state import QueueState
from cloudplow.upload.settling import Settler
from cloudplow.upload.sizing import Uploaded
from cloudplow.upload.stage_maker import StageMaker
from cloudplow.upload.stage_terms import StageResult
from cloudplow.upload.steered import SteeredStages
from cloudplow.upload.task import UploadTask
from cloudplow.upload.ways import Going, Way

log = logging.getLogger("cloudplow.upload")

#: The shortest time between two `quota_changed` of the running account, in seconds. A little less than the second
#: between two statistics of rclone: with a whole one, every other one came without its quota, also the last before a
#: silence.
QUOTA_EVENT_SECONDS: Final = 0.9


class StageDriver:
    """Owned by one session, on its thread; the listener of its stages. files, bytes: transferred so far in the session.

    context: for a dry run, one with a book that is never saved. settler: gets each stage that has ended, and goes on
    with its questions while others run.
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
        settler: Settler,
    ) -> None:
        self._controls = controls
        self._context = context
        self._book = context.book
        self._task = task
        self._pool = pool
        self._queue = queue
        self._emit = emit
        self._settler = settler
        self._stage = 0
        self._open: Stage | None = None
        self._to_size: list[Uploaded] = []
        self._steered = SteeredStages(context, task.name, list_path.stem, controls, emit, listens=not task.job.dry_run)
        self.account = ActiveAccount(context.book, task, pool, emit, context.clock)
        self._destination = context.destination(task.job.destination)
        self._sizes_are_exact = self._destination.sizes_are_exact or task.job.dry_run
        self._maker = StageMaker(context, task, self._destination, list_path, locks)
        self._next_quota_event = 0.0
        self.files = 0
        self.bytes = 0
        self.planned_names: list[str] = []
        self._plan = Plan()
        #: What has arrived of files that are on their way, in bytes, by name as the log shows it.
        self._in_flight: dict[str, int] = {}
        controls.count_left_by(self.left)

    def left(self) -> tuple[int, int]:
        """How many files and bytes are still to be uploaded, without what has arrived of files that are on their way.

        May be asked by any thread.
        """
        return len(self._queue.files), max(0, self._queue.bytes - sum(tuple(self._in_flight.values())))

    def run(self, made: Plan) -> StageResult | None:
        """Run the first stage of a plan to its end; None when it has to be planned again, because its files or its
        account have changed.

        Raises RcloneError, StateError when it cannot be started, StoppedError when none may begin any more.
        """
        steering = self._steered.next()
        with self._controls.uploading(steering):
            return self._run_first(made, steering)

    def close(self) -> None:
        """No stage comes any more."""
        self._steered.close()

    def _run_first(self, made: Plan, steering: Steering) -> StageResult | None:
        self._plan = made
        planned = made.stages[0]
        going = self._maker.choose(
            distinct_in_log(self._still_as_listed(planned.files)), self._book.arrived(self._task.name)
        )
        seen = going.seen
        if not seen or (self._pool is not None and not self._pool.is_still(planned.account)):
            return None
        files = [one.file for one in seen]
        self.planned_names = [file.name for file in files]
        self._maker.write_list(files)
        self.account.switch_to(planned.account)
        try:
            opened = self._open_stage(planned, going)
        except RefusedError:
            return None
        self._stage += 1
        self._announce(files)
        self._controls.report(UploaderState.UPLOADING, self._what_goes(files))
        started = self._context.clock()
        self._next_quota_event = started + QUOTA_EVENT_SECONDS
        result = self._run_booked(opened, planned, going, steering)
        self._emit(
            events.StageFinished,
            stage=self._stage,
            account=self.account.name,
            outcome=result.verdict.outcome,
            files=result.files,
            bytes=result.bytes,
            duration_seconds=self._context.clock() - started,
            reason=result.verdict.reason,
        )
        self.account.quota_changed()
        self._settler.add(opened, self._to_size)
        return result

    def _open_stage(self, planned: PlannedStage, going: Going) -> Stage:
        """Reserve what the stage plans. What an earlier stage has uploaded already costs nothing."""
        pool, task = self._pool, self._task
        arrived = self._book.arrived(task.name)

        def listed(one: Seen) -> StageFile:
            file, before = one.file, arrived.get(one.file.name) if arrived else None
            known = before is not None and (before.size, before.modified_ns) == (file.size, one.modified_ns)
            known = known and going.way is not Way.WE_REMOVE_CHANGED
            cost = 0 if known or pool is None else self._cost(file.size)
            return StageFile(file.name, file.size, cost, one.modified_ns, one.inode)

        return self._book.open_stage(
            task.name,
            pool.identity(planned.account) if pool is not None else "",
            [listed(one) for one in going.seen],
            account_name=Path(planned.account).name,
            destination=task.job.destination,
            folder=str(task.folder),
            moving=task.moving,
            landing_seconds=least_landing_seconds(),
            limit_bytes=None if pool is None or planned.oversized else pool.limit_bytes(),
        )

    def _run_booked(self, opened: Stage, planned: PlannedStage, going: Going, steering: Steering) -> StageResult:
        """Run rclone; whatever happens, the stage ends in the book."""
        self._open, self._to_size = opened, []
        doubtful = frozenset(self.planned_names)
        landing = opened.landing_seconds
        try:
            make = partial(
                self._maker.make,
                going,
                self,
                account=None if self._pool is None else planned.account,
                retry=planned.retry,
                stored_bytes=self._cost if self._destination.drive_remotes and self._sizes_are_exact else None,
            )
            result = self._steered.run(steering, make)
            # A dry run uploads nothing.
            doubtful = frozenset() if self._task.job.dry_run else result.doubtful
            landing = result.landing_seconds
        except RcloneError:
            doubtful = frozenset()  # it could not be started
            raise
        finally:
            self._open, self._in_flight = None, {}
            self._book.end_stage(opened, doubtful, landing)
        return result

    def _what_goes(self, files: Sequence[QueueFile]) -> str:
        with_account = f" with {self.account.name}" if self.account.name else ""
        return f"uploading stage {self._stage}{with_account}: {amount(len(files), sum(file.size for file in files))}"

    # What happens in the running stage.

    @property
    def _running(self) -> Stage:
        assert self._open is not None
        return self._open

    def on_uploaded(self, file: QueueFile) -> None:
        """Charge a file."""
        cost = self._cost(file.size) if self._pool is not None else 0
        self._book.sent(self._running, file.name, cost)
        if not self._sizes_are_exact:
            self._to_size.append(Uploaded(file.name, file.size, cost))

    def on_wasted(self, file: QueueFile) -> None:
        """Charge an upload from which no file came."""
        if self._pool is not None:
            self._book.wasted(self._running, self._cost(file.size))

    def on_repeated(self, stored_bytes: int, sent_of: Mapping[str, int]) -> None:
        """What was sent once more counts too; so does what was sent of a file in doubt, if that has arrived."""
        if self._pool is not None:
            self._book.owe(self._running, stored_bytes, sent_of)

    def on_skipped(self, file: QueueFile) -> None:
        """Charge what a dry run would upload, to a book that is never saved."""
        self.on_uploaded(file)

    def on_transferred(self, file: QueueFile, *, already_there: bool) -> None:
        """A file is done: it leaves the queue."""
        self._book.done(self._running, file.name)
        self._queue.forget(file)
        self.files += 1
        self.bytes += file.size
        name = printable_name(file.name)
        self._in_flight.pop(name, None)
        self._send(events.FileTransferred, name=name, size=file.size, already_there=already_there)

    def on_failed(self, name: str, error: str) -> None:
        """A file failed."""
        self._send(events.FileFailed, name=name, error=error)

    def on_progress(self, stats: Stats, silent_seconds: float = 0) -> None:
        """rclone's statistics, about once a second. silent_seconds: they are the last ones, and so old."""
        if self._controls.status().state is UploaderState.STALLED:
            self._controls.report(UploaderState.UPLOADING, f"uploading stage {self._stage}")
        self._emit(events.TransferProgress, **stats.fields(), **self._outlook(stats), silent_seconds=silent_seconds)
        self._in_flight = {one.name: one.bytes for one in stats.transferring}
        in_flight = self._in_flight.values()
        self._book.note_progress(self._running, sum(in_flight), landing_seconds(in_flight, stats.speed))
        if self._context.clock() >= self._next_quota_event:
            self._next_quota_event = self._context.clock() + QUOTA_EVENT_SECONDS
            self.account.quota_changed()
        self._settler.step()
        self.account.others_changed()

    def on_silence(self, seconds: float) -> None:
        """rclone has said nothing for a while."""
        why = f"rclone has said nothing for {seconds:.0f} s"
        if self._task.stall_seconds:
            why += f"; it is ended after {format_duration(self._task.stall_seconds)} (stall_minutes)"
        log.warning("%s: %s", self._task.name, why)
        self._controls.report(UploaderState.STALLED, why)

    def found_later(self, file: QueueFile, account: str) -> None:
        """A file of an interrupted stage turns out to be done. account: base name of the key of the one that paid."""
        self._queue.forget(file)
        self.files += 1
        self.bytes += file.size
        name = printable_name(file.name)
        self._emit(events.FileTransferred, name=name, size=file.size, account=account, stage=0, found_later=True)

    def _send(self, event_type: type[Event], **fields: Any) -> None:
        self._emit(event_type, account=self.account.name, stage=self._stage, **fields)

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

    def _still_as_listed(self, files: Sequence[QueueFile]) -> list[Seen]:
        kept = unchanged(files, self._task.folder)
        if len(kept) == len(files):
            return kept
        names = {one.file.name for one in kept}
        again = self._queue.still_doubtful(file for file in files if file.name not in names)
        return [*kept, *(as_it_is(file, self._task.folder) for file in files if file.name in again)]

    def _announce(self, files: Sequence[QueueFile]) -> None:
        pool = self._pool
        quota = pool.quota(pool.active) if pool is not None and pool.active else None
        self._emit(
            events.StageStarted,
            stage=self._stage,
            account=self.account.name,
            account_index=pool.index(pool.active) if pool is not None and pool.active else -1,
            accounts_total=len(pool.accounts) if pool is not None else 0,
            planned_files=len(files),
            planned_bytes=sum(file.size for file in files),
            quota_remaining_bytes=max(0, quota.limit_bytes - quota.used_bytes) if quota else None,
        )


def distinct_in_log(files: Sequence[Seen]) -> list[Seen]:
    """Leave out files whose names look the same in the log (bytes that are not UTF-8): they go in a later stage."""
    if all(one.file.name.isascii() for one in files):
        return list(files)
    by_shown: dict[str, Seen] = {}
    for one in files:
        by_shown.setdefault(printable_name(one.file.name), one)
    return list(by_shown.values())
