"""How often the stream may be published: at once after a quiet time, sparingly in a storm. Pure."""

from __future__ import annotations

from typing import Final

#: Publications that may follow each other at once, and how many come back each second.
BURST: Final = 16.0
PER_SECOND: Final = 16.0
#: A publication of this size counts as one more, in bytes.
BYTES_PER_CREDIT: Final = 8192


class Pacer:
    """A credit that publications use up and time gives back. Times are those of any monotonic clock, in seconds."""

    def __init__(self) -> None:
        self._credit = BURST
        self._at = 0.0

    def delay(self, now: float) -> float:
        """How long the next publication has to wait."""
        self._earn(now)
        return max(0.0, (1.0 - self._credit) / PER_SECOND)

    def spend(self, now: float, size_bytes: int) -> None:
        """Count a publication of that size."""
        self._earn(now)
        self._credit -= 1.0 + size_bytes / BYTES_PER_CREDIT

    def _earn(self, now: float) -> None:
        self._credit = min(BURST, self._credit + max(0.0, now - self._at) * PER_SECOND)
        self._at = now
