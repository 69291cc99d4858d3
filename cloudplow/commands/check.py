"""`cloudplow check`: config, rclone, remotes, keys, folders, plugins: one line each, with the fix."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from cloudplow.accounts.pool import key_files
from cloudplow.app import NO_UPLOADER, App
from cloudplow.commands.options import Subparsers, config_path, make_app
from cloudplow.errors import CloudplowError, ExitStatus
from cloudplow.events.sentences import count
from cloudplow.terminal import logs
from cloudplow.upload.preflight import Preflight, task_faults
from cloudplow.upload.task import UploadTask

#: A verdict ("ok", "warning" or "fault") and a sentence.
Line = tuple[str, str]


def add(commands: Subparsers) -> None:
    """Add the command."""
    parser = commands.add_parser("check", help="check config, rclone, remotes, keys, folders, plugins")
    parser.set_defaults(handler=run)


def run(options: argparse.Namespace) -> int:
    """Print one line for each thing that was checked. Raises ConfigError, PluginError."""
    logs.set_up("WARN", None, terminal=logging.StreamHandler())
    app = make_app(options)
    status = ExitStatus.DONE
    for verdict, text in _lines(app, config_path(options)):
        shown = "FAULT" if verdict == "fault" else verdict
        print(f"{shown:<7} {logs.escape_control(text)}")
        if verdict == "fault":
            status = ExitStatus.USAGE
    return int(status)


def _lines(app: App, config: Path) -> Iterator[Line]:
    yield "ok", f"config: {config}"
    for warning in app.warnings:
        yield "warning", warning
    yield "ok", f"plugins: {', '.join(app.config.plugins) or 'none'}"
    yield from _state_dir(app.state_dir)
    try:
        preflight = app.begin_preflight()
        version = ".".join(map(str, preflight.check_version()))
        yield "ok", f"rclone {version}: {preflight.rclone.binary} ({preflight.why_this})"
    except CloudplowError as error:
        yield "fault", str(error)
        return
    if not app.config.uploader:
        yield "fault", NO_UPLOADER
        return
    for task in app.tasks([]):
        yield from _task(task, preflight)
    yield from app.plugins.check(app)


def _state_dir(folder: Path) -> Iterator[Line]:
    # An upload creates the folder, and those above it.
    there = next((one for one in (folder, *folder.parents) if one.exists()), folder)
    if os.access(there, os.W_OK | os.X_OK):
        yield "ok", f"cache files: {folder}"
    else:
        yield "fault", f"cache files: {folder} is not writable; fix its permissions, or use --cachefile"


def _task(task: UploadTask, preflight: Preflight) -> Iterator[Line]:
    faults = task_faults(task, preflight)
    for fault in faults:
        yield "fault", fault
    if faults:
        return
    yield "ok", f"uploader.{task.name}: {task.folder} -> {task.job.destination}"
    if task.moving and not os.access(task.folder, os.W_OK):
        yield (
            "fault",
            f"remotes.{task.name}.upload_folder: files cannot be moved out of {task.folder}; fix its permissions",
        )
    if task.accounts_folder is None:
        return
    keys = key_files(task.accounts_folder)
    yield "ok", f"uploader.{task.name}: {count(len(keys), 'account')} in {task.accounts_folder}"
    for key in keys:
        if not os.access(key, os.R_OK):
            yield "warning", f"{key} cannot be read, so the account is not used; fix its permissions"
    if not preflight.destination(task.job.destination).drive_remotes:
        yield (
            "warning",
            f"uploader.{task.name}.service_account_path: {task.job.destination} does not lead to a drive remote, "
            "so the accounts are counted but never used; remove the setting, or correct the remote",
        )
