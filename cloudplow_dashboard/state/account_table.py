"""The accounts of one uploader as the dashboard knows them: bounded, with totals kept up to date."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import Final, TypedDict, Unpack

from cloudplow.events import AccountState
from cloudplow_dashboard.state.document_quota import Account, AccountsSummary, Capacity
from cloudplow_dashboard.state.returns import Returns, ReturnTable

#: Accounts kept for each uploader; further ones are only counted.
ACCOUNTS_LIMIT: Final = 5000
#: Accounts in the state document: the active one and the most used come first.
ACCOUNTS_SHOWN: Final = 200


class Change(TypedDict, total=False):
    """New values for some of the fields of an `Account`."""

    index: int
    state: AccountState
    why: str
    used_bytes: int
    in_flight_bytes: int
    unsettled_bytes: int
    limit_bytes: int
    resets_at: float
    until: float


class AccountTable:
    """Rows by account name; a row is never changed in place. Not thread-safe: the state's lock guards it."""

    def __init__(self) -> None:
        self.rows: dict[str, Account] = {}
        self.told_total = 0
        self._used = 0
        self._in_flight = 0
        self._unsettled = 0
        self._limit = 0
        self._free = 0
        self._blocked = 0
        self._with_limit = 0
        self._states: dict[AccountState, int] = {}
        self._returns = ReturnTable()
        self._next_expiry = 0.0

    def change(self, name: str, **values: Unpack[Change]) -> bool:
        """Set fields of an account, which is added when it is new; False when there is no room for it."""
        old = self.rows.get(name)
        if old is None:
            if len(self.rows) >= ACCOUNTS_LIMIT or not name:
                return False
            old = new_account(len(self.rows))
        else:
            self._count(old, -1)
        row: Account = {**old, **values}
        row["free_bytes"] = free_bytes(row)
        self.rows[name] = row
        self._count(row, 1)
        self._note_expiry(row["until"])
        return True

    def charge(self, name: str, returns: Returns = (), **values: Unpack[Change]) -> None:
        """Set what an event says about an account; it replaces what was known of its returns.

        returns: what it has spent, as (epoch seconds at which it comes back, bytes), in order of time.
        """
        self._returns.drop(name)
        if self.change(name, **values):
            self._returns.put(name, returns)
            self._note_expiry(self._returns.first(name))

    def keep_only(self, names: Iterable[str], total: int) -> None:
        """Forget accounts whose key files are gone; total: how many there are, also those beyond the bound."""
        keep = set(names)
        for name in [name for name in self.rows if name not in keep]:
            self._count(self.rows.pop(name), -1)
            self._returns.drop(name)
        self.told_total = total

    def activate(self, name: str, index: int) -> None:
        """Make one account the active one; index: its place in the pool, -1 when unknown."""
        self.rest(except_name=name)
        values: Change = {"state": AccountState.ACTIVE, "why": "", "until": 0}
        if index >= 0:
            values["index"] = index
        self.change(name, **values)

    def rest(self, except_name: str = "") -> None:
        """From now on no account but the named one is active."""
        if self._states.get(AccountState.ACTIVE):
            for name, row in list(self.rows.items()):
                if row["state"] == AccountState.ACTIVE and name != except_name:
                    self.change(name, **at_rest(row))

    def expire(self, now: float) -> bool:
        """Make accounts ready whose time has come; now: epoch seconds. True when something changed."""
        if not 0 < self._next_expiry <= now:
            return False
        self._next_expiry = 0.0
        changed = False
        for name, row in list(self.rows.items()):
            changed |= self._take_back(name, now)
            if 0 < row["until"] <= now:
                active = row["state"] == AccountState.ACTIVE
                state = AccountState.ACTIVE if active else AccountState.READY
                changed |= self.change(name, state=state, why="", until=0)
            self._note_expiry(self.rows[name]["until"])
        return changed

    def _take_back(self, name: str, now: float) -> bool:
        """Free the bytes of an account that have come back."""
        due = self._returns.take_due(name, now)
        first = self._returns.first(name)
        if due:
            self.change(name, used_bytes=max(0, self.rows[name]["used_bytes"] - due), resets_at=first)
        self._note_expiry(first)
        return due > 0

    def shown(self) -> dict[str, Account]:
        """The `accounts` part of the state document."""
        if len(self.rows) <= ACCOUNTS_SHOWN:
            return dict(self.rows)
        return dict(heapq.nlargest(ACCOUNTS_SHOWN, self.rows.items(), key=lambda item: rank(item[1])))

    def summary(self) -> AccountsSummary:
        """The `accounts_summary` part of the state document."""
        return {
            "total": max(self.told_total, len(self.rows)),
            "used_bytes": self._used,
            "in_flight_bytes": self._in_flight,
            "unsettled_bytes": self._unsettled,
            "limit_bytes": self._limit,
            "states": {state: count for state, count in self._states.items() if count},
        }

    @property
    def free(self) -> int:
        """Bytes that are left on accounts that are neither denied nor failed."""
        return self._free

    @property
    def known_free(self) -> int:
        """The same; -1 where nobody has said what all of them have left."""
        return self._free if self._with_limit and self._with_limit >= self.summary()["total"] else -1

    def capacity(self, now: float) -> Capacity:
        """The `capacity` part of the state document. now: epoch seconds."""
        return {
            "free_bytes": self._free,
            "blocked_bytes": self._blocked,
            "used_bytes": self._used,
            "in_flight_bytes": self._in_flight,
            "unsettled_bytes": self._unsettled,
            "limit_bytes": self._limit,
            **self._returns.strip(now),
        }

    def _count(self, row: Account, sign: int) -> None:
        if row["state"] in (AccountState.DENIED, AccountState.FAILED):
            self._blocked += sign * row["free_bytes"]
        else:
            self._free += sign * row["free_bytes"]
        self._used += sign * row["used_bytes"]
        self._in_flight += sign * row["in_flight_bytes"]
        self._unsettled += sign * row["unsettled_bytes"]
        self._limit += sign * row["limit_bytes"]
        self._with_limit += sign * (row["limit_bytes"] > 0)
        self._states[row["state"]] = self._states.get(row["state"], 0) + sign

    def _note_expiry(self, at: float) -> None:
        if at > 0 and (self._next_expiry == 0.0 or at < self._next_expiry):
            self._next_expiry = at


def new_account(index: int) -> Account:
    """An account of which nothing is known but its place in the pool."""
    return {
        "index": index,
        "state": AccountState.READY,
        "why": "",
        "used_bytes": 0,
        "in_flight_bytes": 0,
        "unsettled_bytes": 0,
        "free_bytes": 0,
        "limit_bytes": 0,
        "resets_at": 0,
        "until": 0,
    }


def at_rest(row: Account) -> Change:
    """What an account is that nobody uses: ready, but not with nothing left."""
    if 0 < row["limit_bytes"] <= spent_bytes(row) and row["resets_at"] > 0:
        return {"state": AccountState.COOLING, "until": row["resets_at"]}
    return {"state": AccountState.READY}


def spent_bytes(row: Account) -> int:
    """What may no longer be spent: charged, on its way, or unsettled."""
    return row["used_bytes"] + row["in_flight_bytes"] + row["unsettled_bytes"]


def free_bytes(row: Account) -> int:
    """What is left of an account's quota."""
    return max(0, row["limit_bytes"] - spent_bytes(row))


def rank(row: Account) -> tuple[bool, int, int]:
    """Where only some accounts are shown, those of the highest rank are: the active one, then the most used."""
    return row["state"] == AccountState.ACTIVE, spent_bytes(row), -row["index"]
