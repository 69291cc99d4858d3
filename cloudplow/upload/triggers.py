"""`rclone_sleeps`: texts in rclone's output that put the account, or the remote, to sleep. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sleep:
    """`count` hits of a text within timeout_seconds stop the run, which then sleeps for sleep_seconds."""

    count: int
    timeout_seconds: float
    sleep_seconds: float


@dataclass(slots=True)
class _Window:
    hits: int = 0
    ends_at: float = 0.0


@dataclass(slots=True)
class Triggers:
    """Counts hits: the first opens a window, `count` hits within it fire; after the window, counting restarts."""

    sleeps: Mapping[str, Sleep]
    _windows: dict[str, _Window] = field(default_factory=dict)

    def hit(self, line: str, now: float) -> tuple[str, Sleep] | None:
        """Check one output line, ignoring case; now: monotonic seconds. Returns what fired, if anything."""
        lowered = line.casefold()
        for text, sleep in self.sleeps.items():
            if text.casefold() not in lowered:
                continue
            window = self._windows.setdefault(text, _Window())
            if now >= window.ends_at:
                window.hits, window.ends_at = 0, now + sleep.timeout_seconds
            window.hits += 1
            if window.hits >= sleep.count:
                del self._windows[text]
                return text, sleep
        return None
