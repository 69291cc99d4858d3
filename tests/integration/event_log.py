"""A plugin for tests: writes every event that it gets as a line of JSON into `events.jsonl` beside the cache files."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cloudplow import hookimpl

if TYPE_CHECKING:
    from cloudplow.app import App
    from cloudplow.events import Event

#: The name of this plugin in a configuration.
PLUGIN: Final = __name__
FILE_NAME: Final = "events.jsonl"


class EventLog:
    """A receiver that behaves well."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")

    def on_event(self, _sender: str, *, event: Event, **_extra: Any) -> None:
        self._file.write(json.dumps({"signal": event.signal_name, **asdict(event)}) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()


_logs: list[EventLog] = []


@hookimpl
def cloudplow_start(app: App) -> None:
    log = EventLog(app.state_dir / FILE_NAME)
    _logs.append(log)
    for signal in app.events.SIGNALS.values():
        signal.connect(log.on_event)


@hookimpl
def cloudplow_stop() -> None:
    while _logs:
        _logs.pop().close()
