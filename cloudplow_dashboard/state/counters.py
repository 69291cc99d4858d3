"""What one uploader did since the program started: for scrapers, which need numbers that only grow."""

from __future__ import annotations

from collections import Counter

from cloudplow.events import SessionOutcome, SwitchReason
from cloudplow_dashboard.state.measures import Nothing


class Counters:
    """Totals over all sessions of this process, sizes in bytes. switches, sessions: by word, "" for an unknown one."""

    def __init__(self) -> None:
        self.files = 0
        self.bytes = 0
        self.already_there_files = 0
        self.failures = 0
        self.switches: Counter[SwitchReason | Nothing] = Counter()
        self.sessions: Counter[SessionOutcome | Nothing] = Counter()
