"""Finds out, in the background, which rclone is installed and which remotes it knows; checks what tasks need."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cloudplow.accounts.identity import Keys
from cloudplow.accounts.pool import folder_faults
from cloudplow.errors import RcloneError
from cloudplow.rclone.background import Background
from cloudplow.rclone.binary import checked_version, find_version, read_version
from cloudplow.rclone.command import ExtraValue, Job, Rclone, config_dump_command, listing_command
from cloudplow.rclone.destination import Destination, look_up
from cloudplow.rclone.early import DUMP_TIMEOUT_SECONDS, FLAGS_TIMEOUT_SECONDS, ask
from cloudplow.rclone.environment_remotes import WithEnvironment
from cloudplow.rclone.flag_trial import refusal, trial_commands
from cloudplow.rclone.process import Completed, run
from cloudplow.rclone.remotes import Dump
from cloudplow.upload.bad_entries import NAMED, cure
from cloudplow.upload.own_files import OwnFiles
from cloudplow.upload.task import UploadTask
from cloudplow.upload.whole_listing import whole_listing

_NO_CONFIG: Final = re.compile(r'Config file "(.{1,4096})" not found')
_BAD_VARIABLE: Final = re.compile(r"environment variable|default values: failed to initialise")


class Preflight:
    """Queries run in the background while others continue; reading an answer starts it if need be, and waits for it."""

    def __init__(
        self,
        rclone: Rclone,
        own: OwnFiles | None = None,
        *,
        stop: threading.Event | None = None,
        silence_seconds: float | None = None,
        why_this: str = "",
    ) -> None:
        """own: cloudplow's own files, which no upload folder may be full of.

        stop: once it is set, whoever waits for an answer gets StoppedError. silence_seconds: how long a listing may
        print nothing until it is ended; None: for ever. why_this: why this rclone was chosen.
        """
        self.rclone = rclone
        self.own = own or OwnFiles()
        self.why_this = why_this
        self._silence_seconds = silence_seconds
        self._stop = stop
        self._asked: Background[Completed] | None = None
        self._listings: dict[tuple[str, ...], Background[Completed]] = {}
        self._flags: dict[tuple[str, ...], Background[Completed]] = {}
        self._version: tuple[int, ...] | None = None
        self._dump: Dump | None = None
        self._destinations: dict[str, Destination] = {}

    def _query(
        self, command: Sequence[str], timeout_seconds: float | None = None, *, spool: bool = False
    ) -> Background[Completed]:
        silence = self._silence_seconds if timeout_seconds is None else None
        if spool:
            return Background(lambda: run(command, silence_seconds=silence, spool=True), "cloudplow-ask")
        return ask(command, timeout_seconds=timeout_seconds, silence_seconds=silence)

    def begin(self) -> None:
        """Start asking for rclone's configuration and version."""
        if self._asked is None:
            self._asked = self._query(config_dump_command(self.rclone), DUMP_TIMEOUT_SECONDS)

    @property
    def _answer(self) -> Background[Completed]:
        self.begin()
        assert self._asked is not None
        return self._asked

    def begin_listing(self, task: UploadTask) -> None:
        """Start listing a task's source before its session starts."""
        if task.folder.is_dir():
            command = listing_command(self.rclone, task.job)
            self._listings[tuple(command)] = self._query(command)

    def begin_flags(self, task: UploadTask) -> None:
        """Start asking rclone whether it takes a task's `rclone_extras`; our own flags need no question."""
        for command in self._trials(task):
            if command not in self._flags:
                self._flags[command] = self._query(command, FLAGS_TIMEOUT_SECONDS)

    def _trials(self, task: UploadTask) -> list[tuple[str, ...]]:
        return [tuple(command) for command in trial_commands(self.rclone, task.job)] if task.job.extras else []

    def flag_fault(self, task: UploadTask) -> str:
        """What rclone says against a task's `rclone_extras`; "" for nothing, or if it cannot be asked."""
        self.begin_flags(task)
        try:
            said = [refusal(self._flags[command].get(self._stop), task.job.extras) for command in self._trials(task)]
        except RcloneError:
            return ""  # what is wrong with it shows elsewhere
        return next(filter(None, said), "")

    def listing(self, job: Job) -> Background[Completed]:
        """The listing that was started in advance, the first time; after that a new one."""
        command = listing_command(self.rclone, job)
        return self._listings.pop(tuple(command), None) or self._query(command)

    def spooled_listing(self, job: Job) -> Background[Completed]:
        """A new listing, which is not kept in memory."""
        return self._query(listing_command(self.rclone, job), spool=True)

    def destination(self, path: str, flags: Mapping[str, ExtraValue] | None = None) -> Destination:
        """The remotes below a path. flags: of the upload, which may change them. Raises RcloneError as `dump` does."""
        if path not in self._destinations or flags is not None:
            version = ".".join(map(str, self._version or ()))
            self._destinations[path] = look_up(path, self.dump(), version=version, flags=flags, environ=os.environ)
        return self._destinations[path]

    def check_version(self) -> tuple[int, ...]:
        """The version. Raises RcloneNotFoundError when the program is not rclone, or too old."""
        if self._version is None:
            try:
                said = find_version(self._answer.get(self._stop).stderr)
            except RcloneError:
                said = None
            # If the debug output does not name the version, query it.
            if said is None:
                asked = Background(lambda: read_version(self.rclone), "cloudplow-ask")
                self._version = asked.get(self._stop)
            else:
                self._version = checked_version(self.rclone, said)
        return self._version

    def dump(self) -> Dump:
        """Every remote in rclone's configuration, with its settings. Raises RcloneError, which says what to do."""
        if self._dump is None:
            self._dump = WithEnvironment(parse_dump(self._answer.get(self._stop)), os.environ)
        return self._dump

    def missing_config(self) -> str:
        """The path of rclone's configuration file if there is none, else "". Raises RcloneError as `dump` does."""
        match = _NO_CONFIG.search(self._answer.get(self._stop).stderr.decode("utf-8", "replace"))
        return match[1] if match else ""


def parse_dump(done: Completed) -> dict[str, dict[str, Any]]:
    """Read the output of `rclone config dump`. Raises RcloneError, which says what to do."""
    if done.code != 0 and _BAD_VARIABLE.search(done.last_error_line()):
        raise RcloneError(
            f"rclone does not understand a variable of the environment: {done.last_error_line()} "
            "(correct or unset that RCLONE_ variable)"
        )
    if done.code != 0:
        raise RcloneError(
            f"rclone cannot read its configuration: {done.last_error_line()} "
            "(check core.rclone_config_path; if it is encrypted, set RCLONE_CONFIG_PASS)"
        )
    try:
        document = json.loads(done.stdout)
    except ValueError as error:
        raise RcloneError("rclone's configuration is not valid JSON (check core.rclone_config_path)") from error
    return {name: value for name, value in document.items() if isinstance(value, dict)}


def task_warnings(task: UploadTask, preflight: Preflight) -> list[str]:
    """What an upload would pass over in a task's folder, one sentence each with what to do. Lists the folder."""
    try:
        found = whole_listing(task, preflight.listing, preflight.listing(task.job), None)
    except RcloneError as error:
        return [str(error)]
    own = preflight.own.below(task.folder)
    said = [f"uploader.{task.name}: {cure(entry)}" for entry in found.bad if not own.holds(entry.name)]
    return said[:NAMED]


def task_faults(task: UploadTask, preflight: Preflight, keys: Keys | None = None) -> list[str]:
    """What a task lacks: folder, remote, accounts. One sentence each, with the place and what to do.

    keys: key files that were read already.
    """
    place = f"remotes.{task.name}"
    faults = []
    if not task.folder.is_dir():
        what = "is not a folder" if task.folder.exists() else "does not exist"
        faults.append(f'{place}.upload_folder: "{task.folder}" {what}; create it, or correct the path')
    elif not os.access(task.folder, os.R_OK | os.X_OK):
        faults.append(f'{place}.upload_folder: "{task.folder}" cannot be read; fix its permissions')
    elif fault := preflight.own.fault(task.folder):
        faults.append(f"{place}.upload_folder: {fault}")
    try:
        destination = preflight.destination(task.job.destination, task.job.extras)
    except RcloneError as error:
        return [*faults, f"core.rclone_config_path: {error}"]
    missing = preflight.missing_config()
    if not destination.known and missing:
        faults.append(
            f'core.rclone_config_path: rclone\'s configuration file "{missing}" does not exist, so there is no remote '
            f'"{destination.remote_name}"; correct the path, or make the file with `rclone config`'
        )
    elif not destination.known:
        known = ", ".join(f'"{one}"' for one in preflight.dump()) or "none"
        faults.append(
            f'{place}.upload_remote: rclone has no remote "{destination.remote_name}" (known: {known}); '
            "add it with `rclone config`, or correct the name"
        )
    if said := preflight.flag_fault(task):
        faults.append(f"{place}.rclone_extras: rclone refuses to start: {said}; correct or remove the flag")
    if task.accounts_folder is not None and destination.key_in is not None:
        faults.append(
            f'{place}.upload_remote: "{destination.key_in}" names a service account in its connection string, so no '
            "other account would ever be used; remove service_account_file or service_account_credentials from it"
        )
    if task.accounts_folder is not None:
        faults += folder_faults(task.name, task.accounts_folder, keys)
    return faults
