"""What an earlier process left, as events: of `PluginApp.recovered()`; signals do not carry them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from cloudplow.events.facts import Event
from cloudplow.events.vocabulary import SessionOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecovered(Event):
    """`session_recovered`: an uploader's last session, left by an earlier process; from `PluginApp.recovered()`.

    outcome: INTERRUPTED if that process ended before the session did (then ended_at is None); None if an older
    program did not record it. account: base name of the last one that uploaded, account_index: its 0-based place, -1
    when unknown; accounts_used: base names. files, bytes: what was transferred; files_total, bytes_total: including
    what was still to do; 0 if that was never known, and then files_left and bytes_left are 0 and say nothing.
    stage_params: parameters that an older program recorded for its last stage; usually {}.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TransfersRecovered(Event):
    """`transfers_recovered`: sizes of what earlier uploads transferred; from `PluginApp.recovered()`.

    distribution: as in `QueueLearned`. upload_folder: where the files came from, "" when unknown.
    """

    signal_name: ClassVar[str] = "transfers_recovered"

    distribution: Mapping[str, Any]
    upload_folder: str
