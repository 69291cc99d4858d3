"""Finds out, in the background, what rclone is there and which remotes it knows; checks what tasks need."""

from __future__ import annotations

import json
import os
from typing import Any

from cloudplow.accounts import folder_faults
from cloudplow.background import Background
from cloudplow.engine import UploadTask
from cloudplow.errors import RcloneError
from cloudplow.models import QueueFile
from cloudplow.rclone.binary import read_version
from cloudplow.rclone.command import Rclone, config_dump_command
from cloudplow.rclone.process import run
from cloudplow.rclone.remotes import Dump, is_known, remote_name
from cloudplow.scanner import list_source


class Preflight:
    """All questions are asked at once, while the main thread goes on; asking for an answer waits for it."""

    def __init__(self, rclone: Rclone) -> None:
        self.rclone = rclone
        self._version = Background(lambda: read_version(rclone), "cloudplow-version")
        self._dump = Background(lambda: read_dump(rclone), "cloudplow-remotes")
        self._listings: dict[str, Background[list[QueueFile]]] = {}

    def begin_listing(self, task: UploadTask) -> None:
        """List a task's source ahead of its session."""
        if task.folder.is_dir():
            self._listings[task.name] = Background(lambda: list_source(self.rclone, task.job), "cloudplow-listing")

    def listing(self, task: UploadTask) -> Background[list[QueueFile]]:
        """The listing that was begun ahead, once; else a new one."""
        begun = self._listings.pop(task.name, None)
        return begun or Background(lambda: list_source(self.rclone, task.job), "cloudplow-listing")

    def check_version(self) -> tuple[int, ...]:
        """The version. Raises RcloneNotFoundError when it is none, or too old."""
        return self._version.get()

    def dump(self) -> Dump:
        """Every remote of rclone's configuration. Raises RcloneError."""
        return self._dump.get()


def read_dump(rclone: Rclone) -> dict[str, dict[str, Any]]:
    """Every configured remote and its settings. Raises RcloneError with the cure."""
    done = run(config_dump_command(rclone), timeout_seconds=60)
    if done.code != 0:
        raise RcloneError(
            f"rclone cannot read its configuration: {done.last_error_line()} "
            "(core.rclone_config_path; for an encrypted one set RCLONE_CONFIG_PASS)"
        )
    try:
        document = json.loads(done.stdout)
    except ValueError as error:
        raise RcloneError("rclone printed a configuration that is no JSON (core.rclone_config_path)") from error
    return {name: value for name, value in document.items() if isinstance(value, dict)}


def task_faults(task: UploadTask, preflight: Preflight) -> list[str]:
    """What is missing for a task: folder, remote, accounts. One sentence each, with the place and the cure."""
    place = f"remotes.{task.name}"
    faults = []
    if not task.folder.is_dir():
        what = "is no folder" if task.folder.exists() else "does not exist"
        faults.append(f'{place}.upload_folder: "{task.folder}" {what}; create it, or correct the path')
    elif not os.access(task.folder, os.R_OK | os.X_OK):
        faults.append(f'{place}.upload_folder: "{task.folder}" cannot be read; mend its permissions')
    try:
        dump = preflight.dump()
    except RcloneError as error:
        return [*faults, f"core.rclone_config_path: {error}"]
    if not is_known(task.job.destination, dump):
        name = remote_name(task.job.destination)
        known = ", ".join(f'"{one}"' for one in dump) or "none"
        faults.append(
            f'{place}.upload_remote: rclone knows no remote "{name}" (it knows: {known}); '
            "add it with `rclone config`, or correct the name"
        )
    if task.accounts_folder is not None:
        faults += folder_faults(task.name, task.accounts_folder)
    return faults
