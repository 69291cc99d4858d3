"""What the page says, as figures: from its texts, by place. Pure; `page.js` reads the texts."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.agreement import displayed, page_panels, page_past
from tests.agreement.displayed import Shown
from tests.agreement.page_panels import DRAWN_SECONDS, Found, Texts

#: What runs in the page and gives its texts.
SCRIPT: Final = (Path(__file__).parent / "page.js").read_text("utf-8")


class Said(NamedTuple):
    """One figure of the page. uploader: "" for all of them; value: `Shown` where it is rounded."""

    place: str
    uploader: str
    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the page. began, ended: epoch seconds; texts: what `page.js` gave."""

    began: float
    ended: float
    said: tuple[Said, ...]
    texts: Mapping[str, Any]

    @property
    def mode(self) -> str:
        """Of the connection."""
        return str(self.texts["mode"])

    @property
    def version(self) -> str:
        """ "BOOT:VERSION" of the document that the page says it shows."""
        return str(self.texts["version"])


def look(texts: Mapping[str, Any], began: float, ended: float) -> Look:
    """What the texts say. ValueError for a text that cannot be read."""
    uploader = texts["chosen"] or _named(texts["title"])
    said = [*_everybody(texts, began)]
    if uploader:
        for place, read in _PLACES.items():
            said += [Said(place, uploader, name, value) for name, value in read(Texts(texts, began, ended))]
    return Look(began, ended, tuple(said), texts)


def _named(title: str) -> str:
    parts = title.removeprefix("Stale · ").split(" · ")
    return parts[1] if len(parts) == 3 else ""


_AMOUNT: Final = re.compile(r"(?:failed; )?(\S+ \w+) of (?:the )?(\S+ \w+)(.*)")
_EMPTY_FILES: Final = re.compile(r"(?:failed; )?(\S+) of (\S+) files?\b")
_UNTIL: Final = re.compile(r"until (?:quota at |the next check at )?(\d\d:\d\d(?: on (?:\d+ )?\w+)?)")
_PLACE: Final = re.compile(r"(?:(\d+) of (\d+))?(?:, )?(?:stage (\d+)(?: of (\d+))?)?")


def _everybody(texts: Mapping[str, Any], began: float) -> Iterator[Said]:
    """Chips and cards of all uploaders: hidden while there is only one. And the log."""
    yield Said("log", "", "log rows", page_past.log(texts))
    if (at := displayed.clock(texts["log_note"].removeprefix("last at "), began, past=True)) is not None:
        yield Said("log", "", "log last at", at)
    if texts["tabs"]:
        yield Said("chips", "", "uploaders", tuple(name for name, _ in texts["tabs"]))
    for name, word in texts["tabs"]:
        yield Said("chips", name, "card word", word)
    if texts["side"]:
        yield Said("all uploaders", "", "uploaders", tuple(row[0] for row in texts["side"]))
        working, total = re.findall(r"\d+", texts["side_note"])
        yield Said("all uploaders", "", "total active", int(working))
        yield Said("all uploaders", "", "uploaders_total", int(total))
    for name, word, amount, note in texts["side"]:
        yield Said("all uploaders", name, "card word", word)
        match = _AMOUNT.match(amount)
        for key, shown in zip(("bytes_done", "bytes_total"), match.groups() if match else ("0 B", "0 B"), strict=False):
            yield Said("all uploaders", name, key, displayed.size(shown))
        speed = re.match(r"(?:-|stalled|\S+ \w+/s)(?=$|,|;)", note)
        if speed:
            yield Said("all uploaders", name, "card speed", displayed.speed(speed[0]))
        yield Said("all uploaders", name, "says old", "nothing from rclone" in note)
        if (at := displayed.clock(note.partition(", done by ")[2], began)) is not None:
            # That of the chosen one is the headline's, which is rounded more and stays as long as it is nearly right.
            early, late = (900, 900) if name == texts["chosen"] else (300, 0)
            yield Said("all uploaders", name, "finish_at", Shown(at.least - early, at.least + late, at.text))
        elif (at := displayed.clock(note.removeprefix("ended "), began, past=True)) is not None:
            yield Said("all uploaders", name, "ended_at", at)


def _title(texts: Texts) -> Found:
    match = re.fullmatch(r"(?:Stale · )?(?:(\d+%) )?(.+?) · (.+) · cloudplow", texts["title"])
    if match is None:
        raise ValueError(f"no title: {texts['title']!r}")
    if match[1]:
        yield "percentage", displayed.percent(match[1])
    yield "word", match[2]
    yield "shown name", match[3]


def _headline(texts: Texts) -> Found:
    yield "word", texts["badge"]
    for text, name in (
        ("Dry run", "says dry run"),
        ("Recovered after a restart", "says recovered"),
        ("cloudplow has ended: this is its last state", "says ended"),
        ("cloudplow is not running: this is its last state", "says not running"),
    ):
        yield name, text in texts["chips"]
    limits = [chip.removeprefix("Limited to ") for chip in texts["chips"] if chip.startswith("Limited to ")]
    yield "says limit", displayed.speed(limits[0] if limits else "-")
    yield "says old", "nothing from rclone" in texts["sentence"]
    yield from _large(texts["share"], texts["amount"])
    if (match := _UNTIL.match(texts["amount"])) is not None and texts.current:
        yield "waits until", texts.at(texts["share"])
        if (at := displayed.clock(match[1], texts.began)) is not None:
            yield "waits until", at
    for label, value, note in texts["figures"]:
        yield from _figure(texts, label, value, note)


def _large(share: str, amount: str) -> Found:
    match = _AMOUNT.match(amount)
    if match and "an upload begins with" in amount:
        yield "waiting_bytes", displayed.size(match[1])
        yield "threshold_bytes", displayed.size(match[2])
        yield "waiting_share", displayed.percent(share)
    elif match:
        yield "bytes_done", displayed.size(match[1])
        yield "bytes_total", displayed.size(match[2])
        if share.endswith("%"):
            yield "percentage", displayed.percent(share)
        elif " file" in share:
            yield "files_failed", displayed.count(share)
    elif files := _EMPTY_FILES.match(amount):
        yield "files_done", displayed.count(files[1])
        yield "files_total", displayed.count(files[2])
        if share.endswith("%"):
            yield "percentage", displayed.percent(share)
    elif "would go" in amount:
        yield "would_go_bytes", displayed.size(share)
        yield "would_go_files", displayed.count(amount.removeprefix("in "))


def _figure(texts: Texts, label: str, value: str, note: str) -> Found:
    amounts = displayed.sizes(note)
    match label:
        case "Files":
            yield "files_done", displayed.count(value)
            if note.startswith("of "):
                yield "files_total", displayed.count(note[3:])
        case "Left" if value != "-":
            yield "bytes_left", displayed.size(value)
            yield "files_left", displayed.count(note) if note else 0
        case "Speed":
            yield "moving speed", displayed.speed(value)
            yield "average_speed", amounts[0] if amounts else Shown(0, 0, "no average")
        case "Account":
            yield from _account(value, note)
        case "Time left" if texts.current:
            yield "ends_at", _end(texts, value)
            if (at := displayed.clock(note.removeprefix("done around "), texts.began)) is not None:
                yield "ends_at", _around(at, displayed.seconds(value))
        case "Quota lasts":
            yield "quota_waiting_bytes", amounts[0]
            if texts.current:
                yield "ends_at", _end(texts, value)
        case "To upload":
            # Beside a large number that has the size, only the files.
            files = value if " file" in value else note
            yield "waiting_files", displayed.count(files) if files else 0
            if files != value:
                yield "waiting_bytes", displayed.size(value)
        case "Free quota":
            yield "quota_free_bytes", displayed.size(value)
        case "In the queue":
            yield "queue_bytes", displayed.size(value)
            yield "queue_files", displayed.count(note)
        case "Duration":
            # While it runs, until now.
            if note.startswith("until "):
                yield "seconds", displayed.seconds(value)
            if note.startswith("average"):
                yield "average_speed", displayed.speed(note.removeprefix("average "))
        case _:
            pass


def _end(texts: Texts, value: str) -> Shown:
    if value == "-":
        return Shown(0, 0, value)
    if value.startswith(">"):
        return Shown(texts.began + 29 * 86_400, math.inf, value)
    at = texts.at(value)
    # What should be over by now is said to be over at once.
    return Shown(1, at.most, value) if value == "1s" else at


def _around(at: Shown, left: Shown) -> Shown:
    """The end, as it is rounded by how far away it is; it stays as long as it is nearly right."""
    step = 900 if left.least > 6 * 3600 else 300 if left.least > 3600 else 60
    # What should be over by now is over around the next minute.
    return Shown(1 if left.text == "1s" else at.least - step, at.least + step, at.text)


def _account(value: str, note: str) -> Found:
    # Without a name its place is the value.
    place = _PLACE.fullmatch(note or value)
    if note:
        yield "account", value
    names = ("account_place", "session_accounts", "stage", "stages_total")
    for name, number in zip(names, place.groups() if place else (), strict=False):
        if number:
            yield name, int(number)


def _session(texts: Texts) -> Found:
    failed = re.search(r"([\d,]+) failed", texts["session_note"])
    for label, value, _ in texts["session"]:
        match label:
            case "Began" if (at := displayed.clock(value, texts.began, past=True)) is not None:
                yield "started_at", at
            case "Running for" if texts.current:
                yield "began_before", _before(displayed.seconds(value), texts)
            case "Average speed":
                yield "average_speed", displayed.speed(value)
            case "Accounts used":
                yield "accounts_used", displayed.count(value)
            case "Failures":
                yield "files_failed", displayed.count(value)
                yield "files_failed", displayed.count(failed[1]) if failed else 0
            case _:
                pass
    if texts["failures"]:
        yield "failure kinds", sum(displayed.count(row[0]) for row in texts["failures"])


def _before(lasts: Shown, texts: Texts) -> Shown:
    """The moment that is so long ago."""
    return Shown(texts.began - DRAWN_SECONDS - lasts.most, texts.ended + 0.5 - lasts.least, lasts.text)


_PLACES: Final[Mapping[str, Callable[[Texts], Found]]] = {
    "title": _title,
    "headline": _headline,
    "current transfers": page_panels.transfers,
    "plan": page_panels.plan,
    "session": _session,
    "capacity": page_panels.capacity,
    "queue": page_panels.queue,
    "accounts": page_panels.accounts,
    "past sessions": page_past.sessions,
}
