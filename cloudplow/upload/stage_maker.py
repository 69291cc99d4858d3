"""Makes the runs of rclone for one task: who removes the files, and with which commands, environment and list."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cloudplow.accounts.booked_stage import StageFile
from cloudplow.errors import RcloneError
from cloudplow.models import QueueFile
from cloudplow.rclone.command import Job, transfer_command
from cloudplow.rclone.destination import Destination
from cloudplow.rclone.environment import rclone_environment
from cloudplow.rclone.steering import limit_flags
from cloudplow.state.locks import FolderLocks
from cloudplow.upload.context import Context
from cloudplow.upload.listing import Seen, write_list
from cloudplow.upload.removal import Sources
from cloudplow.upload.removing_stage import RemovingStageRun
from cloudplow.upload.stage import StageRun
from cloudplow.upload.stage_terms import StageListener, StageRequest, SteeredStart
from cloudplow.upload.task import UploadTask
from cloudplow.upload.ways import EMPTY_FOLDERS, Going, Way, asking_job, choose, copying_job, is_on, we_remove


class StageMaker:
    """Owned by one session, on its thread."""

    def __init__(
        self, context: Context, task: UploadTask, destination: Destination, list_path: Path, locks: FolderLocks
    ) -> None:
        self._context = context
        self._task = task
        self._destination = destination
        self._list_path = list_path
        self._locks = locks
        self._removing = we_remove(task, destination, os.environ)

    def choose(self, seen: Sequence[Seen], sent_before: Mapping[str, StageFile]) -> Going:
        """What of these goes into one stage, and how. sent_before: as for `cloudplow.upload.ways.choose`."""
        return choose(seen, sent_before, removing=self._removing)

    def make(
        self,
        going: Going,
        listener: StageListener,
        *,
        account: str | None,
        retry: bool,
        stored_bytes: Callable[[int], int] | None,
        steered: SteeredStart,
    ) -> StageRun:
        """A run over what goes. account: the key file; retry, stored_bytes: as in `StageRequest`; steered: how it can
        be steered.
        """
        task = self._task
        environment = rclone_environment(os.environ, filters=False)
        if account is not None:
            environment = self._destination.with_account(environment, account)
        rclone_removes = going.way is Way.RCLONE
        request = StageRequest(
            command=[
                *self._command(task.job if rclone_removes else copying_job(task.job, going.way)),
                *limit_flags(steered.limit_bytes),
            ],
            environment=environment,
            files=[one.file for one in going.seen],
            folder=task.folder,
            moving=task.moving,
            pass_fds=self._locks.fds,
            sleeps=task.sleeps,
            retry=retry,
            stall_seconds=task.stall_seconds,
            stored_bytes=stored_bytes,
            steering=steered.steering,
            own=steered.own,
        )
        if rclone_removes:
            return StageRun(request, listener)

        def ask(files: Sequence[QueueFile]) -> Sequence[str]:
            self.write_list(files)
            return self._command(asking_job(task.job, going.way))

        empty_folders = is_on(EMPTY_FOLDERS, task.job.extras, os.environ)
        return RemovingStageRun(request, listener, Sources(task.folder, going.seen), ask, empty_folders=empty_folders)

    def _command(self, job: Job) -> list[str]:
        defaults = self._destination.default_flags(job.extras, os.environ)
        return transfer_command(self._context.rclone, job, self._list_path, defaults=defaults)

    def write_list(self, files: Sequence[QueueFile]) -> None:
        """Write the names that rclone reads. Raises RcloneError."""
        try:
            write_list(self._list_path, files)
        except OSError as error:
            raise RcloneError(f"{self._list_path} cannot be written: {error.strerror}") from error


def stage_list_path(state_dir: Path, uploader: str) -> Path:
    """The path of the file list of an uploader's running stage."""
    safe = "".join(char if char.isalnum() or char in "-_" else "_" for char in uploader)[:80]
    digest = hashlib.sha256(os.fsencode(uploader)).hexdigest()[:8]
    return state_dir / "stages" / f"{safe}-{digest}.list"
