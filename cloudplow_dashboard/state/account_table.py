"""The accounts of one uploader as the dashboard knows them: bounded, with totals kept up to date."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import Any, Final

from cloudplow_dashboard.state.returns import Returns, ReturnTable

#: Accounts kept for each uploader; further ones are counted only.
ACCOUNTS_LIMIT: Final = 5000
#: Accounts in the state document: the active one and the most used come first.
ACCOUNTS_SHOWN: Final = 200
#: What an account may upload in a day when nothing else was said, in bytes (750 GiB).
DEFAULT_LIMIT_BYTES: Final = 805_306_368_000

#: One account as it is shown: index, state, why, used_bytes, limit_bytes, resets_at, until. Never changed in place.
Row = dict[str, Any]

_STATES: Final = frozenset({"ready", "active", "cooling", "denied", "failed"})
#: In these states what an account has left can be used.
_USABLE: Final = frozenset({"ready", "active", "cooling"})


class AccountTable:
    """Rows by account name. Not thread-safe: the state's lock guards it."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.told_total = 0
        self._used = 0
        self._limit = 0
        self._free = 0
        self._states: dict[str, int] = {}
        self._returns = ReturnTable()
        self._next_expiry = 0.0

    def change(self, name: str, **values: Any) -> bool:
        """Set fields of an account, which is added when it is new; False when there is no room for it."""
        old = self.rows.get(name)
        if old is None:
            if len(self.rows) >= ACCOUNTS_LIMIT or not name:
                return False
            old = {"index": len(self.rows), "state": "ready", "why": "", "used_bytes": 0, "limit_bytes": 0}
            old |= {"resets_at": 0, "until": 0}
        else:
            self._count(old, -1)
        row = old | values
        if row["state"] not in _STATES:
            row["state"] = "ready"
        self.rows[name] = row
        self._count(row, 1)
        self._note_expiry(row["until"])
        return True

    def charge(self, name: str, returns: Returns = (), **values: Any) -> None:
        """Set what an event says about an account; what was known of its returns no longer counts.

        returns: what it has spent, as (epoch seconds at which it comes back, bytes), in order of time.
        """
        self._returns.drop(name)
        if self.change(name, **values):
            self._returns.put(name, returns)
            self._note_expiry(self._returns.first(name))

    def recover(self, name: str, returns: Returns, **values: Any) -> None:
        """Set what a file of an earlier run says about an account; how much it has used follows from its returns."""
        used = sum(size for _, size in returns)
        self.charge(name, returns, used_bytes=used, resets_at=returns[0][0] if returns else 0, **values)

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
        values = {"state": "active", "why": "", "until": 0}
        self.change(name, **(values | {"index": index} if index >= 0 else values))

    def rest(self, except_name: str = "") -> None:
        """No account but the named one is active any more."""
        if self._states.get("active"):
            for name, row in list(self.rows.items()):
                if row["state"] == "active" and name != except_name:
                    self.change(name, state="ready")

    def expire(self, now: float) -> bool:
        """Make accounts ready whose time has come; now: epoch seconds. True when something changed."""
        if not 0 < self._next_expiry <= now:
            return False
        self._next_expiry = 0.0
        changed = False
        for name, row in list(self.rows.items()):
            changed |= self._take_back(name, now)
            if 0 < row["until"] <= now:
                state = "active" if row["state"] == "active" else "ready"
                changed |= self.change(name, state=state, why="", until=0)
            self._note_expiry(self.rows[name]["until"])
        return changed

    def _take_back(self, name: str, now: float) -> bool:
        """Bytes of an account come back."""
        due = self._returns.take_due(name, now)
        first = self._returns.first(name)
        if due:
            self.change(name, used_bytes=max(0, self.rows[name]["used_bytes"] - due), resets_at=first)
        self._note_expiry(first)
        return due > 0

    def shown(self) -> dict[str, Row]:
        """The rows for the state document."""
        if len(self.rows) <= ACCOUNTS_SHOWN:
            return dict(self.rows)

        def rank(item: tuple[str, Row]) -> tuple[bool, int, int]:
            row = item[1]
            return row["state"] == "active", row["used_bytes"], -row["index"]

        return dict(heapq.nlargest(ACCOUNTS_SHOWN, self.rows.items(), key=rank))

    def summary(self) -> dict[str, Any]:
        """Totals over all accounts, in bytes, and how many are in which state."""
        return {
            "total": max(self.told_total, len(self.rows)),
            "used_bytes": self._used,
            "limit_bytes": self._limit,
            "states": {state: count for state, count in self._states.items() if count},
        }

    def capacity(self, now: float) -> dict[str, Any]:
        """The pool as a whole, in bytes: what is free now, what comes back when. now: epoch seconds."""
        amounts = {"free_bytes": self._free, "used_bytes": self._used, "limit_bytes": self._limit}
        return amounts | self._returns.strip(now)

    def _count(self, row: Row, sign: int) -> None:
        if row["state"] in _USABLE:
            self._free += sign * max(0, row["limit_bytes"] - row["used_bytes"])
        self._used += sign * row["used_bytes"]
        self._limit += sign * row["limit_bytes"]
        self._states[row["state"]] = self._states.get(row["state"], 0) + sign

    def _note_expiry(self, at: float) -> None:
        if at > 0 and (self._next_expiry == 0.0 or at < self._next_expiry):
            self._next_expiry = at
