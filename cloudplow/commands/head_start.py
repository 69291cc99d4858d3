"""Starts rclone's first answers for `cloudplow upload` before the rest of the program is imported.

Importing takes longer than rclone needs to list a folder. What is asked is a guess, made of the raw configuration, at
what an upload will ask (`cloudplow.upload.preflight`): a wrong one costs nothing but the asking, and faults are told by
those who read the configuration properly.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from cloudplow.config.engine_flags import ExtraValue, Removable, extras_faults, normalise_extras, removable
from cloudplow.config.places import config_places, given
from cloudplow.config.reading import from_environment, read_file
from cloudplow.control.places import PLACE_FILE, SOCKET_FILE
from cloudplow.rclone import early
from cloudplow.rclone.binary import choose_rclone
from cloudplow.rclone.command import Job, Rclone, config_dump_command, listing_command
from cloudplow.rclone.flag_trial import trial_commands

_WITH_VALUE: Final = ("--config", "--logfile", "--cachefile", "--loglevel")
_WITHOUT_VALUE: Final = ("--json-log", "--wait", "--dry-run")
_SECTIONS: Final = ("core", "remotes", "uploader")
_STALL_MINUTES: Final = 15


class Question(NamedTuple):
    """A call of rclone; seconds as in `cloudplow.rclone.process.run`."""

    command: Sequence[str]
    timeout_seconds: float | None = None
    silence_seconds: float | None = None


def begin(arguments: Sequence[str]) -> None:
    """Ask rclone what an upload with these arguments will ask first. Raises nothing."""
    with contextlib.suppress(RuntimeError):  # no more threads
        for command, timeout, silence in questions(arguments):
            early.begin(command, timeout_seconds=timeout, silence_seconds=silence)


def questions(arguments: Sequence[str]) -> list[Question]:
    """What an upload with these arguments will probably ask: nothing if that is unclear. Raises nothing."""
    asked = _read(arguments)
    if asked is None:
        return []
    options, names = asked
    try:
        path = _config_path(options)
        if _is_running(options, path):
            return []  # that one does the work
        document = from_environment(read_file(path), os.environ, _SECTIONS, frozenset())
        return _questions(document, names)
    except Exception:  # noqa: BLE001 - a guess: whatever is wrong is told by those who need it right
        return []


def _read(arguments: Sequence[str]) -> tuple[Mapping[str, str], Sequence[str]] | None:
    """The options with a value, and the names of uploaders; None if it is not a plain `upload`."""
    options: dict[str, str] = {}
    words: list[str] = []
    left = list(arguments)
    while left:
        one = left.pop(0)
        name, has_value, value = one.partition("=")
        if name in _WITH_VALUE and (has_value or left):
            options[name] = value if has_value else left.pop(0)
        elif not one.startswith("-"):
            words.append(one)
        elif one not in _WITHOUT_VALUE:
            return None
    return (options, words[1:]) if words[:1] == ["upload"] else None


def _config_path(options: Mapping[str, str]) -> Path:
    named = given(options.get("--config"), "config")
    if named is not None:
        return Path(named).expanduser()
    return next(path for path in (*config_places(), Path()) if os.path.lexists(path))


def _is_running(options: Mapping[str, str], config_path: Path) -> bool:
    """Whether an instance with the same state folder seems to run."""
    named = given(options.get("--cachefile"), "cachefile")
    place = config_path if named is None else Path(named).expanduser()
    folder = place if named is not None and place.is_dir() else place.parent
    return any((folder / name).exists() for name in (SOCKET_FILE, PLACE_FILE))


def _questions(document: Mapping[str, Any], names: Sequence[str]) -> list[Question]:
    core, remotes = document.get("core") or {}, document["remotes"]
    name = names[0] if names else next(iter(document["uploader"]))
    extras = {other: normalise_extras(one.get("rclone_extras") or {})[0] for other, one in remotes.items()}
    if any("--password-command" in one for one in extras.values()):
        return []  # it may ask somebody, and must not do that twice
    config_path = core.get("rclone_config_path") or None
    binary, _ = choose_rclone(core.get("rclone_binary_path") or None)
    rclone = Rclone(binary, None if config_path is None else str(Path(config_path).expanduser()))
    found = [Question(config_dump_command(rclone), early.DUMP_TIMEOUT_SECONDS)]
    remote = remotes[name]
    if _has_faults(remote.get("rclone_extras") or {}):
        return found
    folder = Path(remote["upload_folder"]).expanduser()
    job = Job(
        remote.get("rclone_command") or "move",
        str(folder),
        remote["upload_remote"],
        cast("dict[str, ExtraValue]", extras[name]),
        tuple(one for one in remote.get("rclone_excludes") or () if one.strip()),
    )
    if folder.is_dir():
        silence = core.get("stall_minutes", _STALL_MINUTES) * 60 or None
        found.append(Question(listing_command(rclone, job), None, silence))
    if job.extras:
        found += [Question(trial, early.FLAGS_TIMEOUT_SECONDS) for trial in trial_commands(rclone, job)]
    return found


def _has_faults(extras: Mapping[str, object]) -> bool:
    """Whether some of these flags may be refused or taken out: rclone must not see them, not even in a trial."""
    normal, faults = normalise_extras(extras)
    if faults or extras_faults(normal, service_accounts=True):
        return True
    return any(removable(key, value, engine=True)[0] is not Removable.NO for key, value in extras.items())
