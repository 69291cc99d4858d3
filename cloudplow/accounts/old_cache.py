"""Bans from the old program's SQLite cache (`cache.db`). Read-only, once."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from cloudplow.state.loose import number

#: The year 9999, in epoch seconds.
_TIME_LIMIT: Final = 253_370_764_800.0

_TABLES: Final = ("uploader_bans", "syncer_bans", "sa_bans")


class OldBan(NamedTuple):
    """name: of the uploader or syncer; key: key file of the banned account, "" when the whole remote is banned.

    until: epoch seconds.
    """

    name: str
    key: str
    until: float


def read_bans(path: Path, say: Callable[[str], None]) -> list[OldBan]:
    """Every ban in the file; [] if there is no such file. say: warns of a file that cannot be read."""
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
        say(f"Account bans cannot be read from {path}, so they are ignored: {error}")
        return []
    return found


def _bans(name: str, value: object) -> list[OldBan]:
    try:
        stored = json.loads(value) if isinstance(value, str | bytes) else value
    except (ValueError, RecursionError):
        return []
    found = stored if isinstance(stored, dict) else {"": stored}
    return [OldBan(name, str(key), number(until)) for key, until in found.items() if _is_time(until)]


def _is_time(value: object) -> bool:
    """Whether it is a time: no ban is for ever."""
    return 0 < number(value) < _TIME_LIMIT
