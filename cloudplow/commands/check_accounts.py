"""The lines of `cloudplow check` about destinations: whether accounts reach them, and what time it is there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from cloudplow.accounts.pool import key_files
from cloudplow.app import App
from cloudplow.commands.check_lines import Line
from cloudplow.events.sentences import count
from cloudplow.rclone.environment import rclone_environment
from cloudplow.rclone.first_look import Look, look, look_command
from cloudplow.upload.preflight import Preflight
from cloudplow.upload.task import UploadTask

#: So many looks at a time.
AT_A_TIME: Final = 4
#: Without --all-accounts, so many accounts are tried until one reaches the destination.
TRIED: Final = 3
#: A clock that is wrong by more than this is mentioned, in seconds.
CLOCK_SECONDS: Final = 60.0


def looks(app: App, tasks: Sequence[UploadTask], *, every_account: bool) -> Iterator[Line]:
    """Look at each destination. An upload does not refuse to start for what is seen here, so these are warnings."""
    ahead: float | None = None
    for task in tasks:
        preflight = app.begin_preflight()
        keys = _keys(task, preflight)
        if every_account and keys:
            found = _look_with_all(task, preflight, keys)
            yield from _of_all(task, found)
        else:
            found = _look_until_one_reaches(task, preflight, keys[:TRIED] or [None])
            yield _of_some(task, found)
        known = [one.clock_ahead_seconds for one in found.values() if one.clock_ahead_seconds is not None]
        ahead = known[-1] if known else ahead
    if tasks:
        yield _clock(ahead)


def _keys(task: UploadTask, preflight: Preflight) -> list[str | None]:
    if task.accounts_folder is None or not preflight.destination(task.job.destination).drive_remotes:
        return []
    return [key for key in key_files(task.accounts_folder) if os.access(key, os.R_OK)]


def _look(task: UploadTask, preflight: Preflight, key: str | None) -> Look:
    destination = preflight.destination(task.job.destination)
    environment = rclone_environment(os.environ, filters=False)
    if key is not None:
        environment = destination.with_account(environment, key)
    defaults = destination.default_flags(task.job.extras, os.environ)
    return look(look_command(preflight.rclone, destination.path, task.job.extras, defaults), environment)


def _look_until_one_reaches(
    task: UploadTask, preflight: Preflight, keys: Sequence[str | None]
) -> dict[str | None, Look]:
    found: dict[str | None, Look] = {}
    for key in keys:
        found[key] = _look(task, preflight, key)
        if not found[key].fault:
            break
    return found


def _look_with_all(task: UploadTask, preflight: Preflight, keys: Sequence[str | None]) -> dict[str | None, Look]:
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        return dict(zip(keys, pool.map(lambda key: _look(task, preflight, key), keys), strict=True))


def _of_some(task: UploadTask, found: dict[str | None, Look]) -> Line:
    key, last = list(found.items())[-1]
    account = f" with {Path(key).name}" if key is not None else ""
    if last.fault:
        tried = f" (tried with {count(len(found), 'account')})" if key is not None else ""
        return (
            "warning",
            f"remotes.{task.name}.upload_remote: {task.job.destination} cannot be reached{tried}: {last.fault}",
        )
    new = "; the folder is new and will be made" if last.is_new else ""
    return "ok", f"uploader.{task.name}: {task.job.destination} can be reached{account}{new}"


def _of_all(task: UploadTask, found: dict[str | None, Look]) -> Iterator[Line]:
    bad = {Path(key).name: one.fault for key, one in found.items() if key is not None and one.fault}
    reach = len(found) - len(bad)
    yield (
        "ok" if reach else "warning",
        f"uploader.{task.name}: {reach} of {count(len(found), 'account')} can reach {task.job.destination}",
    )
    for name, fault in bad.items():
        yield (
            "warning",
            f"uploader.{task.name}: account {name} cannot reach {task.job.destination}: {fault}; make it a member of "
            "the drive, or remove its key",
        )


def _clock(ahead_seconds: float | None) -> Line:
    if ahead_seconds is None:
        return "ok", "clock: not known whether it is right, because no destination says what time it is"
    if abs(ahead_seconds) <= CLOCK_SECONDS:
        return "ok", "clock: right, as far as the destination says"
    way = "ahead of" if ahead_seconds > 0 else "behind"
    return (
        "warning",
        f"clock: this machine's clock is {abs(ahead_seconds):.0f} s {way} the destination's, so quota comes back at "
        "the wrong time; set it, for example with `timedatectl set-ntp true`",
    )
