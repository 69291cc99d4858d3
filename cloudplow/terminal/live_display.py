"""The live view on a terminal: progress of the session and of each file. Imported only on a terminal (rich)."""

from __future__ import annotations

import logging
from typing import Any

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from cloudplow import events
from cloudplow.events import Event
from cloudplow.terminal.display import LineDisplay
from cloudplow.terminal.logs import escape_control
from cloudplow.units import format_bytes

#: At most this many files are shown at a time.
FILES_SHOWN = 8
_NAME_WIDTH = 40


def _shorten(name: str) -> str:
    shown = escape_control(name)
    if len(shown) <= _NAME_WIDTH:
        return shown
    head = _NAME_WIDTH // 2 - 1
    return f"{shown[:head]}…{shown[-(_NAME_WIDTH - head - 1) :]}"


class _Bytes(ProgressColumn):
    """Bytes done of total, in the same units as everywhere else."""

    def render(self, task: Task) -> Text:
        total = "?" if task.total is None else format_bytes(task.total)
        return Text(f"{format_bytes(task.completed)} of {total}")


class _Speed(ProgressColumn):
    """Bytes per second."""

    def render(self, task: Task) -> Text:
        return Text(f"{format_bytes(task.speed or 0)}/s")


class LiveDisplay(LineDisplay):
    """Facts scroll by above; below them are the session's progress bar and the files in progress."""

    unseen = frozenset({"quota_changed", "accounts_learned", "plan_made"})

    def __init__(self) -> None:
        super().__init__()
        self.console = Console()
        self.handler: logging.Handler = RichHandler(
            console=self.console, show_path=False, markup=False, highlighter=None, rich_tracebacks=False
        )
        self._progress_view = Progress(
            # Names are data: markup in them is not interpreted.
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            _Bytes(),
            _Speed(),
            TimeRemainingColumn(),
            console=self.console,
            refresh_per_second=4,
            transient=True,
        )
        self._session: TaskID | None = None
        self._files: dict[str, TaskID] = {}
        self._done_bytes = 0
        #: With the queue; None until that is known.
        self._all_bytes: int | None = None

    def start(self) -> None:
        super().start()
        self._progress_view.start()

    def stop(self) -> None:
        super().stop()
        self._progress_view.stop()

    def on_event(self, _sender: str, *, event: Event, **_extra: Any) -> None:
        match event:
            case events.SessionStarted():
                self._done_bytes, self._all_bytes = 0, None
                self._session = self._progress_view.add_task(escape_control(event.uploader), total=None)
            case events.QueueLearned() if self._session is not None:
                self._all_bytes = self._done_bytes + event.bytes
                self._progress_view.update(self._session, total=self._all_bytes)
            case events.FileTransferred() if self._session is not None:
                self._done_bytes += event.size
                if event.found_later and self._all_bytes is not None:
                    # It was not in the queue: it is at the destination already.
                    self._all_bytes += event.size
                self._progress_view.update(self._session, completed=self._done_bytes, total=self._all_bytes)
            case events.TransferProgress():
                self._show_files(event)
                return
            case events.StageFinished() | events.SessionFinished():
                self._drop_files(set())
                if isinstance(event, events.SessionFinished) and self._session is not None:
                    self._progress_view.remove_task(self._session)
                    self._session = None
        super().on_event(_sender, event=event)

    def _show_files(self, event: events.TransferProgress) -> None:
        shown = event.transferring[:FILES_SHOWN]
        self._drop_files({one.name for one in shown})
        for one in shown:
            task = self._files.get(one.name)
            if task is None:
                task = self._files[one.name] = self._progress_view.add_task(f"  {_shorten(one.name)}", total=one.size)
            self._progress_view.update(task, completed=one.bytes)

    def _drop_files(self, keep: set[str]) -> None:
        for name in [name for name in self._files if name not in keep]:
            self._progress_view.remove_task(self._files.pop(name))
