"""What the history says in one answer and not in another, or otherwise than the events. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Any, Final

#: An event is in the history so soon, in seconds; what comes later, up to so many, is late and not wrong.
LAG_SECONDS: Final = 1.5
LATEST_SECONDS: Final = 6.0
#: What a killed process had not written yet is gone, in seconds.
UNSAVED_SECONDS: Final = 62.0
SUMS: Final = ("bytes", "files", "errors")
_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Curve:
    """One metric over time, in one answer. uploader: "" for the sum of all; began, ended: epoch seconds between which
    it was read; reach: how far it goes back, in seconds; points: values by the beginning of their step; boot: of the
    process that answered.
    """

    source: str
    boot: str
    uploader: str
    metric: str
    reach: int
    step: int
    began: float
    ended: float
    points: Mapping[int, float]

    def closed(self) -> Iterator[tuple[int, float]]:
        """Whole points to which nothing is added any more."""
        for at, value in self.points.items():
            if at > self.began - self.reach and at + self.step + LATEST_SECONDS <= self.began:
                yield at, value

    def __str__(self) -> str:
        return f"{self.metric} of {self.uploader or 'all'} ({self.source}, {self.reach} s by {self.step})"


class Happened:
    """What the events come to, by metric and uploader. killed: when processes were killed, in epoch seconds."""

    def __init__(self, events: Sequence[Mapping[str, Any]], killed: Sequence[float] = ()) -> None:
        self.uploaders = {one["uploader"] for one in events}
        self._events = sorted(events, key=lambda one: one["at"])
        self._killed = killed
        self._of = cache(self._adds)

    def _adds(self, metric: str, uploader: str) -> tuple[list[float], list[float], list[float], list[float]]:
        """Times, values, and their sums up to each: of all, and of those that were surely written."""
        found = [
            (one["at"], value)
            for one in self._events
            if uploader in ("", one["uploader"]) and (value := _value(metric, one)) is not None
        ]
        sure = [0 if self._may_be_lost(at) else value for at, value in found]
        values = [value for _, value in found]
        return [at for at, _ in found], values, [0, *accumulate(values)], [0, *accumulate(sure)]

    def _may_be_lost(self, at: float) -> bool:
        return any(killed - UNSAVED_SECONDS <= at <= killed for killed in self._killed)

    def bounds(self, metric: str, uploader: str, begin: float, end: float, lag: float) -> tuple[float, float]:
        """The least and the most that may be said of a span: an event counts from when it arrives, soon after it."""
        times, _, whole, sure = self._of(metric, uploader)
        least = sure[bisect_left(times, max(begin, end - lag))] - sure[bisect_left(times, begin)]
        return least, whole[bisect_left(times, end)] - whole[bisect_left(times, begin - lag)]

    def speeds(self, uploader: str, begin: float, end: float) -> Sequence[float]:
        """All speeds that were told between."""
        times, values, _, _ = self._of("speed", uploader)
        return values[bisect_left(times, begin) : bisect_left(times, end)]


def _value(metric: str, event: Mapping[str, Any]) -> float | None:
    match metric, event["signal"]:
        case "bytes", "file_transferred":
            return float(event["size"])
        case "accounts", "file_transferred" if event["account"] and not event["already_there"]:
            return float(event["size"])
        case ("files", "file_transferred") | ("errors", "file_failed"):
            return 1
        case "speed", "transfer_progress":
            return float(event["speed"])
        case _:
            return None


_Key = tuple[str, str, str, int, int]


def disagreements(curves: Sequence[Curve], happened: Happened) -> list[str]:
    """What does not agree, each point once."""
    first: dict[_Key, tuple[Curve, float]] = {}
    return [*_moved(curves, first), *_untrue(first, happened), *_sums(curves, happened), *_parts(first)]


def _moved(curves: Sequence[Curve], first: dict[_Key, tuple[Curve, float]]) -> Iterator[str]:
    """Points that are over, and not the same in all answers of one process. first: where each was said first."""
    told = set()
    for one in curves:
        for at, value in one.closed() if one.metric != "accounts" else ():
            key = one.boot, one.uploader, one.metric, one.step, at
            before, known = first.setdefault(key, (one, value))
            if value != known and key not in told:
                told.add(key)
                yield f"history: {one} is {value} at {at}, {known} in {before}"


def _untrue(first: Mapping[_Key, tuple[Curve, float]], happened: Happened) -> Iterator[str]:
    """Points that are not what the events come to."""
    for (_, uploader, metric, step, at), (one, value) in first.items():
        if metric == "speed":
            found = _speed_bounds(happened, uploader, at, at + step)
        else:
            found = happened.bounds(metric, uploader, at, at + step, LAG_SECONDS)
            if not _between(value, found) and _between(
                value, happened.bounds(metric, uploader, at, at + step, LATEST_SECONDS)
            ):
                yield f"history: {one} looks late: {value} at {at}, by the events {found}"
                continue
        if not _between(value, found):
            yield f"history: {one} is {value} at {at}, by the events {found}"


def _speed_bounds(happened: Happened, uploader: str, begin: float, end: float) -> tuple[float, float]:
    """A mean lies among what was told; speeds of several add up. Nothing was told: nothing, or gone."""
    least = most = 0.0
    for name in {uploader} if uploader else happened.uploaders:
        speeds = happened.speeds(name, begin - LATEST_SECONDS, end)
        least += min(speeds, default=0) if uploader and happened.speeds(name, begin, end - LAG_SECONDS) else 0
        most += max(speeds, default=0)
    return (0, most) if happened.bounds("speed", uploader, begin, end, LAG_SECONDS)[0] == 0 else (least, most)


def _sums(curves: Sequence[Curve], happened: Happened) -> Iterator[str]:
    """Sums of whole answers that are not what the events come to."""
    for one in curves:
        if one.metric not in (*SUMS, "accounts") or not one.points:
            continue
        begin, value = min(one.points), sum(one.points.values())
        for lag, word in ((LATEST_SECONDS, "is"), (LAG_SECONDS, "looks late:")):
            least, _ = happened.bounds(one.metric, one.uploader, begin, one.began, lag)
            _, most = happened.bounds(one.metric, one.uploader, begin, one.ended, lag)
            if not _between(value, (least, most)):
                yield f"history, {one.began:.1f}: {one} {word} {value} in all, by the events {least} to {most}"
                break


def _between(value: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] - 0.1 <= value <= bounds[1] + 0.1


def _parts(first: Mapping[_Key, tuple[Curve, float]]) -> Iterator[str]:
    """Points of all uploaders that are not the sum of those of each."""
    parts: dict[tuple[str, str, int, int], dict[str, float]] = {}
    for (boot, uploader, metric, step, at), (_, value) in first.items():
        if metric in SUMS:
            parts.setdefault((boot, metric, step, at), {})[uploader] = value
    names = {uploader for _, uploader, *_ in first} - {""}
    for (_, metric, step, at), values in parts.items():
        if set(values) == names | {""} and values[""] != sum(values[name] for name in names):
            yield f"history: {metric} of {step} s from {at} is {values}"
