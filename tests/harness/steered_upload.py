"""Uploads in this process that are steered at chosen moments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloudplow import events
from cloudplow.app import App
from cloudplow.dispatch import dispatcher
from cloudplow.events import Event, SessionFinished
from cloudplow.upload.controls import SessionControls
from cloudplow.upload.doubts import LANDING_VARIABLE
from tests.harness.drive_upload import Seen, recorded

Act = Callable[[SessionControls], Any]
#: What to do when so many files have been transferred.
Acts = dict[int, Act]


def _nothing(_controls: SessionControls) -> None:
    pass


def steered_upload(
    config_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    after_files: Acts | None = None,
    on: tuple[type[Event], Act] | None = None,
    first: Act = _nothing,
    **options: Any,
) -> tuple[SessionFinished, Seen]:
    """Upload; the cache files are beside the configuration.

    after_files: what to do after so many files; on: what to do at the first event of a type; first: before all else.
    """
    made: list[SessionControls] = []

    class Kept(SessionControls):
        def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
            super().__init__(changed)
            made.append(self)
            first(self)

    acts, left = dict(after_files or {}), [on] if on is not None else []
    files = 0

    def act(_sender: str, *, event: Event, **_more: Any) -> None:
        nonlocal files
        if isinstance(event, events.FileTransferred):
            files += 1
            acts.pop(files, _nothing)(made[-1])
        if left and isinstance(event, left[0][0]):
            left.pop()[1](made[-1])

    monkeypatch.setattr(dispatcher, "SessionControls", Kept)
    monkeypatch.setenv(LANDING_VARIABLE, "2")
    for signal in events.SIGNALS.values():
        signal.connect(act)
    try:
        with recorded() as seen, App(config_path, config_path.parent, environ={}) as app:
            tasks = app.tasks([])
            app.begin_tasks(tasks)
            finished = app.upload_tasks(tasks, **options)
    finally:
        for signal in events.SIGNALS.values():
            signal.disconnect(act)
    assert acts == {}, "not all of it was done"
    return finished[-1], seen
