"""Downloads: CSV that a spreadsheet opens without running anything, and JSON. Pure.

An export is handed out in a few large pieces, never in more than a thread of the server may have waiting: a client
that reads slowly must not hold that thread.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from typing_extensions import TypedDict

from cloudplow_dashboard.state.bounded import FileEntry, FileStatus
from cloudplow_dashboard.state.document_session import Session
from cloudplow_dashboard.state.history import Metric
from cloudplow_dashboard.state.measures import Bytes, BytesPerSecond, EpochSeconds, Seconds
from cloudplow_dashboard.state.patches import encode_json
from cloudplow_dashboard.state.series import Values, value_of

#: Pieces of one download.
PIECES: Final = 6

#: Where a cell can begin with what a spreadsheet takes for a formula, also in letters of double or half the width:
#: blanks, signs without width and quotes do not protect from it.
_FORMULA: Final = re.compile(
    r"(?:^|(?<=[;|\t\r\n]))((?:[^\S\t\r\n]|[\0\u200b-\u200f\u202a-\u202e\u2060\ufeff'\"])*)"
    r"(?=[=+\-@\t\r\uff1d\uff0b\uff0d\uff20\ufe62\ufe63\ufe66\ufe6b])"
)
_NOT_IN_FILE_NAMES: Final = re.compile(r"[^A-Za-z0-9._-]+")

SESSION_COLUMNS: Final = ("at", "status", "name", "size_bytes", "account", "stage", "error")
HISTORY_COLUMNS: Final = ("at", "seconds", "speed_bytes_per_second", "bytes", "files", "errors")


class ExportedFile(TypedDict):
    """A file of a session. size: 0 of a failed one.

    "found_later": a stage that was cut off had sent it, which a look at the destination showed; its stage is 0.
    """

    at: EpochSeconds
    status: FileStatus
    name: str
    size: Bytes
    account: str
    stage: int
    error: str


class SessionHead(TypedDict):
    """What is said about the files as a whole. truncated: the oldest of files_total files are left out."""

    uploader: str
    session: Session
    files_total: int
    truncated: bool


class SessionExport(SessionHead):
    """A session and its files, oldest first, at most the latest 10,000."""

    files: list[ExportedFile]


class HistoryRow(TypedDict):
    """What happened in one step, which begins at `at`."""

    at: EpochSeconds
    speed: BytesPerSecond
    bytes: Bytes
    files: int
    errors: int


class HistoryExport(TypedDict):
    """Numbers over time. uploader: "" for the sum of all; step: of one row."""

    uploader: str
    step: Seconds
    rows: list[HistoryRow]


def harmless(value: object) -> object:
    """One cell: text that a spreadsheet would take for a formula gets an apostrophe before it.

    Where ";" separates, as in half of Europe, or "|" or a tab, what stands behind one begins a cell, too, and quotes
    in the middle of what is taken for a cell do not count: so each such beginning gets one.
    """
    if not isinstance(value, str):
        return value
    return _FORMULA.sub(r"\1'", value)


class _Dialect(csv.excel):
    """Every text is quoted, so that no program splits it, whatever it takes for a separator."""

    quoting = csv.QUOTE_NONNUMERIC


def moment(at: float) -> str:
    """Epoch seconds as "2026-01-31T14:05:00Z"; "" for 0 and for what no calendar holds."""
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at > 0 else ""
    except (OverflowError, OSError, ValueError):
        return ""


def file_name(*parts: str, ending: str) -> str:
    """A name for a download, made of harmless characters."""
    names = [_NOT_IN_FILE_NAMES.sub("_", part)[:64].strip("._") for part in ("cloudplow", *parts)]
    return "-".join(name for name in names if name) + ending


def _pieces(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    size = max(1, -(-len(rows) // PIECES))
    for begin in range(0, len(rows), size):
        yield rows[begin : begin + size]


def _csv(columns: Sequence[str], rows: Sequence[Any]) -> Iterator[bytes]:
    for piece in ([columns], *_pieces(rows)):
        text = io.StringIO(newline="")
        csv.writer(text, _Dialect).writerows([harmless(value) for value in row] for row in piece)
        yield text.getvalue().encode("utf-8", "replace")


def session_csv(entries: Sequence[FileEntry]) -> Iterator[bytes]:
    """The files of a session."""
    rows = [(moment(one.at), one.status, one.name, one.size, one.account, one.stage, one.error) for one in entries]
    return _csv(SESSION_COLUMNS, rows)


def session_json(head: SessionHead, entries: Sequence[FileEntry]) -> Iterator[bytes]:
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
    found = [_row(at, values) for at, values in rows]
    lines = [(moment(one["at"]), step, one["speed"], one["bytes"], one["files"], one["errors"]) for one in found]
    return _csv(HISTORY_COLUMNS, lines)


def history_json(uploader: str, step: int, rows: Sequence[tuple[int, Values]]) -> HistoryExport:
    """The same as a document."""
    return {"uploader": uploader, "step": step, "rows": [_row(at, values) for at, values in rows]}


def _row(at: int, values: Values) -> HistoryRow:
    return {
        "at": at,
        "speed": value_of(Metric.SPEED, values),
        "bytes": int(value_of(Metric.BYTES, values)),
        "files": int(value_of(Metric.FILES, values)),
        "errors": int(value_of(Metric.ERRORS, values)),
    }
