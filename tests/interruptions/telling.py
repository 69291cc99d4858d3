"""A plugin for these rounds: appends a line of JSON for every file and every session that was told.

Written with one plain `write` each and without a buffer, so that a kill leaves every line that was begun.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from cloudplow import hookimpl
from cloudplow.events import Event
from cloudplow.hookspecs import PluginApp

#: The name of this plugin in a configuration.
PLUGIN: Final = __name__
#: The environment variable that says where to write.
PLACE: Final = "INTERRUPTIONS_TOLD"

_told: list[int] = []


def on_event(_sender: str, *, event: Event, **_extra: Any) -> None:
    """Receive one event."""
    os.write(_told[0], json.dumps({"signal": event.signal_name, **asdict(event)}).encode() + b"\n")


@hookimpl
def cloudplow_start(app: PluginApp) -> None:
    """Listen from now on."""
    _told.append(os.open(os.environ[PLACE], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644))
    for name in ("session_started", "file_transferred", "session_finished"):
        app.events.SIGNALS[name].connect(on_event)


def read_told(path: Path) -> list[dict[str, Any]]:
    """Every event that was told, oldest first; a last line that was cut off counts for nothing."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
