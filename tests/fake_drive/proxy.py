"""The HTTP proxy that ends TLS for Google's hosts, and the plain token endpoint beside it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import traceback
from collections.abc import AsyncGenerator

from .accounts import Account
from .answers import DriveError, Failure, failure_answer
from .api import Api, Call
from .certificates import HOST_NAMES
from .faults import Fault
from .kinds import UPLOADS, Kind, classify
from .stream import Stream
from .tokens import issue_token
from .uploads import Pieces, Uploads
from .wire import Answer, Request, read_body, read_request, read_whole_body
from .world import Bandwidth, World

_GONE = (EOFError, ConnectionError, ssl.SSLError, TimeoutError)


class Proxy:
    """Serves connections."""

    def __init__(self, world: World, context: ssl.SSLContext) -> None:
        self._world = world
        self._context = context
        self._api = Api(world)
        self._uploads = Uploads(world)
        self._shared_bandwidth = Bandwidth()

    async def serve(self, stream: Stream) -> None:
        """Serve one connection to its end; whatever goes wrong in here is kept in the world's `problems`."""
        if self._world.settings.unreachable:
            stream.abort()
            return
        try:
            await self._serve_plain(stream)
        except _GONE:
            pass  # the peer has gone
        except Exception:  # noqa: BLE001 - a defect of the fake must reach the test that runs it, not end the server
            with self._world.lock:
                self._world.problems.append(traceback.format_exc())
        finally:
            stream.close()

    async def _serve_plain(self, stream: Stream) -> None:
        """Token requests, until a CONNECT turns the connection into one to Google."""
        while True:
            request = await read_request(stream)
            if request.method == "CONNECT":
                await self._connect(stream, request.target)
                return
            body = await read_whole_body(stream, request)
            await self._pause()
            with self._world.lock:
                self._world.count(Kind.TOKEN)
                is_token = request.path == "/token"
                answer = issue_token(self._world, body) if is_token else Answer(404)
            await stream.write(answer.encode())

    async def _connect(self, stream: Stream, target: str) -> None:
        host, _, port = target.rpartition(":")
        if port != "443" or not _is_google(host):
            with self._world.lock:
                self._world.refused_hosts.append(target)
            await stream.write(Answer(403).encode(keep_alive=False))
            return
        await stream.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await stream.start_tls(self._context)
        bandwidth = Bandwidth()
        while True:
            request = await read_request(stream)
            answer = await self._answer_google(stream, request, bandwidth)
            if answer is None:
                stream.abort()
                return
            await stream.write(answer.encode(keep_alive=request.keeps_alive))
            if not request.keeps_alive:
                return

    async def _answer_google(self, stream: Stream, request: Request, bandwidth: Bandwidth) -> Answer | None:
        """The answer to a request to one of Google's hosts; None when the connection is to be cut."""
        if request.path in ("/token", "/o/oauth2/token"):
            body = await read_whole_body(stream, request)
            with self._world.lock:
                self._world.count(Kind.TOKEN)
                return issue_token(self._world, body)
        kind, entry_id = classify(request)
        await self._pause()
        try:
            with self._world.lock:
                account = self._world.authenticate(request)
                self._world.count(kind, account)
                fault = self._world.find_fault(kind, account)
        except DriveError as error:
            await read_whole_body(stream, request)
            return failure_answer(error.failure, error.subject)
        async with contextlib.aclosing(self._metered(stream, request, account, bandwidth)) as pieces:
            if fault is not None and not fault.carried_out:
                return await _fail(fault, pieces)
            answer = await self._answer_account(stream, kind, Call(request, account, entry_id, b""), pieces)
            return answer if fault is None else await _fail(fault, pieces)

    async def _answer_account(self, stream: Stream, kind: Kind, call: Call, pieces: Pieces) -> Answer:
        """The answer to an account's request that no fault strikes."""
        try:
            if kind in UPLOADS:
                return await self._answer_upload(stream, kind, call, pieces)
            call.body = b"".join([bytes(piece) async for piece in pieces])
            with self._world.lock:
                return self._api.answer(kind, call)
        except DriveError as error:
            async for _ in pieces:
                pass  # the answer to a refused upload comes after its last byte
            return failure_answer(error.failure, error.subject or call.id)

    async def _answer_upload(self, stream: Stream, kind: Kind, call: Call, pieces: Pieces) -> Answer:
        request, account = call.request, call.account
        if kind is Kind.MULTIPART:
            return await self._uploads.take_multipart(request, call.id, account, pieces, stream)
        if kind is Kind.SESSION:
            return await self._uploads.start_session(request, call.id, account, pieces, stream)
        return await self._uploads.take_chunk(request, account, pieces, stream)

    async def _metered(
        self, stream: Stream, request: Request, account: Account, bandwidth: Bandwidth
    ) -> AsyncGenerator[memoryview, None]:
        """A body's pieces, counted for the account and held to the bandwidths."""
        settings = self._world.settings
        async for piece in read_body(stream, request):
            size = len(piece)
            with self._world.lock:
                account.meter.received_bytes += size
            yield piece
            await self._shared_bandwidth.pass_through(size, settings.bandwidth)
            await bandwidth.pass_through(size, settings.connection_bandwidth)

    async def _pause(self) -> None:
        if self._world.settings.latency_seconds > 0:
            await asyncio.sleep(self._world.settings.latency_seconds)


async def _fail(fault: Fault, pieces: Pieces) -> Answer | None:
    """Fail a request as the fault says: after its body, or (a drop) in the middle of it."""
    arrived = 0
    if fault.hold_seconds:
        await asyncio.sleep(fault.hold_seconds)
    async for piece in pieces:
        arrived += len(piece)
        if fault.failure is Failure.DROP and arrived >= fault.drop_after_bytes:
            return None
    return None if fault.failure is Failure.DROP else failure_answer(fault.failure)


def _is_google(host: str) -> bool:
    names = [name.removeprefix("*") for name in HOST_NAMES]
    return any(host.endswith(name) if name.startswith(".") else host == name for name in names)
