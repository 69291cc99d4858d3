"""Bans from the old program's SQLite cache (`cache.db`). Read-only, once."""

from __future__ import annotations

import contextlib
import json
import logging
import sqlite3
from pathlib import Path
from typing import Final, NamedTuple

log = logging.getLogger("cloudplow.ledger")

_TABLES: Final = ("uploader_bans", "syncer_bans", "sa_bans")


class OldBan(NamedTuple):
    """name: of the uploader or syncer; key: key file of the banned account, "" when the whole remote is banned.

    until: epoch seconds.
    """

    name: str
    key: str
    until: float


def read_bans(path: Path) -> list[OldBan]:
    """Every ban in the file; [] if there is no such file. A file that cannot be read causes one warning."""
    if not path.is_file():
        return []
    found: list[OldBan] = []
    try:
        with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as opened:
            known = {name for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not known.intersection(_TABLES):
                raise ValueError("it holds no bans")
            for table in _TABLES:
                if table in known:
                    for name, value in opened.execute(f"SELECT key, value FROM {table}"):
                        found += _bans(str(name), value)
    except (sqlite3.Error, ValueError) as error:
        log.warning("Account bans cannot be read from %s, so they are ignored: %s", path, error)
        return []
    return found


def _bans(name: str, value: object) -> list[OldBan]:
    try:
        stored = json.loads(value) if isinstance(value, str | bytes) else value
    except ValueError:
        return []
    if isinstance(stored, dict):
        return [OldBan(name, str(key), float(until)) for key, until in stored.items() if _is_time(until)]
    return [OldBan(name, "", float(stored))] if _is_time(stored) else []  # type: ignore[arg-type]


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
