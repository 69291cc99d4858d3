"""Notices an rclone in which nothing moves any more. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from cloudplow.rclone.log import Message, Note, Plain, Stats
from cloudplow.units import format_duration

#: After so many seconds without a word, what rclone said of its speed is no longer true: it reports every second.
STALE_SECONDS: Final = 5.0
#: How long a stalled rclone has to end after SIGTERM, in seconds.
STALLED_END_SECONDS: Final = 2.0
#: After so many seconds it is worth saying.
SILENT_SECONDS: Final = 60.0


def without_speed(stats: Stats) -> Stats:
    """The same, when nothing has been heard for a while: nobody knows the speed, or when it will be done."""
    there = tuple(replace(one, speed=0.0, eta=None) for one in stats.transferring)
    return replace(stats, speed=0.0, eta=None, transferring=there)


class StallWatch:
    """limit_seconds: how long nothing may happen; 0 for ever. clock: monotonic seconds.

    rclone reports every second. It is stalled if it says nothing that means anything, or if files are on their way and
    neither their bytes nor anything else changes. While it only lists or compares, a report is a sign of life: reading
    a large file for its checksum takes long and changes no number.
    """

    def __init__(self, limit_seconds: float, clock: Callable[[], float]) -> None:
        self._limit_seconds = limit_seconds
        self._clock = clock
        self._heard_at = self._moved_at = clock()
        self._last: tuple[object, ...] = ()
        self._copying = False

    def take(self, message: Message) -> None:
        """Every line of rclone's output."""
        if isinstance(message, Plain):
            return  # a wrapper that repeats itself is no sign of life
        now = self._clock()
        self._heard_at = now
        if isinstance(message, Stats):
            self._copying = bool(message.transferring) and not message.checking
            there = tuple((one.name, one.bytes) for one in message.transferring)
            numbers = (message.bytes, message.files, message.errors, there)
            if numbers == self._last:
                return
            self._last = numbers
        elif isinstance(message, Note):
            return
        self._moved_at = now

    def silent_seconds(self) -> float:
        """How long rclone has said nothing that means anything."""
        return self._clock() - self._heard_at

    def fault(self) -> str:
        """A sentence once it is stalled, else ""."""
        if not self._limit_seconds:
            return ""
        now, limit = self._clock(), format_duration(self._limit_seconds)
        if now - self._heard_at >= self._limit_seconds:
            return f"rclone said nothing for {limit}, so it was ended (stall_minutes)"
        if self._copying and now - self._moved_at >= self._limit_seconds:
            return f"nothing was uploaded for {limit}, so rclone was ended (stall_minutes)"
        return ""
