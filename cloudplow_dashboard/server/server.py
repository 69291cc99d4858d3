"""uvicorn in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from cloudplow_dashboard.server.hub import LAST_BYTES_SECONDS, Hub
from cloudplow_dashboard.server.limits import Limits
from cloudplow_dashboard.server.listener import url_of
from cloudplow_dashboard.server.loop_faults import LoopFaults
from cloudplow_dashboard.server.reach import Reach
from cloudplow_dashboard.state.history import History
from cloudplow_dashboard.state.state import DashboardState

if TYPE_CHECKING:
    from cloudplow_dashboard.server.application import Built, QuietServer
    from cloudplow_dashboard.server.pool import Pool

log = logging.getLogger("cloudplow.dashboard")

THREAD_NAME: Final = "cloudplow-dashboard"
#: How long `stop` waits, in seconds.
STOP_SECONDS: Final = 3.0
_POOL_SECONDS: Final = 1.0


class DashboardServer:
    """Serves a state on a listening socket, which it owns from now on.

    reach: by which names it may be called; every_second: called on the server's loop, must return at once.
    """

    def __init__(
        self,
        state: DashboardState,
        listener: socket.socket,
        limits: Limits | None = None,
        *,
        history: History | None = None,
        reach: Reach | None = None,
        every_second: Callable[[], None] | None = None,
    ) -> None:
        self.address = url_of(listener)
        self.hub = Hub(state, limits, every_second)
        #: What serves, once the thread has made it.
        self.built: Built | None = None
        self._state = state
        self._history = history
        self._reach = reach or Reach()
        self._listener = listener
        self._thread = threading.Thread(target=self._run, name=THREAD_NAME, daemon=True)
        self._lock = threading.Lock()
        self._stop_asked = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None

    def start(self) -> None:
        """Begin to serve; returns at once. Connections made before the thread is ready wait in the backlog."""
        self._thread.start()

    def stop(self, timeout_seconds: float = STOP_SECONDS) -> bool:
        """End all streams cleanly and the thread with them; False when it did not end in time."""
        with self._lock:
            self._stop_asked = True
            if self._loop is not None and self._end is not None:
                with contextlib.suppress(RuntimeError):  # the loop has already ended
                    self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(timeout_seconds)
        if self._thread.is_alive():
            log.warning(
                "The dashboard did not stop within %.0f s; the program ends without waiting for it", timeout_seconds
            )
            return False
        return True

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception:  # the upload continues without a dashboard
            log.exception("The dashboard failed and is off; the upload continues without it")
        finally:
            self._state.listen(None)
            self._listener.close()

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(LoopFaults(time.monotonic, lambda: self._listener.fileno() >= 0))
        built = self.built = self._build()
        server = built.server
        end = asyncio.Event()
        with self._lock:
            self._loop, self._end = loop, end
            if self._stop_asked:
                end.set()
        self.hub.open(loop)
        tasks = [
            asyncio.create_task(one)
            for one in (self.hub.sweep_forever(), built.connections.sweep_forever(), self._stop(end, server))
        ]
        try:
            await server.serve(sockets=[self._listener])
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await _shut_pool(built.pool)

    def _build(self) -> Built:
        # Flask and uvicorn take 200 ms (measured with a started core): the start of an upload must not wait for them.
        from cloudplow_dashboard.server.application import build

        return build(self.hub, self._state, self._history, self._reach)

    async def _stop(self, end: asyncio.Event, server: QuietServer) -> None:
        await end.wait()
        self.hub.close()
        server.should_exit = True
        server.leave.set()
        await asyncio.sleep(LAST_BYTES_SECONDS)
        self.hub.abort_all()


async def _shut_pool(pool: Pool) -> None:
    """End the threads of Flask while the loop still runs, because a thread in the middle of an answer needs it."""
    shutter = threading.Thread(target=pool.executor.shutdown, name=f"{THREAD_NAME}-shutter", daemon=True)
    shutter.start()
    deadline = asyncio.get_running_loop().time() + _POOL_SECONDS
    while shutter.is_alive() and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.01)
