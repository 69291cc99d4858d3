"""Hours in which an upload may start, in local time. Pure.

Whether a window is open is decided by the clock on the wall at that moment, so nights in which the clocks change need
no rule of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from typing import Final, NamedTuple

_DAY_MINUTES: Final = 24 * 60
#: An opening is looked for within so many days, as a clock change may swallow the one of a day.
_SEARCH_DAYS: Final = 3


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
    found = [moment for moment in _candidates(window, at, zone) if moment >= at and is_open(window, moment, zone)]
    return min(found, default=None)


def _candidates(window: Window, at: float, zone: tzinfo | None) -> Iterator[float]:
    """When it can open: when a clock shows its first minute, or when the clocks change."""
    hour, minute = divmod(window.from_minutes % _DAY_MINUTES, 60)
    today = datetime.fromtimestamp(at, zone).replace(hour=hour, minute=minute, second=0, microsecond=0)
    for days in range(_SEARCH_DAYS):
        for fold in (0, 1):
            yield (today + timedelta(days=days)).replace(fold=fold).timestamp()
    low, high = int(at), int(at) + _SEARCH_DAYS * 86400
    if _offset(low, zone) == _offset(high, zone):
        return
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(middle, zone) == _offset(low, zone):
            low = middle
        else:
            high = middle
    yield float(high)


def _offset(at: float, zone: tzinfo | None) -> object:
    return datetime.fromtimestamp(at, zone).astimezone(zone).utcoffset()
