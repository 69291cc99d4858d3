"""A clock that tests move by hand, and short forms of what many tests need."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cloudplow.accounts.booked_stage import Stage, StageFile
from cloudplow.accounts.ledger import Ledger
from cloudplow.accounts.trusted_clock import Reading, TrustedClock
from cloudplow.models import Capacity, QueueFile, Return

NOON: Final = 1_800_000_000.0
HOUR: Final = 3600.0
DAY: Final = 86_400.0


class FakeClock:
    """A machine's clocks, which stand still until they are moved. Called, it tells the wall clock."""

    def __init__(self, at: float = NOON) -> None:
        self.at = at
        self.since_boot = 1000.0
        self.boots = 1
        self.confirmed_at = 0.0

    def __call__(self) -> float:
        return self.at

    def move(self, seconds: float) -> None:
        """Time passes."""
        self.at += seconds
        self.since_boot += seconds

    def move_to(self, at: float) -> None:
        """Time passes until then."""
        self.move(at - self.at)

    def leap(self, seconds: float) -> None:
        """Somebody sets the wall clock."""
        self.at += seconds

    def reboot(self, down_seconds: float = 60.0, up_seconds: float = 30.0) -> None:
        """The machine is off for some time, then up for some."""
        self.at += down_seconds + up_seconds
        self.since_boot = up_seconds
        self.boots += 1

    def reading(self) -> Reading:
        """The clocks now."""
        return Reading(self.at, self.since_boot, f"boot {self.boots}", self.confirmed_at)

    def trusted(self) -> TrustedClock:
        """A book's clock on this machine."""
        return TrustedClock(self.reading, confirmed_at=lambda: 0.0)


def make_ledger(clock: FakeClock, **windows_seconds: float) -> Ledger:
    """A ledger that keeps nothing; by default of one uploader with a window of a day."""
    ledger = Ledger(clock=clock.trusted())
    ledger.configure(windows_seconds or {"google": DAY}, {})
    return ledger


def stage_file(name: str, size: int, **more: int) -> StageFile:
    """A file that costs what it has."""
    return StageFile(name, size, more.pop("cost", size), **more)


def spent_and_ever(ledger: Ledger, account: str) -> tuple[int, int]:
    """What an account has spent in the window, and ever, in bytes."""
    standing = ledger.standing(account)
    return sum(back.bytes for back in standing.spent), standing.ever_bytes


def open_stage(
    ledger: Ledger,
    account: str,
    *files: StageFile | int,
    uploader: str = "google",
    moving: bool = True,
    limit_bytes: int | None = None,
    folder: str = "/source",
    landing_seconds: float = 0.0,
) -> Stage:
    """Reserve files; a number stands for a file of that size, called by its place in the list."""
    listed = [
        one if isinstance(one, StageFile) else stage_file(str(place), one) for place, one in enumerate(files, start=1)
    ]
    return ledger.open_stage(
        uploader,
        account,
        listed,
        account_name=f"{account}.json",
        destination="gdrive:",
        folder=folder,
        moving=moving,
        limit_bytes=limit_bytes,
        landing_seconds=landing_seconds,
    )


def charge(ledger: Ledger, account: str, size: int, *, uploader: str = "google") -> None:
    """One stage of one file that arrives."""
    stage = open_stage(ledger, account, size, uploader=uploader)
    ledger.sent(stage, "1", size)
    ledger.done(stage, "1")
    ledger.end_stage(stage, (), 0.0)


def queue_of(sizes: Iterable[int]) -> list[QueueFile]:
    """Files of these sizes, each with a name of its own."""
    return [QueueFile(f"file {number}", size) for number, size in enumerate(sizes)]


def fresh(account: str, limit_bytes: int = 100) -> Capacity:
    """An account of which nothing is spent."""
    return Capacity(account, limit_bytes, limit_bytes)


def spent(account: str, free_bytes: int, back_at: float, limit_bytes: int = 100) -> Capacity:
    """An account of which something is spent, all of which comes back at one time."""
    return Capacity(account, limit_bytes, free_bytes, (Return(back_at, limit_bytes - free_bytes),))
