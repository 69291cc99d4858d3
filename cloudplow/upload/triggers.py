"""`rclone_sleeps`: texts in rclone's output that put the account, or the remote, to sleep. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_NO_SPEED: Final = re.compile(r"(?<![\d.])0 (?:B|Bytes?)/s")


@dataclass(frozen=True, slots=True)
class Sleep:
    """`count` hits of a text within timeout_seconds stop the run, which then sleeps for sleep_seconds."""

    count: int
    timeout_seconds: float
    sleep_seconds: float


def statistics_text(text: str) -> str:
    """rclone's statistics with a speed of nothing as older versions wrote it, too: users' triggers say " 0/s,".

    1.60 writes it for each file, 1.75 nowhere.
    """
    return _NO_SPEED.sub("0/s", text) + text if _NO_SPEED.search(text) else text


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
