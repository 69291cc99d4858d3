"""Imports account bans from the old program's SQLite cache (`cache.db`). Read-only, once, at start."""

from __future__ import annotations

import json
import logging
import sqlite3
from pathlib import Path

log = logging.getLogger("cloudplow.ledger")


def read_account_bans(path: Path) -> list[tuple[str, str, float]]:
    """Every banned account: (uploader, key file, epoch seconds at which the ban ends). [] if there is no such file.

    A file that cannot be read causes one warning.
    """
    if not path.is_file():
        return []
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        try:
            rows = connection.execute("SELECT key, value FROM sa_bans").fetchall()
        finally:
            connection.close()
    except sqlite3.Error as error:
        log.warning("Account bans cannot be read from %s, so they are ignored: %s", path, error)
        return []
    return [ban for uploader, value in rows for ban in _bans(str(uploader), value)]


def _bans(uploader: str, value: object) -> list[tuple[str, str, float]]:
    try:
        accounts = json.loads(value) if isinstance(value, str | bytes) else None
    except ValueError:
        return []
    if not isinstance(accounts, dict):
        return []
    return [
        (uploader, str(key), float(until))
        for key, until in accounts.items()
        if isinstance(until, int | float) and not isinstance(until, bool)
    ]
