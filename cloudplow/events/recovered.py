"""What another process left or does: events of `PluginApp.recovered()` and `follow()` that no signal carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from cloudplow.events.facts import Event
from cloudplow.events.vocabulary import SessionOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecovered(Event):
    """`session_recovered`: an uploader's last session, left by an earlier process; from `PluginApp.recovered()`.

    outcome: INTERRUPTED if that process ended before the session did (then ended_at is when it was heard of last, to
    half a minute, or None); None if an older program did not record it. account: base name of the last one that
    uploaded, account_index: its 0-based place, -1 when unknown; accounts_used: base names. files, bytes: what was
    transferred; files_total, bytes_total: including what was still to do; 0 if that was never known, and then
    files_left and bytes_left are 0 and say nothing. stage_params: parameters that an older program recorded for its
    last stage; usually {}. run_id: as in `SessionStarted`. would_go_files, would_go_bytes: of a dry run, what its
    stages would have uploaded.
    """

    signal_name: ClassVar[str] = "session_recovered"

    started_at: float
    ended_at: float | None
    outcome: SessionOutcome | None
    reason: str
    upload_folder: str
    upload_remote: str
    stage: int
    stages_total: int
    account: str
    account_index: int
    accounts_total: int
    accounts_used: tuple[str, ...]
    files: int
    bytes: int
    files_total: int
    bytes_total: int
    files_left: int
    bytes_left: int
    next_capacity_at: float | None
    stage_params: Mapping[str, Any]
    run_id: str = ""
    dry_run: bool = False
    would_go_files: int = 0
    would_go_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TransfersRecovered(Event):
    """`transfers_recovered`: sizes of what earlier uploads transferred; from `PluginApp.recovered()`.

    distribution: as in `QueueLearned`. upload_folder: where the files came from, "" when unknown.
    """

    signal_name: ClassVar[str] = "transfers_recovered"

    distribution: Mapping[str, Any]
    upload_folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionJoined(Event):
    """`session_joined`: how far a running session has got that somebody begins to follow; from `PluginApp.follow()`.

    It comes after the past events that are still kept, and corrects what these add up to. files, bytes: transferred so
    far; files_total, bytes_total: including what is still to do; files_failed: different files that failed and have not
    arrived since. accounts_used: base names, in the order of their first use.
    """

    signal_name: ClassVar[str] = "session_joined"

    started_at: float
    files: int
    bytes: int
    files_total: int
    bytes_total: int
    files_failed: int
    accounts_used: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramFollowed(Event):
    """`program_followed`: another process is followed from now on; from `PluginApp.follow()`, with its services.

    pid: its number. Its past events come next.
    """

    signal_name: ClassVar[str] = "program_followed"

    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramEnded(Event):
    """`program_ended`: the process that was followed has ended; from `PluginApp.follow()`, after its last event."""

    signal_name: ClassVar[str] = "program_ended"
