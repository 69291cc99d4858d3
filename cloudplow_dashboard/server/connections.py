"""Who is connected, for how long a connection has owed us a request, and how many a client has. On the loop only."""

from __future__ import annotations

import asyncio
import ipaddress
from collections import Counter
from collections.abc import Callable
from typing import Final, Protocol

from cloudplow_dashboard.server.limits import Limits

#: Whoever has an IPv6 address has at least this many of its bits for himself.
_IPV6_PREFIX: Final = 64


class Connection(Protocol):
    """What is known of one: its transport, which can be cut."""

    transport: asyncio.Transport


class Clients:
    """How much of something each client has. exempt: says of an address that it is not counted."""

    def __init__(self, limit: int, exempt: Callable[[str], bool]) -> None:
        self._limit = limit
        self._exempt = exempt
        self._held: Counter[str] = Counter()

    def enter(self, client: str, amount: int = 1) -> bool:
        """Count it; False, and it is not counted, if the client would have too much."""
        key = self._key(client)
        if not key:
            return True
        if self._held[key] + amount > self._limit:
            return False
        self._held[key] += amount
        return True

    def leave(self, client: str, amount: int = 1) -> None:
        """The end of what `enter` counted."""
        key = self._key(client)
        if key:
            self._held[key] -= amount
            if self._held[key] <= 0:
                del self._held[key]

    def __len__(self) -> int:
        return len(self._held)

    def _key(self, client: str) -> str:
        """By which a client is counted; "" for one that is not."""
        try:
            address = ipaddress.ip_address(client.partition("%")[0])
        except ValueError:
            return ""
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        address = mapped or address
        if address.is_loopback or self._exempt(str(address)):
            return ""
        if address.version == 6:
            return str(ipaddress.ip_network((address, _IPV6_PREFIX), strict=False))
        return str(address)


class Connections:
    """All of them. A connection waits while it owes us a request, and works until that is answered."""

    def __init__(self, limits: Limits, clients: Clients, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clients = clients
        self._clock = clock
        # Since when it waits, the longest first: who begins to wait is put at the end.
        self._waiting: dict[Connection, float] = {}
        self._client_of: dict[Connection, str] = {}

    def __len__(self) -> int:
        return len(self._client_of)

    def open(self, connection: Connection, client: str) -> bool:
        """A new one; False if there is no room for it. Who waits longest makes room for it, so that nobody who holds
        connections without a use for them keeps others out."""
        # Who has too many himself is not let in at the cost of others.
        if not self._clients.enter(client):
            return False
        if len(self) >= self._limits.connections and not self._cut_longest():
            self._clients.leave(client)
            return False
        self._client_of[connection] = client
        self.waits(connection)
        return True

    def close(self, connection: Connection) -> None:
        """It has ended, or was never let in."""
        self._waiting.pop(connection, None)
        client = self._client_of.pop(connection, None)
        if client is not None:
            self._clients.leave(client)

    def waits(self, connection: Connection) -> None:
        """From now on it owes us a request."""
        if connection in self._client_of:
            self._waiting.pop(connection, None)
            self._waiting[connection] = self._clock()

    def works(self, connection: Connection) -> None:
        """Its request is whole."""
        self._waiting.pop(connection, None)

    async def sweep_forever(self) -> None:
        """Cut those that wait too long."""
        while True:
            await asyncio.sleep(self._limits.sweep)
            self.sweep()

    def sweep(self) -> None:
        """One round of `sweep_forever`."""
        oldest = self._clock() - self._limits.head
        while self._waiting and next(iter(self._waiting.values())) <= oldest:
            self._cut_longest()

    def _cut_longest(self) -> bool:
        connection = next(iter(self._waiting), None)
        if connection is None:
            return False
        self.close(connection)
        connection.transport.abort()
        return True
