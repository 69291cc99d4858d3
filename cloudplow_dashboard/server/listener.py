"""The listening socket: bound in the caller's thread, so that a fault is known at once and fits on one line."""

from __future__ import annotations

import errno
import ipaddress
import socket
from typing import Any, Final

from cloudplow_dashboard.server.limits import BACKLOG

#: An unacknowledged byte or a window that stays shut ends a connection after this time, in milliseconds.
USER_TIMEOUT_MS: Final = 10_000
#: What the kernel holds for one reader, in bytes; with its default, readers that never read go unnoticed for long.
SEND_BUFFER_BYTES: Final = 64 << 10


class BindError(Exception):
    """The address cannot be used; the message says why and what to do. is_taken: somebody else listens there."""

    def __init__(self, message: str, *, is_taken: bool = False) -> None:
        super().__init__(message)
        self.is_taken = is_taken


def bind(host: str, port: int) -> socket.socket:
    """A listening socket on host and port (0: any free one). Raises BindError."""
    place = f"{host}:{port}"
    try:
        family, address = _resolve(host, port)
    except (OSError, UnicodeError, ValueError):
        raise BindError(_not_ours(host)) from None
    # asyncio sets TCP_NODELAY only on sockets that name their protocol; without it a second request on a connection
    # waits 40 ms for the client's system to confirm the first answer. Source: https://github.com/Kludex/uvicorn/pull/3149
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        _set_options(listener)
        listener.bind(address)
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        taken = getattr(error, "errno", None) == errno.EADDRINUSE
        raise BindError(_fix(error, host, place), is_taken=taken) from None
    return listener


def _resolve(host: str, port: int) -> tuple[int, Any]:
    """The first address of a host; IPv4 first, because "localhost" is expected at 127.0.0.1."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    found.sort(key=lambda one: one[0] != socket.AF_INET)
    return found[0][0], found[0][4]


def _set_options(listener: socket.socket) -> None:
    """Accepted connections inherit these."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)


def _fix(error: Exception, host: str, place: str) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return (
            f"another program is listening on {place}; stop it, or set dashboard.port to a free port (0: any); "
            "if it is a cloudplow dashboard with the same cache files, its page shows every upload"
        )
    if number in (errno.EACCES, errno.EPERM):
        return f"this user may not listen on {place}; set dashboard.port to a port above 1023"
    if number == errno.EADDRNOTAVAIL:
        return _not_ours(host)
    return f"{place} cannot be used ({error}); check dashboard.host and dashboard.port"


def _not_ours(host: str) -> str:
    return f'this machine has no address "{host}"; set dashboard.host to "127.0.0.1"'


def is_loopback(listener: socket.socket) -> bool:
    """Whether only this machine can reach the socket."""
    return ipaddress.ip_address(str(listener.getsockname()[0]).partition("%")[0]).is_loopback


def url_of(listener: socket.socket) -> str:
    """The address to open in a browser on this machine."""
    name = listener.getsockname()
    host = ipaddress.ip_address(str(name[0]).partition("%")[0])
    if host.is_unspecified:
        host = ipaddress.ip_address("127.0.0.1" if host.version == 4 else "::1")
    return f"http://{host if host.version == 4 else f'[{host}]'}:{name[1]}/"
