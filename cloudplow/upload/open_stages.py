"""Learns a task's queue, and settles what a killed run left open in the ledger."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cloudplow.accounts.pool import AccountPool
from cloudplow.errors import RcloneError
from cloudplow.models import QueueFile, Suspect, printable_name
from cloudplow.rclone.environment import rclone_environment
from cloudplow.rclone.remotes import (
    account_environment,
    crypt_layers_above_drive,
    drive_remotes_below,
    stored_size_bytes,
)
from cloudplow.units import format_bytes
from cloudplow.upload.context import Engine, UploadTask
from cloudplow.upload.listing import (
    Listing,
    missing_at_destination,
    modified_at,
    oldest_name,
    parse_listing,
    read_listing,
    without_open_files,
)
from cloudplow.upload.open_files import open_files_below
from cloudplow.upload.source_names import local_path

log = logging.getLogger("cloudplow.upload")


#: A copy's destination is looked into with at most so many accounts, one after the other.
COMPARE_ACCOUNTS: Final = 3


def learn_queue(engine: Engine, task: UploadTask, list_path: Path, pool: AccountPool | None) -> Listing:
    """Every file that is to be uploaded now: filtered, not open, and for a copy not at the destination yet.

    Raises RcloneError, and StoppedError when asked to stop meanwhile.
    """
    listing = engine.listing(task)
    opened: frozenset[str] = frozenset()
    if task.exclude_open_files:
        opened = open_files_below(task.folder, except_containing=task.opened_excludes)
    done = listing.get(engine.stop.first)
    files = listed = read_listing(task.job, done)
    source = "lsf"
    if opened:
        kept = without_open_files(files, task.folder, opened)
        if len(kept) < len(files):
            log.info("%s: %d open files are left for later", task.name, len(files) - len(kept))
        files = kept
    if files and not task.moving:
        source = "dry_run"
        compare_path = list_path.with_suffix(f".{os.getpid()}.compare")  # `plan` may look while an upload does
        try:
            files = _compare(engine, task, files, compare_path, pool)
        finally:
            compare_path.unlink(missing_ok=True)
    left_out = {file.name for file in listed} - {file.name for file in files} if len(files) < len(listed) else set()
    oldest = oldest_name(done.stdout, left_out)
    return Listing(files, source, printable_name(oldest), modified_at(task.folder, oldest) if oldest else 0)


def _compare(
    engine: Engine, task: UploadTask, files: Sequence[QueueFile], list_path: Path, pool: AccountPool | None
) -> list[QueueFile]:
    """What the destination lacks. The remote may have no key of its own, so an account of the pool looks."""
    environment = rclone_environment(os.environ, filters=False)
    drives = drive_remotes_below(task.job.destination, engine.dump())
    keys = pool.usable_keys()[:COMPARE_ACCOUNTS] if pool is not None and drives else []
    for number, key in enumerate(keys, 1):
        try:
            account = environment | account_environment(drives, key)
            return missing_at_destination(engine.rclone, task.job, files, list_path, account, engine.stop.first.is_set)
        except RcloneError as error:
            if number == len(keys):
                raise
            log.warning("%s: account %s: %s", task.name, Path(key).name, error)
    return missing_at_destination(engine.rclone, task.job, files, list_path, environment, engine.stop.first.is_set)


def settle_open_stages(engine: Engine, task: UploadTask, list_path: Path, queue: Sequence[QueueFile]) -> None:
    """Charge what a killed run's stage uploaded without writing it down: its files that are gone.

    The disk is asked, not the queue: that may have been listed while the orphaned rclone was still moving.
    """
    for key, charged_bytes in engine.ledger.open_stages(task.name):
        layers = crypt_layers_above_drive(task.job.destination, engine.dump())
        waiting = set(queue)
        gone_bytes = sum(
            stored_size_bytes(file.size, layers)
            for file in read_stage_sizes(list_path)
            if (not local_path(task.folder, file.name).exists() if task.moving else file not in waiting)
        )
        extra = max(0, gone_bytes - charged_bytes)
        log.warning(
            "%s: the last run was killed in a stage of account %s; %s more count as used",
            task.name,
            Path(key).name,
            format_bytes(extra),
        )
        engine.ledger.close_stage(task.name, key, extra, aborted=True)


def suspects_of_earlier_runs(engine: Engine, task: UploadTask, list_path: Path) -> dict[str, Suspect]:
    """Files of a stage that was cut off in an earlier run: each may have arrived without a word. By printable name."""
    aborted = engine.ledger.aborted_stages(task.name)
    if not aborted:
        return {}
    return {printable_name(file.name): Suspect(aborted[0], 0) for file in read_stage_sizes(list_path)}


def stage_sizes_path(list_path: Path) -> Path:
    """Where a stage's names are kept with their sizes."""
    return list_path.with_suffix(".sizes")


def read_stage_sizes(list_path: Path) -> list[QueueFile]:
    """What the last stage planned; [] when that is not known."""
    try:
        return parse_listing(stage_sizes_path(list_path).read_bytes())
    except OSError:
        return []


def write_stage_sizes(list_path: Path, files: Sequence[QueueFile]) -> None:
    """Keep a stage's names and sizes for `settle_open_stages`, safe on the disk. Raises OSError."""
    with stage_sizes_path(list_path).open("wb") as file:
        file.writelines(b"%d\t%s\n" % (one.size, os.fsencode(one.name)) for one in files)
        file.flush()
        os.fsync(file.fileno())
