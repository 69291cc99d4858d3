"""What rclone says about entries of the upload folder that it cannot list: which they are, and how to cure it. Pure.

Source: observed with `rclone lsf` 1.60.1 and 1.75.2, as JSON and as plain text. A folder without permissions is passed
over (exit status 6). A folder that vanishes while it is read, or that cannot be read to its end, ends the whole listing
early (1 or 3): what it printed is true, but there may be more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from cloudplow.events.sentences import count
from cloudplow.models import printable_name

#: At most this many bad entries of one listing are kept; the others are only counted.
KEPT_LIMIT: Final = 1000
#: This many are named.
NAMED: Final = 10


class Trouble(StrEnum):
    """What is wrong with an entry."""

    FOLDER = "folder"  # it cannot be read; the others were
    ENDED = "ended"  # reading it ended the listing
    LINK = "link"  # a symbolic link that leads nowhere
    SPECIAL = "special"  # neither a file nor a folder nor a link: a pipe, a socket, a device


class BadEntry(NamedTuple):
    """An entry that rclone cannot list.

    name: as rclone shows it, "" for the upload folder itself; why: in a few words.
    """

    name: str
    trouble: Trouble
    why: str

    @property
    def vanished(self) -> bool:
        """Whether it was removed while it was read, which is no fault."""
        return self.trouble is Trouble.ENDED and _VANISHED.search(self.why) is not None

    @property
    def pattern(self) -> str:
        """A pattern for rclone's --exclude that leaves it out."""
        # A byte that is not UTF-8 is shown as U+FFFD, and any one character matches it.
        escaped = _GLOB.sub(r"\\\g<0>", self.name).replace("\ufffd", "?")
        return f"/{escaped}/**" if self.trouble in (Trouble.FOLDER, Trouble.ENDED) else f"/{escaped}"


_GLOB: Final = re.compile(r"[\\*?\[\]{}]")
_VANISHED: Final = re.compile(r"directory not found|no such file or directory", re.IGNORECASE)
_PLAIN: Final = re.compile(
    r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d (?P<level>ERROR|NOTICE) *: (?P<name>.*?): "
    r"(?P<text>(?:failed to |error listing: |Listing error: |l?stat |Can't (?:transfer|follow) ).*)$",
    re.DOTALL,
)
_ENDED: Final = "error listing: "
_LINK: Final = "Listing error: symlink: "
_SPECIAL: Final = "Can't transfer non file/directory"
#: rclone says this about every link unless it follows them; only a link that leads nowhere is bad.
_NOT_FOLLOWED: Final = "Can't follow symlink"
_LEVELS: Final = frozenset({"error", "critical", "notice", "warning"})


def bad_entries(stderr: bytes) -> tuple[list[BadEntry], list[str]]:
    """Read what a listing printed beside the names: bad entries, and links that rclone did not follow. Raises nothing.

    Each entry is given once; that it ended the listing counts more than anything else about it.
    """
    found: dict[str, BadEntry] = {}
    links: list[str] = []
    for line in stderr.decode("utf-8", "replace").splitlines():
        read = _read(line)
        if read is None:
            continue
        level, name, text = read
        if text.startswith(_NOT_FOLLOWED):
            links.append(name)
            continue
        entry = _entry(level, name, text)
        if entry is not None and (name not in found or entry.trouble is Trouble.ENDED):
            first = found.get(name)
            found[name] = entry if first is None or entry.vanished else entry._replace(why=first.why)
    return list(found.values())[:KEPT_LIMIT], links[:KEPT_LIMIT]


def _read(line: str) -> tuple[str, str, str] | None:
    """Level, name and text of a line about an entry; None for any other line."""
    if not line.startswith("{"):
        plain = _PLAIN.match(line)
        return None if plain is None else (plain["level"].lower(), plain["name"], plain["text"])
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or "object" not in record:
        return None
    level, name, text = (record.get(key) for key in ("level", "object", "msg"))
    if not (isinstance(level, str) and isinstance(name, str) and isinstance(text, str)):
        return None
    return (level.lower(), name, text) if level.lower() in _LEVELS else None


def _entry(level: str, name: str, text: str) -> BadEntry | None:
    if text.startswith(_SPECIAL):
        return BadEntry(name, Trouble.SPECIAL, "neither a file nor a folder")
    if level not in ("error", "critical"):
        return None
    if text.startswith(_LINK):
        return BadEntry(name, Trouble.LINK, "a link that leads nowhere")
    trouble = Trouble.ENDED if text.startswith(_ENDED) else Trouble.FOLDER
    return BadEntry(name, trouble, text.rpartition(": ")[2][:200] or text[:200])


def folders_of(entries: Iterable[BadEntry]) -> list[BadEntry]:
    """Those that ended a listing although they are still there: without them, it can be made."""
    return [entry for entry in entries if entry.trouble is Trouble.ENDED and entry.name and not entry.vanished]


def cure(entry: BadEntry) -> str:
    """The sentence that names one bad entry and says what to do, with an exclude that is ready to paste."""
    name, pattern = _quoted(printable_name(entry.name)), _quoted(entry.pattern)
    leave_out = f"to leave it out, add {pattern} to rclone_excludes (for rclone: --exclude {pattern})"
    match entry.trouble:
        case Trouble.LINK:
            return f"{name} is {entry.why}; remove it, or {leave_out}"
        case Trouble.SPECIAL:
            return f"{name} is {entry.why} and cannot be uploaded; remove it, or {leave_out}"
        case _:
            return f"{name} cannot be read ({entry.why}); fix its permissions or its disk, or {leave_out}"


def _quoted(text: str) -> str:
    """As in JSON, so that it can be pasted into the configuration, and only printable."""
    return json.dumps(text, ensure_ascii=not text.isprintable())


def all_cures(entries: Sequence[BadEntry]) -> str:
    """Why a session failed that uploaded everything except these: the first one's cure, and how many there are."""
    more = len(entries) - 1
    also = f"; {count(more, 'more entry', 'more entries')} could not be listed" if more else ""
    return f"{cure(entries[0])}{also}"
