"""The lines of `cloudplow check` about this machine: configuration, rclone, folders, keys, open files."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Final

from cloudplow.accounts.pool import key_files
from cloudplow.app import App
from cloudplow.errors import CloudplowError
from cloudplow.events.sentences import count
from cloudplow.installation import NO_UPLOADER
from cloudplow.rclone.binary import find_rclone, read_version
from cloudplow.rclone.command import Rclone
from cloudplow.state.access import access_fault, owner_of, whoami
from cloudplow.state.book_file import BOOK_FILE
from cloudplow.state.state_files import LEDGER_FILE
from cloudplow.upload.preflight import Preflight, task_faults, task_warnings
from cloudplow.upload.task import UploadTask
from cloudplow.upload.unseen import look_for_unseen, matters

#: A verdict ("ok", "warning" or "fault") and a sentence.
Line = tuple[str, str]
#: So many keys that cannot be read are named.
NAMED: Final = 3


def installation(app: App, config: Path) -> Iterator[Line]:
    """What does not belong to one uploader."""
    yield "ok", f"config: {config}"
    for warning in app.warnings:
        yield "warning", warning
    yield "ok", f"plugins: {', '.join(app.config.plugins) or 'none'}"
    fault = access_fault(app.state_dir)
    yield ("fault", f"cache files: {fault}") if fault else ("ok", f"cache files: {app.state_dir}")
    yield from _inheritance(app.state_dir, config.parent)


def _inheritance(*folders: Path) -> Iterator[Line]:
    """What an older cloudplow has left."""
    if (folders[0] / BOOK_FILE).exists():
        return
    for folder in dict.fromkeys(folders):
        if (folder / LEDGER_FILE).is_file():
            yield "ok", f"{folder / LEDGER_FILE}: what older versions have spent is taken over by the next upload"
        if (folder / "cache.db").is_file():
            yield "ok", f"{folder / 'cache.db'}: the bans of an older version are taken over by the next upload"


def rclone_alone() -> Iterator[Line]:
    """What can be said of rclone without a configuration."""
    try:
        binary = find_rclone(None)
        yield "ok", f"rclone {'.'.join(map(str, read_version(Rclone(binary))))}: {binary}"
    except CloudplowError as error:
        yield "fault", str(error)


def uploaders(app: App) -> Generator[Line, None, list[UploadTask]]:
    """rclone and every uploader; returns those that can upload."""
    try:
        preflight = app.begin_preflight()
        version = ".".join(map(str, preflight.check_version()))
        yield "ok", f"rclone {version}: {preflight.rclone.binary} ({preflight.why_this})"
    except CloudplowError as error:
        yield "fault", str(error)
        return []
    if not app.config.uploader:
        yield "fault", NO_UPLOADER
        return []
    tasks = app.tasks([])
    found = [list(_task(task, preflight)) for task in tasks]
    yield from _judged(found)
    if any(map(matters, tasks)) and (said := look_for_unseen().sentence()):
        yield "warning", said
    return [task for task, lines in zip(tasks, found, strict=True) if all(verdict != "fault" for verdict, _ in lines)]


def _judged(found: Sequence[Sequence[Line]]) -> Iterator[Line]:
    """The lines of all uploaders: what is wrong with one is no fault while another one can upload."""
    refused = [any(verdict == "fault" for verdict, _ in lines) for lines in found]
    for lines in found:
        for verdict, text in lines:
            if verdict == "fault" and not all(refused):
                yield "warning", f"{text} (the other uploaders go on without this one)"
            else:
                yield verdict, text


def _task(task: UploadTask, preflight: Preflight) -> Iterator[Line]:
    faults = task_faults(task, preflight)
    for fault in faults:
        yield "fault", fault
    if faults:
        return
    yield "ok", f"uploader.{task.name}: {task.folder} -> {task.job.destination}"
    yield from (("warning", warning) for warning in task_warnings(task, preflight))
    if task.moving and not os.access(task.folder, os.W_OK):
        yield (
            "fault",
            f"remotes.{task.name}.upload_folder: {whoami()} cannot move files out of {task.folder}, which belongs to "
            f"{owner_of(task.folder)}; fix its permissions, or run cloudplow as its owner",
        )
    if task.accounts_folder is not None:
        yield from _keys(task, task.accounts_folder, preflight)


def _keys(task: UploadTask, folder: Path, preflight: Preflight) -> Iterator[Line]:
    keys = key_files(folder)
    yield "ok", f"uploader.{task.name}: {count(len(keys), 'account')} in {folder}"
    unread = [Path(key) for key in keys if not os.access(key, os.R_OK)]
    if unread:
        names = ", ".join(one.name for one in unread[:NAMED]) + (" ..." if unread[NAMED:] else "")
        yield (
            "warning",
            f"{count(len(unread), 'key')} in {folder} cannot be read by {whoami()} ({names}; owner: "
            f"{owner_of(unread[0])}), so the accounts are not used; fix the permissions",
        )
    if not preflight.destination(task.job.destination).drive_remotes:
        yield (
            "warning",
            f"uploader.{task.name}.service_account_path: {task.job.destination} does not lead to a drive remote, "
            "so the accounts are counted but never used; remove the setting, or correct the remote",
        )
