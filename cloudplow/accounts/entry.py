"""What one uploader spent on one account: its charges, denials and learned limit. No clock of its own.

A charge keeps its time. One whose time is still to come (the clock was ahead when it was made) counts as spent now, and
comes back one window after it was first seen like that. Charges that have come back are kept until newer ones of two
full quotas stand above them: if the clock was wrong, they count again once it is right. A window after they came back
they are kept by the hour instead of by the minute.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final

from cloudplow.models import Return
from cloudplow.state.loose import mapping, number, text, whole

#: Charges closer together than this, or than this share of the window, are kept as one, dated by the latest: none comes
#: back earlier than it would on its own.
MERGE_SECONDS: Final = 60.0
MERGE_SHARE: Final = 1 / 288
#: More charges than this are merged further, the oldest first.
CHARGES_LIMIT: Final = 3000
#: How many full quotas of newer charges must stand above one that is dropped.
KEPT_QUOTAS: Final = 2
#: Charges that came back more than a window ago are kept as one if they are closer together than this share of it.
COARSE_SHARE: Final = 1 / 24

_at: Final = attrgetter("at")


@dataclass(slots=True)
class Charge:
    """Bytes that were spent between `since` and `at` (epoch seconds).

    noticed_at: when it was first seen that `at` is still to come; 0 if it is not.
    """

    since: float
    at: float
    bytes: int
    noticed_at: float = 0.0

    def back_at(self, window: float) -> float:
        """When the bytes come back, epoch seconds."""
        return (min(self.at, self.noticed_at) if self.noticed_at else self.at) + window


@dataclass(slots=True)
class Entry:
    """The record of one uploader and one account. Times are epoch seconds.

    denied_seconds: how long a denial lasts at most; denied_at: when it was met; denied_noticed_at: when it was first
    seen that its end is further away than that (the clock was ahead); 0 if it is not. key: path of its key file, a
    label.
    """

    charges: list[Charge] = field(default_factory=list)
    total_bytes: int = 0
    last_used: float = 0.0
    denied_until: float = 0.0
    denied_why: str = ""
    denied_at: float = 0.0
    denied_seconds: float = 0.0
    denied_noticed_at: float = 0.0
    learned_limit_bytes: int = 0
    learned_for_limit_bytes: int = 0
    key: str = ""

    def is_empty(self) -> bool:
        """Whether nothing in it is worth keeping."""
        return not (self.charges or self.total_bytes or self.denied_until or self.learned_limit_bytes)


def live(charges: list[Charge], now: float, window: float) -> Iterator[Charge]:
    """The charges that have not come back, the latest first. They are sorted by time."""
    for charge in reversed(charges):
        if charge.at + window <= now:
            return
        if charge.at > now:
            charge.noticed_at = charge.noticed_at or now
            if charge.noticed_at + window <= now:
                continue
        elif charge.noticed_at:
            charge.noticed_at = 0.0
        yield charge


def returning(charges: list[Charge], now: float, window: float) -> Iterator[Return]:
    """What has not come back, and when it does; the latest first."""
    return (Return(charge.back_at(window), charge.bytes) for charge in live(charges, now, window))


def spend(charges: list[Charge], size_bytes: int, now: float, window: float) -> None:
    """Charge bytes as spent now. The time in the record never runs backwards."""
    last = charges[-1] if charges else None
    if last is None or last.at <= now:
        step = min(MERGE_SECONDS, window * MERGE_SHARE)
        if last is not None and not last.noticed_at and now - last.since < step:
            last.at, last.bytes = now, last.bytes + size_bytes
        else:
            charges.append(Charge(now, now, size_bytes))
    else:
        charges.append(Charge(now, last.at, size_bytes, now))


def join(charges: list[Charge], others: Iterable[Charge]) -> None:
    """Add charges that were kept elsewhere, in order of time."""
    for charge in others:
        if charge.bytes > 0:
            insort(charges, charge, key=_at)


def larger(charges: Iterable[Charge], others: Iterable[Charge]) -> list[Charge]:
    """The smallest record that at every time counts as much as each of two records of one account."""
    steps: dict[float, tuple[list[Charge], list[Charge]]] = {}
    for place, one in enumerate((charges, others)):
        for charge in one:
            steps.setdefault(charge.at, ([], []))[place].append(charge)
    made: list[Charge] = []
    first = second = counted = 0
    for at in sorted(steps, reverse=True):
        both = steps[at]
        first, second = (total + _sum(one) for total, one in zip((first, second), both, strict=True))
        if (more := max(first, second) - counted) > 0:
            here = [*both[0], *both[1]]
            since, noticed_at = min(one.since for one in here), max(one.noticed_at for one in here)
            made.append(Charge(since, at, more, noticed_at))
            counted += more
    return made[::-1]


def shortfall_bytes(charges: Iterable[Charge], others: Iterable[Charge]) -> int:
    """How much the first record counts less than the second one, at the time when that is most."""
    most = balance = 0
    steps = [(one.at, -one.bytes) for one in charges] + [(one.at, one.bytes) for one in others]
    # At equal times what is known counts first.
    for _, step in sorted(steps, key=lambda one: (-one[0], one[1])):
        balance += step
        most = max(most, balance)
    return most


def _sum(charges: Iterable[Charge]) -> int:
    return sum(charge.bytes for charge in charges)


def prune(charges: list[Charge], now: float, window: float, quota_bytes: int) -> None:
    """Drop charges that came back long ago: those below newer ones of two full quotas."""
    above = 0
    for index in range(len(charges) - 1, -1, -1):
        if above >= KEPT_QUOTAS * quota_bytes and charges[index].back_at(window) <= now:
            del charges[: index + 1]
            break
        above += charges[index].bytes
    while len(charges) > CHARGES_LIMIT:
        older, newer = charges[0], charges[1]
        charges[:2] = [Charge(older.since, newer.at, older.bytes + newer.bytes, newer.noticed_at)]


def coarsen(charges: list[Charge], now: float, window: float) -> bool:
    """Merge charges that came back more than a window ago, dated by the latest of each; returns whether any was.

    They count again only if the clock was wrong; kept to the minute, they would be most of the book.
    """
    old = 0
    while old < len(charges) and charges[old].at + 2 * window <= now and not charges[old].noticed_at:
        old += 1
    made: list[Charge] = []
    for charge in charges[:old]:
        if made and charge.at - made[-1].since < window * COARSE_SHARE:
            made[-1].at, made[-1].bytes = charge.at, made[-1].bytes + charge.bytes
        else:
            made.append(charge)
    charges[:old] = made
    return len(made) < old


def shift_charges(charges: list[Charge], since: float, seconds: float) -> None:
    """The clock was set by so much: move charges that were dated since then."""
    for charge in charges:
        if charge.at >= since:
            charge.since, charge.at = charge.since + seconds, charge.at + seconds
        if charge.noticed_at >= since:
            charge.noticed_at += seconds
    charges.sort(key=_at)


def shift(entry: Entry, since: float, seconds: float) -> None:
    """The same for a whole record."""
    shift_charges(entry.charges, since, seconds)
    if entry.denied_noticed_at >= since:
        entry.denied_noticed_at += seconds
    if entry.denied_until and entry.denied_at >= since:
        entry.denied_at, entry.denied_until = entry.denied_at + seconds, entry.denied_until + seconds


def deny(entry: Entry, until: float, why: str, now: float) -> None:
    """The account is refused until then; an earlier denial that lasts longer stays."""
    if until > denied_until(entry, now):
        entry.denied_until, entry.denied_why = until, why
        entry.denied_at, entry.denied_seconds, entry.denied_noticed_at = now, max(0.0, until - now), 0.0


def denied_until(entry: Entry, now: float) -> float:
    """When the denial ends, epoch seconds; it lasts at most as long as when it was met, whatever the clock says."""
    if entry.denied_until <= now:
        return entry.denied_until
    if entry.denied_until - now > entry.denied_seconds:
        entry.denied_noticed_at = entry.denied_noticed_at or now
    else:
        entry.denied_noticed_at = 0.0
    if entry.denied_noticed_at:
        return min(entry.denied_until, entry.denied_noticed_at + entry.denied_seconds)
    return entry.denied_until


def notice(entry: Entry, now: float, window: float) -> bool:
    """Note which times are still to come, for later processes: what they hold back ends one window after this.

    Returns whether there are charges that nobody had noticed.
    """
    new = any(charge.at > now and not charge.noticed_at for charge in entry.charges)
    for _ in live(entry.charges, now, window):
        pass
    denied_until(entry, now)
    return new


def charges_document(charges: Iterable[Charge]) -> list[list[float | int]]:
    """Charges as JSON: [since, at, bytes] or [since, at, bytes, noticed_at]."""
    made: list[list[float | int]] = []
    for one in charges:
        row: list[float | int] = [round(one.since, 3), round(one.at, 3), one.bytes]
        made.append([*row, one.noticed_at] if one.noticed_at else row)
    return made


def read_charges(stored: object) -> list[Charge]:
    """Charges from JSON; invalid values count as 0."""
    found = []
    for one in stored if isinstance(stored, list) else ():
        if isinstance(one, list) and len(one) in (3, 4) and whole(one[2]):
            noticed_at = number(one[3]) if len(one) == 4 else 0.0
            found.append(Charge(number(one[0]), number(one[1]), whole(one[2]), noticed_at))
    found.sort(key=_at)
    return found


def entry_document(entry: Entry) -> dict[str, Any]:
    """The record in the book."""
    document: dict[str, Any] = {"charges": charges_document(entry.charges)}
    for name in ("total_bytes", "last_used", "key", *_DENIAL, *_LEARNED):
        if value := getattr(entry, name):
            document[name] = value
    return document


_DENIAL: Final = ("denied_until", "denied_why", "denied_at", "denied_seconds", "denied_noticed_at")
_LEARNED: Final = ("learned_limit_bytes", "learned_for_limit_bytes")


def read_entry(document: object) -> Entry:
    """The same, read; invalid values count as missing."""
    stored: Mapping[str, Any] = mapping(document)
    return Entry(
        charges=read_charges(stored.get("charges")),
        total_bytes=whole(stored.get("total_bytes")),
        last_used=number(stored.get("last_used")),
        denied_until=number(stored.get("denied_until")),
        denied_why=text(stored.get("denied_why")),
        denied_at=number(stored.get("denied_at")),
        denied_seconds=number(stored.get("denied_seconds")),
        denied_noticed_at=number(stored.get("denied_noticed_at")),
        learned_limit_bytes=whole(stored.get("learned_limit_bytes")),
        learned_for_limit_bytes=whole(stored.get("learned_for_limit_bytes")),
        key=text(stored.get("key")),
    )
