"""What a reverse proxy says about the client, used only when a trusted one says it."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any, Final

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Scope = dict[str, Any]

_HEADERS: Final = frozenset({b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host"})
_VALUE_LIMIT: Final = 1000


def networks(addresses: Sequence[str]) -> tuple[Network, ...]:
    """The networks of addresses such as "127.0.0.1" and "10.0.0.0/8". Raises ValueError, which says what to write."""
    found = []
    for address in addresses:
        try:
            found.append(ipaddress.ip_network(address.strip(), strict=False))
        except ValueError:
            raise ValueError(f'"{address}" must be an address or a network, for example "10.0.0.0/8"') from None
    return tuple(found)


def _last(value: bytes) -> str:
    """The last member of a header that is a list: what the nearest proxy added."""
    return value[-_VALUE_LIMIT:].decode("latin-1").rpartition(",")[2].strip()


def address_of(text: str) -> str | None:
    """The address in a member of X-Forwarded-For, without brackets and port; None if it is none."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


class TrustedProxies:
    """Reads forwarded headers. addresses: of the proxies that are trusted."""

    def __init__(self, addresses: Sequence[str] = ()) -> None:
        self._networks = networks(addresses)

    def trusts(self, host: str) -> bool:
        """Whether an address is one of a trusted proxy."""
        found = address_of(host)
        if found is None:
            return False
        address = ipaddress.ip_address(found)
        return any(address in network for network in self._networks)

    def apply(self, scope: Scope) -> Scope:
        """The scope as the client made it: scheme, host and address; without the headers that said so."""
        told: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in _HEADERS:
                # Several headers of a name are one list.
                told[name] = told[name] + b"," + value if name in told else value
        if not told:
            return scope
        headers = [(name, value) for name, value in scope["headers"] if name not in _HEADERS]
        changed = scope | {"headers": headers}
        client = scope.get("client")
        if client is None or not self.trusts(client[0]):
            return changed
        scheme = _last(told.get(b"x-forwarded-proto", b"")).lower()
        if scheme in ("http", "https"):
            changed["scheme"] = scheme
        host = _last(told.get(b"x-forwarded-host", b""))
        if host:
            changed["headers"] = [
                *((name, value) for name, value in headers if name != b"host"),
                (b"host", host.encode("latin-1")),
            ]
        address = self._client(told.get(b"x-forwarded-for", b""))
        if address:
            changed["client"] = (address, 0)
        return changed

    def _client(self, value: bytes) -> str:
        """The last address that is not a trusted proxy's; of proxies only, the first one; "" for none.

        What stands before something that is no address does not count: nobody knows who wrote it.
        """
        found = ""
        for member in reversed(value[-_VALUE_LIMIT:].decode("latin-1").split(",")):
            address = address_of(member)
            if address is None:
                break
            found = address
            if not self.trusts(address):
                break
        return found
