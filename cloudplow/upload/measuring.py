"""Measures what an upload would take now, as the upload itself sees it, to decide whether one is due."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from cloudplow.errors import RcloneError
from cloudplow.models import QueueFile
from cloudplow.upload.context import Context
from cloudplow.upload.controls import SessionControls
from cloudplow.upload.listing import learn_queue
from cloudplow.upload.stage_maker import stage_list_path
from cloudplow.upload.task import UploadTask, pool_of


class Size(NamedTuple):
    """files: all that would be uploaded; bytes: those that count."""

    files: int
    bytes: int


def measure(
    context: Context, task: UploadTask, controls: SessionControls, *, size_excludes: Collection[str], enough_bytes: int
) -> Size:
    """What rclone would upload: filtered, not open, not ours. Paths that contain one of size_excludes do not count.

    For a copy the destination is only compared when the source alone holds enough. Raises RcloneError, StoppedError.
    """
    if not task.folder.is_dir():
        what = "is not a folder" if task.folder.exists() else "does not exist"
        raise RcloneError(f'the upload folder "{task.folder}" {what}')
    list_path = stage_list_path(context.state_dir, task.name)
    found = learn_queue(context, task, list_path, None, controls, compare=False)
    measured = _sum(found.files, size_excludes)
    if task.moving or not found.files or measured.bytes < enough_bytes:
        return measured
    pool = pool_of(task, context.book, context.keys)
    if pool is not None:
        pool.read()
    found = learn_queue(context, task, list_path, pool, controls)
    return _sum(found.files, size_excludes)


def _sum(files: Collection[QueueFile], size_excludes: Collection[str]) -> Size:
    counted = (size for name, size in files if not any(text in name for text in size_excludes))
    return Size(len(files), sum(counted))
