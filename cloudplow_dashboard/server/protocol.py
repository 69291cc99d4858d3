"""uvicorn's HTTP protocol with limits, so that no client can use up the file descriptors that an upload needs."""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from cloudplow_dashboard.server.connections import Connections
from cloudplow_dashboard.server.refusing import answer_of

NOT_HTTP = answer_of(400, "bad_request", "Invalid HTTP request received.", {"Connection": "close"})


def bounded_protocol(connections: Connections) -> type[H11Protocol]:
    """The protocol class whose connections are kept within their limits."""

    class BoundedProtocol(H11Protocol):
        #: Something of the next request has come.
        _heard = True

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            self.transport = transport  # connection_lost needs it
            peer = transport.get_extra_info("peername")
            if not connections.open(self, str(peer[0]) if isinstance(peer, tuple) else ""):
                transport.abort()
                return
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            connections.close(self)
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if not self._heard:
                self._heard = True
                connections.waits(self)
            super().data_received(data)
            self._settle()

        def on_response_complete(self) -> None:
            self._heard = bool(self.conn.trailing_data[0])
            connections.waits(self)
            super().on_response_complete()
            self._settle()

        def _settle(self) -> None:
            cycle = self.cycle
            # None before the first request, though its annotation denies it.
            if cycle is not None and not cycle.response_complete:
                connections.works(self)

        def send_400_response(self, msg: str) -> None:  # noqa: ARG002
            """What is no HTTP gets an answer like any other; in the middle of an answer there is no place for it."""
            if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
                self.transport.abort()
                return
            status, headers, body = NOT_HTTP
            head = h11.Response(status_code=status, headers=self.server_state.default_headers + headers)
            for event in (head, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
            self.transport.close()

    return BoundedProtocol
