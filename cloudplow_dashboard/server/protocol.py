"""uvicorn's HTTP protocol with limits, so that no client can use up the file descriptors that an upload needs."""

from __future__ import annotations

import asyncio
import re
from typing import Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from cloudplow_dashboard.server.connections import Connections
from cloudplow_dashboard.server.refusing import answer_of

NOT_HTTP = answer_of(400, "bad_request", "Invalid HTTP request received.", {"Connection": "close"})


#: Lines that end without a carriage return, or go on in the next one: h11 takes them, others before us may not.
_LOOSE: Final = re.compile(rb"(?<!\r)\n|\n[ \t]")


def is_loose(end: bytes, data: bytes) -> bool:
    """Whether a head is written so that others may read it in another way. end: of what has come of it before."""
    return _LOOSE.search((end + data).partition(b"\r\n\r\n")[0]) is not None


def line_end(data: bytes) -> bytes:
    """What must be known of the end of data to judge what follows."""
    return next((end for end in (b"\r\n", b"\r") if data.endswith(end)), b"")


def bounded_protocol(connections: Connections) -> type[H11Protocol]:
    """The protocol class whose connections are kept within their limits."""

    class BoundedProtocol(H11Protocol):
        #: Something of the next request has come; how that ends.
        _heard = True
        _end = b""
        #: The request has been refused, and only its body is still read.
        _lingers = False

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
            if self.conn.their_state is h11.IDLE and is_loose(self._end, data):
                self._unset_keepalive_if_required()
                self.send_400_response("")
                return
            self._end = line_end(self._end + data)
            super().data_received(data)
            self._settle()

        def lingers(self) -> None:
            """Nothing more is to be said to this client: who needs room may have its connection."""
            self._lingers = True
            connections.waits(self)

        def on_response_complete(self) -> None:
            came = self.conn.trailing_data[0]
            self._heard = bool(came)
            self._end = line_end(came)
            if self.conn.their_state is h11.DONE and is_loose(b"", came):
                self.transport.close()
            connections.waits(self)
            super().on_response_complete()
            self._settle()

        def _settle(self) -> None:
            cycle = self.cycle
            # None before the first request, though its annotation denies it.
            if cycle is not None and not cycle.response_complete and not self._lingers:
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
