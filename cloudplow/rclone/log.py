"""One line of rclone's output -> a typed message. Pure; never raises, whatever the line holds.

Source of the texts: rclone 1.60.1 and 1.75.2, observed with `--use-json-log -v`. Some lines are plain text even then
(set-up failures, the last line of 1.60); bytes that are not UTF-8 become U+FFFD.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cloudplow.events import Transferring


@dataclass(frozen=True, slots=True)
class Copied:
    """A file arrived at the destination. size: bytes, None when rclone does not log it (1.60)."""

    name: str
    size: int | None


@dataclass(frozen=True, slots=True)
class Moved:
    """A file was moved within one remote (a rename): it arrived and left the source, but nothing was uploaded."""

    name: str


@dataclass(frozen=True, slots=True)
class Deleted:
    """A file left the source. Without a preceding `Copied`, the destination already had it."""

    name: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A dry run would have done something with the file. size in bytes; action: "copy", "move", "delete" ..."""

    name: str
    size: int
    action: str = "copy"

    @property
    def uploads(self) -> bool:
        """Whether it would have been uploaded; one that is already there would only be deleted at the source."""
        return self.action in ("copy", "move")


@dataclass(frozen=True, slots=True)
class Stats:
    """rclone's statistics. bytes counts failed and repeated uploads too; eta in seconds, None when unknown.

    text: the same for people, as rclone logs it.
    """

    bytes: int
    total_bytes: int
    speed: float
    eta: float | None
    files: int
    total_files: int
    errors: int
    transferring: tuple[Transferring, ...]
    checking: tuple[str, ...]
    text: str = ""

    def fields(self) -> dict[str, Any]:
        """The fields of `transfer_progress` that rclone itself reports."""
        return {one.name: getattr(self, one.name) for one in dataclasses.fields(self) if one.name != "text"}


@dataclass(frozen=True, slots=True)
class Problem:
    """A line at level error or above. name: the object it is about, "" when it is about the run."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """Any other JSON line. name: the object it is about, "" for none."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Serving:
    """The remote control listens at this port of this machine."""

    port: int


@dataclass(frozen=True, slots=True)
class Plain:
    """A line that is not JSON."""

    text: str


Message = Copied | Moved | Deleted | Skipped | Stats | Problem | Note | Serving | Plain

_COPIED: Final = re.compile(r"^(?:Multi-thread )?Copied \(")
#: The type of files in the upload folder, in rclone's log; a line without a type counts as such a file.
_SOURCE_TYPES: Final = (None, "*local.Object")
_PROBLEM_LEVELS: Final = frozenset({"error", "critical", "fatal", "panic", "alert", "emergency"})
_SERVING: Final = re.compile(r"^Serving remote control on http://127\.0\.0\.1:(\d{1,5})/")
#: A call of the remote control that failed says nothing about the upload.
_CALL_FAILED: Final = 'rc: "'
# "Attempt 2/3 succeeded" is logged at level error although it is good news.
_ATTEMPT_SUCCEEDED: Final = re.compile(r"^Attempt \d+/\d+ succeeded")


def parse_line(line: bytes) -> Message:
    """Read one line of rclone's output, without its newline. Raises nothing."""
    text = line.decode("utf-8", "replace")
    if not text.startswith("{"):
        return Plain(text)
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return Plain(text)
    if not isinstance(record, dict):
        return Plain(text)
    return _classify(record)


def _classify(record: Mapping[str, Any]) -> Message:
    text = _text(record.get("msg"))
    name = _text(record.get("object"))
    level = _text(record.get("level")).lower()
    stats = record.get("stats")
    if isinstance(stats, dict):
        return dataclasses.replace(parse_stats(stats), text=text)
    if "skipped" in record and name:
        return Skipped(name, _whole(record.get("size")), _text(record["skipped"]))
    if level in _PROBLEM_LEVELS:
        if _ATTEMPT_SUCCEEDED.match(text) or (not name and text.startswith(_CALL_FAILED)):
            return Note(name, text)
        return Problem(name, text)
    # Lines about objects at the destination, such as an older version that --backup-dir moves away, are ignored.
    if name and record.get("objectType") in _SOURCE_TYPES:
        if text == "Deleted":
            return Deleted(name)
        if _COPIED.match(text):
            size = record.get("size")
            return Copied(name, _whole(size) if isinstance(size, int) else None)
        if text.startswith("Moved (server-side"):
            return Moved(name)
    serving = None if name else _SERVING.match(text)
    return Note(name, text) if serving is None else Serving(int(serving[1]))


def parse_stats(stats: Mapping[str, Any]) -> Stats:
    """Read rclone's statistics object (`stats` of a log line, or the answer to `core/stats`). Raises nothing."""
    transferring = stats.get("transferring")
    checking = stats.get("checking")
    return Stats(
        bytes=_whole(stats.get("bytes")),
        total_bytes=_whole(stats.get("totalBytes")),
        speed=_number(stats.get("speed")),
        eta=_optional_number(stats.get("eta")),
        files=_whole(stats.get("transfers")),
        total_files=_whole(stats.get("totalTransfers")),
        errors=_whole(stats.get("errors")),
        transferring=tuple(_transferring(item) for item in transferring if isinstance(item, dict))
        if isinstance(transferring, list)
        else (),
        checking=tuple(_checking_name(item) for item in checking) if isinstance(checking, list) else (),
    )


def _transferring(item: Mapping[str, Any]) -> Transferring:
    return Transferring(
        name=_text(item.get("name")),
        size=_whole(item.get("size")),
        bytes=_whole(item.get("bytes")),
        speed=_number(item.get("speed")),
        eta=_optional_number(item.get("eta")),
        percentage=min(100, _whole(item.get("percentage"))),
    )


def _checking_name(item: Any) -> str:
    return _text(item.get("name")) if isinstance(item, dict) else _text(item)


def _text(value: Any) -> str:
    """A string that any output can take: lone surrogates, which JSON may contain, become U+FFFD."""
    if not isinstance(value, str):
        return "" if value is None else str(value)
    return value.encode("utf-8", "replace").decode("utf-8") if not value.isascii() else value


def _number(value: Any) -> float:
    """A finite number, at least 0; 0 for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    try:
        number = float(value)
    except OverflowError:
        return 0.0
    return number if math.isfinite(number) and number > 0 else 0.0


def _optional_number(value: Any) -> float | None:
    return None if value is None else _number(value)


def _whole(value: Any) -> int:
    number = _number(value) if not isinstance(value, int) or isinstance(value, bool) else max(0, value)
    return int(min(number, 1 << 62))
