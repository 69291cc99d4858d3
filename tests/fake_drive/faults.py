"""Faults that can be injected: which requests fail, how, how often."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from .answers import Failure


@dataclass(slots=True)
class Fault:
    """Requests that fail.

    kinds: of request ("list", "get", "session", "chunk", "multipart", "create_folder", "update" ...; see
    `api.Kind`); empty is every kind. accounts: key file names; empty is every account.
    after: leave that many matching requests alone first. first: only the first so many of the rest fail (None: no
    end). every: of the rest, each n-th fails. rate: each fails with this probability (from a seeded generator).
    drop_after_bytes: for Failure.DROP, how much of the body is read before the connection is cut.
    carried_out: the request does its work all the same, only its answer is replaced (or, for DROP, lost).
    hold_seconds: the answer comes, or is lost, so much later.
    """

    failure: Failure
    kinds: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    after: int = 0
    first: int | None = None
    every: int = 1
    rate: float = 1.0
    drop_after_bytes: int = 0
    carried_out: bool = False
    hold_seconds: float = 0.0
    seen: int = 0
    hits: int = 0
    _random: random.Random = field(default_factory=lambda: random.Random(1), repr=False)

    def strikes(self, kind: str, account: str) -> bool:
        """Whether this request fails; counts it."""
        if (self.kinds and kind not in self.kinds) or (self.accounts and account not in self.accounts):
            return False
        self.seen += 1
        number = self.seen - self.after
        if number <= 0 or number % self.every or (self.first is not None and self.hits >= self.first):
            return False
        if self.rate < 1.0 and self._random.random() >= self.rate:
            return False
        self.hits += 1
        return True


def no_access(account: str) -> Fault:
    """The account is no member of the shared drive: it finds nothing (404)."""
    return Fault(Failure.NOT_FOUND, accounts=frozenset((account,)))


def read_only(account: str) -> Fault:
    """The account may look but not write (403 insufficientFilePermissions)."""
    writes = frozenset(("session", "multipart", "create_folder", "update", "delete", "copy"))
    return Fault(Failure.NO_PERMISSION, kinds=writes, accounts=frozenset((account,)))
