"""Flask behind a few threads. What waits, what is worked on and what is being read is bounded.

Flask makes the whole answer on a thread; the loop sends it. So a client that reads slowly holds no thread, and a
request whose client has gone before a thread was free costs nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from cloudplow_dashboard.server.asked import Refusal
from cloudplow_dashboard.server.connections import Clients
from cloudplow_dashboard.server.hub import Receive, Send, abort, has_left, leaves_at_once
from cloudplow_dashboard.server.limits import SLICE_BYTES, WORKERS, Limits
from cloudplow_dashboard.server.refusing import busy
from cloudplow_dashboard.web.route import Access

log = logging.getLogger("cloudplow.dashboard")

THREADS_NAME: Final = "cloudplow-web"

Scope = dict[str, Any]
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_BUSY: Final = busy("Too many requests at the moment")
_DOWNLOADS: Final = busy("Too many downloads at the moment; they are made a few at a time")
_UNREAD: Final = busy("Too many answers are being read at the moment")
_FAULT: Final = Refusal(500, "internal_error", "The dashboard could not answer this request; its log says why")


@dataclass(frozen=True, slots=True)
class Answer:
    """What Flask says."""

    status: int
    headers: list[tuple[bytes, bytes]]
    pieces: list[bytes]

    @property
    def size(self) -> int:
        """Of its body, in bytes."""
        return sum(map(len, self.pieces))

    def slices(self) -> Iterator[bytes]:
        """The body in parts that a connection can take; at least one."""
        for piece in self.pieces or [b""]:
            for begin in range(0, max(1, len(piece)), SLICE_BYTES):
                yield piece[begin : begin + SLICE_BYTES]


class Pool:
    """Answers requests that the guard has let in. exempt: clients whose share of unsent answers is not counted."""

    def __init__(self, application: Application, limits: Limits, exempt: Callable[[str], bool]) -> None:
        self.executor = ThreadPoolExecutor(WORKERS, thread_name_prefix=THREADS_NAME)
        self._free = asyncio.Semaphore(WORKERS)
        self._application = application
        self._limits = limits
        self._unsent_of = Clients(limits.client_unsent_bytes, exempt)
        #: How many requests wait or are worked on, exports until they are sent, bytes that are being read.
        self.queued = 0
        self.downloads = 0
        self.unsent_bytes = 0

    async def answer(self, scope: Scope, access: Access, receive: Receive, send: Send) -> Refusal | None:
        """Answer a request; if there is no room for it, why it is to be turned away."""
        if await leaves_at_once(send):
            return None
        if self.queued >= self._limits.queue:
            return _BUSY
        if access.is_download and self.downloads >= self._limits.downloads:
            return _DOWNLOADS
        self.downloads += access.is_download
        try:
            made = await self._make(scope, receive)
            if not isinstance(made, Answer):
                return made
            return await self._deliver(made, scope, send)
        finally:
            self.downloads -= access.is_download

    async def _make(self, scope: Scope, receive: Receive) -> Answer | Refusal | None:
        """None when the client has gone meanwhile: what no thread has begun with is then never done.

        The loop hands out the work, and not a queue that threads take from: so it always gets to see who has gone.
        """
        loop = asyncio.get_running_loop()
        self.queued += 1
        gone = loop.create_task(_until_gone(receive))
        made = loop.create_task(self._work(scope, gone))
        try:
            both: set[asyncio.Future[Any]] = {made, gone}
            await asyncio.wait(both, timeout=self._limits.answer, return_when=asyncio.FIRST_COMPLETED)
            if made.done():
                return made.result()
            return None if gone.done() else _BUSY
        except Exception:
            log.exception("The dashboard could not answer %s", scope["path"])
            return _FAULT
        finally:
            self.queued -= 1
            made.cancel()
            gone.cancel()

    async def _work(self, scope: Scope, gone: asyncio.Task[None]) -> Answer | None:
        async with self._free:
            if gone.done():
                return None
            work = self.executor.submit(run, self._application, environ_of(scope))
            return await _finished(work)

    async def _deliver(self, answer: Answer, scope: Scope, send: Send) -> Refusal | None:
        client = scope["client"][0] if scope.get("client") else ""
        size = answer.size
        if self.unsent_bytes + size > self._limits.unsent_bytes or not self._unsent_of.enter(client, size):
            return _UNREAD
        self.unsent_bytes += size
        try:
            await self._send(answer, scope["method"], send)
        except TimeoutError:
            abort(send)
        finally:
            self.unsent_bytes -= size
            self._unsent_of.leave(client, size)
        return None

    async def _send(self, answer: Answer, method: str, send: Send) -> None:
        """Raises TimeoutError when the client takes nothing for a while, or too long in all."""
        headers = answer.headers
        if method != "HEAD" and answer.status == 200 and not any(name == b"content-length" for name, _ in headers):
            headers = [*headers, (b"content-length", b"%d" % answer.size)]
        loop = asyncio.get_running_loop()
        end = loop.time() + self._limits.answer
        async with asyncio.timeout(min(self._limits.answer, self._limits.stuck)) as deadline:
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            for part in answer.slices():
                # asyncio has a line in the log for everything that is written to nobody.
                if has_left(send):
                    return
                deadline.reschedule(min(end, loop.time() + self._limits.stuck))
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _finished(work: Future[Answer]) -> Answer:
    """The result of a thread. Whoever waits for it may leave, but the thread is taken until it has finished."""
    waiting = asyncio.wrap_future(work)
    try:
        return await asyncio.shield(waiting)
    except asyncio.CancelledError:
        with contextlib.suppress(Exception):
            await waiting
        raise


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def environ_of(scope: Scope) -> dict[str, Any]:
    """A request as WSGI wants it; it has no body. Source: https://peps.python.org/pep-3333/#environ-variables"""
    server, client = scope.get("server") or ("localhost", 80), scope.get("client") or ("", 0)
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or 0),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").upper().replace("-", "_"), raw_value.decode("latin-1")
        key = name if name in ("CONTENT_LENGTH", "CONTENT_TYPE") else f"HTTP_{name}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ


def run(application: Application, environ: dict[str, Any]) -> Answer:
    """What a WSGI application answers, whole."""
    started: list[Any] = ["500 Internal Server Error", []]

    def start_response(status: str, headers: list[tuple[str, str]], _fault: Any = None) -> None:
        started[:] = status, headers

    body = application(environ, start_response)
    with contextlib.ExitStack() as stack:
        if hasattr(body, "close"):
            stack.callback(body.close)
        pieces = [piece for piece in body if piece]
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in started[1]]
    return Answer(int(started[0][:3]), headers, pieces)
