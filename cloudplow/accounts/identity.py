"""Whose key a file holds. The books go by this, never by a path: keys are copied, linked, renamed and exchanged.

Google counts what an account uploads, whichever file or key was used; copies and additional keys of an account name the
same `client_email`.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import PurePath
from typing import Final, NamedTuple

#: A larger file is not a key.
KEY_BYTES_LIMIT: Final = 1 << 20

#: How much is read at least: some file systems do not know how long a file is.
_READ_BYTES: Final = 1 << 16

#: How an identity starts that is only a file's name, because the file cannot be read.
BY_NAME: Final = "name:"

_NOT_A_KEY: Final = "is not a service account key: download the key again, or move the file out of the folder"


class Key(NamedTuple):
    """What a key file says. identity: the account's; fault: why it cannot be used, "" when it can be."""

    identity: str
    fault: str = ""


def identity_by_name(path: str) -> str:
    """The identity of a file that cannot be read: only as good as its name."""
    return BY_NAME + PurePath(path).name


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:24]


def read_key(path: str) -> Key:
    """Read a key file. Raises nothing, and never waits: what is not a regular file is not opened."""
    try:
        found = os.stat(path)  # noqa: PTH116 - thousands of files
        if not stat.S_ISREG(found.st_mode):
            return Key(identity_by_name(path), "is not a regular file: move it out of the folder")
        if found.st_size > KEY_BYTES_LIMIT:
            return Key(identity_by_name(path), _NOT_A_KEY)
        with open(path, "rb") as file:  # noqa: PTH123 - thousands of files
            # No more memory than needed: what is read beyond that is no key that could be read.
            content = file.read(max(found.st_size + 1, _READ_BYTES))
    except OSError as error:
        return Key(identity_by_name(path), f"cannot be read ({error.strerror})")
    except ValueError:
        return Key(identity_by_name(path), "cannot be read (its name is not a valid path)")
    return _key(content)


def _by_content(content: bytes) -> str:
    return "content:" + _digest(content)


def _key(content: bytes) -> Key:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return Key(_by_content(content), "is not JSON: download the key again, or move the file out of the folder")
    if not isinstance(document, dict):
        return Key(_by_content(content), _NOT_A_KEY)
    email = document.get("client_email")
    if not isinstance(email, str) or not email.strip():
        return Key(_by_content(content))
    return Key(_digest(email.strip().casefold().encode("utf-8", "replace")))


class Keys:
    """Key files that were read, each again only when it changed."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[int, ...], Key]] = {}

    def read(self, path: str) -> Key:
        """What a key file says now. Links are followed. Raises nothing."""
        try:
            found = os.stat(path)  # noqa: PTH116 - thousands of files
            stamp = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        except (OSError, ValueError):
            return read_key(path)
        known = self._known.get(path)
        if known is not None and known[0] == stamp:
            return known[1]
        key = read_key(path)
        self._known[path] = stamp, key
        return key
