"""What the thread of the control socket does: a selector over the listening socket and every caller."""

from __future__ import annotations

import contextlib
import logging
import math
import selectors
import socket
import time
from collections.abc import Mapping
from typing import Any, Final

from cloudplow.control import answers
from cloudplow.control.answers import Handler
from cloudplow.control.caller import Caller
from cloudplow.control.feed import Feed

log = logging.getLogger("cloudplow.control")

#: Further callers wait until one of these has left.
MAX_CONNECTIONS: Final = 16
#: How many of them may follow, so that there is always a place for somebody who asks.
MAX_FOLLOWERS: Final = 8
#: How long followers have to read the end, in seconds.
FAREWELL_SECONDS: Final = 1.0
#: How long to wait when no connection can be accepted, for example for lack of descriptors, in seconds.
_PAUSE_SECONDS: Final = 1.0
_DRAIN_BYTES: Final = 4096


class Loop:
    """Serves until it is told to stop. It owns the sockets. feed: what followers get; None: nobody may follow."""

    def __init__(self, listener: socket.socket, handlers: Mapping[str, Handler], feed: Feed | None) -> None:
        """Raises OSError."""
        self._listener = listener
        self._handlers = handlers
        self._feed = feed
        self._callers: set[Caller] = set()
        self._accepts = False
        self._accepts_again_at = 0.0
        self._stopping = False
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self._woken.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._woken, selectors.EVENT_READ)

    def stop(self) -> None:
        """Have `run` return, from any thread."""
        self._stopping = True
        self._wake_up()

    def _wake_up(self) -> None:
        # Full: it has been woken already. Closed: it has ended already, through a fault.
        with contextlib.suppress(OSError):
            self._wake.send(b"\0")

    def run(self) -> None:
        """Serve until stopped."""
        try:
            while not self._stopping:
                self._serve_those_who_are_ready()
            self._say_farewell()
        finally:
            for caller in list(self._callers):
                self._drop(caller)
            self._selector.close()
            for one in (self._listener, self._wake, self._woken):
                one.close()

    def _serve_those_who_are_ready(self) -> None:
        self._choose_whether_to_accept()
        for key, _ in self._selector.select(self._seconds_to_wait()):
            if key.fileobj is self._woken:
                self._on_woken()
                if self._stopping:
                    return
            elif isinstance(key.data, Caller):
                # Serving another one may have ended him.
                if key.data in self._callers:
                    self._serve(key.data)
            else:
                self._accept()
        self._drop_late_callers()

    def _on_woken(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._woken.recv(_DRAIN_BYTES)
        for caller in self._followers():
            self._serve(caller, reads=False)

    def _followers(self) -> list[Caller]:
        return [one for one in self._callers if one.subscription is not None]

    def _follow(self, caller: Caller, request: Mapping[str, Any]) -> Mapping[str, Any]:
        assert self._feed is not None
        if len(self._followers()) >= MAX_FOLLOWERS:
            raise ValueError(f"{MAX_FOLLOWERS} others follow already, and no more can; try again when one has left")
        told = self._handlers["follow"](request)
        caller.follow(self._feed.join(self._wake_up))
        return told

    def _answer(self, caller: Caller, line: bytes) -> bytes:
        if self._feed is None:
            return answers.answer(self._handlers, line)
        return answers.answer({**self._handlers, "follow": lambda request: self._follow(caller, request)}, line)

    def _choose_whether_to_accept(self) -> None:
        accepts = len(self._callers) < MAX_CONNECTIONS and time.monotonic() >= self._accepts_again_at
        if accepts and not self._accepts:
            self._selector.register(self._listener, selectors.EVENT_READ)
        elif self._accepts and not accepts:
            self._selector.unregister(self._listener)
        self._accepts = accepts

    def _seconds_to_wait(self) -> float | None:
        """Until the next deadline; None when there is none."""
        moments = [caller.deadline for caller in self._callers if caller.deadline < math.inf]
        if not self._accepts and len(self._callers) < MAX_CONNECTIONS:
            moments.append(self._accepts_again_at)
        return max(0.0, min(moments) - time.monotonic()) if moments else None

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except BlockingIOError:
            return
        except OSError as error:
            log.warning("the control socket cannot accept a connection: %s", error.strerror)
            self._accepts_again_at = time.monotonic() + _PAUSE_SECONDS
            return
        connection.setblocking(False)
        caller = Caller(connection)
        self._callers.add(caller)
        self._selector.register(connection, selectors.EVENT_READ, caller)

    def _serve(self, caller: Caller, *, reads: bool = True) -> None:
        try:
            if caller.subscription is not None:
                if reads and not caller.finished:
                    with contextlib.suppress(BlockingIOError):
                        caller.read(lambda _line: b"")
                caller.pump(caller.subscription)
            elif caller.to_send:
                caller.work(lambda line: self._answer(caller, line))
            else:
                caller.read(lambda line: self._answer(caller, line))
        except BlockingIOError:
            return
        except OSError:
            self._drop(caller)  # He has left.
            return
        if caller.is_done():
            self._drop(caller)
        else:
            self._watch(caller)

    def _watch(self, caller: Caller) -> None:
        """Wake up for what he can do next."""
        events = selectors.EVENT_WRITE if caller.to_send else selectors.EVENT_READ
        if caller.subscription is not None and caller.to_send and not caller.finished:
            events |= selectors.EVENT_READ
        known = caller.connection in self._selector.get_map()
        if caller.finished and not caller.to_send:
            # He says nothing more but still listens; whether he has left shows when there is something to send.
            if known:
                self._selector.unregister(caller.connection)
        elif known:
            self._selector.modify(caller.connection, events, caller)
        else:
            self._selector.register(caller.connection, events, caller)

    def _say_farewell(self) -> None:
        """Send followers what still waits for them, as far as they read it soon."""
        deadline = time.monotonic() + FAREWELL_SECONDS
        for caller in [one for one in self._callers if one.subscription is None]:
            self._drop(caller)
        if self._accepts:
            self._selector.unregister(self._listener)
        self._selector.unregister(self._woken)
        for caller in self._followers():
            self._serve(caller, reads=False)
        while (late := [one for one in self._callers if one.to_send]) and (left := deadline - time.monotonic()) > 0:
            for caller in self._callers - set(late):
                self._drop(caller)
            for key, _ in self._selector.select(left):
                if isinstance(key.data, Caller):
                    self._serve(key.data)

    def _drop_late_callers(self) -> None:
        now = time.monotonic()
        for caller in [one for one in self._callers if one.deadline <= now]:
            with contextlib.suppress(OSError):
                caller.complain()
            self._drop(caller)

    def _drop(self, caller: Caller) -> None:
        self._callers.discard(caller)
        if caller.subscription is not None and self._feed is not None:
            self._feed.leave(caller.subscription)
        if caller.connection in self._selector.get_map():
            self._selector.unregister(caller.connection)
        caller.connection.close()
