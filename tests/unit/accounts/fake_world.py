"""The truth that a book is compared with: time that is never wrong, and a Drive that counts what it gets."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cloudplow.accounts.identity import Keys, read_key
from cloudplow.accounts.ledger import Ledger
from cloudplow.accounts.opening import Opening
from cloudplow.accounts.saving import Saving
from cloudplow.accounts.trusted_clock import Reading, TrustedClock
from cloudplow.state.state_files import StateFiles
from tests.unit.helpers import DAY, HOUR, NOON

#: How long bytes stay spent, by uploader. Both use account 1.
WINDOWS: Final = {"day": DAY, "short": 6 * HOUR}
ACCOUNTS: Final = {"day": (0, 1), "short": (1, 2)}
LONGEST: Final = max(WINDOWS.values())
QUOTA: Final = 1000


def write_key(path: str) -> None:
    """Write the key file of an account, which is named as the file is."""
    Path(path).write_text(json.dumps({"client_email": f"{Path(path).stem}@example.org"}))


class Machine:
    """true: the time, epoch seconds; offset: how far the wall clock is ahead of it; booted_at: by true time."""

    def __init__(self) -> None:
        self.true = NOON
        self.offset = 0.0
        self.booted_at = NOON - HOUR
        self.boots = 1

    @property
    def wall(self) -> float:
        """The machine's clock."""
        return self.true + self.offset

    def __call__(self) -> Reading:
        """What the machine says of the time."""
        return Reading(self.wall, self.true - self.booted_at, f"boot {self.boots}")

    def reboot(self, off_seconds: float, offset: float) -> None:
        """Switched off for so long; then the wall clock is wrong by so much."""
        self.true += off_seconds
        self.booted_at = self.true - 20
        self.boots += 1
        self.offset = offset


class Process:
    """One cloudplow on a state folder; it has the book once `own` has returned. keys: the accounts' key files."""

    def __init__(self, folder: Path, machine: Machine, keys: list[str]) -> None:
        self.files = StateFiles(folder)
        self.saving = Saving(self.files, clock=lambda: machine.true)
        self.ledger = Ledger(clock=TrustedClock(machine, confirmed_at=lambda: 0.0), saving=self.saving)
        self.opening = Opening(self.files, Keys(), self.ledger.window, now=lambda: machine.wall)
        self._keys = keys

    def configure(self, names: Iterable[str]) -> None:
        """Which uploaders there are."""
        self.ledger.configure({name: WINDOWS[name] for name in names}, dict.fromkeys(names, QUOTA))

    def own(self) -> None:
        """Open the book."""
        rows, content, rewrite = self.opening.own(self.saving.book)
        self.ledger.take(content)
        self.saving.opened(rows, content, rewrite=rewrite)
        self.know_accounts()

    def know_accounts(self) -> None:
        """As a pool does at the start of a session."""
        for uploader, accounts in ACCOUNTS.items():
            for account in accounts:
                key = self._keys[account]
                self.ledger.know(uploader, read_key(key).identity, key)


@dataclass
class Spent:
    """Bytes that the Drive counted at a time.

    dated_by: the latest time at which the book may date them; lag: how far the book's clock was behind then; early: how
    much earlier the book may give them back, because nobody could know better; all in seconds. saved, backed_up: for
    what only a charge remembers, whether it is in the book, and in the backup copy.
    """

    account: int
    uploader: str
    bytes: int
    at: float
    dated_by: float
    lag: float = 0.0
    early: float = 0.0
    only_charged: bool = False
    saved: bool = False
    backed_up: bool = False


@dataclass
class Denied:
    """until: true time; early: as above; saved: whether it is in the book."""

    until: float
    early: float = 0.0
    saved: bool = False
    backed_up: bool = False


@dataclass
class Landing:
    """A file on its way, and when it will be there. early: how much earlier the book may give it back, in seconds."""

    at: float
    account: int
    uploader: str
    name: str
    size: int
    early: float = 0.0


@dataclass
class Drive:
    """What was spent, what is at each uploader's destination, and what is still on its way."""

    spent: list[Spent] = field(default_factory=list)
    files: dict[tuple[str, str], Spent] = field(default_factory=dict)
    landing: list[Landing] = field(default_factory=list)
    #: Bytes that the book counts though the Drive does not: (account, uploader, bytes, dated by).
    phantoms: list[tuple[int, str, int, float]] = field(default_factory=list)

    def upload(
        self, account: int, uploader: str, name: str, size: int, at: float, lag: float, early: float = 0.0
    ) -> None:
        """A file arrives."""
        made = Spent(account, uploader, size, at, at, lag, early)
        self.spent.append(made)
        self.files[uploader, name] = made

    def land(self, now: float, lag: float) -> None:
        """Time has passed."""
        for one in sorted(self.landing, key=lambda one: one.at):
            if one.at <= now:
                self.landing.remove(one)
                self.upload(one.account, one.uploader, one.name, one.size, one.at, lag, one.early)

    def at_least(self, account: int, now: float, slack: float) -> int:
        """What the Drive counts against an account now; slack: corrections of the clock that nobody notices."""
        return sum(
            one.bytes
            for one in self.spent
            if one.account == account and one.at + WINDOWS[one.uploader] - slack - one.early > now
        )

    def at_most(self, account: int, now: float, merge: float) -> int:
        """What an exact book may count now."""
        real = sum(
            one.bytes
            for one in self.spent
            if one.account == account and one.dated_by + merge + WINDOWS[one.uploader] > now
        )
        return real + sum(
            size for where, name, size, at in self.phantoms if where == account and at + merge + WINDOWS[name] > now
        )
