"""The service accounts of one uploader: which there are, what state they are in, which one is next."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cloudplow.accounts.book import Book, Standing
from cloudplow.accounts.identity import Keys, read_key
from cloudplow.errors import RcloneError
from cloudplow.events import AccountQuota, AccountState
from cloudplow.models import Capacity, Return
from cloudplow.units import format_bytes

log = logging.getLogger("cloudplow.accounts")

#: A refusal at this share of the quota, or later, shows the true limit; an earlier one, that others use the account.
LEARN_SHARE: Final = 0.9
#: An account with less than this share of its quota left is shown as cooling. It still takes what fits.
USED_UP_SHARE: Final = 0.01

#: How many entries one account's `AccountQuota.returns` may have, and how much time each covers, in seconds.
RETURNS_LIMIT: Final = 24
RETURNS_STEP_SECONDS: Final = 3600.0

_DIGITS: Final = re.compile(r"(\d+)")


def natural_key(path: str) -> list[tuple[int, int | str]]:
    """Sort key that puts 2.json before 10.json."""
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in _DIGITS.split(path) if part]


def key_files(folder: Path) -> list[str]:
    """The paths of all key files in a folder, in natural order. Raises OSError when it cannot be read."""
    paths = (str(path) for path in folder.iterdir() if path.name.endswith(".json"))
    return sorted(paths, key=lambda path: (natural_key(path), path))


#: Faults of keys that are set aside when their turn comes, with their reason; the next one takes over.
_SET_ASIDE: Final = ("cannot be read", "is not a regular file")


def folder_faults(uploader: str, folder: Path, known: Keys | None = None) -> list[str]:
    """What is wrong with an account folder before an upload starts: one sentence each, with the place and the fix.

    A key that cannot be read is not a fault here: it is set aside when its turn comes, and the next one takes over.
    known: keys that were read already.
    """
    place = f"uploader.{uploader}.service_account_path"
    try:
        keys = key_files(folder)
    except OSError as error:
        return [f'{place}: the folder "{folder}" cannot be read ({error.strerror}); correct the path']
    if not keys:
        return [f'{place}: the folder "{folder}" has no *.json key files; put keys there, or remove the setting']
    known = known or Keys()
    found = ((key, known.read(key).fault) for key in keys)
    return [f"{place}: {key} {fault}" for key, fault in found if fault and not fault.startswith(_SET_ASIDE)]


@dataclass(slots=True)
class Account:
    """One key file. identity: the account's, in the books; failed_why: why it is set aside for this session, or ""."""

    key: str
    name: str
    identity: str
    failed_why: str = ""


def _by_the_hour(returns: Sequence[Return]) -> tuple[tuple[float, int], ...]:
    """The first return exactly, the others summed by the hour and dated by the latest of each; bounded."""
    if len(returns) <= 1:
        return tuple((back.at, back.bytes) for back in returns)
    summed: dict[int, tuple[float, int]] = {}
    for back in returns[1:]:
        hour = min(RETURNS_LIMIT - 2, int((back.at - returns[0].at) // RETURNS_STEP_SECONDS))
        summed[hour] = back.at, summed.get(hour, (0.0, 0))[1] + back.bytes
    return (returns[0].at, returns[0].bytes), *summed.values()


def _capacity(account: Account, now: Standing, limit: int) -> Capacity:
    used = sum(back.bytes for back in now.planned_on)
    usable_from = math.inf if account.failed_why else now.denied[0] if now.denied else 0.0
    return Capacity(account.key, limit, max(0, limit - used), now.planned_on, usable_from)


class AccountPool:
    """The accounts of one uploader. Used only by the thread that drives rclone.

    book: what they have spent; a dry run uses a copy. keys: what the key files say.
    """

    def __init__(self, uploader: str, folder: Path, book: Book, keys: Keys, *, quota_bytes: int) -> None:
        self.uploader = uploader
        self.folder = folder
        self.quota_bytes = quota_bytes
        self.active: str | None = None
        self.book = book
        self._keys = keys
        self.accounts: list[Account] = []
        self._places: dict[str, int] = {}

    def read(self) -> bool:
        """`refresh`, raising RcloneError with a sentence instead of OSError."""
        try:
            return self.refresh()
        except OSError as error:
            raise RcloneError(f'the account folder "{self.folder}" cannot be read: {error.strerror}') from error

    def refresh(self) -> bool:
        """Look at the key files: at the start and between stages. True if any was added, removed or exchanged.

        Raises OSError when the folder cannot be read.
        """
        known = {(account.key, account.identity): account for account in self.accounts}
        accounts = []
        for key in key_files(self.folder):
            said = self._keys.read(key)
            account = known.get((key, said.identity))
            if account is None:
                account = self._new_account(key, said.identity, said.fault)
            accounts.append(account)
        if accounts == self.accounts:
            return False
        self.accounts = accounts
        self._places = {account.key: place for place, account in enumerate(accounts)}
        return True

    def _new_account(self, key: str, identity: str, fault: str) -> Account:
        account = Account(key, Path(key).name, identity)
        if fault:
            account.failed_why = f"its key file {fault}"
            log.warning("Account %s is set aside: %s", account.name, account.failed_why)
        self.book.know(self.uploader, identity, key)
        return account

    def identity(self, key: str) -> str:
        """Whose key a file of the pool is; "" for one that has been removed."""
        return self.accounts[self._places[key]].identity if key in self._places else ""

    def is_still(self, key: str) -> bool:
        """Whether a key file still belongs to the same account."""
        return read_key(key).identity == self.identity(key)

    def limit_bytes(self) -> int:
        """The quota used for planning: the configured one, or the smaller one that Google was seen to apply."""
        learned = self.book.learned_limit(self.uploader, self.quota_bytes)
        return self.quota_bytes if learned is None else min(learned, self.quota_bytes)

    def learn_from_denial(self, key: str, window_seconds: float) -> float | None:
        """Google refused an account: learn its true limit if that is near the configured one.

        If an account is refused much earlier, somebody else must have used it too: that says nothing about the limit.
        What was sent twice, because its answer was lost, was spent as well, though it is charged only later.
        Returns when its first bytes come back (epoch seconds) if the limit was learned; None if the account must rest
        for a whole window.
        """
        identity = self.identity(key)
        used = self.book.used_bytes(identity) + self.book.owed_bytes(identity)
        if used < self.quota_bytes * LEARN_SHARE:
            return None
        if used < self.limit_bytes():
            log.warning(
                "%s: Google refused account %s after %s: from now on no account is planned beyond that "
                "(until account_quota changes)",
                self.uploader,
                Path(key).name,
                format_bytes(used),
            )
            self.book.learn_limit(self.uploader, identity, used, self.quota_bytes)
        if self.book.denied_within(identity, window_seconds):
            # Its first bytes came back and it was refused again: its window may not be rolling after all.
            return None
        returns = self.book.returns(identity)
        return returns[0].at if returns else None

    def capacities(self) -> list[Capacity]:
        """What every account can take, each once, in the order in which to use them.

        The active one first (an account is used up before the next), then the least used over all runs; natural order
        among equals.
        """
        limit = self.limit_bytes()
        ranked = []
        for index, account in enumerate(self.accounts):
            now = self.book.standing(account.identity)
            rank = account.key != self.active, sum(back.bytes for back in now.spent), now.ever_bytes, index
            ranked.append((rank, account, now))
        ranked.sort()
        capacities, counted = [], set[str]()
        for _, account, now in ranked:
            # Two key files of one account share one quota, which must not be planned twice.
            if account.identity not in counted:
                capacities.append(_capacity(account, now, limit))
            if not account.failed_why:
                counted.add(account.identity)
        return capacities

    def quotas(self) -> tuple[AccountQuota, ...]:
        """The state of every account in natural order, as events carry it."""
        limit = self.limit_bytes()
        return tuple(self._quota(account, limit) for account in self.accounts)

    def quota(self, key: str) -> AccountQuota:
        """The state of one account. Raises KeyError when it has been removed."""
        return self._quota(self.accounts[self._places[key]], self.limit_bytes())

    def _quota(self, account: Account, limit: int) -> AccountQuota:
        now = self.book.standing(account.identity)
        returns, denied = now.spent, now.denied
        used = sum(back.bytes for back in returns)
        resets_at = returns[0].at if returns else None
        state, why, until = AccountState.READY, "", None
        if account.failed_why:
            state, why = AccountState.FAILED, account.failed_why
        elif denied:
            state, until, why = AccountState.DENIED, denied[0], denied[1]
        elif account.key == self.active or now.in_flight_bytes:  # of this pool, or of another one with the same book
            state = AccountState.ACTIVE
        elif returns and limit - used < limit * USED_UP_SHARE:
            state, until = AccountState.COOLING, resets_at
        return AccountQuota(
            account=account.name,
            used_bytes=used,
            limit_bytes=limit,
            resets_at=resets_at,
            state=state,
            why=why,
            until=until,
            returns=_by_the_hour(returns),
            in_flight_bytes=now.in_flight_bytes,
            unsettled_bytes=now.unsettled_bytes,
        )

    def names(self) -> dict[str, str]:
        """The public name of each key file: its base name."""
        return {account.key: account.name for account in self.accounts}

    def index(self, key: str) -> int:
        """The 0-based place of an account in natural order; -1 when it has been removed."""
        return self._places.get(key, -1)

    def usable_keys(self) -> list[str]:
        """The key files of accounts that are not set aside: the active one first, then in natural order."""
        usable = [account.key for account in self.accounts if not account.failed_why]
        return sorted(usable, key=lambda key: key != self.active)

    def set_aside(self, key: str, why: str) -> None:
        """Stop using the account in this session."""
        for account in self.accounts:
            if account.key == key:
                account.failed_why = why
