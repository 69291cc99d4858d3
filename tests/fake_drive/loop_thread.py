"""A thread with its own event loop that serves listening sockets until it is stopped."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final

from .stream import Stream

Serve = Callable[[Stream], Coroutine[Any, Any, None]]

_PATIENCE_SECONDS: Final = 10.0
# Small, so that "sent" and "received" stay close: bandwidth limits and kills in the middle of a file mean something.
_RECEIVE_BUFFER_BYTES: Final = 256 * 1024


def listen(port: int = 0) -> socket.socket:
    """A listening socket on loopback; port 0 is any free one."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
    listener.bind(("127.0.0.1", port))
    listener.listen(256)
    return listener


class LoopThread:
    """Serves each listener with its own function, one task for each connection."""

    def __init__(self, served: list[tuple[socket.socket, Serve]], report: Callable[[str], None]) -> None:
        self._served = served
        self._report = report
        self._streams: dict[asyncio.Task[None], Stream] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fake-drive", daemon=True)

    def start(self) -> None:
        """Return once it accepts connections."""
        self._thread.start()
        if not self._ready.wait(_PATIENCE_SECONDS):
            raise RuntimeError("the fake Drive did not start")

    def connections(self) -> int:
        """How many are open."""
        return len(self._streams)

    def cut(self) -> None:
        """Cut every connection there is."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._abort_all)

    def _abort_all(self) -> None:
        for stream in self._streams.values():
            stream.abort()

    def stop(self) -> None:
        """Cut all connections, end the thread; close the listeners also when it was never started."""
        if self._thread.ident is None:
            for listener, _ in self._served:
                listener.close()
            return
        loop, stopping = self._loop, self._stopping
        if loop is not None and stopping is not None and self._thread.is_alive():
            loop.call_soon_threadsafe(stopping.set)
        self._thread.join(_PATIENCE_SECONDS)
        if self._thread.is_alive():
            raise RuntimeError("the fake Drive did not stop")

    def _run(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._on_exception)
        self._stopping = asyncio.Event()
        servers = [await self._serve(listener, serve) for listener, serve in self._served]
        self._ready.set()
        await self._stopping.wait()
        for server in servers:
            server.close()
        self._abort_all()
        tasks = list(self._streams)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # lets aborted transports close their sockets

    async def _serve(self, listener: socket.socket, serve: Serve) -> asyncio.Server:
        loop = asyncio.get_running_loop()

        def accept(stream: Stream) -> None:
            task = loop.create_task(serve(stream))
            self._streams[task] = stream
            task.add_done_callback(self._streams.pop)

        return await loop.create_server(lambda: Stream(accept), sock=listener)

    def _on_exception(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What asyncio would only log; broken connections are no news."""
        if not isinstance(context.get("exception"), OSError):
            self._report(f"{context.get('message')}: {context.get('exception')!r}")
