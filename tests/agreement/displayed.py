"""Numbers as they are displayed: what they can stand for. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

_UNITS: Final = ("B", "KB", "MB", "GB", "TB", "PB")
_SIZE: Final = r"(?:0|\d+\.\d) (?:B|KB|MB|GB|TB|PB)"
#: A size, anywhere in a text.
SIZE: Final = re.compile(rf"\b{_SIZE}")
_STEPS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_HALF: Final = 0.0500001


@dataclass(frozen=True, slots=True)
class Shown:
    """Any number from least to most is displayed like this."""

    least: float
    most: float
    text: str = ""

    def fits(self, value: Any) -> bool:
        """Whether that number is displayed so."""
        return isinstance(value, int | float) and self.least <= value <= self.most

    def __repr__(self) -> str:
        return repr(self.text)


def size(text: str) -> Shown:
    """ "76.1 MB", "Nothing", "None"; ValueError if it is none."""
    if text in ("Nothing", "nothing", "None"):
        return Shown(0, 0, text)
    match = re.fullmatch(r"(0|\d+\.\d) (\w+)", text.strip())
    if match is None:
        raise ValueError(f"no size: {text!r}")
    if match[1] == "0":
        return Shown(0, 0, text)
    unit = 1024 ** _UNITS.index(match[2])
    return Shown((float(match[1]) - _HALF) * unit, (float(match[1]) + _HALF) * unit, text)


def sizes(text: str) -> list[Shown]:
    """Every size in a text."""
    return [size(one) for one in SIZE.findall(text)]


def speed(text: str) -> Shown:
    """ "1.2 MB/s", "stalled", "-"."""
    if text == "-":
        return Shown(0, 0, text)
    if text == "stalled":
        return Shown(0, 1, text)
    return size(text.removesuffix("/s"))


def count(text: str) -> int:
    """ "1,204", also at the beginning of a text: "1,204 files"."""
    match = re.match(r"[\d,]+", text)
    if match is None:
        raise ValueError(f"no number: {text!r}")
    return int(match[0].replace(",", ""))


def percent(text: str) -> Shown:
    """ "43.2%": rounded down."""
    number = text.removesuffix("%")
    step = 10.0 ** -len(number.partition(".")[2])
    return Shown(float(number) - 1e-6, float(number) + step + 1e-6, text)


def seconds(text: str) -> Shown:
    """ "5s", "4m 3s", "2h 7m", "3d 4h"; "-" for none."""
    if text == "-":
        return Shown(-1, 1, text)
    parts = re.findall(r"(\d+)([smhd])\b", text)
    if not parts:
        raise ValueError(f"no duration: {text!r}")
    least = sum(int(number) * _STEPS[unit] for number, unit in parts)
    if text == "1s":
        return Shown(0, 2, text)  # what is nearly over is not said to be over
    return Shown(least, least + _STEPS[parts[-1][1]], text)


def countdown(text: str, began: float, ended: float, *, drawn: float) -> Shown:
    """The moment that is so far away, in epoch seconds. began, ended: when it was read; drawn: at most so long before,
    in seconds.
    """
    left = seconds(text)
    return Shown(began - drawn + left.least, ended + left.most, text)


_DAYS: Final = "Mon|Tue|Wed|Thu|Fri|Sat|Sun"
#: A time of the day as the page writes it: "18:40", "Tue 18:40", "20 Oct, 18:40".
CLOCK: Final = re.compile(rf"\b(?:(?:{_DAYS}) |\d+ \w{{3}}, )?\d\d:\d\d\b")
_CLOCK: Final = re.compile(rf"(?:({_DAYS}) |(\d+ \w{{3}}), )?(\d\d):(\d\d)")
_CLOCK_IN_A_SENTENCE: Final = re.compile(r"(\d\d:\d\d) on (?:(\w{3})|(\d+ \w{3}))")


def clock(text: str, near: float, *, past: bool = False) -> Shown | None:
    """ "18:40", "Tue 18:40", "20 Oct, 18:40", as the moments of that minute, in epoch seconds.

    None for what is no time of the day, and for days of other years. past: that day is not to come. The form of
    sentences ("18:40 on Tue") is read, too. near: now, in epoch seconds.
    """
    text = _CLOCK_IN_A_SENTENCE.sub(lambda found: f"{found[2] or f'{found[3]},'} {found[1]}", text)
    match = _CLOCK.fullmatch(text)
    if match is None:
        return None
    today = datetime.fromtimestamp(near).astimezone().date()
    for days in range(366):
        day = today - timedelta(days=days) if past else today + timedelta(days=days)
        if match[1] in (None, f"{day:%a}") and match[2] in (None, f"{day.day} {day:%b}"):
            at = datetime(day.year, day.month, day.day, int(match[3]), int(match[4])).astimezone().timestamp()
            return Shown(at, at + 60, text)
    raise ValueError(f"no day: {text!r}")
