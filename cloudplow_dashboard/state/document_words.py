"""The words of the state document that events do not have."""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """What an uploader does, in the dashboard's words."""

    IDLE = "idle"
    SCANNING = "scanning"
    UPLOADING = "uploading"
    SWITCHING = "switching"
    THROTTLED = "throttled"
    SUSPENDED = "suspended"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"


class EngineState(StrEnum):
    """What the program does. "stopped" is the last thing that a viewer hears. "stalled": it uploads, but nothing has
    been heard of it for a minute; only `/api/health` says so (see `silent_since` of the progress).
    """

    IDLE = "idle"
    UPLOADING = "uploading"
    STALLED = "stalled"
    STOPPED = "stopped"


class StageState(StrEnum):
    """How far a stage has got. "waiting": for quota."""

    DONE = "done"
    RUNNING = "running"
    NEXT = "next"
    WAITING = "waiting"


class ProgramState(StrEnum):
    """Of the program that uploads. "none": this is a dashboard alone, and beside it none has run yet: it shows what an
    earlier one left. "ended": what is shown is the last that it said.
    """

    NONE = "none"
    RUNNING = "running"
    ENDED = "ended"
