"""Interrupted stages: which files each had, and how much of them counts as spent."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from cloudplow.models import QueueFile, Suspect, printable_name
from cloudplow.units import format_bytes
from cloudplow.upload.context import Context
from cloudplow.upload.listing import parse_listing
from cloudplow.upload.local_files import local_path
from cloudplow.upload.task import UploadTask

log = logging.getLogger("cloudplow.upload")


def settle_open_stages(context: Context, task: UploadTask, list_path: Path, queue: Sequence[QueueFile]) -> None:
    """Charge what a killed run's stage uploaded without recording it: its files that are gone.

    This checks the disk, not the queue, which may have been listed while the orphaned rclone was still moving files.
    """
    for key, charged_bytes in context.ledger.open_stages(task.name):
        destination = context.destination(task.job.destination)
        waiting = set(queue)
        gone_bytes = sum(
            destination.stored_bytes(file.size)
            for file in read_stage_sizes(list_path)
            if (not local_path(task.folder, file.name).exists() if task.moving else file not in waiting)
        )
        extra = max(0, gone_bytes - charged_bytes)
        log.warning(
            "%s: the last run was killed during a stage with account %s; another %s of its quota count as used",
            task.name,
            Path(key).name,
            format_bytes(extra),
        )
        context.ledger.close_stage(task.name, key, extra, aborted=True)


def suspects_of_earlier_runs(context: Context, task: UploadTask, list_path: Path) -> dict[str, Suspect]:
    """Files of a stage that was interrupted in an earlier run: each may have arrived unreported. By printable name."""
    aborted = context.ledger.aborted_stages(task.name)
    if not aborted:
        return {}
    return {printable_name(file.name): Suspect(aborted[0], 0) for file in read_stage_sizes(list_path)}


def stage_sizes_path(list_path: Path) -> Path:
    """The path of a stage's list of names and sizes."""
    return list_path.with_suffix(".sizes")


def read_stage_sizes(list_path: Path) -> list[QueueFile]:
    """What the last stage planned; [] when unknown."""
    try:
        return parse_listing(stage_sizes_path(list_path).read_bytes())
    except OSError:
        return []


def write_stage_sizes(list_path: Path, files: Sequence[QueueFile]) -> None:
    """Save a stage's names and sizes for `settle_open_stages`, safely on disk. Raises OSError."""
    with stage_sizes_path(list_path).open("wb") as file:
        file.writelines(b"%d\t%s\n" % (one.size, os.fsencode(one.name)) for one in files)
        file.flush()
        os.fsync(file.fileno())
