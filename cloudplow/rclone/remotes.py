"""Finds the drive remotes below a remote. Pure: reads the document of `rclone config dump`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Final

Dump = Mapping[str, Mapping[str, Any]]

#: Backends that wrap others, and the keys that name the wrapped remotes: one, or several.
_SINGLE: Final = ("remote",)
_WRAPPING_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "alias": _SINGLE,
    "cache": _SINGLE,
    "chunker": _SINGLE,
    "compress": _SINGLE,
    "crypt": _SINGLE,
    "hasher": _SINGLE,
    "archive": _SINGLE,
    "union": ("upstreams", "remotes"),
    "combine": ("upstreams",),
}
_REMOTE_NAME: Final = re.compile(r"^([^:,/]+)[,:]")


def remote_name(path: str) -> str | None:
    """The configured remote of an rclone path: "gdrive:Media" and "gdrive,shared_with_me:x" -> "gdrive".

    None for a local path or an on-the-fly remote (":drive:").
    """
    match = _REMOTE_NAME.match(path)
    return match.group(1) if match else None


def drive_remotes_below(path: str, dump: Dump) -> tuple[str, ...]:
    """The names of all drive remotes that an upload to the path reaches, in the order found; () for none."""
    found: list[str] = []
    seen: set[str] = set()
    waiting = [path]
    while waiting:
        name = remote_name(waiting.pop(0))
        if name is None or name in seen or name not in dump:
            continue
        seen.add(name)
        section = dump[name]
        if section.get("type") == "drive":
            found.append(name)
        else:
            waiting.extend(_wrapped(section))
    return tuple(found)


def _wrapped(section: Mapping[str, Any]) -> Iterator[str]:
    kind = str(section.get("type", ""))
    for key in _WRAPPING_KEYS.get(kind, ()):
        value = section.get(key)
        if not isinstance(value, str):
            continue
        if key == "remote":
            yield value
            continue
        for part in _words(value):
            # combine writes "folder=remote:path"
            yield part.partition("=")[2] if kind == "combine" else part


def _words(value: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError:
        return value.split()


def option_variable(remote: str, option: str) -> str:
    """The environment variable that sets a remote's option: the name in upper case, otherwise unchanged.

    "my-drive" needs RCLONE_CONFIG_MY-DRIVE_...: with "_" instead it is silently ignored (observed with 1.60.1 and
    1.75.2). Debian's /bin/sh drops such variables, so a shell script that wraps rclone does not get them.
    """
    return f"RCLONE_CONFIG_{remote.upper()}_{option.upper()}"


def account_environment(drive_remotes: tuple[str, ...], key_path: str) -> dict[str, str]:
    """Environment variables that make the drive remotes use a service account's key file."""
    return {option_variable(name, "service_account_file"): key_path for name in drive_remotes}


def is_known(path: str, dump: Dump) -> bool:
    """Whether the path is local, an on-the-fly remote, or names a configured remote."""
    name = remote_name(path)
    return name is None or name in dump


def crypt_layers_above_drive(path: str, dump: Dump) -> int:
    """How many crypt remotes encrypt a file before it reaches a drive; 0 if there is no drive below."""
    name, layers, seen = remote_name(path), 0, set()
    while name is not None and name in dump and name not in seen:
        seen.add(name)
        section = dump[name]
        kind = section.get("type")
        if kind == "drive":
            return layers
        layers += kind == "crypt"
        below = [part for part in _wrapped(section) if drive_remotes_below(part, dump)]
        name = remote_name(below[0]) if below else None
    return 0


def stored_size_bytes(size_bytes: int, crypt_layers: int) -> int:
    """The size of a file on the drive below crypt remotes: each layer adds 32 bytes, and 16 for each 64 KiB.

    Source: https://rclone.org/crypt/#file-formats
    """
    for _ in range(crypt_layers):
        size_bytes += 32 + 16 * -(-size_bytes // 65_536)
    return size_bytes
