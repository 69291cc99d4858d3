"""Keeps the history and the past sessions over a restart: `dashboard_history.json`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from cloudplow.hookspecs import PluginStateFiles
from cloudplow_dashboard.state import clean
from cloudplow_dashboard.state.history import History
from cloudplow_dashboard.state.state import DashboardState
from cloudplow_dashboard.state.uploader_state import UploaderState

log = logging.getLogger("cloudplow.dashboard")

FILE_NAME: Final = "dashboard_history.json"
#: The file is written at most this often, in seconds, and at the end.
SAVE_SECONDS: Final = 60.0


class HistoryFile:
    """Reads the file at the start and has it written. files: the cache files of the application."""

    def __init__(self, state: DashboardState, history: History, files: PluginStateFiles) -> None:
        self._state = state
        self._history = history
        self._files = files
        self._next_save = 0.0
        self._keeps = True

    def open(self) -> None:
        """Show what an earlier run left, and become the owner of the file. Never raises."""
        try:
            content = self._files.read(FILE_NAME)
            if isinstance(content, Mapping):
                self._load(content)
        except Exception:  # whatever an old file holds, the dashboard starts
            log.warning("The dashboard cannot use %s and starts without the history in it", FILE_NAME, exc_info=True)
        self._next_save = self._state.clock() + SAVE_SECONDS
        self._files.register(FILE_NAME, self.document)

    def _load(self, content: Mapping[Any, Any]) -> None:
        series, sessions = content.get("history"), content.get("sessions")
        if isinstance(series, Mapping):
            self._history.load(series)
        for name, past in sessions.items() if isinstance(sessions, Mapping) else ():
            if not isinstance(past, list):
                continue

            def fill(u: UploaderState, past: list[Any] = past) -> None:
                for one in past:
                    if isinstance(one, Mapping):
                        u.sessions.recover(one)
                u.dirty.add("sessions")

            self._state.edit(clean.text(str(name)), fill)

    def document(self) -> dict[str, Any]:
        """The content of the file."""
        sessions = self._state.read(lambda known: {name: u.sessions.kept() for name, u in known.items()})
        return {"version": 1, "history": self._history.document(), "sessions": sessions}

    def keep(self, keeps: bool) -> None:
        """Whether the file is written: not by two processes, of which each would undo what the other wrote."""
        self._keeps = keeps

    def save_if_due(self) -> None:
        """Have the file written when there is something new and the last time is long enough ago. Returns at once."""
        now = self._state.clock()
        if self._keeps and not now < self._next_save <= now + SAVE_SECONDS and self._history.take_changed():
            self._next_save = now + SAVE_SECONDS
            self._files.mark_dirty(FILE_NAME)

    def close(self) -> None:
        """Have the last of it written."""
        if self._keeps and self._history.take_changed():
            self._files.mark_dirty(FILE_NAME)
