"""The viewers of the stream: who is where, when to publish, whom to disconnect. Lives on the server's event loop.

A viewer is only a position in the ring, never a queue. `notify` is the one thing that other threads may call; it
crosses into the loop at most once at a time for each kind of change.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from cloudplow_dashboard.server.direct import chunk_of, direct_writer
from cloudplow_dashboard.server.limits import Limits
from cloudplow_dashboard.server.pacing import Pacer
from cloudplow_dashboard.state.patches import KEEP_ALIVE, PREAMBLE, encode_json, frame, position_of
from cloudplow_dashboard.state.state import DashboardState

log = logging.getLogger("cloudplow.dashboard")

#: How long viewers have to read their last bytes when the dashboard stops, in seconds.
LAST_BYTES_SECONDS: Final = 0.5

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Viewer:
    """One open stream.

    position: the version that it has; target: the version that it must get, whatever was announced.
    sending_since: loop time at which the current send began, 0 when there is none. waiting: it has everything.
    """

    __slots__ = (
        "beat",
        "closed",
        "direct",
        "next_beat",
        "position",
        "send",
        "sending_since",
        "target",
        "waiting",
        "wake",
    )

    def __init__(self, send: Send, next_beat: float) -> None:
        self.send = send
        self.direct = direct_writer(send)
        self.waiting = False
        self.position = 0
        self.target = 0
        self.sending_since = 0.0
        self.next_beat = next_beat
        self.beat = False
        self.closed = False
        self.wake = asyncio.Event()


class Hub:
    """Publishes what changed and sends it to every viewer."""

    def __init__(
        self, state: DashboardState, limits: Limits | None = None, every_second: Callable[[], None] | None = None
    ) -> None:
        self.state = state
        self._every_second = every_second
        self.limits = limits or Limits()
        self.viewers: set[Viewer] = set()
        self.stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._announced = state.version
        self._pending = {True: False, False: False}
        self._next_slow = 0.0
        self._pacer = Pacer()
        # The latest bytes that were announced, and the same as a chunk; viewers share both.
        self._framed: tuple[bytes, bytes] = b"", b""

    # --- publishing --------------------------------------------------------------------------------------------

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to listen to the state; called on the loop."""
        self._loop = loop
        self.state.listen(self.notify)

    def notify(self, urgent: bool) -> None:
        """Something changed; any thread, under the state's lock. urgent: a fact, not only statistics."""
        if self._pending[urgent] or self._loop is None:
            return
        self._pending[urgent] = True
        try:
            self._loop.call_soon_threadsafe(self._arm, urgent)
        except RuntimeError:  # the loop has just been closed
            self._pending[urgent] = False

    def _arm(self, urgent: bool) -> None:
        assert self._loop is not None
        now = self._loop.time()
        wait = self._pacer.delay(now) if urgent else self._next_slow - now
        self._loop.call_later(max(self.limits.coalesce, wait), self._fire, urgent)

    def _fire(self, urgent: bool) -> None:
        assert self._loop is not None
        self._pending[urgent] = False
        now = self._loop.time()
        # Without viewers nothing is published: the next one gets it all in one patch or snapshot.
        if not self.viewers:
            return
        slow = not urgent or now >= self._next_slow
        before = self.state.version
        if self.state.publish(slow=slow) > before:
            self._pacer.spend(now, self.state.ring.last_size)
        if slow:
            self._next_slow = now + self.state.refresh_interval
        self._announce()

    def _announce(self) -> None:
        version = self.state.version
        if version > self._announced:
            self._announced = version
            for viewer in self.viewers:
                if not (viewer.waiting and self._write_now(viewer)):
                    viewer.wake.set()

    def _write_now(self, viewer: Viewer) -> bool:
        """Send a waiting viewer what was announced, without waking its task; False when that cannot be done at once."""
        if viewer.position >= self._announced:
            # It has joined in between and has this already. An empty chunk would end its stream.
            return True
        if viewer.direct is None:
            return False
        missed = self.state.ring.since(viewer.position, self._announced)
        if missed is None or missed[1] < self._announced:
            return False
        data, reached = missed
        if not data:
            return False
        if data is not self._framed[0]:
            self._framed = data, chunk_of(data)
        if not viewer.direct.write(self._framed[1]):
            return False
        viewer.position = reached
        return True

    # --- viewers -----------------------------------------------------------------------------------------------

    async def watch(self, event_id: str, receive: Receive, send: Send, *, confirm: bool = False) -> None:
        """Serve one viewer until it leaves or the dashboard stops. event_id: its Last-Event-ID, "" for none.

        confirm: say at once which version it has, even if it missed nothing. The head of the response has been sent.
        """
        assert self._loop is not None
        viewer = Viewer(send, self._loop.time() + self.limits.keep_alive)
        self.viewers.add(viewer)
        watcher = asyncio.create_task(self._wait_for_end(receive, viewer))
        try:
            await self._send(viewer, self._greeting(viewer, event_id, confirm=confirm))
            while not viewer.closed:
                viewer.wake.clear()
                data = self._due(viewer)
                if data:
                    await self._send(viewer, data)
                elif self.stopping:
                    await self._send(viewer, b"", more=False)
                    break
                else:
                    viewer.waiting = True
                    await viewer.wake.wait()
                    viewer.waiting = False
        finally:
            self.viewers.discard(viewer)
            watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watcher

    async def _wait_for_end(self, receive: Receive, viewer: Viewer) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        viewer.closed = True
        viewer.wake.set()

    def _greeting(self, viewer: Viewer, event_id: str, *, confirm: bool) -> bytes:
        """What a viewer gets first: a snapshot, or only the patches that it missed. confirm: see `watch`."""
        state = self.state
        position = position_of(event_id, state.boot)
        latest = state.publish()
        if position is not None and state.ring.reaches(position, latest):
            viewer.position = position
            viewer.target = latest
            missed = state.ring.since(position, latest)
            data = b""
            if missed is not None:
                data, viewer.position = missed
            if confirm and not data:
                data = frame("patch", state.boot, latest, encode_json({"version": latest, "ts": state.clock()}))
            return PREAMBLE + data
        return PREAMBLE + self._snapshot(viewer)

    def _snapshot(self, viewer: Viewer) -> bytes:
        snapshot = self.state.snapshot()
        viewer.position = snapshot.version
        return frame("snapshot", self.state.boot, snapshot.version, snapshot.body)

    def _due(self, viewer: Viewer) -> bytes:
        """The next bytes for a viewer; b"" when it has everything that was announced."""
        beat = KEEP_ALIVE if viewer.beat else b""
        viewer.beat = False
        target = max(self._announced, viewer.target)
        if viewer.position >= target:
            return beat
        missed = self.state.ring.since(viewer.position, target)
        if missed is None:
            return beat + self._snapshot(viewer)
        data, viewer.position = missed
        return beat + data if beat else data

    async def _send(self, viewer: Viewer, data: bytes, more: bool = True) -> None:
        assert self._loop is not None
        viewer.sending_since = self._loop.time()
        await viewer.send({"type": "http.response.body", "body": data, "more_body": more})
        viewer.sending_since = 0.0

    # --- the sweep ---------------------------------------------------------------------------------------------

    async def sweep_forever(self) -> None:
        """Once a second: disconnect stuck readers, send comment lines, make accounts ready whose time has come."""
        while True:
            await asyncio.sleep(self.limits.sweep)
            self.sweep()

    def sweep(self) -> None:
        """One round of `sweep_forever`."""
        assert self._loop is not None
        now = self._loop.time()
        self.state.expire(self.state.clock())
        if self._every_second is not None:
            self._every_second()
        for viewer in list(self.viewers):
            if viewer.sending_since and now - viewer.sending_since > self.limits.stuck:
                abort(viewer.send)
            elif now >= viewer.next_beat:
                viewer.next_beat = now + self.limits.keep_alive
                viewer.beat = True
                viewer.wake.set()

    def close(self) -> None:
        """The dashboard stops: viewers get the last version, then a clean end. Called on the loop."""
        self.state.listen(None)
        self.state.publish()
        self.stopping = True
        self._announce()
        for viewer in self.viewers:
            viewer.wake.set()

    def abort_all(self) -> None:
        """Disconnect those that did not read their last bytes. Called on the loop."""
        for viewer in list(self.viewers):
            abort(viewer.send)


def abort(send: Send) -> bool:
    """Cut the connection behind an ASGI `send` callable; False when it cannot be found.

    Returning from the application does not free the socket of a reader that never reads, so the transport is aborted.
    It is reached through an attribute that uvicorn does not promise; a test watches over it.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if not isinstance(transport, asyncio.Transport):
        return False
    transport.abort()
    return True


async def leaves_at_once(send: Send) -> bool:
    """Whether a client has sent its request and gone: that is known two turns of the loop later, and costs no more."""
    for _ in range(2):
        await asyncio.sleep(0)
    return has_left(send)


def has_left(send: Send) -> bool:
    """Whether the client behind an ASGI `send` callable has gone, as far as that can be seen without waiting for it."""
    cycle = getattr(send, "__self__", None)
    transport = getattr(cycle, "transport", None)
    closing = isinstance(transport, asyncio.Transport) and transport.is_closing()
    return closing or getattr(cycle, "disconnected", False) is True
