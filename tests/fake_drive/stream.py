"""A pull-style byte stream over an asyncio transport that hands out what arrived without copying it.

asyncio's StreamReader copies every byte twice and loses track of its transport after `start_tls` on Python 3.11
(pausing then acts on the wrong one), so this reads into one fixed buffer: when it is full, the peer has to wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable

_BUFFER_BYTES = 256 * 1024
_MAX_HEAD_BYTES = 64 * 1024


class Stream(asyncio.BufferedProtocol):
    """One connection. Read with `some()` and `skip()`; write with `write()`."""

    def __init__(self, accepted: Callable[[Stream], None]) -> None:
        self._accepted = accepted
        self._buffer = bytearray(_BUFFER_BYTES)
        self._start = 0
        self._end = 0
        self._transport: asyncio.Transport | None = None
        self._paused = False
        self._ended = False
        self._waiter: asyncio.Future[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._accepted(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        if self._start == self._end:
            self._start = self._end = 0
        elif self._end == len(self._buffer):
            self._make_room()
        return memoryview(self._buffer)[self._end :]

    def buffer_updated(self, nbytes: int) -> None:
        self._end += nbytes
        if self._end == len(self._buffer) and self._transport is not None and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self._ended = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._wake()
        self._writable.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    # What the server calls.

    @property
    def is_open(self) -> bool:
        """False once the peer has closed or the connection was lost."""
        return not self._ended

    async def some(self) -> memoryview:
        """What is buffered, at least one byte; waits for it. Raises EOFError when the peer has closed."""
        while self._start == self._end:
            if self._ended:
                raise EOFError
            self._resume()
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return memoryview(self._buffer)[self._start : self._end]

    def skip(self, count: int) -> None:
        """Let go of the first `count` buffered bytes: they have been used."""
        self._start += count

    async def until(self, mark: bytes) -> bytes:
        """Everything up to and including `mark`. Raises EOFError, or ValueError when it is unreasonably far."""
        searched = 0
        while True:
            found = self._buffer.find(mark, self._start + max(0, searched - len(mark)), self._end)
            if found >= 0:
                taken = bytes(memoryview(self._buffer)[self._start : found + len(mark)])
                self.skip(len(taken))
                return taken
            searched = self._end - self._start
            if searched > _MAX_HEAD_BYTES:
                raise ValueError("the head of a request is too long")
            await self._more()

    async def exactly(self, count: int) -> bytes:
        """The next `count` bytes. Raises EOFError when the peer closes before."""
        pieces = []
        while count > 0:
            piece = bytes((await self.some())[:count])
            self.skip(len(piece))
            pieces.append(piece)
            count -= len(piece)
        return b"".join(pieces)

    async def write(self, data: bytes) -> None:
        """Send `data`; waits while the peer does not read. Raises EOFError when the connection is gone."""
        if self._transport is None or self._transport.is_closing():
            raise EOFError
        self._transport.write(data)
        await self._writable.wait()

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Go on encrypted, as the server's side."""
        plain, self._transport = self._transport, None
        assert plain is not None
        encrypted = await asyncio.get_running_loop().start_tls(plain, self, context, server_side=True)
        self._transport = encrypted

    def close(self) -> None:
        """Send what is written, then close."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Cut the connection at once: the peer sees a reset."""
        if self._transport is not None:
            self._transport.abort()

    # Inside.

    async def _more(self) -> None:
        """Wait until something has been added to what is buffered."""
        before = self._end - self._start
        while self._end - self._start == before:
            if self._ended:
                raise EOFError
            self._resume()
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    def _resume(self) -> None:
        if self._paused and self._transport is not None:
            self._paused = False
            with contextlib.suppress(RuntimeError):
                self._transport.resume_reading()

    def _make_room(self) -> None:
        """Move what is left to the front; grow when there is no room at all (a handshake with much data behind it)."""
        left = bytes(memoryview(self._buffer)[self._start : self._end])
        if len(left) == len(self._buffer):
            self._buffer = bytearray(2 * len(self._buffer))
        self._buffer[: len(left)] = left
        self._start, self._end = 0, len(left)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
