"""Remembers, across restarts, since when the largest waiting files have waited. The owner of `waiting_files.json`.

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
from cloudplow.state.state_files import StateFiles

WAITING_FILE: Final = "waiting_files.json"
#: How many of an uploader's waiting files are remembered: the largest ones.
REMEMBERED: Final = 100


class WaitingFiles:
    """Used by the thread that drives rclone; the saver thread makes documents."""

    def __init__(self, files: StateFiles, *, now: Callable[[], float]) -> None:
        self._files = files
        self._now = now
        self._lock = threading.Lock()
        self._since: dict[str, dict[str, float]] | None = None
        files.register(WAITING_FILE, self._document)

    def _loaded(self) -> dict[str, dict[str, float]]:
        if self._since is None:
            stored = self._files.read(WAITING_FILE)
            now = self._now()
            self._since = {}
            for uploader, names in stored.items() if isinstance(stored, dict) else ():
                if isinstance(names, dict):
                    self._since[str(uploader)] = {
                        str(name): float(min(now, since))
                        for name, since in list(names.items())[:REMEMBERED]
                        if isinstance(since, int | float) and not isinstance(since, bool) and since >= 0
                    }
        return self._since

    def overdue(self, uploader: str, window_seconds: float) -> frozenset[str]:
        """Files that have waited for a whole quota window, as printable names."""
        now = self._now()
        with self._lock:
            known = self._loaded().get(uploader, {})
            return frozenset(name for name, since in known.items() if now - since >= window_seconds)

    def note(self, uploader: str, made: Plan) -> None:
        """Take a plan into account: what waits in it is remembered, everything else is forgotten."""
        waiting = (file for stage in made.later for file in stage.files)
        largest = heapq.nlargest(REMEMBERED, [*waiting, *made.unplanned], key=lambda file: file.size)
        now = self._now()
        with self._lock:
            known = self._loaded()
            before = known.get(uploader, {})
            after = {name: before.get(name, now) for name in (printable_name(file.name) for file in largest)}
            if after == before:
                return
            known[uploader] = after
        self._files.mark_dirty(WAITING_FILE)

    def _document(self) -> dict[str, Any]:
        with self._lock:
            return {uploader: dict(names) for uploader, names in (self._since or {}).items() if names}
