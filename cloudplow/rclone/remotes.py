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
_KEY_OPTION: Final = re.compile(r",service_account_(?:file|credentials)\s*=")
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
    """Environment variables that make the drive remotes use a service account's key file instead of their own key.

    Empty credentials here win over those in rclone's configuration; credentials anywhere win over a file (observed with
    1.60.1 and 1.75.2).
    """
    files = {option_variable(name, "service_account_file"): key_path for name in drive_remotes}
    return files | {option_variable(name, "service_account_credentials"): "" for name in drive_remotes}


def is_known(path: str, dump: Dump) -> bool:
    """Whether the path is local, an on-the-fly remote, or names a configured remote."""
    name = remote_name(path)
    return name is None or name in dump


def crypt_layers_above_drive(path: str, dump: Dump) -> int:
    """How many crypt remotes encrypt a file before it reaches a drive; 0 if there is no drive below.

    With several paths down (a union), the path with the most: the plan must fit whichever one a file takes.
    """
    return max(0, _most_crypt_layers(path, dump, frozenset()))


def _most_crypt_layers(path: str, dump: Dump, seen: frozenset[str]) -> int:
    """The same; -1 if there is no drive below."""
    name = remote_name(path)
    if name is None or name in seen or name not in dump:
        return -1
    section = dump[name]
    if section.get("type") == "drive":
        return 0
    below = (_most_crypt_layers(part, dump, seen | {name}) for part in _wrapped_for(section, path))
    most = max(below, default=-1)
    return most + 1 if most >= 0 and section.get("type") == "crypt" else most


def _wrapped_for(section: Mapping[str, Any], path: str) -> Iterator[str]:
    """What a remote wraps for a path: of a combine, only the folder that the path names."""
    folder = path.partition(":")[2].strip("/").partition("/")[0]
    if section.get("type") == "combine" and folder:
        upstreams = section.get("upstreams")
        for part in _words(upstreams) if isinstance(upstreams, str) else ():
            if part.partition("=")[0] == folder:
                yield part.partition("=")[2]
        return
    yield from _wrapped(section)


def key_in_connection_string(path: str, dump: Dump) -> str | None:
    """The remote whose connection string, in the path or in what it wraps, names its own key; None if there is none.

    Such a key is used whichever account is requested (observed with 1.60.1 and 1.75.2).
    """
    seen: set[str] = set()
    waiting = [path]
    while waiting:
        part = waiting.pop(0)
        name = remote_name(part)
        if name is None or name in seen:
            continue
        seen.add(name)
        if _KEY_OPTION.search(part):
            return name
        if name in dump:
            waiting.extend(_wrapped(dump[name]))
    return None


def stored_size_bytes(size_bytes: int, crypt_layers: int) -> int:
    """The size of a file on the drive below crypt remotes: each layer adds 32 bytes, and 16 for each 64 KiB.

    Source: https://rclone.org/crypt/#file-formats
    """
    for _ in range(crypt_layers):
        size_bytes += 32 + 16 * -(-size_bytes // 65_536)
    return size_bytes
