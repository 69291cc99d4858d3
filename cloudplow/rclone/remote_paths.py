"""Reads rclone paths and the options of the remotes that they name. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cloudplow.rclone.remotes import Dump, option_variable

_NAME: Final = re.compile(r"([^:,/]+)(?=[,:])")
#: One option of a connection string: ",key" or ",key=value"; in quotes a quote is doubled.
_OPTION: Final = re.compile(r""",([^=,:'"]+)(?:=('(?:[^']|'')*'|"(?:[^"]|"")*"|[^,:]*))?""")
_SIZE: Final = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)([bkmgtpe]?)(?:i?b?)", re.IGNORECASE)
_UNITS: Final = {"b": 0, "": 1, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5, "e": 6}


@dataclass(frozen=True, slots=True)
class RemotePath:
    """An rclone path taken apart: "gdrive,shared_with_me:Films" -> "gdrive", {"shared_with_me": "true"}, "Films"."""

    name: str
    options: Mapping[str, str]
    root: str


def split_path(path: str) -> RemotePath | None:
    """Take a path apart. None for a local path, an on-the-fly remote (":drive:"), and what rclone could not read."""
    match = _NAME.match(path)
    if match is None:
        return None
    options: dict[str, str] = {}
    at = match.end()
    while (option := _OPTION.match(path, at)) is not None:
        key, value = option.groups()
        options[key] = "true" if value is None else _unquoted(value)
        at = option.end()
    if path[at : at + 1] != ":":
        return None
    return RemotePath(match.group(1), options, path[at + 1 :].strip("/"))


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1].replace(value[0] * 2, value[0])
    return value


def join_path(path: str, name: str) -> str:
    """A file or folder below an rclone path. "gdrive:" and "a" -> "gdrive:a"; "gdrive:a/" and "b" -> "gdrive:a/b"."""
    if not name:
        return path
    return f"{path}{name}" if path.endswith((":", "/")) or not path else f"{path}/{name}"


def words(value: str) -> list[str]:
    """The parts of a list of upstreams, as in a shell."""
    try:
        return shlex.split(value)
    except ValueError:
        return value.split()


def size_bytes(text: str) -> int | None:
    """A size as rclone reads it: "100M" -> 104857600; without a unit KiB. None for "off" and what is no size."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        return None
    number, unit = match.groups()
    return int(float(number) * (1 << 10 * _UNITS[unit.lower()]))


@dataclass(frozen=True, slots=True)
class Settings:
    """Where rclone looks for the options of remotes: its configuration, the flags of a call, and the environment.

    flags: as in `rclone_extras`; a flag without a value counts as "true".
    """

    dump: Dump
    flags: Mapping[str, Any] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)

    def kind(self, name: str) -> str:
        """The backend of a configured remote, "" for none."""
        return str(self.dump.get(name, {}).get("type", ""))

    def option(self, path: RemotePath, option: str, default: str = "") -> str:
        """An option as a remote gets it, in rclone's order: connection string, flag, environment, configuration.

        Source: https://rclone.org/docs/#precedence
        """
        kind = self.kind(path.name)
        flag = f"--{kind}-{option.replace('_', '-')}"
        if option in path.options:
            return path.options[option]
        if flag in self.flags:
            value = self.flags[flag]
            return "true" if value is None or value is True else str(value)
        for variable in (option_variable(path.name, option), f"RCLONE_{kind}_{option}".upper()):
            if variable in self.environ:
                return self.environ[variable]
        value = self.dump.get(path.name, {}).get(option)
        return default if value is None or value == "" else str(value)
