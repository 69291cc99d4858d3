"""What the page says of what has been: log, past sessions, history; and what it has to say. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from tests.agreement import displayed
from tests.agreement.displayed import Shown
from tests.agreement.page_panels import CURRENT, Found, Texts
from tests.agreement.past import Curve

#: Rows that are shown at least, where there are so many.
LOG_ROWS: Final = 3
SESSION_ROWS: Final = 8
_OUTCOMES: Final = {"quota_used": "Quota used"}
_DATED: Final = re.compile(r"\b\w{3} \d{4}-\d\d-\d\d (?=\d\d:\d\d)")
_ON_A_DAY: Final = re.compile(r"(?<=\d\d:\d\d) on \w{3}\b")


#: "18:40, 4m 3s", "20 Nov, 18:40", "Tue 18:40", "20 Nov 2024, 1h 5m".
_BEGAN: Final = re.compile(r"(.*\d\d:\d\d|\d+ \w+ \d{4}|)(?:, (\d.*))?")


@dataclass(frozen=True, slots=True)
class First:
    """The first rows of a list, as many as there is room for, but not fewer than `least` of them."""

    rows: tuple[Any, ...]
    least: int

    def fits(self, told: Any) -> bool:
        """Whether these are the first rows of that."""
        return len(self.rows) >= min(self.least, len(told)) and self.rows == tuple(told[: len(self.rows)])


# --- the log ---------------------------------------------------------------------------------------------------------


def log(texts: Mapping[str, Any]) -> First:
    """The rows of the log: time, uploader and text."""
    rows = [(at.rpartition(" ")[2], uploader, _ON_A_DAY.sub("", text)) for at, uploader, text in texts["log"]]
    return First(tuple(rows), LOG_ROWS)


def known_log(document: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
    """What they have to be, newest first."""
    several = len(document["uploaders"]) > 1
    facts = sorted(document["facts"].items(), key=lambda one: -int(one[0]))
    return tuple((_clock(f["at"]), f["uploader"] if several else "", _DATED.sub("", f["text"])) for _, f in facts)


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S")


# --- past sessions ---------------------------------------------------------------------------------------------------


def sessions(texts: Texts) -> Found:
    """Rows of the past sessions of the chosen uploader."""
    note = texts["sessions_note"]
    yield "past listed", 0 if note in ("", "none yet") else displayed.count(note)
    yield "past shown", len(texts["sessions"])
    for number, (word, when, what, why) in enumerate(texts["sessions"]):
        row = f"past row {number}"
        yield f"{row} word", word
        yield f"{row} why", why
        match = _BEGAN.fullmatch(when)
        if match is None:
            raise ValueError(f"no beginning: {when!r}")
        at, took = match.groups()
        if (began := displayed.clock(at, texts.began, past=True)) is not None:
            yield f"{row} began", began
        yield f"{row} seconds", displayed.seconds(took) if took else Shown(-math.inf, 1, when)
        yield from ((f"{row} {key}", value) for key, value in _what(what).items())


def _what(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {"files": 0, "sessions": 1, "left": 0, "failed": 0}
    for part in text.split(" · "):
        if re.match(r"[\d,]+ files?, ", part):
            found |= {"files": displayed.count(part), "bytes": displayed.size(part.rpartition(", ")[2])}
        elif part != "nothing uploaded":
            number, word = part.split(" ")
            found["sessions" if word.startswith("session") else word] = displayed.count(number)
    return found


def known_sessions(u: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What they have to be."""
    runs = list(reversed(u["sessions"]))
    yield "past listed", len(runs)
    yield "past shown", min(SESSION_ROWS, len(runs))
    for number, one in enumerate(runs[:SESSION_ROWS]):
        row = f"past row {number}"
        outcome = one["outcome"] or "interrupted"
        word = _OUTCOMES.get(outcome) or outcome.replace("_", " ").capitalize()
        yield f"{row} word", f"{word} (dry run)" if one["dry_run"] else word
        yield f"{row} why", "" if outcome == "done" else one["reason"]
        yield f"{row} began", one["started_at"]
        yield f"{row} seconds", one["ended_at"] - one["started_at"]
        for key, name in (("files", "files_done"), ("bytes", "bytes_done"), ("sessions", "sessions")):
            yield f"{row} {key}", one[name]
        yield f"{row} left", one["files_left"]
        yield f"{row} failed", one["files_failed"]


# --- the history -----------------------------------------------------------------------------------------------------

#: Ranges of the page: how far back, and the steps of a speed and of a sum, in seconds.
RANGES: Final = {"1 h": (3600, 10, 60), "24 h": (86_400, 300, 3600)}
METRICS: Final = {"Speed": "speed", "Data": "bytes", "Files": "files", "Failures": "errors", "Accounts": "accounts"}
#: Answers of the same time, in seconds.
_NEAR_SECONDS: Final = 4.0
#: How old what the page says of the past may be, in seconds: it asks again so often, and what is on its way.
_OLD_SECONDS: Final = {"1 h": 10.0, "24 h": 60.0}
_WAY_SECONDS: Final = 3.0
#: What is said where there is no answer.
NO_WORDS: Final = ("Asking for the history", "The history could not be read")
_SPEED: Final = re.compile(r"(\S+ \w+/s) on average while uploading, at most (\S+ \w+/s)\.")
_SUM: Final = re.compile(r"(.+) in total, at most (.+) in one (?:minute|hour|day)\.")


@dataclass(frozen=True, slots=True)
class Past:
    """What a look at the history says: its total or average, and the most of one step, as of when."""

    metric: str
    span: str
    at: Shown
    whole: Shown
    most: Shown


def history(texts: Mapping[str, Any], near: float) -> Past | None:
    """The words below the chart; None where there are none. ValueError for what cannot be read. near: epoch seconds."""
    metric, span = METRICS.get(texts["history_metric"]), texts["history_range"]
    words, _, at = texts["history"].partition(" As of ")
    if metric is None or not words or words.startswith(NO_WORDS):
        return None
    minute = displayed.clock(at[:5], near)
    if minute is None:
        raise ValueError(f"no history: {texts['history']!r}")
    moment = minute.least + int(at[6:8])
    if words == "Nothing in this period.":
        return Past(metric, span, Shown(moment, moment + 1, at), Shown(0, 0, words), Shown(0, 0, words))
    match = (_SPEED if metric == "speed" else _SUM).fullmatch(words)
    if match is None:
        raise ValueError(f"no history: {words!r}")
    whole, most = (_value(metric, one) for one in match.groups())
    return Past(metric, span, Shown(moment, moment + 1, at), whole, most)


def _value(metric: str, text: str) -> Shown:
    if metric in ("files", "errors"):
        number = displayed.count(text)
        return Shown(number, number, text)
    return displayed.speed(text)


def as_asked(uploader: str, texts: Mapping[str, Any]) -> tuple[str, str, int, int] | None:
    """What the page asks for to show this: uploader, metric, how far back, step; None where it is not followed."""
    metric, span = METRICS.get(texts["history_metric"]), texts["history_range"]
    if metric is None or span not in RANGES:
        return None
    reach, fine, coarse = RANGES[span]
    return uploader, metric, reach, fine if metric == "speed" else coarse


def history_fault(said: Past, uploader: str, looked: float, curves: Sequence[Curve]) -> str | None:
    """What no answer of that time says, "" if one does, None where no answer of that time is known. looked: in epoch
    seconds; curves: in their order, of what the page had asked for.
    """
    if looked + 1 < said.at.least:
        return f"history: {uploader} is as of {said.at}, which is yet to come"
    near = [one for one in curves if abs(one.began - said.at.least) < _NEAR_SECONDS]
    if not near or not near[0].ended < said.at.least < said.at.most < near[-1].began:
        return None  # it is not known what it was before, or after
    for what, shown, of in (("in all", said.whole, _whole), ("at most", said.most, _most)):
        values = [of(one) for one in near]
        step = max((abs(one - other) for one, other in pairwise(values)), default=0)
        if shown.most < min(values) - step or shown.least > max(values) + step:
            known = f"{min(values):.0f} to {max(values):.0f}"
            return f"history: {uploader} {said.metric} {what} is {shown}, by {len(near)} answers {known}"
    return ""


def history_age_fault(said: Past, look: Any, looks: Sequence[Any]) -> str:
    """What is older than the page asks for it while it is looked at and an upload runs. look: one of looks."""
    old = _OLD_SECONDS[said.span] + _WAY_SECONDS
    before = [one for one in looks if look.began - old - 5 <= one.began <= look.began]
    works = all(one.texts["badge"] == "Uploading" and one.mode in CURRENT for one in before)
    seen = len(before) > 1 and before[0].began < look.began - old
    age = look.began - said.at.most
    return f"history: as of {said.at}, {age:.1f} s old" if works and seen and age > old else ""


def is_settled(look: Any, looks: Sequence[Any]) -> bool:
    """Whether nothing else was asked for lately. look: one of looks."""
    keys = ("chosen", "history_metric", "history_range")
    wanted = [look.texts[key] for key in keys]
    lately = [one for one in looks if look.began - _WAY_SECONDS <= one.began <= look.began]
    return look.mode in CURRENT and all([one.texts[key] for key in keys] == wanted for one in lately)


def _whole(one: Curve) -> float:
    some = [value for value in one.points.values() if value > 0]
    return sum(some) / (len(some) or 1) if one.metric == "speed" else sum(some)


def _most(one: Curve) -> float:
    return max(one.points.values(), default=0)
