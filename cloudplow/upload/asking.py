"""Asks a destination which of some files it has, and says what the answer means for each of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from cloudplow.accounts.booked_stage import Stage, StageFile
from cloudplow.accounts.pool import AccountPool
from cloudplow.errors import RcloneError
from cloudplow.rclone.destination import Destination
from cloudplow.rclone.environment import rclone_environment
from cloudplow.rclone.lookup import Found, look_up_files, lookup_command
from cloudplow.upload.context import Context
from cloudplow.upload.local_files import local_path
from cloudplow.upload.task import UploadTask

#: How many accounts are tried, one after the other, for one question.
ACCOUNTS_TRIED: Final = 3
#: Times at the destination may be rounded, in seconds.
TIME_TOLERANCE_SECONDS: Final = 1.0

Answer = Mapping[str, Found]


def question(
    context: Context,
    task: UploadTask,
    pool: AccountPool | None,
    destination: Destination,
    list_path: Path,
    should_stop: Callable[[], bool],
) -> Callable[[], Answer]:
    """What asks a destination about the files of a list, through any account that can; to be run in the background.

    It raises RcloneError.
    """
    keys: Sequence[str | None] = [None]
    if pool is not None and destination.drive_remotes:
        keys = pool.usable_keys()[:ACCOUNTS_TRIED] or [None]
    environment = rclone_environment(os.environ, filters=False)
    defaults = destination.default_flags(task.job.extras, os.environ)
    command = lookup_command(context.rclone, destination.path, list_path, task.job.extras, defaults)
    tries = [environment if key is None else destination.with_account(environment, key) for key in keys]
    return lambda: _first_answer(command, tries, should_stop)


def _first_answer(
    command: list[str], environments: Iterable[Mapping[str, str]], should_stop: Callable[[], bool]
) -> Answer:
    """The answer through the first account that gets one. Raises RcloneError."""
    fault = RcloneError("no account can be used")
    for environment in environments:
        try:
            return look_up_files(command, environment, should_stop)
        except RcloneError as error:
            fault = error
            if should_stop():
                break
    raise fault


def arrived_size(file: StageFile, found: Found | None) -> int | None:
    """The size of a file at the destination if it can have been sent by us; None if it is not there.

    An older time is that of an older version. A newer one is the file after it changed, or comes from a backend that
    keeps no times: both count.
    """
    if found is None:
        return None
    if found.modified_at is not None and found.modified_at + TIME_TOLERANCE_SECONDS < file.modified_ns // 1_000_000_000:
        return None
    return found.size if found.size >= 0 else file.size


def is_newer(file: StageFile, found: Found) -> bool:
    """Whether what is at the destination is newer than the file: for example a local one that was cut off half-way."""
    if found.modified_at is None or not file.modified_ns:
        return False
    # Both in whole seconds. A backend that rounds up only makes a plan more careful.
    return found.modified_at > file.modified_ns // 1_000_000_000


def is_whole(stage: Stage, file: StageFile, size: int) -> bool:
    """Whether what is at the destination is the file, and not a part of it: it may have grown before it was sent."""
    if size == file.size:
        return True
    try:
        return os.stat(local_path(Path(stage.folder), file.name)).st_size == size  # noqa: PTH116 - many files
    except (OSError, ValueError):
        return stage.moving  # rclone removes a file only after it has arrived as it was
