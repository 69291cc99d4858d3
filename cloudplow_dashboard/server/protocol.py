"""uvicorn's HTTP protocol with limits, so that no client can use up the file descriptors that an upload needs."""

from __future__ import annotations

import asyncio
from typing import Final

from uvicorn.protocols.http.h11_impl import H11Protocol

#: A connection that has not sent a whole request by then is cut, in seconds.
FIRST_REQUEST_SECONDS: Final = 10.0


def bounded_protocol(connections_limit: int) -> type[H11Protocol]:
    """The protocol class that cuts connections beyond the limit, and those that send no request."""

    class BoundedProtocol(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            if len(self.connections) >= connections_limit:
                self.transport = transport  # connection_lost needs it
                transport.abort()
                return
            super().connection_made(transport)
            self.loop.call_later(FIRST_REQUEST_SECONDS, self._cut_silent)

        def _cut_silent(self) -> None:
            cycle: object = self.cycle  # None before the first request, though its annotation denies it
            if cycle is None and not self.transport.is_closing():
                self.transport.abort()

    return BoundedProtocol
