"""Remembers, across restarts, since when the largest waiting files have waited. Kept in the book.

It tells the planner for which file to reserve capacity: reserving it for every large file would leave an account idle
while small files could use it; reserving it for none would let a steady stream of small files starve a large one.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from typing import Any, Final

from cloudplow.models import printable_name
from cloudplow.planning.planner import Plan
from cloudplow.state.loose import mapping, number

#: The name under which the book keeps it.
WAITING_FACT: Final = "waiting"
#: How many of an uploader's waiting files are remembered: the largest ones.
REMEMBERED: Final = 100


class WaitingFiles:
    """Used by the threads that drive rclone, one a session. fact, set_fact: read and keep a value in the book."""

    def __init__(
        self, fact: Callable[[str], Any], set_fact: Callable[[str, Any], None], *, now: Callable[[], float]
    ) -> None:
        self._fact = fact
        self._set_fact = set_fact
        self._now = now
        self._lock = threading.Lock()

    def _known(self) -> dict[str, dict[str, float]]:
        now = self._now()
        known: dict[str, dict[str, float]] = {}
        for uploader, names in mapping(self._fact(WAITING_FACT)).items():
            known[uploader] = {
                name: min(now, number(since)) for name, since in list(mapping(names).items())[:REMEMBERED]
            }
        return known

    def overdue(self, uploader: str, window_seconds: float) -> frozenset[str]:
        """Files that have waited for a whole quota window, as printable names."""
        now = self._now()
        known = self._known().get(uploader, {})
        return frozenset(name for name, since in known.items() if now - since >= window_seconds)

    def note(self, uploader: str, made: Plan) -> None:
        """Take a plan into account: what waits in it is remembered, everything else is forgotten."""
        waiting = (file for stage in made.later for file in stage.files)
        largest = heapq.nlargest(REMEMBERED, [*waiting, *made.unplanned], key=lambda file: file.size)
        now = self._now()
        names = [printable_name(file.name) for file in largest]
        with self._lock:  # what another session notes meanwhile must not get lost
            known = self._known()
            before = known.get(uploader, {})
            after = {name: before.get(name, now) for name in names}
            if after != before:
                self._set_fact(WAITING_FACT, {**known, uploader: after})
