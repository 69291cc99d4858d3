"""What of a folder cannot be used by this user, and whose it is: for example after one run as root."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

try:
    import pwd
except ImportError:  # pragma: no cover - no POSIX
    pwd = None  # type: ignore[assignment]

#: So many files are named.
NAMED: Final = 3


def user_name(uid: int) -> str:
    """The name of a user, or the number."""
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, AttributeError):
        return f"user {uid}"


def whoami() -> str:
    """The user who runs this."""
    return user_name(os.geteuid())


def owner_of(path: Path) -> str:
    """The user who owns a file."""
    try:
        return user_name(path.stat().st_uid)
    except OSError:
        return "somebody"


def unusable(folder: Path) -> Iterator[Path]:
    """The files and folders directly below a folder, and in its folder `stages`, that cannot be read and written."""
    for one in (folder, folder / "stages"):
        try:
            entries = sorted(one.iterdir())
        except OSError:
            continue
        for entry in entries:
            wanted = os.R_OK | os.W_OK | (os.X_OK if entry.is_dir() else 0)
            if not entry.is_socket() and not os.access(entry, wanted):
                yield entry


def access_fault(folder: Path) -> str:
    """What of a folder cannot be used, with the cure; "" for nothing."""
    there = next((one for one in (folder, *folder.parents) if one.exists()), folder)
    if not os.access(there, os.W_OK | os.X_OK):
        return (
            f"{there} cannot be written by {whoami()}; it belongs to {owner_of(there)}: "
            f"`sudo chown -R {whoami()} {there}`, or use --cachefile"
        )
    found = list(unusable(folder))
    if not found:
        return ""
    names = ", ".join(one.name for one in found[:NAMED]) + (f" and {len(found) - NAMED} more" if found[NAMED:] else "")
    return (
        f"{names} in {folder} cannot be written by {whoami()}; {'it belongs' if len(found) == 1 else 'they belong'} to "
        f"{owner_of(found[0])}: `sudo chown -R {whoami()} {folder}`"
    )
