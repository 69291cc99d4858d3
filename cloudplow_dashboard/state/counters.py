"""What one uploader did since the program started: for scrapers, which need numbers that only grow."""

from __future__ import annotations

from typing import Final

#: Different reasons and outcomes counted apart; further ones count as "other".
LABELS_LIMIT: Final = 16


class Counters:
    """Totals over all sessions of this process, sizes in bytes."""

    def __init__(self) -> None:
        self.files = 0
        self.bytes = 0
        self.already_there_files = 0
        self.failures = 0
        self.switches: dict[str, int] = {}
        self.sessions: dict[str, int] = {}


def count(counts: dict[str, int], label: str) -> None:
    """Add one to a label; labels are bounded."""
    if label not in counts and len(counts) >= LABELS_LIMIT:
        label = "other"
    counts[label] = counts.get(label, 0) + 1
