"""A clock that tests move by hand, and short forms of what many tests need."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from cloudplow.accounts.ledger import Ledger
from cloudplow.models import Capacity, QueueFile, Return
from cloudplow.state.state_files import StateFiles

NOON: Final = 1_800_000_000.0
HOUR: Final = 3600.0
DAY: Final = 86_400.0


class FakeClock:
    """Stands still until it is moved."""

    def __init__(self, at: float = NOON) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at

    def move(self, seconds: float) -> None:
        self.at += seconds


def make_ledger(folder: Path, clock: FakeClock, **windows_seconds: float) -> Ledger:
    """A ledger on the cache file of that folder, loaded; by default one uploader with a window of a day."""
    ledger = Ledger(StateFiles(folder), now=clock)
    ledger.load(windows_seconds or {"google": DAY})
    return ledger


def queue_of(sizes: Iterable[int]) -> list[QueueFile]:
    """Files of these sizes, each with a name of its own."""
    return [QueueFile(f"file {number}", size) for number, size in enumerate(sizes)]


def fresh(account: str, limit_bytes: int = 100) -> Capacity:
    """An account of which nothing is spent."""
    return Capacity(account, limit_bytes, limit_bytes)


def spent(account: str, free_bytes: int, back_at: float, limit_bytes: int = 100) -> Capacity:
    """An account of which something is spent, all of which comes back at one time."""
    return Capacity(account, limit_bytes, free_bytes, (Return(back_at, limit_bytes - free_bytes),))
