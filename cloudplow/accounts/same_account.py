"""Finds key files of the same account: Google counts what an account uploads, whichever file or key was used.

Links lead to the same file; copies and additional keys of an account name the same `client_email`.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Collection
from pathlib import Path
from typing import Final

#: A larger file is not a key.
KEY_BYTES_LIMIT: Final = 1 << 20


def account_id(path: str) -> str:
    """A digest of the account that a key file names; "" if it names none or cannot be read."""
    try:
        found = Path(path).stat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > KEY_BYTES_LIMIT:
            return ""
        document = json.loads(Path(path).read_bytes())
    except (OSError, ValueError, RecursionError):
        return ""
    email = document.get("client_email") if isinstance(document, dict) else None
    if not isinstance(email, str) or not email.strip():
        return ""
    return hashlib.sha256(email.strip().casefold().encode("utf-8", "replace")).hexdigest()[:24]


def _real_path(path: str) -> str:
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):  # the ledger file may contain anything
        return path


class SameAccounts:
    """Which key files spent on one account. Each file is read once.

    What was spent through a file counts for the accounts that the file named at the time; if that is unknown, for the
    one that it names now, or for the file itself.
    """

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}
        self._spent_on: dict[str, set[str]] = {}
        self._keys: dict[str, set[str]] = {}

    def account_id(self, key: str) -> str:
        """The account that a key file names; "" if unknown."""
        if key not in self._ids:
            self._ids[key] = account_id(key)
        return self._ids[key]

    def account(self, key: str) -> str:
        """An identifier shared by all key files of one account, whether they spent or not."""
        return self.account_id(key) or _real_path(key)

    def spent(self, key: str, account_ids: Collection[str] = ()) -> None:
        """Record that something was spent through a key file, on these accounts."""
        for account in account_ids or [self.account(key)]:
            self._spent_on.setdefault(key, set()).add(account)
            self._keys.setdefault(account, set()).add(key)

    def keys_like(self, key: str) -> set[str]:
        """Every key file through which something was spent on the account that this one belongs to."""
        accounts = {self.account(key)}
        if not self.account_id(key):
            accounts |= self._spent_on.get(key, set())
        return set().union(*(self._keys.get(account, ()) for account in accounts))
