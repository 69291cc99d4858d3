"""By which names this dashboard may be called: what a Host header says, and whether that is one of ours. Pure.

A page of somebody else can let a name of its own point at this machine (DNS rebinding), and its browser then takes the
dashboard for a part of that page. Only the name gives it away.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterable
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: The longest name of the DNS, in characters, and with a dot and a port behind it.
NAME_LIMIT: Final = 253
HOST_LIMIT: Final = NAME_LIMIT + len(".:65535")
#: Names of the setting.
ALLOWED_LIMIT: Final = 256

_LOOPBACK: Final = frozenset({"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"})
#: Nobody can have a name below these in the DNS of the internet.
_PRIVATE_ENDINGS: Final = (".localhost", ".local", ".lan", ".home.arpa", ".internal")

_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_HOST: Final = re.compile(r"([A-Za-z0-9._-]+)(?::([0-9]{0,5}))?")
_BRACKETS: Final = re.compile(r"\[([0-9A-Fa-f:.]{2,45})(?:%[A-Za-z0-9._~-]{1,32})?\](?::([0-9]{0,5}))?")
#: Letters that Python's encoding, which is of 2003, writes in another way than browsers do, or leaves out.
_KEPT: Final = frozenset("\u00df\u03c2\u200c\u200d")
#: A name whose last part is a number is an address to browsers ("127.1"), and none to us.
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")


def host_of(text: str) -> str | Address | None:
    """The name or address in the value of a Host header, without its port; None if it is neither.

    A name comes in lower case and without the dot at its end.
    """
    if len(text) > HOST_LIMIT:
        return None
    match = _BRACKETS.fullmatch(text)
    if match is not None:
        return _address(match[1]) if ":" in match[1] and _is_port(match[2]) else None
    match = _HOST.fullmatch(text)
    if match is None or not _is_port(match[2]):
        return None
    name = match[1].lower().removesuffix(".")
    return _address(name) or _checked(name)


def _is_port(text: str | None) -> bool:
    return not text or int(text) <= 65535


def _address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _checked(name: str) -> str | None:
    if len(name) > NAME_LIMIT or _NAME.fullmatch(name) is None:
        return None
    return None if "." in name and _NUMBER.fullmatch(name.rpartition(".")[2]) else name


def allowed_name(entry: str) -> str:
    """An entry of `dashboard.allowed_hosts` as it is compared. Raises ValueError, which says what to write."""
    text = entry.strip().lower().removesuffix(".")
    star = "*." if text.startswith("*.") else ""
    address = _address(text.strip("[]"))
    if address is not None:
        return str(address)
    try:
        name = _checked(_as_sent(text.removeprefix(star)))
    except UnicodeError:
        name = None
    if name is None:
        raise ValueError(
            'must be a name as it stands in the address of the page, without "https://" and port, for example '
            '"cloudplow.example.org" or "*.example.org"'
        )
    return star + name


def _as_sent(name: str) -> str:
    """A name in the letters that a Host header has. Raises UnicodeError."""
    if _KEPT.isdisjoint(name):
        return name.encode("idna").decode("ascii")
    labels = (unicodedata.normalize("NFC", label) for label in re.split("[.\u3002\uff0e\uff61]", name))
    return ".".join(one if one.isascii() else f"xn--{one.encode('punycode').decode('ascii')}" for one in labels)


class Hosts:
    """Which hosts are ours. own: names of this machine; allowed: entries of the setting, which must be valid."""

    def __init__(self, own: Iterable[str] = (), allowed: Iterable[str] = ()) -> None:
        entries = [allowed_name(one) for one in allowed]
        self._names = frozenset(name for name in map(host_of, own) if isinstance(name, str)) | _LOOPBACK.union(
            one for one in entries if not one.startswith("*")
        )
        self._endings = _PRIVATE_ENDINGS + tuple(one.removeprefix("*") for one in entries if one.startswith("*"))

    def allows(self, text: str) -> bool:
        """Whether the value of a Host header is a literal address, or a name that is ours or nobody else can have."""
        host = host_of(text)
        if not isinstance(host, str):
            return host is not None
        return "." not in host or host in self._names or host.endswith(self._endings)
