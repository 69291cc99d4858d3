"""Everything that a fake Drive knows, behind one lock: settings, accounts, files, tokens, counters."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import random
import secrets
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from .accounts import Account
from .answers import DriveError, Failure
from .faults import Fault
from .quota import Mode, Quota
from .store import Store
from .wire import Request

_BEARER = "Bearer "


@dataclass(slots=True)
class Settings:
    """How the Drive behaves; may be changed while it runs (under the lock).

    latency_seconds: added to every request. bandwidth: bytes per second that all uploads share; None is no limit.
    connection_bandwidth: the same for each connection. token_seconds: how long an access token is said to live
    (rclone fetches a new one 10 s before). keeps_content: for small tests that read files back.
    commit_delay_seconds: so long after the last byte of an upload its file appears, is counted and is answered, also
    when the client has gone by then. commit_delay_varies: between 0 and that, from a seeded generator.
    unreachable: every new connection is cut at once.
    """

    quota: Quota = field(default_factory=Quota)
    latency_seconds: float = 0.0
    bandwidth: float | None = None
    connection_bandwidth: float | None = None
    token_seconds: int = 3600
    keeps_content: bool = False
    commit_delay_seconds: float = 0.0
    commit_delay_varies: bool = False
    unreachable: bool = False
    faults: list[Fault] = field(default_factory=list)


_SETTINGS: Final = frozenset(one.name for one in dataclasses.fields(Settings)) - {"quota", "faults"}


class World:
    """The state. Whoever reads or changes it holds `lock`, in whatever thread.

    finished: when each finished upload began and when its file appeared, by `clock`.
    """

    def __init__(self, settings: Settings, drives: dict[str, str], clock: Callable[[], float]) -> None:
        self.lock = threading.RLock()
        self.settings = settings
        self.clock = clock
        self.store = Store(drives)
        self.accounts: dict[str, Account] = {}
        self.tokens: dict[str, str] = {}
        self.requests: Counter[str] = Counter()
        self.refused_hosts: list[str] = []
        self.problems: list[str] = []
        self.finished: list[tuple[float, float]] = []
        self._delays = random.Random(1)

    def quota_of(self, account: Account) -> Quota:
        """The account's own rule, or everybody's."""
        return account.quota or self.settings.quota

    def used_bytes(self, account: Account) -> int:
        """What counts against the account's quota now."""
        return account.meter.used_bytes(self.clock(), self.quota_of(account).window_seconds)

    def find_account(self, email: str) -> Account | None:
        """The account that signs as `email`."""
        return next((account for account in self.accounts.values() if account.email == email), None)

    def new_token(self, account: Account) -> str:
        """An access token for the account."""
        token = f"ya29.fake-{secrets.token_hex(16)}"
        self.tokens[token] = account.name
        return token

    def authenticate(self, request: Request) -> Account:
        """Whose token a request carries. Raises DriveError (401) when there is none or it was withdrawn."""
        header = request.headers.get("authorization", "")
        name = self.tokens.get(header.removeprefix(_BEARER))
        if name is None:
            raise DriveError(Failure.BAD_TOKEN)
        return self.accounts[name]

    def find_fault(self, kind: str, account: Account) -> Fault | None:
        """The fault that strikes this request."""
        return next((fault for fault in self.settings.faults if fault.strikes(kind, account.name)), None)

    def count(self, kind: str, account: Account | None = None) -> None:
        """Count a request."""
        self.requests[kind] += 1
        if account is not None:
            account.requests[kind] += 1

    def change_quota(self, name: str | None, changes: dict[str, Any]) -> None:
        """Change fields of one account's quota, or (None) of everybody's who has none of his own."""
        if "mode" in changes:
            changes = {**changes, "mode": Mode(changes["mode"])}
        if name is None:
            self.settings.quota = dataclasses.replace(self.settings.quota, **changes)
        else:
            account = self.accounts[name]
            account.quota = dataclasses.replace(self.quota_of(account), **changes)

    def change_settings(self, changes: dict[str, Any]) -> None:
        """Change fields of the settings. Raises KeyError when one does not exist."""
        for name, value in changes.items():
            if name not in _SETTINGS:
                raise KeyError(name)
            setattr(self.settings, name, value)

    def revoke(self, name: str, *, withdraw_tokens: bool) -> None:
        """The key gets no new tokens; withdraw_tokens: those it has stop working too."""
        self.accounts[name].revoked = True
        if withdraw_tokens:
            self.tokens = {token: owner for token, owner in self.tokens.items() if owner != name}

    def next_commit_delay(self) -> float:
        """How long after its last byte the next upload is finished, in seconds."""
        longest = self.settings.commit_delay_seconds
        return self._delays.uniform(0, longest) if self.settings.commit_delay_varies else longest

    def timestamp(self) -> str:
        """Now, by the Drive's clock, as RFC 3339 with milliseconds."""
        now = datetime.datetime.fromtimestamp(self.clock(), datetime.UTC)
        return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Bandwidth:
    """Lets bytes through at a rate; those who share it share the rate."""

    def __init__(self) -> None:
        self._free_at = 0.0

    async def pass_through(self, size_bytes: int, bytes_per_second: float | None) -> None:
        """Wait as long as it takes to carry so many bytes."""
        if not bytes_per_second:
            return
        now = asyncio.get_running_loop().time()
        self._free_at = max(now, self._free_at) + size_bytes / bytes_per_second
        await asyncio.sleep(self._free_at - now)
