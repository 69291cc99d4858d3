"""What comes back to the accounts of one uploader, and when. Not thread-safe: the state's lock guards it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

from cloudplow_dashboard.state import clean
from cloudplow_dashboard.state.document_quota import ReturnStrip

#: Hours of the strip, and the step to which its beginning is rounded down, in seconds.
STRIP_HOURS: Final = 24
STRIP_STEP_SECONDS: Final = 600
_HOUR: Final = 3600
#: What comes back within this time of the first return counts as one with it, in seconds.
TOGETHER_SECONDS: Final = 60
#: Returns of one account that are kept; further ones are added to the last.
RETURNS_LIMIT: Final = 300

#: (epoch seconds, bytes) in order of time.
Returns = tuple[tuple[float, int], ...]


def strip_start(now: float) -> int:
    """Where the strip begins, in epoch seconds: the current time, rounded down so that it changes seldom."""
    return int(now // STRIP_STEP_SECONDS) * STRIP_STEP_SECONDS


def checked(values: Iterable[Any]) -> Returns:
    """Returns from an event: in order, without empty ones, bounded."""
    pairs = sorted((clean.number(at), clean.whole(size)) for at, size in values)
    kept = [pair for pair in pairs if pair[0] > 0 and pair[1] > 0]
    if len(kept) > RETURNS_LIMIT:
        rest = kept[RETURNS_LIMIT - 1 :]
        kept[RETURNS_LIMIT - 1 :] = [(rest[-1][0], sum(size for _, size in rest))]
    return tuple(kept)


class ReturnTable:
    """The returns of each account, and their sums by the second, kept up to date."""

    def __init__(self) -> None:
        self._by_account: dict[str, Returns] = {}
        self._by_second: dict[int, int] = {}

    def put(self, name: str, returns: Returns) -> None:
        """Replace what comes back to an account."""
        self.drop(name)
        if returns:
            self._by_account[name] = returns
            self._count(returns, 1)

    def drop(self, name: str) -> None:
        """Forget what comes back to an account."""
        self._count(self._by_account.pop(name, ()), -1)

    def first(self, name: str) -> float:
        """When the first bytes of an account come back, in epoch seconds; 0 when none do."""
        returns = self._by_account.get(name)
        return returns[0][0] if returns else 0

    def take_due(self, name: str, now: float) -> int:
        """Take out what has come back to an account by now, in bytes."""
        returns = self._by_account.get(name, ())
        due = sum(size for at, size in returns if at <= now)
        if due:
            self.put(name, tuple(pair for pair in returns if pair[0] > now))
        return due

    def strip(self, now: float) -> ReturnStrip:
        """What comes back in each of the next hours, and what comes back first. now: epoch seconds."""
        start = strip_start(now)
        hours = [0] * STRIP_HOURS
        later = 0
        for second, size in self._by_second.items():
            hour = max(0, second - start) // _HOUR
            # The strip begins a little before now: what is spent now comes back in its last hour, not after it, though
            # that is a moment more than 24 hours away.
            if second <= now + STRIP_HOURS * _HOUR + TOGETHER_SECONDS:
                hours[min(hour, STRIP_HOURS - 1)] += size
            else:
                later += size
        first = min(self._by_second, default=0)
        together = sum(size for second, size in self._by_second.items() if second <= first + TOGETHER_SECONDS)
        return {
            "next_return_at": first,
            "next_return_bytes": together,
            "strip_from": start,
            "strip": hours,
            "later_bytes": later,
        }

    def _count(self, returns: Returns, sign: int) -> None:
        sums = self._by_second
        for at, size in returns:
            second = math.ceil(at)
            total = sums.get(second, 0) + sign * size
            if total:
                sums[second] = total
            else:
                sums.pop(second, None)
