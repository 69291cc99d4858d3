"""The truth that a book is compared with: time that is never wrong, and a Drive that counts what it gets."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from cloudplow.accounts.identity import Keys, read_key
from cloudplow.accounts.ledger import Ledger
from cloudplow.accounts.opening import Opening
from cloudplow.accounts.saving import Saving
from cloudplow.accounts.trusted_clock import Reading, TrustedClock
from cloudplow.models import Return
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
        self.booted_at = self.true - min(20.0, off_seconds / 2)
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
class Known:
    """Where something lies that only one row of the book remembers."""

    saved: bool = False
    backed_up: bool = False
    exported: bool = False


@dataclass
class Spent:
    """Bytes that the Drive counted at a time.

    dated_by: the latest time at which the book may date them; lag: how far the book's clock was behind then; early: how
    much earlier the book may give them back, because nobody could know better; all in seconds. only_charged: nothing
    but the charge says that they were spent. stage: the number of the stage that spent them.
    """

    stage: int
    account: int
    uploader: str
    bytes: int
    at: float
    dated_by: float
    lag: float = 0.0
    early: float = 0.0
    only_charged: bool = False
    known: Known = field(default_factory=Known)

    def back_at(self, slack: float = 0.0) -> float:
        """When the Drive has forgotten them, true time; at least what the book must know."""
        return self.at + WINDOWS[self.uploader] - self.early - slack


@dataclass
class Denied:
    """until: true time."""

    until: float
    known: Known = field(default_factory=Known)


@dataclass
class Landing:
    """A file on its way, and when it will be there. early: how much earlier the book may give it back, in seconds.

    stage: its number.
    """

    stage: int
    at: float
    account: int
    uploader: str
    name: str
    size: int
    early: float = 0.0


class Phantom(NamedTuple):
    """Bytes that the book counts though the Drive does not. at: the latest time at which it may date them."""

    account: int
    uploader: str
    bytes: int
    at: float


@dataclass
class Drive:
    """What was spent, what is at each uploader's destination, and what is still on its way."""

    spent: list[Spent] = field(default_factory=list)
    files: dict[tuple[str, str], Spent] = field(default_factory=dict)
    landing: list[Landing] = field(default_factory=list)
    phantoms: list[Phantom] = field(default_factory=list)

    def upload(self, made: Spent, name: str) -> None:
        """A file arrives."""
        self.spent.append(made)
        self.files[made.uploader, name] = made

    def land(self, now: float, lag: float) -> None:
        """Time has passed."""
        for one in sorted(self.landing, key=lambda one: one.at):
            if one.at <= now:
                self.landing.remove(one)
                made = Spent(one.stage, one.account, one.uploader, one.size, one.at, one.at, lag, one.early)
                self.upload(made, one.name)

    def least(self, account: int, slack: float) -> list[Return]:
        """When the Drive forgets what, of what the book must know. slack: corrections of the clock nobody notices."""
        return [Return(one.back_at(slack), one.bytes) for one in self.spent if one.account == account]

    def most(self, account: int, merge: float) -> list[Return]:
        """When an exact book gives back what at the latest. merge: how far apart charges are that are kept as one."""
        real = [Phantom(one.account, one.uploader, one.bytes, one.dated_by) for one in self.spent]
        return [
            Return(one.at + merge + WINDOWS[one.uploader], one.bytes)
            for one in [*real, *self.phantoms]
            if one.account == account
        ]


def left(returns: Iterable[Return], at: float) -> int:
    """What has not come back then."""
    return sum(back.bytes for back in returns if back.at > at)
