"""`ControlSocket`: listens on the control socket, and answers on a thread of its own.

One thread serves all callers, so requests are done one after the other. Whoever may open the file may steer; nothing
listens on a network. What a caller can take of us is bounded: connections, bytes, and time.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final

from cloudplow.control import answers
from cloudplow.control.answers import Handler
from cloudplow.control.listener import Listener, close_file, listen
from cloudplow.errors import StateError

log = logging.getLogger("cloudplow.control")

#: Further callers wait until one of these has left.
MAX_CONNECTIONS: Final = 16
#: How long a caller may take for his next request, and to read the answer, in seconds.
IDLE_SECONDS: Final = 10.0
#: How long `stop` waits for a request that is being done, in seconds.
STOP_SECONDS: Final = 5.0
#: How long to wait when no connection can be accepted, for example for lack of descriptors, in seconds.
_PAUSE_SECONDS: Final = 1.0
_CHUNK_BYTES: Final = 64 << 10


class ControlSocket:
    """Listens for one state folder from `start` to `stop`; the caller holds the state lock meanwhile.

    handlers: what can be asked for, by the "do" of the request. They are called on the control thread.
    """

    def __init__(self, state_dir: Path, handlers: Mapping[str, Handler]) -> None:
        self._state_dir = state_dir.absolute()
        self._handlers = dict(handlers)
        self._listener: Listener | None = None
        self._loop: _Loop | None = None
        self._thread: threading.Thread | None = None

    @property
    def path(self) -> Path | None:
        """Where it listens; None while it does not."""
        return None if self._listener is None else self._listener.path

    def start(self) -> None:
        """Listen. Raises BusyError when another process does already, StateError when the socket cannot be made."""
        listener = self._listener = listen(self._state_dir)
        try:
            self._loop = _Loop(listener.socket, self._handlers)
            # No daemon: a request that is being done, such as a correction of the ledger, is done to its end.
            self._thread = threading.Thread(target=self._loop.run, name="cloudplow-control")
            self._thread.start()
        except (OSError, RuntimeError) as error:
            close_file(listener, self._state_dir)
            listener.socket.close()
            self._listener = self._loop = self._thread = None
            raise StateError(f"the control socket cannot be served: {error}") from error

    def stop(self) -> None:
        """Take the socket away and end the thread. A request that is being done is still answered."""
        if self._listener is None or self._loop is None or self._thread is None:
            return
        close_file(self._listener, self._state_dir)
        self._listener = None
        self._loop.stop()
        self._thread.join(STOP_SECONDS)
        if self._thread.is_alive():
            log.error(
                "a request on the control socket has not ended within %.0f s; the exit waits for it", STOP_SECONDS
            )

    def __enter__(self) -> ControlSocket:
        self.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.stop()


class _Caller:
    """One connection: what has arrived and is not answered yet, and what is still to be sent."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.received = bytearray()
        self.to_send = bytearray()
        self.deadline = time.monotonic() + IDLE_SECONDS
        #: He has said all that he wants to say.
        self.finished = False
        #: He gets no more answers. What he still sends is thrown away, so that he can read why.
        self.refused = False

    def is_done(self) -> bool:
        return self.finished and not self.to_send

    def read(self, answer: Callable[[bytes], bytes]) -> None:
        """Take what has arrived, and answer whole lines. Raises OSError."""
        data = self.connection.recv(_CHUNK_BYTES if self.refused else answers.MAX_LINE_BYTES + 1 - len(self.received))
        self.finished = not data
        if not self.refused:
            self.received += data
            self.work(answer)

    def work(self, answer: Callable[[bytes], bytes]) -> None:
        """Answer the lines that are there, until he has to read first. Raises OSError."""
        self.send()
        while not self.to_send and not self.refused:
            line, end, rest = self.received.partition(b"\n")
            if not end and len(line) > answers.MAX_LINE_BYTES:
                self.refuse(answers.TOO_LONG)
            elif end or (self.finished and line):
                self.received = rest
                self.to_send += answer(bytes(line))
                self.deadline = time.monotonic() + IDLE_SECONDS
                self.send()
            else:
                return

    def refuse(self, why: str) -> None:
        """Say why he gets no more answers. Raises OSError."""
        self.refused = True
        self.received.clear()
        self.to_send += answers.refusal(why)
        self.send()

    def send(self) -> None:
        """Send what fits. Raises OSError."""
        while self.to_send:
            try:
                sent = self.connection.send(self.to_send)
            except BlockingIOError:
                return
            del self.to_send[:sent]
        if self.refused and not self.finished:
            self.connection.shutdown(socket.SHUT_WR)


class _Loop:
    """What the thread does until it is told to stop. It owns the sockets."""

    def __init__(self, listener: socket.socket, handlers: Mapping[str, Handler]) -> None:
        """Raises OSError."""
        self._listener = listener
        self._handlers = handlers
        self._callers: set[_Caller] = set()
        self._accepts = False
        self._accepts_again_at = 0.0
        self._wake, self._woken = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._woken, selectors.EVENT_READ)

    def stop(self) -> None:
        """Have `run` return, from any thread. Once only: it closes what is written to here."""
        with contextlib.suppress(OSError):  # It has ended already, through a fault.
            self._wake.send(b"\0")

    def run(self) -> None:
        """Serve until stopped."""
        try:
            while True:
                self._choose_whether_to_accept()
                ready = self._selector.select(self._seconds_to_wait())
                if any(key.fileobj is self._woken for key, _ in ready):
                    return
                for key, _ in ready:
                    if isinstance(key.data, _Caller):
                        self._serve(key.data)
                    else:
                        self._accept()
                self._drop_late_callers()
        finally:
            for caller in list(self._callers):
                self._drop(caller)
            self._selector.close()
            for one in (self._listener, self._wake, self._woken):
                one.close()

    def _answer(self, line: bytes) -> bytes:
        return answers.answer(self._handlers, line)

    def _choose_whether_to_accept(self) -> None:
        accepts = len(self._callers) < MAX_CONNECTIONS and time.monotonic() >= self._accepts_again_at
        if accepts and not self._accepts:
            self._selector.register(self._listener, selectors.EVENT_READ)
        elif self._accepts and not accepts:
            self._selector.unregister(self._listener)
        self._accepts = accepts

    def _seconds_to_wait(self) -> float | None:
        """Until the next deadline; None when there is none."""
        moments = [caller.deadline for caller in self._callers]
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
        caller = _Caller(connection)
        self._callers.add(caller)
        self._selector.register(connection, selectors.EVENT_READ, caller)

    def _serve(self, caller: _Caller) -> None:
        try:
            if caller.to_send:
                caller.work(self._answer)
            else:
                caller.read(self._answer)
        except BlockingIOError:
            return
        except OSError:
            self._drop(caller)  # He has left.
            return
        if caller.is_done():
            self._drop(caller)
        else:
            events = selectors.EVENT_WRITE if caller.to_send else selectors.EVENT_READ
            self._selector.modify(caller.connection, events, caller)

    def _drop_late_callers(self) -> None:
        now = time.monotonic()
        for caller in [one for one in self._callers if one.deadline <= now]:
            if caller.received and not caller.refused and not caller.to_send:
                with contextlib.suppress(OSError):
                    caller.refuse(f"no whole line arrived within {IDLE_SECONDS:.0f} seconds")
            self._drop(caller)

    def _drop(self, caller: _Caller) -> None:
        self._callers.discard(caller)
        self._selector.unregister(caller.connection)
        caller.connection.close()
