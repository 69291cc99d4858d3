"""`cloudplow check`: config, rclone, remotes, keys, folders, plugins, exposure: one line each, with the cure."""

from __future__ import annotations

import argparse
import ipaddress
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from cloudplow.accounts.pool import key_files
from cloudplow.app import App
from cloudplow.cli import old_cache_path
from cloudplow.errors import CloudplowError, ExitStatus
from cloudplow.rclone.remotes import drive_remotes_below
from cloudplow.terminal import logs
from cloudplow.upload.context import UploadTask
from cloudplow.upload.preflight import Preflight, task_faults

Line = tuple[str, str]


def run(options: argparse.Namespace, config_path: Path, state_dir: Path) -> int:
    """Print one line for each thing that was looked at. Raises ConfigError, PluginError."""
    logs.set_up("WARN", None, terminal=logging.StreamHandler())
    app = App(config_path, state_dir, old_cache=old_cache_path(options))
    status = ExitStatus.DONE
    for verdict, text in _lines(app, config_path):
        print(f"{verdict:<7} {logs.escape_control(text)}")
        if verdict == "FAULT":
            status = ExitStatus.USAGE
    return int(status)


def _lines(app: App, config_path: Path) -> Iterator[Line]:
    yield "ok", f"config: {config_path}"
    for warning in app.warnings:
        yield "warning", warning
    yield "ok", f"plugins: {', '.join(app.config.plugins) or 'none'}"
    yield from _state_dir(app.state_dir)
    try:
        preflight = app.begin_preflight()
        version = ".".join(map(str, preflight.check_version()))
        yield "ok", f"rclone {version}: {preflight.rclone.binary}"
    except CloudplowError as error:
        yield "FAULT", str(error)
        return
    if not app.config.uploader:
        yield "FAULT", "uploader: there is none; name at least one of the remotes there"
        return
    for task in app.tasks([]):
        yield from _task(task, preflight)
    yield from _exposure(app)


def _state_dir(folder: Path) -> Iterator[Line]:
    if os.access(folder, os.W_OK | os.X_OK):
        yield "ok", f"cache files: {folder}"
    else:
        yield "FAULT", f"cache files: {folder} cannot be written to; mend its permissions, or use --cachefile"


def _task(task: UploadTask, preflight: Preflight) -> Iterator[Line]:
    faults = task_faults(task, preflight)
    for fault in faults:
        yield "FAULT", fault
    if faults:
        return
    yield "ok", f"uploader.{task.name}: {task.folder} -> {task.job.destination}"
    if task.moving and not os.access(task.folder, os.W_OK):
        yield (
            "FAULT",
            f"remotes.{task.name}.upload_folder: files cannot be moved out of {task.folder}: mend its permissions",
        )
    if task.accounts_folder is None:
        return
    keys = key_files(task.accounts_folder)
    yield "ok", f"uploader.{task.name}: {len(keys)} accounts in {task.accounts_folder}"
    for key in keys:
        if not os.access(key, os.R_OK):
            yield "warning", f"{key} cannot be read and is passed over; mend its permissions"
    if not drive_remotes_below(task.job.destination, preflight.dump()):
        yield (
            "warning",
            f"uploader.{task.name}.service_account_path: no drive remote lies below {task.job.destination}, "
            "so the accounts are counted but never used; remove the setting, or correct the remote",
        )


def _exposure(app: App) -> Iterator[Line]:
    section = app.config.sections.get("dashboard")
    if section is None or not getattr(section, "enabled", False):
        yield "ok", "dashboard: off"
        return
    host, port = getattr(section, "host", ""), getattr(section, "port", "")
    if _is_loopback(host):
        yield "ok", f"dashboard: {host}:{port}, reached from this machine only"
    else:
        yield (
            "warning",
            f"dashboard.host: {host} can be reached from other machines, and there is no login yet; "
            'use "127.0.0.1" with a tunnel or an authenticating proxy',
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
