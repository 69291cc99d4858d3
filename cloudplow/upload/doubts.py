"""Which uploads may have arrived although rclone does not say so, and how long they may take to appear. Pure."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Final

from cloudplow.rclone.log import Stats

#: What rclone had sent before it ended may take this long to appear at the destination, at least, in seconds.
LANDING_SECONDS: Final = 60.0
#: And at most: more than this cannot be on its way.
LANDING_SECONDS_LIMIT: Final = 900.0
#: How much of a file can be in buffers on its way, in bytes: more than rclone's chunk and a socket's buffers hold.
BUFFERED_BYTES: Final = 16 << 20
#: Tests shorten the landing time with this variable.
LANDING_VARIABLE: Final = "CLOUDPLOW_LANDING_SECONDS"

#: The file could not be read: it has not arrived. Texts of 1.60.1 and 1.75.2. What Google says proves nothing: it may
#: have refused rclone's second try after the answer to the first was lost.
_UNREAD: Final = re.compile(
    r"failed to open source object|object not found|directory not found|no such file or directory|permission denied|"
    r"is a directory|not a directory|input/output error|file name too long"
)
#: All bytes were sent, then the check failed, and rclone removed the file.
_WASTED: Final = re.compile(r"corrupted on transfer")
#: A new attempt at all files that failed, with --retries above 1.
_ATTEMPT: Final = re.compile(r"^Attempt \d+/\d+ failed")


def least_landing_seconds() -> float:
    """How long what has been sent may take to appear, at least."""
    try:
        return max(0.0, float(os.environ.get(LANDING_VARIABLE, LANDING_SECONDS)))
    except ValueError:
        return LANDING_SECONDS


def landing_seconds(in_flight_bytes: Iterable[int], speed: float) -> float:
    """How long what has been sent may take to appear: longer on slow lines.

    in_flight_bytes: what had been sent of each file under way; speed: bytes per second.
    """
    under_way = sum(min(size, BUFFERED_BYTES) for size in in_flight_bytes)
    at_speed = under_way / speed if speed else 0.0
    return max(least_landing_seconds(), min(LANDING_SECONDS_LIMIT, at_speed))


class Doubts:
    """What is known of uploads that have not arrived, in one run of rclone. Names as the log shows them."""

    def __init__(self) -> None:
        self.ruled_out: set[str] = set()
        self._maybe: set[str] = set()
        self._wasted: set[str] = set()
        self._in_flight: dict[str, int] = {}
        self._seen: dict[str, int] = {}
        self._speed = 0.0

    def under_way(self, stats: Stats) -> None:
        """rclone's statistics."""
        self._in_flight = {one.name: min(one.bytes, one.size or one.bytes) for one in stats.transferring}
        self._speed = stats.speed
        self.ruled_out -= self._in_flight.keys()  # another attempt

    def arrived(self, name: str) -> None:
        """A file has arrived."""
        self._in_flight.pop(name, None)
        for names in (self.ruled_out, self._maybe, self._wasted):
            names.discard(name)

    def attempt_failed(self, text: str) -> None:
        """A line about the whole run: with another attempt, a file may be uploaded once more."""
        if _ATTEMPT.match(text):
            self._wasted.clear()

    def failed(self, name: str, text: str) -> bool:
        """An error about a file; True if all of it was sent for nothing, once for each upload."""
        self._seen[name] = max(self._seen.get(name, 0), self._in_flight.pop(name, 0))
        if _WASTED.search(text):
            again = name in self._wasted
            self._wasted.add(name)
            self.ruled_out.add(name)
            return not again
        if name in self._wasted:
            return False
        if _UNREAD.search(text):
            self.ruled_out.add(name)
        else:
            self._maybe.add(name)
        return False

    def is_under_way(self, name: str) -> bool:
        """Whether a file was being sent when rclone last said so."""
        return name in self._in_flight

    def seen_bytes(self, name: str) -> int:
        """How much of a file that failed was sent, at least."""
        return self._seen.get(name, 0)

    def may_have_arrived(self, name: str) -> bool:
        """Whether a file failed in a way that does not say whether it arrived."""
        return name in self._maybe and name not in self.ruled_out

    def names(self) -> set[str]:
        """Files that failed in a way that does not say whether they arrived, or that were under way at the end."""
        return (self._maybe | self._in_flight.keys()) - self.ruled_out

    def landing_seconds(self) -> float:
        """How long what has been sent may take to appear: longer on slow lines."""
        return landing_seconds(self._in_flight.values(), self._speed)
