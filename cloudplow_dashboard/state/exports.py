"""Downloads: CSV that a spreadsheet opens without running anything, and JSON. Pure.

An export is handed out in a few large pieces, never in more than a thread of the server may have waiting: a client
that reads slowly must not hold that thread.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from cloudplow_dashboard.state.bounded import FileEntry
from cloudplow_dashboard.state.patches import encode_json
from cloudplow_dashboard.state.series import Values, value_of

#: Pieces of one download.
PIECES: Final = 6

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
_NEEDS_QUOTES: Final = re.compile(r'[",\r\n]')
_NOT_IN_FILE_NAMES: Final = re.compile(r"[^A-Za-z0-9._-]+")

SESSION_COLUMNS: Final = ("at", "status", "name", "size_bytes", "account", "stage", "error")
HISTORY_COLUMNS: Final = ("at", "seconds", "speed_bytes_per_second", "bytes", "files", "errors")


def cell(value: object) -> str:
    """One cell: text that a spreadsheet would take for a formula gets an apostrophe before it."""
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    if text.startswith(_FORMULA_STARTS):
        text = f"'{text}"
    if _NEEDS_QUOTES.search(text) or text != text.strip():
        text = '"' + text.replace('"', '""') + '"'
    return text


def _line(values: Iterable[object]) -> str:
    return ",".join(cell(value) for value in values) + "\r\n"


def moment(at: float) -> str:
    """Epoch seconds as "2026-01-31T14:05:00Z"; "" for 0 and for what no calendar holds."""
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at > 0 else ""
    except (OverflowError, OSError, ValueError):
        return ""


def file_name(*parts: str, ending: str) -> str:
    """A name for a download, of harmless characters."""
    harmless = [_NOT_IN_FILE_NAMES.sub("_", part)[:64].strip("._") for part in ("cloudplow", *parts)]
    return "-".join(part for part in harmless if part) + ending


def _pieces(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    size = max(1, -(-len(rows) // PIECES))
    for begin in range(0, len(rows), size):
        yield rows[begin : begin + size]


def _csv(columns: Sequence[str], rows: Sequence[Any]) -> Iterator[bytes]:
    yield _line(columns).encode()
    for piece in _pieces(rows):
        yield "".join(_line(row) for row in piece).encode("utf-8", "replace")


def session_csv(entries: Sequence[FileEntry]) -> Iterator[bytes]:
    """The files of a session."""
    rows = [(moment(one.at), one.status, one.name, one.size, one.account, one.stage, one.error) for one in entries]
    return _csv(SESSION_COLUMNS, rows)


def session_json(head: dict[str, Any], entries: Sequence[FileEntry]) -> Iterator[bytes]:
    """The same as JSON; head: the other members of the document."""
    yield json.dumps(head, ensure_ascii=False, allow_nan=False)[:-1].encode() + b',"files":['
    first = True
    for piece in _pieces(entries):
        text = b",".join(encode_json(one._asdict()) for one in piece)
        yield text if first else b"," + text
        first = False
    yield b"]}\n"


def history_csv(step: int, rows: Sequence[tuple[int, Values]]) -> Iterator[bytes]:
    """Numbers over time; step: seconds of one row."""
    lines = [(moment(at), step, *_metrics(values).values()) for at, values in rows]
    return _csv(HISTORY_COLUMNS, lines)


def history_json(uploader: str, step: int, rows: Sequence[tuple[int, Values]]) -> dict[str, Any]:
    """The same as a document; `at`: epoch seconds."""
    return {"uploader": uploader, "step": step, "rows": [{"at": at, **_metrics(values)} for at, values in rows]}


def _metrics(values: Values) -> dict[str, float]:
    return {metric: value_of(metric, values) for metric in ("speed", "bytes", "files", "errors")}
