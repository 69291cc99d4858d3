"""Hours in which an upload may start, in local time. Pure.

Whether a window is open is decided by the clock on the wall at that moment, so nights in which the clocks change need
no rule of their own.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Final, NamedTuple

_DAY_MINUTES: Final = 24 * 60
#: An opening is looked for within so many minutes: two days, as a clock change may swallow the one of a day.
_SEARCH_MINUTES: Final = 2 * _DAY_MINUTES + 60


class Window(NamedTuple):
    """Minutes since midnight. It is open from the first to just before the second; over midnight if that is earlier;
    all day if both are the same. never: it cannot be read, so it never opens.
    """

    from_minutes: int
    until_minutes: int
    never: bool = False

    def __str__(self) -> str:
        return f"{_clock(self.from_minutes)}-{_clock(self.until_minutes)}"

    def holds(self, minute: int) -> bool:
        """Whether it is open in a minute of the day."""
        if self.never:
            return False
        if self.from_minutes == self.until_minutes:
            return True
        if self.from_minutes < self.until_minutes:
            return self.from_minutes <= minute < self.until_minutes
        return minute >= self.from_minutes or minute < self.until_minutes


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def is_open(window: Window | None, at: float, zone: tzinfo | None = None) -> bool:
    """Whether an upload may start. at: epoch seconds; zone: None for that of this machine; no window is always open."""
    return window is None or window.holds(_minute_of_day(at, zone))


def _minute_of_day(at: float, zone: tzinfo | None) -> int:
    when = datetime.fromtimestamp(at, zone)
    return when.hour * 60 + when.minute


def next_open(window: Window | None, at: float, zone: tzinfo | None = None) -> float | None:
    """The first moment from `at` on at which the window is open, in epoch seconds; None if it never opens."""
    if is_open(window, at, zone):
        return at
    if window is None or window.never:
        return None
    minute = at // 60 * 60
    ahead = (window.from_minutes - _minute_of_day(at, zone)) % _DAY_MINUTES
    guess = minute + 60 * ahead
    if _offset(guess, zone) == _offset(at, zone):
        return guess
    # The clocks change before that.
    for step in range(1, _SEARCH_MINUTES):
        if is_open(window, minute + 60 * step, zone):
            return minute + 60 * step
    return None


def _offset(at: float, zone: tzinfo | None) -> object:
    return datetime.fromtimestamp(at, zone).astimezone(zone).utcoffset()
