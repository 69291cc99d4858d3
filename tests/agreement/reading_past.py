"""What plans, exports and the history say, in the words of all sources. Pure."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from tests.agreement.past import Curve
from tests.agreement.reading import PLAN, Figures

_COLUMNS: Final = {"speed": "speed_bytes_per_second", "bytes": "bytes", "files": "files", "errors": "errors"}


def plan(uploader: str) -> Any:
    """Of `/api/plan`, asked for one uploader."""

    def read(answer: Mapping[str, Any]) -> Figures:
        made = answer["data"]
        # Without a plan the document says that nothing is planned.
        return {(uploader, f"planned {key}"): made.get(key) or ("" if key.endswith("why") else 0) for key in PLAN}

    return read


def files(answer: Mapping[str, Any]) -> Figures:
    """Of `/api/export/session.json`: its files."""
    session, rows = answer["session"], answer["files"]
    found = _files(answer["uploader"], [{**row, "at": _second(row["at"])} for row in rows])
    if answer["uploader"] and not answer["truncated"] and not session["recovered"]:
        done = [row["size"] for row in rows if row["status"] != "failed"]
        found[answer["uploader"], "files_done"] = len(done)
        found[answer["uploader"], "bytes_whole"] = sum(done)
    return found


def files_csv(uploader: str, text: str) -> Figures:
    """Of `/api/export/session.csv`."""
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    numbers = {"size": "size_bytes", "stage": "stage"}
    return _files(
        uploader,
        [row | {key: int(row[column]) for key, column in numbers.items()} | {"at": _at(row["at"])} for row in rows],
    )


def _files(uploader: str, rows: Iterable[Mapping[str, Any]]) -> Figures:
    keys = ("at", "status", "name", "size", "account", "stage", "error")
    listed = [[row[key] for key in keys] for row in rows]
    digest = hashlib.sha256(json.dumps(listed).encode()).hexdigest()[:12]
    return {(uploader, "files listed"): len(listed), (uploader, "files digest"): digest} if uploader else {}


def _second(at: float) -> int:
    return int(at)


def _at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) if text else 0


# --- over time -------------------------------------------------------------------------------------------------------

#: Who was asked, of which process, how far back in seconds, and when in epoch seconds.
About = tuple[str, str, int, float, float]


def curve(answer: Mapping[str, Any], about: About) -> Curve:
    """Of `/api/history`."""
    source, boot, reach, began, ended = about
    points = {int(at): value for at, value in answer["points"]}
    metric, step = answer["metric"], answer["step"]
    return Curve(source, boot, answer["uploader"], metric, reach, step, began, ended, points)


def parts(answer: Mapping[str, Any]) -> list[str]:
    """Of `/api/history`: accounts that do not add up to their days."""
    days: dict[int, float] = {}
    for accounts in answer["accounts"].values():
        for at, value in (point for points in accounts.values() for point in points):
            days[at] = days.get(at, 0) + value
    told = {int(at): value for at, value in answer["points"]}
    return [f"history: accounts come to {days}, and their days to {told}"] if days and days != told else []


def exported(answer: Mapping[str, Any], about: About) -> Iterator[Curve]:
    """Of `/api/export/history.json`."""
    rows = {row["at"]: row for row in answer["rows"]}
    yield from _curves(answer["uploader"], answer["step"], rows, {key: key for key in _COLUMNS}, about)


def exported_csv(uploader: str, text: str, about: About) -> Iterator[Curve]:
    """Of `/api/export/history.csv`."""
    rows = {_at(row["at"]): row for row in csv.DictReader(io.StringIO(text, newline=""))}
    step = int(next(iter(rows.values()))["seconds"]) if rows else 0
    yield from _curves(uploader, step, rows, _COLUMNS, about)


def _curves(
    uploader: str, step: int, rows: Mapping[int, Mapping[str, Any]], columns: Mapping[str, str], about: About
) -> Iterator[Curve]:
    source, boot, reach, began, ended = about
    for metric, column in columns.items():
        points = {at: float(row[column]) for at, row in rows.items()}
        yield Curve(source, boot, uploader, metric, reach, step, began, ended, points)
