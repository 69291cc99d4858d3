"""Learns a task's queue, and settles what a killed run left open in the ledger."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from cloudplow.engine import Engine, UploadTask
from cloudplow.models import QueueFile
from cloudplow.open_files import open_files_below
from cloudplow.scanner import Listing, missing_at_destination, parse_listing, without_open_files
from cloudplow.source_names import local_path

log = logging.getLogger("cloudplow.upload")


def learn_queue(engine: Engine, task: UploadTask, list_path: Path) -> Listing:
    """Every file that is to be uploaded now: filtered, not open, and for a copy not at the destination yet.

    Raises RcloneError.
    """
    listing = engine.listing(task)
    opened: frozenset[str] = frozenset()
    if task.exclude_open_files:
        opened = open_files_below(task.folder, except_containing=task.opened_excludes)
    files = listing.get()
    if opened:
        kept = without_open_files(files, task.folder, opened)
        if len(kept) < len(files):
            log.info("%s: %d open files are left for later", task.name, len(files) - len(kept))
        files = kept
    if task.moving or not files:
        return Listing(files, "lsf")
    compare_path = list_path.with_suffix(".compare")
    try:
        return Listing(missing_at_destination(engine.rclone, task.job, files, compare_path, os.environ), "dry_run")
    finally:
        compare_path.unlink(missing_ok=True)


def settle_open_stages(engine: Engine, task: UploadTask, list_path: Path, queue: Sequence[QueueFile]) -> None:
    """Charge what a killed run's stage uploaded without writing it down: its files that are not waiting any more.

    The stage's list holds "SIZE TAB NAME" lines beside the list for rclone (`stage_sizes_path`).
    """
    for key, _, charged_bytes in engine.ledger.open_stages(task.name):
        planned = read_stage_sizes(list_path)
        waiting = {(file.name, file.size) for file in queue}
        gone_bytes = sum(
            size
            for name, size in planned
            if (name, size) not in waiting and not (task.moving and local_path(task.folder, name).exists())
        )
        extra = max(0, gone_bytes - charged_bytes)
        log.warning(
            "%s: the last run was killed in a stage of account %s: %d more bytes count as used",
            task.name,
            Path(key).name,
            extra,
        )
        engine.ledger.close_stage(task.name, key, extra)


def stage_sizes_path(list_path: Path) -> Path:
    """Where a stage's names are kept with their sizes."""
    return list_path.with_suffix(".sizes")


def read_stage_sizes(list_path: Path) -> list[tuple[str, int]]:
    """What the last stage planned; [] when that is not known."""
    try:
        return [(file.name, file.size) for file in parse_listing(stage_sizes_path(list_path).read_bytes())]
    except OSError:
        return []


def write_stage_sizes(list_path: Path, files: Sequence[QueueFile]) -> None:
    """Keep a stage's names and sizes for `settle_open_stages`, safe on the disk. Raises OSError."""
    with stage_sizes_path(list_path).open("wb") as file:
        file.writelines(b"%d\t%s\n" % (one.size, os.fsencode(one.name)) for one in files)
        file.flush()
        os.fsync(file.fileno())
