"""Numbers over time in bounded memory: fine for the last minutes, coarse for the last month. Not thread-safe, pure."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cloudplow_dashboard.state import clean


@dataclass(frozen=True, slots=True)
class Tier:
    """A ring of slots; step: seconds of one slot."""

    step: int
    slots: int

    @property
    def span(self) -> int:
        """How far back it reaches, in seconds."""
        return self.step * self.slots


#: 10 minutes, 2 hours, 24 hours, 7 days, 30 days.
TIERS: Final = (Tier(1, 600), Tier(10, 720), Tier(60, 1440), Tier(600, 1008), Tier(3600, 720))
#: What is counted, all summed up within a slot. Speeds: bytes per second, summed, beside how many there were.
COUNTED: Final = ("bytes", "files", "errors", "speeds", "samples")
_WIDTH: Final = len(COUNTED)
_BYTES, _FILES, _ERRORS, _SPEEDS, _SAMPLES = range(_WIDTH)

Values = list[float]


class _Ring:
    """The slots of one tier. A slot is told apart from the one that it replaced by its number since the epoch."""

    def __init__(self, tier: Tier) -> None:
        self.tier = tier
        self._numbers = array("q", [-1]) * tier.slots
        self._columns = [array("d", [0.0]) * tier.slots for _ in COUNTED]

    def add(self, number: int, values: Values) -> None:
        place = number % self.tier.slots
        if self._numbers[place] != number:
            self._numbers[place] = number
            for column in self._columns:
                column[place] = 0.0
        for column, value in zip(self._columns, values, strict=True):
            column[place] += value

    def slots(self, first: int, last: int) -> Iterator[tuple[int, Values]]:
        """The slots that hold something, from the first number to the last, both included."""
        for number in range(max(first, last - self.tier.slots + 1), last + 1):
            place = number % self.tier.slots
            if self._numbers[place] == number:
                yield number, [column[place] for column in self._columns]


class Series:
    """What one uploader did over time."""

    def __init__(self) -> None:
        self._rings = [_Ring(tier) for tier in TIERS]
        self._second = 0
        self._present: Values = [0.0] * _WIDTH

    def add(self, now: float, size: int = 0, files: int = 0, errors: int = 0) -> None:
        """Count what arrived or failed. now: epoch seconds; size: bytes."""
        if int(now) != self._second:
            self._turn(int(now))
        present = self._present
        present[_BYTES] += size
        present[_FILES] += files
        present[_ERRORS] += errors

    def add_speed(self, now: float, speed: float) -> None:
        """Note a speed, in bytes per second."""
        if int(now) != self._second:
            self._turn(int(now))
        self._present[_SPEEDS] += speed
        self._present[_SAMPLES] += 1

    def _turn(self, second: int) -> None:
        """Put the current second into the rings and begin another one."""
        if any(self._present):
            for ring in self._rings:
                ring.add(self._second // ring.tier.step, self._present)
            self._present = [0.0] * _WIDTH
        self._second = second

    def sums(self, tier: Tier, since: float, until: float, step: int) -> dict[int, Values]:
        """Sums of slots by the beginning of each step, in epoch seconds. step: a multiple of the tier's."""
        self._turn(self._second)
        ring = self._rings[TIERS.index(tier)]
        found: dict[int, Values] = {}
        for number, values in ring.slots(int(since // tier.step), int(until // tier.step)):
            at = number * tier.step // step * step
            known = found.get(at)
            found[at] = values if known is None else [one + other for one, other in zip(known, values, strict=True)]
        return found

    # --- the file --------------------------------------------------------------------------------------------------

    def document(self, now: float) -> dict[str, list[str]]:
        """For the file: by the step of each tier but the finest, one text for each slot that holds something."""
        self._turn(self._second)
        return {
            str(ring.tier.step): [
                " ".join(f"{value:.15g}" for value in (number * ring.tier.step, *values))
                for number, values in ring.slots(0, int(now // ring.tier.step))
            ]
            for ring in self._rings[1:]
        }

    def load(self, document: Mapping[Any, Any], now: float) -> None:
        """Add what a file holds; what does not fit, or lies in the future, is ignored."""
        for ring in self._rings[1:]:
            lines = document.get(str(ring.tier.step))
            for line in lines[-ring.tier.slots :] if isinstance(lines, list) else ():
                at, *values = _numbers(line)
                if len(values) == _WIDTH and now - ring.tier.span < at <= now:
                    ring.add(int(at // ring.tier.step), values)


def _numbers(line: object) -> Values:
    try:
        return [float(clean.number(float(word))) for word in str(line)[:200].split()] or [-1.0]
    except ValueError:
        return [-1.0]


def value_of(metric: str, values: Values) -> float:
    """One metric of summed slots: "speed" is the mean of the samples, the others are sums."""
    if metric == "speed":
        return round(values[_SPEEDS] / values[_SAMPLES], 1) if values[_SAMPLES] else 0
    return int(values[COUNTED.index(metric)])


def choose(since: float, now: float, step: int, points: int, fine_from: float = 0) -> tuple[Tier, int]:
    """The finest tier that reaches back far enough, and the step in seconds: the wanted one (0: any), rounded up to
    what the tier has and to what gives at most `points` points. fine_from: what was before is not in the finest tier,
    in epoch seconds; it is never kept in the file.
    """
    reach = now - since
    tiers = TIERS if since >= fine_from else TIERS[1:]
    tier = next((one for one in tiers if one.span >= reach), TIERS[-1])
    wanted = max(step, tier.step, min(reach, tier.span) / points)
    return tier, math.ceil(wanted / tier.step) * tier.step
