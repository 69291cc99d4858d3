"""Measures what an upload would take now, as the upload itself sees it, to decide whether one is due."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack
from typing import NamedTuple

from cloudplow.errors import RcloneError
from cloudplow.models import QueueFile
from cloudplow.upload.context import Context
from cloudplow.upload.controls import SessionControls
from cloudplow.upload.listing import learn_queue, listed_files, opened_now
from cloudplow.upload.local_files import local_path
from cloudplow.upload.stage_maker import stage_list_path
from cloudplow.upload.task import UploadTask, pool_of
from cloudplow.upload.whole_listing import Found, whole_listing


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
    found = whole_listing(task, context.spooled_listing, context.spooled_listing(task.job), controls.stopping)
    with ExitStack() as files:
        for one in found.spooled:
            files.enter_context(one)
        measured = _sum(_at_the_source(context, task, found), size_excludes)
    if task.moving or not measured.files or measured.bytes < enough_bytes:
        return measured
    pool = pool_of(task, context.book, context.keys)
    if pool is not None:
        pool.read()
    listing = learn_queue(context, task, stage_list_path(context.state_dir, task.name), pool, controls)
    return _sum(listing.files, size_excludes)


def _at_the_source(context: Context, task: UploadTask, found: Found) -> Iterator[QueueFile]:
    """The files of a listing that are neither open nor ours, without keeping them: a service measures for months."""
    opened, own = opened_now(task), context.own.below(task.folder)
    resolved = task.folder.resolve()
    seen: set[str] = set()
    for file in listed_files(itertools.chain.from_iterable(found.spooled)):
        if not found.is_whole:  # the output of several listings
            if file.name in seen:
                continue
            seen.add(file.name)
        if file not in own and not (opened and str(local_path(resolved, file.name)) in opened):
            yield file


def _sum(files: Iterable[QueueFile], size_excludes: Collection[str]) -> Size:
    number = size_bytes = 0
    for file in files:
        number += 1
        if not any(text in file.name for text in size_excludes):
            size_bytes += file.size
    return Size(number, size_bytes)
