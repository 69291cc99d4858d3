"""Argument lists for rclone. Pure.

The user's `rclone_extras` are kept, with three exceptions: flags that the engine sets itself are dropped
(`cloudplow.config.engine_flags`), filters go only to the listing, because `--files-from-raw` allows no other filter,
and flags that affect only transfers do not go to the listing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from cloudplow.config.engine_flags import ENGINE_SETS, is_filter_flag, is_listing_flag

ExtraValue = str | int | float | bool | None

#: Separates time, size and name in a listing; rclone never prints a raw TAB in a name.
LISTING_SEPARATOR: Final = "\t"
#: A number of tries that is none.
_NO_TRY: Final = re.compile(r"\s*(?:-\d+|0+)\s*")


class Rclone(NamedTuple):
    """How to call rclone: its binary, and its configuration file unless it is rclone's default.

    flags: of every call, because its configuration cannot be read without them.
    """

    binary: str
    config_path: str | None = None
    flags: tuple[str, ...] = ()

    def base(self, *words: str) -> list[str]:
        """The binary, a command, and the flags of every call."""
        arguments = [self.binary, *words, "--ask-password=false", *self.flags]
        if self.config_path is not None:
            arguments.append(f"--config={self.config_path}")
        return arguments


class Job(NamedTuple):
    """What to upload, and where to. command: "move" or "copy"."""

    command: str
    source: str
    destination: str
    extras: Mapping[str, ExtraValue] = MappingProxyType({})
    excludes: Sequence[str] = ()
    dry_run: bool = False


def flag_arguments(extras: Mapping[str, ExtraValue]) -> list[str]:
    """`{"--transfers": 8, "--fast-list": None}` -> `["--transfers=8", "--fast-list"]`.

    None and true give the bare flag; false gives `--flag=false`.
    """
    arguments = []
    for flag, value in extras.items():
        if value is None or value is True:
            arguments.append(flag)
        else:
            arguments.append(f"{flag}={'false' if value is False else value}")
    return arguments


def version_command(rclone: Rclone) -> list[str]:
    """Arguments that print the version; reads no configuration file."""
    return [rclone.binary, "version", "--config="]


def config_dump_command(rclone: Rclone) -> list[str]:
    """Arguments that print every configured remote as JSON, and the version in a debug line (-vv)."""
    return rclone.base("config", "dump", "-vv")


def common_flags(extras: Iterable[Mapping[str, ExtraValue]]) -> tuple[str, ...]:
    """The flags of the first of these `rclone_extras` that has some which every call needs: `--password-command`."""
    for one in extras:
        if "--password-command" in one:
            return tuple(flag_arguments({"--password-command": one["--password-command"]}))
    return ()


def listing_command(rclone: Rclone, job: Job) -> list[str]:
    """Arguments that list every source file that passes the user's filters, as "TIME TAB SIZE TAB NAME"."""
    extras = {flag: value for flag, value in job.extras.items() if is_listing_flag(flag)}
    return [
        *rclone.base("lsf", job.source),
        "--format=tsp",
        f"--separator={LISTING_SEPARATOR}",
        "--recursive",
        "--files-only",
        # What it says about entries that it cannot read: in plain text, a name cannot be told from a sentence.
        "--use-json-log",
        *flag_arguments(extras),
        *(f"--exclude={pattern}" for pattern in job.excludes),
    ]


def transfer_command(
    rclone: Rclone, job: Job, files_from: Path, *, defaults: Mapping[str, ExtraValue] | None = None
) -> list[str]:
    """Arguments that move or copy the listed files and log what we read.

    defaults: flags that apply unless the user sets them.
    """
    extras = {flag: value for flag, value in job.extras.items() if flag not in ENGINE_SETS and not is_filter_flag(flag)}
    if _NO_TRY.fullmatch(str(extras.get("--retries"))):
        del extras["--retries"]  # 1.60 would do nothing, and say that all went well
    implied: dict[str, ExtraValue] = {"--retries": 1, **(defaults or {})}
    extras = {**{flag: value for flag, value in implied.items() if flag not in extras}, **extras}
    level, verbose = job.extras.get("--log-level"), job.extras.get("--verbose")
    debug = str(level).upper() == "DEBUG" or str(verbose) == "2" or "-vv" in job.extras
    return [
        *rclone.base(job.command, job.source, job.destination),
        f"--files-from-raw={files_from}",
        "--use-json-log",
        "--stats=1s",
        f"--log-level={'DEBUG' if debug else 'INFO'}",
        "--drive-stop-on-upload-limit",
        *flag_arguments(extras),
        *(["--dry-run"] if job.dry_run else []),
    ]
