"""One uploader, taken from the configuration: what to upload, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from cloudplow.accounts.book import Book
from cloudplow.accounts.identity import Keys
from cloudplow.accounts.pool import AccountPool
from cloudplow.config.models import Config, Remote, Uploader
from cloudplow.rclone.command import Job
from cloudplow.upload.triggers import Sleep


@dataclass(frozen=True, slots=True)
class UploadTask:
    """One uploader, taken from the configuration."""

    name: str
    folder: Path
    job: Job
    exclude_open_files: bool
    opened_excludes: tuple[str, ...]
    accounts_folder: Path | None
    quota_bytes: int
    window_seconds: float
    sleeps: Mapping[str, Sleep]
    remove_empty_dir_depth: int | None
    stall_seconds: float = 0.0

    @property
    def moving(self) -> bool:
        """Whether files leave the source."""
        return self.job.command == "move"


def as_dry_run(task: UploadTask) -> UploadTask:
    """The same task, but without moving, copying or deleting anything."""
    return replace(task, job=task.job._replace(dry_run=True))


def upload_task(config: Config, name: str) -> UploadTask:
    """Take one uploader from a checked configuration. Raises KeyError for an unknown name."""
    uploader: Uploader = config.uploader[name]
    remote: Remote = config.remotes[name]
    folder = Path(remote.upload_folder or "").expanduser()
    accounts = uploader.service_account_path or remote.service_account_path
    return UploadTask(
        name=name,
        folder=folder,
        job=Job(
            command=remote.rclone_command,
            source=str(folder),
            destination=remote.upload_remote or "",
            extras=remote.rclone_extras,
            excludes=remote.rclone_excludes,
            dry_run=config.core.dry_run,
        ),
        exclude_open_files=uploader.exclude_open_files,
        opened_excludes=uploader.opened_excludes,
        accounts_folder=Path(accounts).expanduser() if accounts else None,
        quota_bytes=uploader.account_quota_bytes,
        window_seconds=uploader.account_quota_hours * 3600,
        sleeps={
            text: Sleep(sleep.count, sleep.timeout, sleep.sleep * 3600) for text, sleep in remote.rclone_sleeps.items()
        },
        remove_empty_dir_depth=remote.remove_empty_dir_depth,
        stall_seconds=60 * (config.core.stall_minutes if uploader.stall_minutes is None else uploader.stall_minutes),
    )


def pool_of(task: UploadTask, book: Book, keys: Keys) -> AccountPool | None:
    """The accounts of a task, not read yet; None if it uses none."""
    if task.accounts_folder is None:
        return None
    return AccountPool(task.name, task.accounts_folder, book, keys, quota_bytes=task.quota_bytes)
