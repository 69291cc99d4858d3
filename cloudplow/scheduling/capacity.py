"""When quota that comes back helps: often enough that none is left unused, not for every megabyte. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from cloudplow.models import Capacity

#: An upload starts at once if so much of an account, or all that waits, can go ...
WORTHWHILE_SHARE: Final = 0.05
#: ... and with less so many seconds after the last one ended, for a window of 24 hours; in proportion for others.
PATIENCE_SECONDS: Final = 600.0
_DAY_SECONDS: Final = 86400.0


class Help(NamedTuple):
    """at: epoch seconds at which it is worthwhile to go on; bytes: what comes back until then."""

    at: float
    bytes: int


def when_it_helps(
    sizes: Iterable[int], capacities: Sequence[Capacity], *, now: float, since: float, window_seconds: float
) -> Help | None:
    """When to go on with files that wait for quota; None if it is not known that any comes back.

    sizes: of the waiting files, as stored, in bytes. since: when the last upload ended. A waiting file must fit then,
    and a stage of at least 5 % of an account, or of all that waits; with less it is ten minutes after `since`.
    """
    waiting = sorted(sizes)
    if not waiting or not capacities:
        return None
    sums = list(accumulate(waiting))
    worthwhile = min(sums[-1], WORTHWHILE_SHARE * max(capacity.limit_bytes for capacity in capacities))
    patient_until = since + PATIENCE_SECONDS * window_seconds / _DAY_SECONDS
    best: float | None = None
    for capacity in capacities:
        found = _first(capacity, waiting, sums, worthwhile, now, patient_until)
        if found is not None and (best is None or found < best):
            best = found
    return None if best is None else Help(best, _comes_back(capacities, now, best))


def _first(
    capacity: Capacity, waiting: Sequence[int], sums: Sequence[int], worthwhile: float, now: float, patient_until: float
) -> float | None:
    """When an account can take a waiting file, and enough of them or late enough."""
    if capacity.usable_from == float("inf"):
        return None
    free = capacity.free_bytes
    start = max(now, capacity.usable_from)
    back_at: dict[float, int] = {start: 0}
    for back in capacity.returns:
        back_at[max(start, back.at)] = back_at.get(max(start, back.at), 0) + back.bytes
    times = sorted(back_at.items())
    for number, (at, came_back) in enumerate(times, 1):
        free += came_back
        if free < min(waiting[0], capacity.limit_bytes):
            continue
        if _goes(waiting, sums, free, capacity.limit_bytes) >= worthwhile:
            return at
        if at >= patient_until:
            return at
        # Until more comes back nothing changes.
        if number == len(times) or times[number][0] > patient_until:
            return patient_until
    return None


def _goes(waiting: Sequence[int], sums: Sequence[int], free: int, limit: int) -> int:
    """How much of the waiting files certainly fits: the smallest ones, or a single one, in bytes."""
    if free >= limit and waiting[-1] > limit:
        return waiting[-1]  # larger than any quota: it goes alone
    fitting = bisect_right(sums, free)
    single = bisect_right(waiting, free)
    return max(sums[fitting - 1] if fitting else 0, waiting[single - 1] if single else 0)


def _comes_back(capacities: Sequence[Capacity], now: float, at: float) -> int:
    total = 0
    for capacity in capacities:
        if capacity.usable_from > at:
            continue
        back = sum(one.bytes for one in capacity.returns if now < one.at <= at)
        total += back if capacity.usable_from <= now else capacity.free_bytes + back
    return total
